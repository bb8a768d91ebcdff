"""The guest that keeps writing to its memory while it is moved, and the log of what it wrote."""

import random
import threading
import time
from dataclasses import dataclass

import numpy as np

from dwcp.memory import RUN, Memory
from dwcp.wire import PAGE, Bits

BURST = 4  # runs that a guest writes at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a guest wrote between two looks at its log."""

    pages: Bits
    before: dict[int, tuple[float, bytes]]  # by a run's first page: when it was first written, in
    # monotonic seconds and not later than it was; and what all the run held until then


class Guest:
    """Writes to its memory until it is paused or has done its share, and logs the pages.

    What a run held before its first write is kept, so that the image can be used again.
    """

    def __init__(self, memory: Memory, share: float, seed: int) -> None:
        self._memory = memory
        self._dirty = np.zeros(len(memory.pages), np.bool_)
        self._before: dict[int, tuple[float, bytes]] = {}  # since the last look
        self._first: dict[int, bytes] = {}  # since the start
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._left = int(len(memory.pages) * share)
        self._random = random.Random(seed)
        self._thread = threading.Thread(target=self._run, name="guest", daemon=True)

    def start(self) -> None:
        """It has written something when this returns, however busy the host is."""
        if self._left > 0:
            self._write_some()
        self._thread.start()

    def pause(self) -> None:
        """Returns once the guest writes no more."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def take_written(self) -> Written:
        """What was written since the last call."""
        with self._lock:
            taken = Written(pages=self._dirty, before=self._before)
            self._dirty, self._before = np.zeros_like(self._dirty), {}
        return taken

    def restore(self) -> None:
        """Undo every write. Only after `pause`."""
        for first, content in self._first.items():
            self._memory.put_back(first, content)
        self._first.clear()

    def _run(self) -> None:
        while self._left > 0 and not self._stop.wait(0.001):
            self._write_some()

    def _write_some(self) -> None:
        with self._lock:
            for _ in range(BURST):
                self._write(RUN * self._random.randrange(len(self._memory.pages) // RUN))

    def _write(self, first: int) -> None:
        pages = self._memory.pages[first : first + min(RUN, self._left)]
        if first not in self._before:
            content = self._memory.pages[first : first + RUN].tobytes()
            self._before[first] = (time.monotonic(), content)
            self._first.setdefault(first, content)
        pages[:, self._random.randrange(PAGE // 8)] = self._random.getrandbits(63)
        self._dirty[first : first + len(pages)] = True
        self._left -= len(pages)
