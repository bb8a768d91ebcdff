"""Runs a command on another host, over a line to a shell there. How the line is made is for others
to know: `ssh`, `kubernetes`.

The far end (far.sh) starts the command, bounds it, and ends it when its time is over, when it is
told to, or when the line breaks. What it prints ends with a secret and the exit code: without them
nobody knows how the command ended.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from playcall.core.incident import RunStatus
from playcall.core.placement import only_looks
from playcall.core.plan import EffectClass
from playcall.engine.ports import Exit, Output, Unavailable
from playcall.engine.running import Lost
from playcall.runner.bounds import Bounds
from playcall.runner.printed import Kept, pieces, tell_code, tell_stopped
from playcall.runner.redaction import Redactor

PATIENCE = 15.0  # seconds for the far end to answer, or to end a command whose time is over
_SCRIPT = Path(__file__).with_name("far.sh").read_text("utf-8")
SHELL = ("bash", "--noprofile", "--norc", "-c", _SCRIPT, "playcall")


class Line(Protocol):
    """The input and the output of `SHELL` on a host."""

    async def send(self, data: bytes) -> None:
        """Raises OSError."""
        ...

    async def receive(self) -> bytes:
        """Empty when the line is broken, or the far end has ended."""
        ...


Connect = Callable[[EffectClass], AbstractAsyncContextManager[Line]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Far:
    """`engine.running.Runner`. `connect` gives a line, made with the credentials for a class, or
    raises Unavailable."""

    connect: Connect
    name: str  # for people
    env: Mapping[str, str] = field(default_factory=dict)
    change_env: Mapping[str, str] = field(default_factory=dict)  # instead of `env`, for a change
    bounds: Bounds = field(default_factory=Bounds)
    output_limit: int = 1_000_000
    redactor: Redactor = field(default_factory=lambda: Redactor(()))

    async def run(
        self, command: str, *, time_limit: timedelta, effect: EffectClass = EffectClass.OBSERVE
    ) -> AsyncGenerator[Output | Exit, None]:
        env = self.env if only_looks(effect) else self.change_env
        words = [*(f"{name}={value}" for name, value in env.items()), "", command]
        if any("\0" in word for word in words):
            raise Unavailable("The command cannot be run: it holds a NUL.", permanent=True)
        kept, redacted = Kept(self.output_limit), self.redactor.begin(command)
        async with self.connect(effect) as line:
            end = _FarEnd(line, self.name, time_limit)
            await end.begin(_words(words), self.bounds.letters(effect))
            try:
                while data := await end.read():
                    for piece in pieces(kept.take(redacted.feed(data))):
                        yield piece
                for piece in pieces(kept.take(redacted.end()) + kept.rest()):
                    yield piece
            finally:
                await end.stop()
        yield end.exit(kept.last_line())


class _FarEnd:
    """What is known of a command over there."""

    def __init__(self, line: Line, name: str, time_limit: timedelta) -> None:
        self._line = line
        self._name = name
        self._seconds = time_limit.total_seconds()
        self._secret = secrets.token_hex(16)
        self._sign = f"\0{self._secret} ".encode()
        self._rest = b""  # received and not given out
        self._told: bytes | None = None  # how it ended
        self._deadline = 0.0

    async def begin(self, words: bytes, bounds: str) -> None:
        """Raises Unavailable: nothing was run."""
        head = [self._secret, secrets.token_hex(16), f"{self._seconds:g}", bounds]
        said = b""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._line.send(_words(head))
                while self._sign not in said:
                    data = await self._line.receive()
                    if not data:
                        raise Unavailable(f"{self._name}: {_last_line(said) or 'no shell there'}")
                    said += data
                await self._line.send(words)
        except TimeoutError:
            raise Unavailable(f"{self._name} does not answer") from None
        except OSError as error:
            raise Unavailable(f"{self._name}: {error}") from error
        self._rest = said.split(self._sign, 1)[1].removeprefix(b"ready\n")
        self._deadline = asyncio.get_running_loop().time() + self._seconds + PATIENCE

    async def read(self) -> bytes:
        """The next bytes; empty at the end. Raises Lost."""
        while self._told is None:
            if shown := self._take():
                return shown
            if self._told is None:
                self._rest += await self._receive()
        return b""

    async def stop(self) -> None:
        """See to it that it ended, or that nobody can."""
        if self._told is not None:
            return
        loop = asyncio.get_running_loop()
        self._deadline = min(self._deadline, loop.time() + PATIENCE)
        with contextlib.suppress(OSError, Lost):
            await self._line.send(b"\n")
            while await self.read():
                pass

    def exit(self, last_line: str) -> Exit:
        code, late = (self._told or b"").split(b" ", 1)
        if late.strip():
            why = f"stopped after {self._seconds:g} s"
            return tell_stopped(RunStatus.TIMED_OUT, why, last_line)
        return tell_code(int(code), last_line)

    def _take(self) -> bytes:
        """What of the rest is sure to be output: what may begin the sign is kept back."""
        output, sign, told = self._rest.partition(self._sign)
        if sign:
            if told.endswith(b"\n") or b"\n" in told:
                self._told = told.split(b"\n", 1)[0]
                self._rest = b""
                return output
            self._rest = sign + told
            return output
        at = self._rest.rfind(b"\0", -len(self._sign))
        cut = at if at >= 0 and self._sign.startswith(self._rest[at:]) else len(self._rest)
        output, self._rest = self._rest[:cut], self._rest[cut:]
        return output

    async def _receive(self) -> bytes:
        try:
            async with asyncio.timeout_at(self._deadline):
                data = await self._line.receive()
        except TimeoutError:
            raise Lost(f"{self._name} vanished: no word of it since its time was over") from None
        if not data:
            raise Lost(f"{self._name} vanished while the command ran")
        return data


def _words(words: list[str]) -> bytes:
    return b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in words)


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").replace("\0", "").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[-300:]
