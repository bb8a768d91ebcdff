"""A post-mortem outside of its page: its Markdown read once, and set as HTML or as PDF."""
