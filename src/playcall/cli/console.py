"""What the commands that read documents share: files to bytes, colours, plain words."""

import os
import sys
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from playcall.core.compiler.text import MAX_BYTES

_COLOURS = {"red": "31", "yellow": "33", "blue": "34", "green": "32", "dim": "2", "bold": "1"}
_WIDTH = 110


class Unreadable(Exception):
    """A document that was asked for cannot be read; the message says which, why and what to do."""


def find_documents(names: Iterable[str]) -> list[Path]:
    """The files named, and every .md file below the directories named. Raises Unreadable."""
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if not path.is_dir():
            found.append(path)
            continue
        below = sorted(p for p in path.rglob("*.md") if p.is_file() and not _hidden(p, path))
        if not below:
            raise Unreadable(f"{name}: no .md file is in this directory. Name a playbook.")
        found += below
    return found


def read_bytes(path: Path) -> bytes:
    """At most one byte more than the compiler accepts. Raises Unreadable."""
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unreadable(f"{path}: {why}. Name a playbook that can be read.") from error


def paint(text: str, colour: str) -> str:
    """Coloured on a terminal, plain elsewhere and where NO_COLOR is set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{_COLOURS[colour]}m{text}\033[0m"


def harmless(text: str) -> str:
    """With control characters shown as dots, so that a document cannot steer the terminal."""
    return "".join(
        " " if c == "\t" else "·" if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c
        for c in text
    )


def harmless_lines(text: str) -> list[str]:
    """The same, line by line."""
    return [harmless(line) for line in text.splitlines()]


def caret(line: str, column: int) -> tuple[str, str]:
    """A source line, cut to the window around a column, and the line with the caret below it."""
    start = max(0, column - 1 - _WIDTH // 2) if len(line) > _WIDTH else 0
    text = harmless(line[start : start + _WIDTH])
    before = text[: column - 1 - start]
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in before)
    return text, " " * (len(before) + wide) + "^"


def say(span: timedelta | None, nothing: str = "-") -> str:
    """A duration in the words of a document: '5 min', '1 h 30 min', 'at once'."""
    if span is None:
        return nothing
    seconds = int(span.total_seconds())
    if seconds == 0:
        return "at once"
    parts = []
    for size, unit in ((604800, "week"), (86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)


def _hidden(path: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(below).parts)
