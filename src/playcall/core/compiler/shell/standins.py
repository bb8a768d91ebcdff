"""Text that stands for a value (`<pod>`, PROBLEM_IP): found before the shell is parsed, and masked.

A mask is as many bytes long as the text it hides, so every position stays true. Never decides
what a command may do.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from playcall.core.compiler.shell.knowledge import StandIns, stand_ins

HOLE = "\x02"  # a placeholder: one value, quoted when it comes
WILD = "\x03"  # text known only at run time: may be anything
TAME = "\x04"  # text known only at run time, but never an option and never more than one word
NAMES = "\x05"  # words known only at run time, none or many, but none of them an option
MARKS = HOLE + WILD + TAME + NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """One stand-in; `start` and `end` are byte offsets."""

    name: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """A text's bytes with every stand-in replaced by HOLE bytes."""

    data: bytes
    stand_ins: tuple[StandIn, ...]


def find_stand_ins(text: str) -> tuple[StandIn, ...]:
    """Those written as text, in order, none overlapping; variables are found in the syntax tree."""
    known = stand_ins()
    found: list[tuple[int, int, str]] = []
    for kind, pattern in known.shapes.items():
        for match in pattern.finditer(text):
            if _stands_in(kind, match.group(1), text[: match.start()], known):
                found.append((match.start(), match.end(), match.group(1)))
    found.sort(key=lambda f: (f[0], -f[1]))
    kept: list[StandIn] = []
    last = 0
    offset = byte_offsets(text)
    for start, end, name in found:
        if start >= last:
            span = (offset(start), offset(end))
            kept.append(StandIn(name=name, text=text[start:end], start=span[0], end=span[1]))
            last = end
    return tuple(kept)


def mask(text: str) -> Masked:
    data = bytearray(text.encode())
    found = find_stand_ins(text)
    for one in found:
        data[one.start : one.end] = HOLE.encode() * (one.end - one.start)
    return Masked(data=bytes(data), stand_ins=found)


def unmask(text: str, hidden: Iterable[StandIn]) -> str:
    """Put the stand-ins back, in order, where their masks are."""
    at = 0
    for one in hidden:
        width = one.end - one.start
        at = text.find(HOLE * width, at)
        if at < 0:
            break
        text = text[:at] + one.text + text[at + width :]
        at += len(one.text)
    return text


def byte_offsets(text: str) -> Callable[[int], int]:
    """A function from character index to byte offset."""
    if text.isascii():
        return lambda index: index
    sums = [0]
    for char in text:
        sums.append(sums[-1] + len(char.encode()))
    return sums.__getitem__


def position(data: bytes, offset: int, starts: list[int]) -> tuple[int, int]:
    """Line and column, from 1, of a byte offset; `starts` are the offsets at which lines begin."""
    line = bisect_right(starts, offset)
    return line, len(data[starts[line - 1] : offset].decode(errors="replace")) + 1


def _stands_in(kind: str, name: str, before: str, known: StandIns) -> bool:
    if name in known.constants:
        return False
    recent = before[-300:].rsplit("\n", 1)[-1]
    if kind == "snake":
        shaped = name.endswith(known.snake_ends) or name.startswith(known.snake_starts)
        return shaped and known.names_after.search(recent) is None
    if kind == "pod":
        return known.pod_after.search(recent) is not None
    return True
