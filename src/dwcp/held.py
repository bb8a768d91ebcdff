"""What the destination holds of an image while its guest writes on: only what it has confirmed.

A page may travel as a difference when it was confirmed, and what it held then was kept by the
guest's log before the first write that came after.
"""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from dwcp.amst import Task
from dwcp.guest import Written
from dwcp.memory import RUN
from dwcp.wire import PAGE, PAGES, Bits


class Held:
    def __init__(self, pages: int) -> None:
        self._known: Bits = np.zeros(pages, np.bool_)  # held as they are, or as they were before
        self._changed: Bits = np.zeros(pages, np.bool_)  # those of them that were written since
        self._before: dict[int, bytes] = {}  # what a run held, by its first page

    def note(
        self,
        written: Written,
        tasks: Sequence[Task] = (),
        failed: Collection[int] = (),
        read: Mapping[int, float] | None = None,
    ) -> None:
        """What was written since the last call and, if a round was sent, how its chunks fared.

        A page that was written before its chunk had been `read` may have arrived in either version,
        and is not known to be held.
        """
        sent: Bits = np.zeros_like(self._known)
        for task in tasks:
            pages = slice(task.chunk * PAGES, (task.chunk + 1) * PAGES)
            sent[pages] |= task.wanted
            self._known[pages][task.wanted] = task.chunk not in failed
        for first, (at, content) in written.before.items():
            if at <= (read or {}).get(first // PAGES, math.inf):
                run = slice(first, first + RUN)
                self._known[run] &= ~(written.pages[run] & sent[run])
            self._before.setdefault(first, content)
        self._changed |= written.pages & self._known

    def doubt(self, chunk: int) -> None:
        """The destination does not hold this chunk as it should."""
        pages = slice(chunk * PAGES, (chunk + 1) * PAGES)
        self._known[pages] = self._changed[pages] = False

    def tasks(self, left: Bits) -> list[Task]:
        """These pages, by chunk; those that may go as a difference, with what they were."""
        by_chunk = left.reshape(-1, PAGES)
        found = [self._task(int(n), by_chunk[n]) for n in np.flatnonzero(by_chunk.any(axis=1))]
        self._changed[:] = False
        self._before = {}
        return found

    def _task(self, chunk: int, wanted: Bits) -> Task:
        delta = self._changed[chunk * PAGES : (chunk + 1) * PAGES] & wanted
        numbers: list[int] = np.flatnonzero(delta).tolist()
        base = b"".join(self._was(chunk * PAGES + number) for number in numbers)
        return Task(chunk, wanted, delta, base)

    def _was(self, page: int) -> bytes:
        run, at = divmod(page, RUN)
        return self._before[run * RUN][at * PAGE : (at + 1) * PAGE]
