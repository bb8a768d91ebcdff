"""How the commands say an entry of a timeline."""

from typing import Any

from playcall.cli.console import harmless


def say_entry(entry: dict[str, Any]) -> str:
    """With who did it, where the words do not say so."""
    by = entry["by"]
    who = f" ({by})" if by and by not in entry["text"] else ""
    return harmless(f"{entry['text']}{who}")
