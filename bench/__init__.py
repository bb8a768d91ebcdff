"""Speed, measured beside a peer in the same run. Prints one JSON object a line; asserts nothing."""
