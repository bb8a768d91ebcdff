"""Issue trackers in which action items may be kept: one module for each."""
