"""One at a time, in the order of asking: requests wait for their turn in a queue with an end."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Full(Exception):
    """More wait already than make sense."""


class Turn:
    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._busy = False
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Raises Full."""
        mine = threading.Event()
        with self._lock:
            if not self._busy:
                self._busy = True
                mine.set()
            elif len(self._waiting) >= self._most:
                raise Full
            else:
                self._waiting.append(mine)
        mine.wait()
        try:
            yield
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting.popleft().set()
                else:
                    self._busy = False
