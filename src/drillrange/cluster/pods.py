"""A pod as a local process: started from its template, its output kept, stopped with grace."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drillrange.processes import die_with_parent

LOG_LINES = 5000
PROBE_SECONDS = 0.2


@dataclass(slots=True)
class Pod:
    """One container's process. `log` holds (time, line) pairs, the oldest dropped first."""

    name: str
    command: list[str]
    env: dict[str, str]
    grace: float
    probe: tuple[str, int] | None  # path and port
    directory: Path
    log: deque[tuple[datetime, str]] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    logged: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.subprocess.Process | None = None
    _reader: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.full_env(),
            cwd=self.directory,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        self._reader = asyncio.create_task(self._read())

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def ready(self) -> bool:
        """Whether the probe succeeds now; a pod without one is ready while it runs."""
        if not self.running or self.probe is None:
            return self.running
        path, port = self.probe
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            line = await asyncio.wait_for(reader.readline(), 2)
            writer.close()
        except (OSError, TimeoutError):
            return False
        return line.split()[1:2] == [b"200"]

    async def stop(self) -> None:
        """TERM, the template's grace, then KILL of the group."""
        process = self.process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self.grace)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if self._reader:
            self._reader.cancel()

    def full_env(self) -> dict[str, str]:
        return {**os.environ, **self.env, "HOSTNAME": self.name, "POD_NAME": self.name}

    async def _read(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.log.append((datetime.now(UTC), line.decode("utf-8", "replace").rstrip("\n")))
            self.logged.set()
            self.logged.clear()


def pod_of(
    name: str, template: dict[str, Any], config_maps: dict[str, dict[str, str]], directory: Path
) -> Pod:
    """The process that a pod template describes. Raises ValueError for what it cannot be."""
    spec = template["spec"]
    if len(spec["containers"]) != 1:
        raise ValueError("a pod of the pocket cluster has one container")
    container = spec["containers"][0]
    command = [*container.get("command", []), *container.get("args", [])]
    if not command:
        raise ValueError("a container of the pocket cluster needs a command")
    http = (container.get("readinessProbe") or {}).get("httpGet")
    return Pod(
        name=name,
        command=[str(word) for word in command],
        env={item["name"]: _value(item, config_maps) for item in container.get("env") or []},
        grace=float(spec.get("terminationGracePeriodSeconds") or 10),
        probe=(http.get("path") or "/", int(http["port"])) if http else None,
        directory=directory,
    )


def _value(item: dict[str, Any], config_maps: dict[str, dict[str, str]]) -> str:
    if "valueFrom" not in item:
        return str(item.get("value") or "")
    reference = item["valueFrom"].get("configMapKeyRef")
    if reference is None:
        raise ValueError(f"env {item['name']}: only configMapKeyRef is understood")
    return config_maps.get(reference["name"], {}).get(reference["key"], "")
