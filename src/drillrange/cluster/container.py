"""One run of a pod's container as a local process: started, probed, stopped with grace."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drillrange.cluster.log import Log
from drillrange.cluster.pods import ContainerSpec, Probe

LOOK_AGAIN = 0.5  # seconds
PROBE_PATIENCE = 2.0  # seconds until an unanswered probe has failed


class Container:
    """A process and its group. `pid` is also the number of the group."""

    def __init__(self, spec: ContainerSpec, process: asyncio.subprocess.Process) -> None:
        self.spec = spec
        self.log = Log()
        self.started_at = self.ended_at = datetime.now(UTC)
        self._process = process
        self.exited = asyncio.create_task(process.wait())
        assert process.stdout is not None
        self._reading = asyncio.create_task(self.log.take(process.stdout))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """As a shell tells it: 128 and the signal's number for a process that was killed."""
        code = self._process.returncode
        return 128 - code if code is not None and code < 0 else code

    async def ready(self, address: str) -> bool:
        """Whether the probe succeeds now at the pod's address; without one, whether it runs."""
        if self.exit_code is not None or self.spec.probe is None:
            return self.exit_code is None
        return await probe(self.spec.probe, self.spec.probe.host or address)

    async def stop(self, grace: Callable[[], float]) -> None:
        """TERM for the group, KILL for what is left after `grace` seconds, which may be lowered."""
        _signal(self.pid, signal.SIGTERM)
        loop = asyncio.get_running_loop()
        began = loop.time()
        while self.exit_code is None and (left := began + grace() - loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), min(left, LOOK_AGAIN))
        await self.end()

    async def end(self) -> None:
        """KILL what is left of the group, keep the last of its output."""
        _signal(self.pid, signal.SIGKILL)
        await self._process.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._reading, 1.0)
        self.log.close()
        self.ended_at = datetime.now(UTC)


@dataclass(slots=True)
class Run:
    """What became of one container of a pod; `previous` is the run before the last restart."""

    name: str
    current: Container | None = None
    previous: Container | None = None
    restarts: int = 0
    failures: int = 0  # of the probe, in a row
    ready: bool = False
    waiting: tuple[str, str] | None = None  # why it is not started: a reason, a message

    def count(self, succeeded: bool, failures: int) -> None:
        """What the probe said; so many failures in a row make it unready."""
        self.failures = 0 if succeeded else self.failures + 1
        if succeeded:
            self.ready = True
        elif self.failures >= failures:
            self.ready = False


async def run(spec: ContainerSpec, directory: Path, confine: Callable[[], None]) -> Container:
    """Raises OSError when there is no such program."""
    return Container(
        spec,
        await asyncio.create_subprocess_exec(
            *spec.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(spec.env),
            cwd=spec.directory or directory,
            start_new_session=True,
            preexec_fn=confine,
        ),
    )


async def probe(wanted: Probe, address: str) -> bool:
    try:
        async with asyncio.timeout(PROBE_PATIENCE):
            reader, writer = await asyncio.open_connection(address, wanted.port)
            try:
                return wanted.path is None or await _answers(reader, writer, wanted.path)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> bool:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    words = (await reader.readline()).split()
    return len(words) > 1 and words[1].isdigit() and 200 <= int(words[1]) < 400


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
