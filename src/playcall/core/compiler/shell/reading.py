"""What reading a shell command gives back: pieces, effect, faults, bound text. No logic."""

from dataclasses import dataclass

from playcall.core.place import Level
from playcall.core.plan import EffectClass, Placeholder, Translation


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One command of a block; lines count from 1 within the block."""

    title: str | None  # the comment above it
    text: str  # without prompt and title
    line: int
    last_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong in a command; lines and columns count from 1 within its text."""

    code: str  # PC201 ...
    level: Level
    what: str
    mend: str
    line: int
    column: int
    about: str = ""  # the file that is named


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a command may do, why, and what it lacks."""

    effect: EffectClass
    reasons: tuple[str, ...]
    placeholders: tuple[Placeholder, ...]
    runs_as: Translation | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A command with values in its placeholders' places."""

    text: str
    missing: tuple[str, ...]  # names nobody gave a value for, in the order of the text


class Unbindable(ValueError):
    """A value that must not enter the command; the message says which, and why."""


class LeadsAway(Unbindable):
    """A value that would lead out of the directory that is written before it."""
