"""Takes webhooks and notes when each came: an HTTP server that does nothing else."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.servers import HOST

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NAME = re.compile(rb"group<([\w-]+)>|group\\u003c([\w-]+)\\u003e")  # as Go writes it


@dataclass
class Sink:
    """When the message of each group came first, by the monotonic clock."""

    url: str = ""
    came_at: dict[str, float] = field(default_factory=dict)
    messages: int = 0

    def wait(self, names: set[str], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not names <= self.came_at.keys():
            if time.monotonic() > deadline:
                missing = len(names - self.came_at.keys())
                raise RuntimeError(f"{missing} of {len(names)} messages did not come")
            time.sleep(0.002)


@contextlib.contextmanager
def sink() -> Iterator[Sink]:
    found = Sink()
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                now = time.monotonic()
                writer.write(ANSWER)
                found.messages += 1
                for name in NAME.findall(body):
                    found.came_at.setdefault((name[0] or name[1]).decode(), now)
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, HOST, 0, backlog=1024)
        found.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
        ready.set()
        async with server:
            await server.serve_forever()

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(serving)

    serving = loop.create_task(serve())
    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        yield found
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()
        loop.close()
