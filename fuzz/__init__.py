"""Coverage-guided fuzzing: `python -m fuzz compile` or `python -m fuzz shell`."""
