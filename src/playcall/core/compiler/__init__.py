"""Markdown in, a Plan and Problems out. Pure; knows the shapes of documents, not one's words."""
