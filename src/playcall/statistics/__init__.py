"""What a measured series says: where it is going, and whether it is as usual. Pure."""
