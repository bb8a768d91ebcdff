"""The transport `shm`: one-sided writes into the memory of a destination on the same host.

No stream carries a page and the destination reads none; the digest of the whole image proves it all
the same. It is copying by a processor, not by a network card.
"""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dwcp import mapping
from dwcp.amst import Aborted, Link, Task, Work
from dwcp.line import Line
from dwcp.mapping import BadMemory
from dwcp.memory import ZEROS, Memory
from dwcp.migration import MigrationFailed
from dwcp.wire import CHUNK, PAGE, PAGES, Bits, count, runs


class OneSided:
    """The carrier of one migration: a copier with a line of its own to the destination."""

    def __init__(self, memory: Memory, directory: Path | None) -> None:
        self._memory = memory
        self._directory = directory
        self._link: Link | None = None
        self._aborted = threading.Event()
        self._line: Line | None = None
        self._key = b""
        self._file: int | None = None
        # Pages at the destination that may hold something; the others are zero.
        self._written: Bits = np.zeros((memory.chunks, PAGES), np.bool_)

    def connect(self, link: Link, key: bytes, aborted: threading.Event) -> "OneSided":
        """Raises OSError; MigrationFailed when the destination's memory cannot be written."""
        self._link = link
        self._aborted = aborted
        self.reopen(key)
        return self

    def reopen(self, key: bytes) -> None:
        """Raises OSError, MigrationFailed."""
        assert self._link
        self.close()
        self._line = Line(self._link.destination)
        try:
            self._key, self._file = key, self._open(self._line.expose(key))
        except (MigrationFailed, OSError):
            self.close()
            raise

    def send_round(self, memory: Memory, number: int, tasks: Sequence[Task]) -> Work:
        """Raises Aborted, OSError."""
        if self._line is None or self._file is None:
            raise ConnectionError("the destination's memory is not open")
        work = Work()
        started = time.monotonic()
        for task in tasks:
            if self._aborted.is_set():
                raise Aborted
            began = time.perf_counter()
            work.encoded += self._place(memory, task)
            work.raw += PAGE * count(task.wanted)
            work.frames += 1
            work.encoding.append(time.perf_counter() - began)
            work.read[task.chunk] = time.monotonic()
        self._line.placed(self._key, number, [task.chunk for task in tasks])
        work.seconds = time.monotonic() - started
        return work

    def close(self) -> None:
        if self._line:
            self._line.close()
        if self._file is not None:
            os.close(self._file)
        self._line = self._file = None

    def _open(self, path: str | None) -> int:
        """Raises MigrationFailed."""
        if self._directory is None:
            raise MigrationFailed("no_shm", "the source has no directory for memory (DWCP_MEMORY)")
        if path is None:
            raise MigrationFailed("no_shm", "the destination's memory is its own: it has no file")
        if path == str(self._memory.path):
            raise MigrationFailed("no_shm", "the destination names the source's own memory")
        try:
            file = mapping.opened(Path(path), self._memory.size, self._directory, writable=True)
        except BadMemory as error:
            raise MigrationFailed("no_shm", f"the destination's memory: {error}") from error
        if mapping.abandoned(file):
            os.close(file)
            raise MigrationFailed("no_shm", f"{path} was left behind by a process that is gone")
        return file

    def _place(self, memory: Memory, task: Task) -> int:
        """Write a chunk's pages where they belong; returns how many bytes."""
        base = task.chunk * CHUNK
        written = self._written[task.chunk]
        zero = memory.zero_pages(task.chunk, task.wanted)
        data = task.wanted & ~zero
        size = 0
        for first, end in _runs(data):
            start, stop = base + first * PAGE, base + end * PAGE
            size += self._write(memory.view[start:stop], start)
        for first, end in _runs(zero & written):
            size += self._write(ZEROS[: (end - first) * PAGE], base + first * PAGE)
        written |= data
        return size

    def _write(self, content: memoryview, at: int) -> int:
        """By the kernel and not through a mapping: a file that was cut short is an error then, and
        not the end of this process."""
        assert self._file is not None
        left = content
        while left:
            done = os.pwrite(self._file, left, at)
            left, at = left[done:], at + done
        return len(content)


def _runs(bits: Bits) -> list[tuple[int, int]]:
    return list(runs(bits)) if bits.any() else []
