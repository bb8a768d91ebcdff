"""A play run from a terminal: an engine in this process, and the person in front of it."""
