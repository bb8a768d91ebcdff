"""Three-way merge of texts, line by line: what a person wrote, and what was generated anew.

Nothing that was written is lost: where both sides changed the same lines, both stand there, marked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

WRITTEN = "> **CONFLICT: this was written by a person**"
GENERATED = "> **CONFLICT: and this is what the record says now**"
END = "> **END OF THE CONFLICT: keep what is right, and remove these three marks**"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    text: str
    conflicts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Where both sides stand in a text; `mine` is what the first mark has below it."""

    number: int  # from 1
    mine: str
    theirs: str


class Choice(StrEnum):
    MINE = "mine"
    THEIRS = "theirs"
    BOTH = "both"


def merge(base: str, written: str, generated: str) -> Merged:
    """`base` is what both sides began from."""
    if base == generated or written == generated:
        return Merged(text=written, conflicts=0)
    if base == written:
        return Merged(text=generated, conflicts=0)
    a, b, c = (text.split("\n") for text in (base, written, generated))
    lines: list[str] = []
    conflicts = 0
    at = (0, 0, 0)
    for common in (*_common(a, b, c), (len(a), len(b), len(c), 0)):
        *start, length = common
        old, mine, theirs = (
            side[begin:end] for side, begin, end in zip((a, b, c), at, start, strict=True)
        )
        if mine in (theirs, old):
            lines += theirs
        elif theirs == old:
            lines += mine
        else:
            lines += _conflict(mine, theirs)
            conflicts += 1
        lines += a[start[0] : start[0] + length]
        at = (start[0] + length, start[1] + length, start[2] + length)
    return Merged(text="\n".join(lines), conflicts=conflicts)


def open_conflicts(text: str) -> int:
    """How many marks of ours are still in it."""
    return text.split("\n").count(WRITTEN)


def conflicts(text: str) -> list[Conflict]:
    """Those whose three marks still stand as they were put."""
    found = [piece for piece in _pieces(text) if isinstance(piece, tuple)]
    return [
        Conflict(number=number, mine="\n".join(mine), theirs="\n".join(theirs))
        for number, (mine, theirs) in enumerate(found, 1)
    ]


def decided(text: str, choices: Mapping[int, Choice]) -> str:
    """A conflict that nobody chose for stays."""
    lines: list[str] = []
    number = 0
    for piece in _pieces(text):
        if isinstance(piece, str):
            lines.append(piece)
            continue
        number += 1
        lines += _chosen(*piece, choices.get(number))
    return "\n".join(lines)


def _chosen(mine: Sequence[str], theirs: Sequence[str], choice: Choice | None) -> Sequence[str]:
    match choice:
        case Choice.MINE:
            return mine
        case Choice.THEIRS:
            return theirs
        case Choice.BOTH:
            return [*mine, *theirs]
        case None:
            return _conflict(mine, theirs)


def _pieces(text: str) -> Iterator[str | tuple[list[str], list[str]]]:
    """Lines, and both sides of each conflict, without the empty lines that came with its marks."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        marks = _marks(lines, at)
        if marks is None:
            yield lines[at]
            at += 1
            continue
        first, middle, last = marks
        yield lines[first + 2 : middle - 1], lines[middle + 2 : last - 1]
        at = last + 2


def _marks(lines: Sequence[str], at: int) -> tuple[int, int, int] | None:
    """Of a conflict that begins with the empty line at `at`: where its three marks are."""
    if at + 1 >= len(lines) or lines[at] or lines[at + 1] != WRITTEN:
        return None
    try:
        middle = lines.index(GENERATED, at + 2)
        last = lines.index(END, middle + 2)
    except ValueError:
        return None
    around = (at + 2, middle - 1, middle + 1, last - 1)
    apart = middle > at + 3 and last > middle + 2  # each mark has empty lines of its own
    whole = last + 1 < len(lines) and not any(lines[n] for n in (*around, last + 1))
    nested = WRITTEN in lines[at + 2 : last]
    return (at + 1, middle, last) if apart and whole and not nested else None


def _conflict(mine: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """A mark has a paragraph of its own, or Markdown takes what follows it for a part of it."""
    return ["", WRITTEN, "", *mine, "", GENERATED, "", *theirs, "", END, ""]


def _common(
    a: Sequence[str], b: Sequence[str], c: Sequence[str]
) -> Iterator[tuple[int, int, int, int]]:
    """Runs of lines that are in all three: where in each, and how long."""
    ours, others = _matches(a, b), _matches(a, c)
    i = j = 0
    while i < len(ours) and j < len(others):
        mine, theirs = ours[i], others[j]
        start = max(mine.a, theirs.a)
        end = min(mine.a + mine.size, theirs.a + theirs.size)
        if start < end:
            yield start, mine.b + start - mine.a, theirs.b + start - theirs.a, end - start
        if mine.a + mine.size < theirs.a + theirs.size:
            i += 1
        else:
            j += 1


def _matches(a: Sequence[str], b: Sequence[str]):  # type: ignore[no-untyped-def]
    return SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
