"""What a pod's process printed: lines with their times, in memory, the oldest dropped first."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

KEPT_LINES = 5000
LONGEST_LINE = 16_384  # bytes; a longer one is told in pieces


class Log:
    """Written by one reader of a pipe, read by any number."""

    def __init__(self) -> None:
        self._lines: deque[tuple[int, datetime, bytes]] = deque(maxlen=KEPT_LINES)
        self._count = 0
        self._rest = b""
        self._more = asyncio.Event()
        self._closed = False

    async def take(self, source: asyncio.StreamReader) -> None:
        """Until the source ends."""
        while data := await source.read(65_536):
            self._feed(data)
        if self._rest:
            self._feed(b"\n")
        self.close()

    def close(self) -> None:
        """Nothing more will come; followers end."""
        self._closed = True
        self._more.set()

    def tail(self, count: int) -> list[str]:
        return [line.decode("utf-8", "replace") for _, _, line in list(self._lines)[-count:]]

    async def read(
        self, *, tail: int | None, since: timedelta | None, stamped: bool, follow: bool
    ) -> AsyncIterator[bytes]:
        """Lines with their newlines; with `follow`, on until the process has ended."""
        oldest = None if since is None else datetime.now(UTC) - since
        lines = [line for line in self._lines if oldest is None or line[1] >= oldest]
        if tail is not None:
            lines = lines[-tail:] if tail else []
        told = self._count
        for _, at, line in lines:
            yield _render(at, line, stamped)
        while follow and not (self._closed and told == self._count):
            await self._more.wait()
            for number, at, line in list(self._lines):
                if number > told:
                    yield _render(at, line, stamped)
            told = self._count

    def _feed(self, data: bytes) -> None:
        at = datetime.now(UTC)
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > LONGEST_LINE:
            lines.append(self._rest[:LONGEST_LINE])
            self._rest = self._rest[LONGEST_LINE:]
        for line in lines:
            self._count += 1
            self._lines.append((self._count, at, line))
        if lines:
            self._more.set()
            self._more = asyncio.Event()


def _render(at: datetime, line: bytes, stamped: bool) -> bytes:
    prefix = f"{at:%Y-%m-%dT%H:%M:%S.%f}Z ".encode() if stamped else b""
    return prefix + line + b"\n"
