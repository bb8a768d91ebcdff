"""Where what takes long waits for its turn: one thread for each kind of work, so that it neither
holds up the pages nor each other, and a bound on how much may wait."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from playcall.engine.ports import Unavailable

T = TypeVar("T")


class Queue:
    def __init__(self, name: str, most: int) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._name, self._most, self._waiting = name, most, 0

    async def run(self, work: Callable[[], T]) -> T:
        """Raises Unavailable when too much waits already."""
        if self._waiting >= self._most:
            raise Unavailable(f"too many {self._name} are being made already: try again soon")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1


CHARTS = Queue("charts", 200)
PAPERS = Queue("papers", 10)
