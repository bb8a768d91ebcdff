"""What two versions of a text differ in: line by line, and in a line that was changed word by
word."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

AROUND = 2  # lines that are shown before and after a change
ALIKE = 0.6  # share of the words of two lines, below which they are two other lines
_WORDS = re.compile(r"\s+|[^\s]+")


class Kind(StrEnum):
    SAME = "same"
    GONE = "gone"
    CAME = "came"
    SKIPPED = "skipped"  # what is the same, and far from any change


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    kind: Kind
    pieces: tuple[Piece, ...] = ()
    count: int = 1  # of lines that are left out


def compare(old: str, new: str) -> list[Row]:
    """Nothing when they are the same."""
    a, b = old.split("\n"), new.split("\n")
    if a == b:
        return []
    rows: list[Row] = []
    steps = SequenceMatcher(None, a, b).get_opcodes()
    for place, (tag, i, j, k, end) in enumerate(steps):
        if tag == "equal":
            rows += _same(a[i:j], first=place == 0, last=place == len(steps) - 1)
        else:
            rows += _changed(a[i:j], b[k:end])
    return rows


def _same(lines: Sequence[str], first: bool, last: bool) -> Iterator[Row]:
    above = [] if first else lines[:AROUND]
    below = [] if last else lines[max(len(above), len(lines) - AROUND) :]
    left_out = len(lines) - len(above) - len(below)
    yield from (_row(Kind.SAME, line) for line in above)
    if left_out:
        yield Row(kind=Kind.SKIPPED, count=left_out)
    yield from (_row(Kind.SAME, line) for line in below)


def _changed(old: Sequence[str], new: Sequence[str]) -> Iterator[Row]:
    if len(old) != len(new):
        yield from (_row(Kind.GONE, line) for line in old)
        yield from (_row(Kind.CAME, line) for line in new)
        return
    for before, after in zip(old, new, strict=True):
        gone, came = _by_words(before, after)
        yield Row(kind=Kind.GONE, pieces=gone)
        yield Row(kind=Kind.CAME, pieces=came)


def _by_words(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    steps = SequenceMatcher(None, a, b)
    if steps.ratio() < ALIKE:
        return (Piece(old),), (Piece(new),)
    gone: list[Piece] = []
    came: list[Piece] = []
    for tag, i, j, k, end in steps.get_opcodes():
        if i < j:
            gone.append(Piece("".join(a[i:j]), tag != "equal"))
        if k < end:
            came.append(Piece("".join(b[k:end]), tag != "equal"))
    return tuple(gone), tuple(came)


def _row(kind: Kind, line: str) -> Row:
    return Row(kind=kind, pieces=(Piece(line),))
