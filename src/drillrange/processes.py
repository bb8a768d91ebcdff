"""Child processes of a range: started with a log, waited for, and gone when the range is gone."""

import asyncio
import contextlib
import ctypes
import functools
import http.client
import os
import signal
import socket
import urllib.request
from collections.abc import Callable, Mapping, Sequence
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
            preexec_fn=functools.partial(die_with, os.getpid()),
        )
    return Child(name, process, log)


def die_with_parent() -> None:
    """In the child: be killed when the process that started it is, however it died."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def die_with(parent: int) -> None:
    """In the child: be killed when `parent` is, however it died, and even if it is dead already."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


async def wait_for_answer(
    child: Child,
    url: str,
    wanted: Callable[[str], bool] = lambda _: True,
    seconds: float = 30.0,
) -> None:
    """Return once the child answers 200 with a body that is `wanted`. Raises NotReady."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    said = "nothing"
    while loop.time() < deadline:
        if child.process.returncode is not None:
            raise NotReady(
                f"{child.name} ended with {child.process.returncode}:\n{child.last_lines()}"
            )
        said = await asyncio.to_thread(_ask, url) or said
        if said != "nothing" and wanted(said):
            return
        await asyncio.sleep(0.1)
    raise NotReady(
        f"{child.name} is not ready after {seconds:g} s. {url} answers {said}; its log ends:\n"
        f"{child.last_lines()}"
    )


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback has no proxy


def _ask(url: str) -> str:
    """Empty unless the answer is 200."""
    try:
        with _direct.open(url, timeout=2) as answer:
            return str(answer.read().decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException):
        return ""


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
