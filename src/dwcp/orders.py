"""What a source and its stream workers tell each other: a line of JSON each, and bytes after it
where a line says how many. Both ends limit what they take; it decides nothing.
"""

import contextlib
import dataclasses
import json
import math
import socket
import struct
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from dwcp.amst import Task, Work
from dwcp.wire import PAGE, PAGES, Bits, count

LONGEST_LINE = 1 << 20
LARGEST_TAIL = 64 << 20
MOST_TASKS = 4096  # of one order: what is said about them then fits into a line
LARGEST_BASE = 16 << 20  # bytes of it in one order
SEND_SECONDS = 5.0  # that the other end may not read

_TASK = struct.Struct("!II32s32s")
_TIMEVAL = struct.Struct("@ll")

Message = dict[str, Any]


class BadOrder(ValueError):
    """Something that neither a source nor a worker says; the connection is not to be trusted."""


class Channel:
    """One connection. `send` may be called from several threads, `receive` from one."""

    def __init__(self, connection: socket.socket, largest_tail: int) -> None:
        timeval = _TIMEVAL.pack(int(SEND_SECONDS), 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._incoming = connection.makefile("rb")
        self._largest_tail = largest_tail
        self._lock = threading.Lock()

    def send(self, tail: bytes = b"", **message: object) -> None:
        """Raises OSError, also when the other end does not read."""
        if tail:
            message["bytes"] = len(tail)
        line = json.dumps(message).encode() + b"\n"
        with self._lock:
            self._socket.sendall(line + tail)

    def receive(self, longest: int = LONGEST_LINE) -> tuple[Message, bytes] | None:
        """None when the other end has closed. Raises BadOrder, OSError."""
        line = self._incoming.readline(longest)
        if not line:
            return None
        message = _parse(line)
        size = message.get("bytes", 0)
        if type(size) is not int or not 0 <= size <= self._largest_tail:
            raise BadOrder(f"a line with {size!r} bytes after it")
        tail = self._incoming.read(size)
        if len(tail) < size:
            raise ConnectionResetError("the other end vanished within a message")
        return message, tail

    def cut(self) -> None:
        """From any thread: whoever receives gets to the end at once."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Only by the thread that receives."""
        with contextlib.suppress(OSError):
            self._incoming.close()
        self._socket.close()


def pack_tasks(tasks: Sequence[Task]) -> bytes:
    parts = []
    for task in tasks:
        wanted, delta = np.packbits(task.wanted).tobytes(), np.packbits(task.delta).tobytes()
        parts += [_TASK.pack(task.chunk, len(task.base), wanted, delta), task.base]
    return b"".join(parts)


def unpack_tasks(data: bytes, chunks: int) -> list[Task]:
    """Raises BadOrder for tasks that an image of `chunks` chunks does not have."""
    tasks: list[Task] = []
    at = 0
    while at < len(data):
        if len(data) - at < _TASK.size or len(tasks) == MOST_TASKS:
            raise BadOrder("tasks that do not end where they should")
        chunk, size, wanted, delta = _TASK.unpack_from(data, at)
        at += _TASK.size
        task = Task(chunk, _bits(wanted), _bits(delta), data[at : at + size])
        at += size
        if chunk >= chunks or bool((task.delta & ~task.wanted).any()):
            raise BadOrder(f"a task for chunk {chunk} of {chunks}")
        if len(task.base) != size or size != PAGE * count(task.delta):
            raise BadOrder(f"a base of {size} bytes for other pages")
        tasks.append(task)
    return tasks


def work_as_json(work: Work) -> Message:
    return dataclasses.asdict(work)


def work_from_json(told: object) -> Work:
    """Raises BadOrder."""
    if not isinstance(told, dict):
        raise BadOrder("work that is none")
    work = Work()
    for each in dataclasses.fields(Work):
        kind = type(getattr(work, each.name))
        setattr(work, each.name, _counted(told.get(each.name), kind))
    return work


def add(to: Work, more: Work) -> None:
    """Everything but `seconds`, which overlap."""
    for each in dataclasses.fields(Work):
        mine, new = getattr(to, each.name), getattr(more, each.name)
        if isinstance(mine, dict):
            mine.update(new)
        elif each.name != "seconds":
            setattr(to, each.name, mine + new)


def number(message: Message, key: str, low: int, high: int) -> int:
    """Raises BadOrder."""
    value = message.get(key)
    if type(value) is not int or not low <= value <= high:
        raise BadOrder(f"{key}: {value!r} is not a number from {low} to {high}")
    return value


def text(message: Message, key: str, longest: int = 4096) -> str:
    """Raises BadOrder."""
    value = message.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise BadOrder(f"{key}: not a text of at most {longest} characters")
    return value


def _parse(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except (RecursionError, ValueError) as error:
        raise BadOrder("a line that is no JSON") from error
    if not isinstance(message, dict) or not isinstance(message.get("op"), str):
        raise BadOrder("a line that says nothing to do")
    return message


def _counted(value: object, kind: type) -> object:
    if kind is list and isinstance(value, list) and len(value) <= MOST_TASKS:
        return [_counted(each, float) for each in value]
    if kind is dict and isinstance(value, dict) and len(value) <= MOST_TASKS:
        return {_chunk(chunk): _counted(each, float) for chunk, each in value.items()}
    if kind is int and type(value) is int and 0 <= value < 1 << 63:
        return value
    if kind is float and type(value) in (int, float):
        seconds = float(str(value))
        if seconds >= 0 and math.isfinite(seconds):
            return seconds
    raise BadOrder(f"work that counts {value!r}"[:80])


def _chunk(key: str) -> int:
    if not key.isdecimal() or len(key) > 9:
        raise BadOrder(f"a chunk {key!r}"[:80])
    return int(key)


def _bits(packed: bytes) -> Bits:
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=PAGES).astype(np.bool_)
