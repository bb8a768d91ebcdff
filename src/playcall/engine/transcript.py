"""What a command prints, on its way to the ledger: gathered for a moment, so that printing slowly
costs no more transactions than printing at once. Keeps the beginning, to say what was found."""

import asyncio
import contextlib
from types import TracebackType

from playcall.core.finding import LARGEST
from playcall.engine.ports import Execution, Store, Transaction, Unavailable

MOMENT = 0.1  # seconds that output waits for more of it, unless it may be all that is ever known
ENOUGH = 256 * 1024  # bytes that are not waited with


class Transcript:
    """Of one run, and only while it runs. What cannot be stored now is tried again later: a
    database that is away ends no command."""

    def __init__(self, store: Store, task: Execution) -> None:
        self._store = store
        self._run = task.run
        self._moment = MOMENT if task.repeatable else 0.0
        self._pending = bytearray()
        self._begun = bytearray()
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    @property
    def beginning(self) -> bytes:
        """All of it, or more than is looked at."""
        return bytes(self._begun)

    async def take(self, data: bytes) -> None:
        self._begun += data[: LARGEST + 1 - len(self._begun)]
        self._pending += data
        self._news.set()
        if len(self._pending) >= ENOUGH:
            await self._flush()

    def rest(self) -> bytes:
        """What was not written yet."""
        return bytes(self._pending)

    async def __aenter__(self) -> "Transcript":
        self._writer = asyncio.create_task(self._write())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is None:
            return
        try:
            await self._writing.acquire()  # what is being written must not be written twice
        finally:
            self._writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writer

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(self._moment)
            await self._flush()

    async def _flush(self) -> None:
        async with self._writing:
            self._news.clear()
            data = bytes(self._pending)

            def work(tx: Transaction) -> None:
                tx.append_output(self._run, data)

            if data:
                with contextlib.suppress(Unavailable):
                    await self._store.write(work)
                    del self._pending[: len(data)]
