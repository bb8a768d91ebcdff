"""The range: local processes that a playbook is drilled on, with real monitoring and a pocket
cluster that real kubectl talks to. For drills and tests only. Imports neither playcall nor dwcp."""
