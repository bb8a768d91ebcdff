"""A served site in which everything has happened once, at times that are always the same: for
pictures of every page, and for proofs that are about every page."""
