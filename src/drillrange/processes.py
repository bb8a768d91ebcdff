"""Child processes of a range: started with a log, waited for, and gone when the range is gone."""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None)


class NotReady(Exception):
    """A part of the range did not come up; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    process: asyncio.subprocess.Process
    log: Path

    async def stop(self, patience: float = 5.0) -> None:
        """TERM, then KILL of the whole group."""
        if self.process.returncode is None:
            _signal_group(self.process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), patience)
        _signal_group(self.process.pid, signal.SIGKILL)
        await self.process.wait()

    def last_lines(self, count: int = 8) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-count:])


async def start(name: str, argv: Sequence[str], log: Path, env: Mapping[str, str]) -> Child:
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env),
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    return Child(name, process, log)


def die_with_parent() -> None:
    """In the child: be killed when the parent is, however the parent died."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def wait_for_port(child: Child, port: int, seconds: float = 20.0) -> None:
    """Return once the child accepts connections. Raises NotReady."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if child.process.returncode is not None:
            raise NotReady(
                f"{child.name} ended with {child.process.returncode}:\n{child.last_lines()}"
            )
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return
    raise NotReady(f"{child.name} is not ready after {seconds:g} s:\n{child.last_lines()}")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
