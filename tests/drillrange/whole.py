"""A whole range under a name, brought up and used by the same commands as a person gives."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drillrange import namespace

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/dwcp-v3"
PLAYCALL = str(Path(sys.executable).with_name("playcall"))
UP_SECONDS = 120.0
SAY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered; `text` has both outputs as they came."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A range that is up. On the machine's own network, no command may change the kernel."""

    name: str
    state: Path
    private: bool

    def playcall(self, *words: str, seconds: float = SAY_SECONDS) -> Said:
        done = subprocess.run(
            [PLAYCALL, "range", *words],
            env=os.environ | {"XDG_STATE_HOME": str(self.state)},
            cwd=EXAMPLE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Said(done.returncode, done.stdout)

    def sh(self, command: str, **variables: str) -> Said:
        """A command of a playbook, in the folder of its files."""
        words = [f"{key}={value}" for key, value in variables.items()]
        shell = ("env", *words, "bash", "-o", "pipefail", "-c", command)
        return self.playcall("run", "--name", self.name, "--", *shell)

    def ok(self, command: str) -> str:
        said = self.sh(command)
        assert said.code == 0, (command, said)
        return said.text

    def get(self, *words: str) -> Any:
        return json.loads(self.ok(" ".join(["kubectl", "get", *words, "-o", "json"])))

    def ask(self, query: str) -> float | None:
        """By Prometheus, through the unmodified curl; None where there is no data."""
        url = "http://prometheus:9090/api/v1/query"
        found = json.loads(self.ok(f"curl -sSG --data-urlencode 'query={query}' {url}"))
        values = found["data"]["result"]
        return float(values[0]["value"][1]) if values else None

    def until(self, holds: Callable[[], object], seconds: float, said: str) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, said
            time.sleep(0.2)


@contextmanager
def a_range(name: str, state: Path) -> Iterator[Whole]:
    """On a network of its own where that is permitted."""
    place = Whole(name, state, namespace.refusal() is None)
    own = ["--private-network"] if place.private else []
    said = place.playcall("up", "--name", name, *own, seconds=UP_SECONDS)
    assert said.code == 0, said
    try:
        yield place
    finally:
        place.playcall("down", "--name", name)


def machines(place: Whole) -> Mapping[str, str]:
    """Who owns each machine, by etcd itself; those that have ended are left out."""
    text = place.ok("kubectl exec etcd-0 -- etcdctl get --prefix /dwcp/v3/machines/ -w json")
    owners = {}
    for entry in json.loads(text).get("kvs", []):
        key, value = (_decoded(entry.get(part, "")) for part in ("key", "value"))
        if owner := json.loads(value or "{}").get("owner"):
            owners[key.rpartition("/")[2]] = owner
    return owners


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
