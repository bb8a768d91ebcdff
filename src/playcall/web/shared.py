"""What several ask for at the same time is made once, and kept until newer things push it out."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[Hashable, asyncio.Future[T]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What failed is not kept: whoever comes next tries again."""
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = asyncio.ensure_future(make())
            found.add_done_callback(lambda done: self._forget_failed(key, done))
            while len(self._made) > self._most:
                self._made.pop(next(iter(self._made)))
        return await asyncio.shield(found)  # one who goes away does not end it for the others

    def _forget_failed(self, key: Hashable, done: "asyncio.Future[T]") -> None:
        if done.cancelled() or done.exception() is not None:
            self._made.pop(key, None)
