"""Makes decisions happen: commits what `decide` answers, then carries it out through ports."""
