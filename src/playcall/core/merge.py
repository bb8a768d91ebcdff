"""Three-way merge of texts, line by line: what a person wrote, and what was generated anew.

Nothing that was written is lost: where both sides changed the same lines, both stand there, marked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

WRITTEN = "> **CONFLICT: this was written by a person**"
GENERATED = "> **CONFLICT: and this is what the record says now**"
END = "> **END OF THE CONFLICT: keep what is right, and remove these three marks**"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    text: str
    conflicts: int


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
