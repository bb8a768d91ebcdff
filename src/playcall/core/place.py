"""Where something stands in a document, and what is wrong there.

A Problem is the author's, and a value: it is collected and shown, never raised.
"""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a problem matters: an error makes `playcall check` fail."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Place:
    """A position in a document; lines and columns count from 1, columns in characters."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong at a place, and how to mend it."""

    code: str  # "PC101": the family's hundred, then a number; docs/problems.md has a paragraph each
    level: Level
    place: Place
    what: str
    mend: str
    about: str = ""  # the file that is named, where the problem is that it may not be there

    def __str__(self) -> str:
        return f"{self.place}: {self.level} {self.code} {self.what} {self.mend}"
