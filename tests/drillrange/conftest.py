"""A pocket cluster on a free port, and the real kubectl on it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drillrange.cluster.server import PocketCluster
from tests.servers import PATIENCE

KUBECTL = Path(sys.executable).with_name("kubectl")
SLEEPER = (
    "import signal, sys\n"
    "signal.signal(signal.SIGTERM, lambda *_: (print('drained', flush=True), sys.exit(0)))\n"
    "print('up', flush=True)\n"
    "signal.pause()"
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Kubectl:
    """Unmodified kubectl; `cluster` is what it talks to."""

    def __init__(self, cluster: PocketCluster, home: Path) -> None:
        self.cluster = cluster
        self._env: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "KUBECONFIG": str(cluster.kubeconfig),
        }

    async def __call__(self, *words: str, stdin: str = "") -> Said:
        process = await self.open(*words)
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin.encode()), PATIENCE)
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode is not None
        return Said(process.returncode, out.decode(), err.decode())

    async def open(self, *words: str) -> asyncio.subprocess.Process:
        """To be read from, and ended, by who opens it."""
        return await asyncio.create_subprocess_exec(
            str(KUBECTL),
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._env,
        )

    async def ok(self, *words: str, stdin: str = "") -> str:
        """The output of a command that must succeed."""
        said = await self(*words, stdin=stdin)
        assert said.code == 0, (words, said)
        return said.out

    async def get(self, *words: str) -> Any:
        return json.loads(await self.ok("get", *words, "-o", "json"))

    async def until(self, holds: Callable[[Any], object], *words: str) -> Any:
        """Polls `get` until `holds`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while not holds(found := await self.get(*words)):
            assert loop.time() < deadline, found
            await asyncio.sleep(0.05)
        return found


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[PocketCluster]:
    async with PocketCluster(directory=tmp_path / "cluster", token="a-token-of-a-test") as made:
        yield made


@pytest.fixture
def kubectl(cluster: PocketCluster, tmp_path: Path) -> Kubectl:
    return Kubectl(cluster, tmp_path)


def a_deployment(
    name: str = "web",
    command: tuple[str, ...] = (sys.executable, "-c", SLEEPER),
    *,
    replicas: int = 1,
    strategy: str = "Recreate",
    env: Mapping[str, str] | None = None,
    probe: int | None = None,
    grace: int = 10,
) -> dict[str, Any]:
    """A deployment of a process that does nothing until SIGTERM, unless told otherwise."""
    container: dict[str, Any] = {
        "name": "main-thing",
        "image": "local",
        "command": list(command),
        "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
    }
    if probe is not None:
        container["readinessProbe"] = {"httpGet": {"host": "127.0.0.1", "path": "/", "port": probe}}
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "strategy": {"type": strategy},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": grace, "containers": [container]},
            },
        },
    }
