"""The person's end: rows out, lines in. Reads without a thread, so that Ctrl-C is heard at once."""

import asyncio
import os
import sys

LONGEST = 4096  # bytes of one line: more than a terminal hands over


class Stopped(Exception):
    """The person has had enough: 'q', or the end of the input."""


class Screen:
    def __init__(self, *, attended: bool | None = None) -> None:
        on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
        self.attended = on_terminal if attended is None else attended

    def say(self, *rows: str) -> None:
        for row in rows:
            print(row)
        sys.stdout.flush()

    async def ask(self, question: str) -> str:
        """The line that is typed, without blanks around it. Raises Stopped."""
        print(f"{question} ", end="", flush=True)
        line = await _line(sys.stdin.fileno())
        if not line:
            print()
            raise Stopped
        answer = line.decode("utf-8", "replace").strip()
        if answer == "q":
            raise Stopped
        return answer

    async def agrees(self, question: str) -> bool:
        """Only a clear yes is one."""
        return (await self.ask(f"{question} [y/N]")).lower() in ("y", "yes")


async def _line(source: int) -> bytes:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(source, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(source)
    return os.read(source, LONGEST)
