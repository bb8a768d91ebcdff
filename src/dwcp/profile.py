"""A CPU profile of this process, in the format that `go tool pprof` reads.

Every thread's stack is looked at 100 times a second, and charged what the thread's clock says it
has used since the last look. Waiting costs nothing and is not in the profile.
"""

import gzip
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from urllib.parse import parse_qs

from dwcp.web import Answer, Routes, says

HZ = 100
DEFAULT_SECONDS = 30.0
LONGEST_SECONDS = 60.0
DEEPEST = 128  # frames of a stack; what called them is left out
NANOSECONDS = 10**9
TICK = NANOSECONDS // os.sysconf("SC_CLK_TCK")

Place = tuple[str, str, int, int]  # function, file, the function's first line, line
Stack = tuple[Place, ...]  # the innermost first
Spent = Counter[tuple[str, Stack]]  # nanoseconds, by thread's name and stack


def routes() -> Routes:
    """`GET /debug/pprof/profile?seconds=N`; one at a time."""
    busy = threading.Lock()

    def profile(query: bytes) -> Answer:
        try:
            seconds = _seconds(query)
        except ValueError:
            return says(400, error=f"seconds is a number from 1 to {LONGEST_SECONDS:g}")
        if not busy.acquire(blocking=False):
            return says(503, error="another profile is being taken; ask again when it is done")
        try:
            return Answer(200, take(seconds), "application/octet-stream")
        finally:
            busy.release()

    return {("GET", "/debug/pprof/profile"): profile}


def take(seconds: float) -> bytes:
    """A gzipped profile of the next `seconds`, of all threads but the one that calls."""
    started_at, began = time.time_ns(), time.monotonic_ns()
    end = began + int(seconds * NANOSECONDS)
    spent, looks = Spent(), Counter[tuple[str, Stack]]()
    clocks = {number: _cpu(number) for _, _, number in _threads()}
    while (now := time.monotonic_ns()) < end:
        time.sleep(min(1 / HZ, (end - now) / NANOSECONDS))
        frames = sys._current_frames()
        for ident, name, number in _threads():
            used = _cpu(number)
            before, clocks[number] = clocks.get(number, used), used
            if used > before and ident in frames:
                where = (name, _stack(frames[ident]))
                spent[where] += used - before
                looks[where] += 1
        del frames
    return gzip.compress(_profile(spent, looks, started_at, time.monotonic_ns() - began))


def _seconds(query: bytes) -> float:
    given = parse_qs(query.decode("ascii", "replace"), keep_blank_values=True).get("seconds")
    seconds = DEFAULT_SECONDS if given is None else float(given[-1])
    if not 1 <= seconds <= LONGEST_SECONDS:
        raise ValueError
    return seconds


def _threads() -> list[tuple[int, str, int]]:
    """Python's number, the name and the kernel's number of every other thread."""
    me = threading.get_ident()
    return [
        (thread.ident, thread.name, thread.native_id)
        for thread in threading.enumerate()
        if thread.ident is not None and thread.native_id is not None and thread.ident != me
    ]


def _cpu(number: int) -> int:
    """Nanoseconds that a thread has run; 0 once it has ended."""
    task = Path(f"/proc/self/task/{number}")
    try:
        return int((task / "schedstat").read_bytes().split()[0])
    except FileNotFoundError:  # a kernel without it, or no such thread
        pass
    except ProcessLookupError:
        return 0
    try:
        fields = (task / "stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(fields[11]) + int(fields[12])) * TICK


def _stack(frame: FrameType | None) -> Stack:
    places: list[Place] = []
    while frame is not None and len(places) < DEEPEST:
        code = frame.f_code
        line = frame.f_lineno or code.co_firstlineno  # a frame may be between lines
        places.append((code.co_qualname, code.co_filename, code.co_firstlineno, line))
        frame = frame.f_back
    return tuple(places)


class _Strings:
    """The table that all other messages point into; its first entry is empty."""

    def __init__(self) -> None:
        self.table = {"": 0}

    def __call__(self, text: str) -> int:
        return self.table.setdefault(text, len(self.table))


def _profile(spent: Spent, looks: Spent, started_at: int, nanoseconds: int) -> bytes:
    """perftools.profiles.Profile; its fields' numbers are those of profile.proto."""
    text = _Strings()
    functions: dict[tuple[str, str, int], int] = {}
    locations: dict[Place, int] = {}
    for _, stack in spent:
        for place in stack:
            functions.setdefault(place[:3], len(functions) + 1)
            locations.setdefault(place, len(locations) + 1)
    cpu = _number(1, text("cpu")) + _number(2, text("nanoseconds"))
    parts = [
        _bytes(1, _number(1, text("samples")) + _number(2, text("count"))),
        _bytes(1, cpu),
        *(_sample(where, looks[where], used, locations, text) for where, used in spent.items()),
        *(_location(number, place, functions) for place, number in locations.items()),
        *(_function(number, function, text) for function, number in functions.items()),
        _number(9, started_at),
        _number(10, nanoseconds),
        _bytes(11, cpu),
        _number(12, NANOSECONDS // HZ),
    ]
    return b"".join(parts) + b"".join(_bytes(6, each.encode()) for each in text.table)


def _sample(
    where: tuple[str, Stack], looks: int, used: int, locations: dict[Place, int], text: _Strings
) -> bytes:
    name, stack = where
    label = _number(1, text("thread")) + _number(2, text(name))
    ids = _packed(1, (locations[place] for place in stack))
    return _bytes(2, ids + _packed(2, (looks, used)) + _bytes(3, label))


def _location(number: int, place: Place, functions: dict[tuple[str, str, int], int]) -> bytes:
    line = _number(1, functions[place[:3]]) + _number(2, place[3])
    return _bytes(4, _number(1, number) + _bytes(4, line))


def _function(number: int, function: tuple[str, str, int], text: _Strings) -> bytes:
    name, file, first = function
    named = _number(2, text(name)) + _number(3, text(name)) + _number(4, text(file))
    return _bytes(5, _number(1, number) + named + _number(5, first))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _packed(field: int, values: Iterable[int]) -> bytes:
    return _bytes(field, b"".join(map(_varint, values)))


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
