"""What a fault may change on a range: a real parameter or resource, reached as anybody would reach
it: by files, by the cluster's API, by the kernel.
"""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PACING_FILE = "pacing"  # in the directory of the range
COMMAND_SECONDS = 60.0
FIRST_PACE = 60e6  # bytes/s
LOOKS = 5
SETTLE_SECONDS = 6.0  # the service tells the throughput of the last five
CLOSE = 0.04
THROUGHPUT_LINE = re.compile(r"^dwcp_v3_throughput_bytes_per_second\{[^}]*\} (\S+)$", re.MULTILINE)

ARRIVED_LINE = re.compile(
    r'^dwcp_v3_migration_latency_seconds_bucket\{[^}]*le="([^"]+)"[^}]*\} (\S+)$', re.MULTILINE
)
USUAL_LOAD, SMALL, BIG = "320MiB*24+640MiB*1", 320, 1040  # MiB
BIGGEST = 1800  # MiB
FEW = 0.05  # of all machines


class Broken(Exception):
    """The fault could not be put in, or not be healed; the message has what the command said."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What faults act on: a range, by its directory."""

    directory: Path

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """Raises Broken."""
        return self.run(
            str(Path(sys.executable).with_name("kubectl")),
            f"--kubeconfig={self.directory / 'cluster' / 'kubeconfig'}",
            f"--cache-dir={self.directory / 'kube-cache'}",
            *words,
            stdin=stdin,
        )

    def run(self, *argv: str, stdin: str = "") -> str:
        """Raises Broken."""
        try:
            done = subprocess.run(
                argv,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Broken(f"{argv[0]}: {error}") from error
        if done.returncode != 0:
            raise Broken(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def setting(self, deployment: str, name: str) -> str:
        """The value of an environment variable; empty when it is not set."""
        spec = json.loads(self.kubectl("get", f"deployment/{deployment}", "-o", "json"))
        items = spec["spec"]["template"]["spec"]["containers"][0]["env"]
        return next((str(item.get("value", "")) for item in items if item["name"] == name), "")

    def throughput(self) -> float:
        """What the service says of itself, in bytes/s. Raises Broken."""
        found = THROUGHPUT_LINE.findall(self._told())
        if not found:
            raise Broken("the service tells no throughput: nothing is moved")
        return float(found[0])

    def arrived_within(self) -> dict[str, float]:
        """How many machines have arrived within so many seconds, by the service's own buckets.
        Raises Broken."""
        found: dict[str, float] = {}
        for bound, count in ARRIVED_LINE.findall(self._told()):
            found[bound] = found.get(bound, 0.0) + float(count)
        return found

    def _told(self) -> str:
        address = json.loads(self.kubectl("get", "service/dwcp-v3", "-o", "json"))
        url = f"http://{address['spec']['clusterIP']}/metrics"
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(url, timeout=5) as answer:
                return str(answer.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException) as error:
            raise Broken(f"{url}: {error}") from error

    def key(self, config: str, name: str) -> str:
        """A ConfigMap's; empty when it is not there."""
        found = json.loads(self.kubectl("get", f"configmap/{config}", "-o", "json"))
        return str(found.get("data", {}).get(name, ""))


class Change(Protocol):
    """Both may be done twice, and act at once on what runs already."""

    def inject(self, ground: Ground) -> None:
        """Raises Broken."""

    def heal(self, ground: Ground) -> None:
        """As if it had never been in; what others changed since stays. Raises Broken."""


# --- what can be changed


@dataclass(frozen=True, slots=True)
class Pacing:
    """The kernel keeps every transport stream to so many bytes in a second."""

    bytes_per_second: int

    def inject(self, ground: Ground) -> None:
        draft = ground.directory / f"{PACING_FILE}.draft"
        draft.write_text(f"{self.bytes_per_second}\n", "utf-8")
        draft.replace(ground.directory / PACING_FILE)

    def heal(self, ground: Ground) -> None:
        (ground.directory / PACING_FILE).unlink(missing_ok=True)


def _pace_now(ground: Ground) -> float:
    """0: streams are not paced."""
    try:
        return float((ground.directory / PACING_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return 0.0


def _told_throughput(ground: Ground) -> float:
    """Waits through moments in which nothing is moved, as while pods are exchanged."""
    for _ in range(LOOKS):
        with contextlib.suppress(Broken):
            return ground.throughput()
        time.sleep(1)
    return ground.throughput()


@dataclass(frozen=True, slots=True)
class PacedTo:
    """The kernel keeps streams to what lets machines arrive at so many bytes in a second. Which
    pace that takes is found by looking, since processors differ, and one differs from day to day.
    """

    bytes_per_second: float

    def inject(self, ground: Ground) -> None:
        pace = _pace_now(ground) or FIRST_PACE
        for _ in range(LOOKS):
            Pacing(round(pace)).inject(ground)
            time.sleep(SETTLE_SECONDS)
            over = _told_throughput(ground) / self.bytes_per_second
            if abs(over - 1) < CLOSE:
                return
            pace *= min(1.6, max(0.5, over**-2))  # about half of the time goes by streams

    def heal(self, ground: Ground) -> None:
        Pacing(0).heal(ground)


@dataclass(frozen=True, slots=True)
class Setting:
    """Somebody set an environment variable of a deployment to a bad value."""

    deployment: str
    name: str
    bad: str
    good: str = ""  # empty: it is not set

    def inject(self, ground: Ground) -> None:
        ground.kubectl("set", "env", f"deployment/{self.deployment}", f"{self.name}={self.bad}")
        ground.kubectl("rollout", "status", f"deployment/{self.deployment}", "--timeout=30s")

    def heal(self, ground: Ground) -> None:
        if ground.setting(self.deployment, self.name) != self.bad:
            return
        value = f"{self.name}={self.good}" if self.good else f"{self.name}-"
        ground.kubectl("set", "env", f"deployment/{self.deployment}", value)
        ground.kubectl("rollout", "status", f"deployment/{self.deployment}", "--timeout=30s")


@dataclass(frozen=True, slots=True)
class Key:
    """Somebody changed a key of a ConfigMap."""

    config: str
    name: str
    bad: str
    good: str

    def inject(self, ground: Ground) -> None:
        self._patch(ground, self.bad)

    def heal(self, ground: Ground) -> None:
        if ground.key(self.config, self.name) == self.bad:
            self._patch(ground, self.good)

    def _patch(self, ground: Ground, value: str) -> None:
        patch = json.dumps({"data": {self.name: value}})
        ground.kubectl("patch", f"configmap/{self.config}", "--type=merge", "-p", patch)


@dataclass(frozen=True, slots=True)
class BigMachines:
    """One machine in six takes between a quarter of a second and half a second to arrive. How big
    it must be for that is found by looking, as in `PacedTo`."""

    config: str

    def inject(self, ground: Ground) -> None:
        size = BIG
        for _ in range(LOOKS):
            self._load(f"{SMALL}MiB*5+{size}MiB*1").inject(ground)
            time.sleep(1)  # for those that are under way
            slow, slower = _shares(ground)
            if slower > FEW:
                size = round(size * 0.85)
            elif slow < 1 / 6 - FEW:
                size = min(BIGGEST, round(size * 1.25))
            else:
                return

    def heal(self, ground: Ground) -> None:
        self._load(ground.key(self.config, "load")).heal(ground)

    def _load(self, bad: str) -> Key:
        return Key(self.config, "load", bad, USUAL_LOAD)


def _shares(ground: Ground) -> tuple[float, float]:
    """Of the machines that arrive from now on: those that take over 0.25 s, and over 0.5 s."""
    before = ground.arrived_within()
    time.sleep(SETTLE_SECONDS)
    after = ground.arrived_within()
    came = {bound: after[bound] - before.get(bound, 0.0) for bound in after}
    whole = max(came.get("+Inf", 0.0), 1.0)
    return 1 - came.get("0.25", 0.0) / whole, 1 - came.get("0.5", 0.0) / whole


@dataclass(frozen=True, slots=True)
class Frozen:
    """Processes that answer nothing any more, and are not dead either."""

    pods: tuple[str, ...]

    def inject(self, ground: Ground) -> None:
        self._signal(ground, signal.SIGSTOP)

    def heal(self, ground: Ground) -> None:
        self._signal(ground, signal.SIGCONT)

    def _signal(self, ground: Ground, number: signal.Signals) -> None:
        for name in self.pods:
            found = json.loads(ground.kubectl("get", f"pod/{name}", "-o", "json"))
            for status in found["status"]["containerStatuses"]:
                os.killpg(int(status["containerID"].rpartition("//")[2]), number)


@dataclass(frozen=True, slots=True)
class Shaping:
    """The network carries no more than so many bits in a second."""

    rate: str

    def inject(self, ground: Ground) -> None:
        limit = ("rate", self.rate, "burst", "1mb", "latency", "50ms")
        ground.run("tc", "qdisc", "replace", "dev", "lo", "root", "tbf", *limit)

    def heal(self, ground: Ground) -> None:
        if "tbf" in ground.run("tc", "qdisc", "show", "dev", "lo"):
            ground.run("tc", "qdisc", "delete", "dev", "lo", "root")


@dataclass(frozen=True, slots=True)
class Buffers:
    """The kernel gives every new connection buffers of these sizes: least, usual, most."""

    bad: str
    names: tuple[str, ...]

    def inject(self, ground: Ground) -> None:
        for name in self.names:
            kept = ground.directory / "faults" / name
            kept.parent.mkdir(exist_ok=True)
            if not kept.exists():
                kept.write_text(_kernel(name).read_text("ascii"), "ascii")
            _kernel(name).write_text(self.bad, "ascii")

    def heal(self, ground: Ground) -> None:
        for name in self.names:
            kept = ground.directory / "faults" / name
            if kept.exists():
                if _kernel(name).read_text("ascii").split() == self.bad.split():
                    _kernel(name).write_text(kept.read_text("ascii"), "ascii")
                kept.unlink()


def _kernel(name: str) -> Path:
    return Path("/proc/sys/net/ipv4") / name


@dataclass(frozen=True, slots=True)
class Stranger:
    """A pod that should not be there, and sends things to the port of another one."""

    name: str
    module: str
    pod: str
    port: int

    def inject(self, ground: Ground) -> None:
        target = json.loads(ground.kubectl("get", f"pod/{self.pod}", "-o", "json"))
        address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
        words = [f"{target['status']['podIP']}:{self.port}"]
        container = {
            "name": "main",
            "image": "local",
            "command": [sys.executable, "-m", self.module, *words],
            "env": [address],
        }
        manifest = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self.name, "labels": {"app": self.name}},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
        }
        ground.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    def heal(self, ground: Ground) -> None:
        ground.kubectl("delete", f"pod/{self.name}", "--ignore-not-found", "--timeout=20s")
