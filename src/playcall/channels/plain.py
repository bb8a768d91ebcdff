"""Text from alerts for media that have one line and no markup: a short message, a spoken sentence,
a notification. Nothing in it moves a cursor, hides, or turns the direction of reading around."""

import unicodedata


def one_line(text: str, longest: int) -> str:
    """No control or format characters, and no more than `longest` characters."""
    start = text[: 4 * longest]  # of a label of a megabyte, no more is looked at
    kept = "".join(_plain(character) for character in start)
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 3].rstrip() + "..."


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cf", "Cs", "Co", "Cn"):  # directions, joiners, halves, nothing at all
        return ""
    return " " if category in ("Cc", "Zl", "Zp", "Zs") else character
