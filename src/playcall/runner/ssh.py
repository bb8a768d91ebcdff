"""A line to another host by SSH. Only hosts whose keys are known; nothing of Playcall's own user is
used: no agent, no configuration, no default keys."""

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from playcall.core.placement import only_looks
from playcall.core.plan import EffectClass
from playcall.engine.ports import Unavailable
from playcall.runner.far import SHELL, Line

if TYPE_CHECKING:
    import asyncssh

CONNECT = 15.0  # seconds
PIECE = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    user: str
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SSH:
    host: str
    port: int
    known_hosts: Path
    observe: Login
    change: Login
    alive_every: float = 5.0  # seconds; after three without an answer the host has vanished

    @contextlib.asynccontextmanager
    async def connect(self, effect: EffectClass) -> AsyncIterator[Line]:
        import asyncssh  # loads its cryptography

        login = self.observe if only_looks(effect) else self.change
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(CONNECT):
                    connection = await stack.enter_async_context(self._open(login))
                    process = await stack.enter_async_context(
                        connection.create_process(
                            shlex.join(SHELL), encoding=None, stderr=asyncssh.STDOUT
                        )
                    )
            except TimeoutError:
                raise Unavailable(f"{self.host}: no answer within {CONNECT:g} s") from None
            except asyncssh.HostKeyNotVerifiable as error:
                raise Unavailable(
                    f"{self.host} is not the host that {self.known_hosts} knows: {error.reason}. "
                    "Find out why before you change that file.",
                    permanent=True,
                ) from error
            except (asyncssh.Error, OSError, ValueError) as error:
                raise Unavailable(f"{self.host} as {login.user}: {error}") from error
            yield _SSHLine(process)

    def _open(self, login: Login) -> "asyncssh.misc._ACMWrapper[asyncssh.SSHClientConnection]":
        import asyncssh

        return asyncssh.connect(
            self.host,
            self.port,
            username=login.user,
            client_keys=[str(login.key)],
            known_hosts=str(self.known_hosts),
            config=None,
            agent_path=None,
            preferred_auth="publickey",
            keepalive_interval=self.alive_every,
            keepalive_count_max=3,
        )


class _SSHLine:
    def __init__(self, process: "asyncssh.SSHClientProcess[bytes]") -> None:
        self._process = process

    async def send(self, data: bytes) -> None:
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def receive(self) -> bytes:
        import asyncssh

        try:
            return await self._process.stdout.read(PIECE)
        except (asyncssh.Error, OSError):
            return b""
