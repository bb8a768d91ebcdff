"""Faults: each changes a real parameter or resource of a range, and knows of no remedy.

A new one is a value in `FAULTS`. Everything is reached as anybody would reach it: by files, by the
cluster's API, by the kernel.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PACING_FILE = "pacing"  # in the directory of the range
COMMAND_SECONDS = 60.0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A cause with a name. `private`: it needs a network of its own."""

    name: str
    about: str  # what is wrong while it is in, for a person
    alert: str  # that it is for
    neighbours: tuple[str, ...] = ()  # alerts that may follow of the same cause
    changes: tuple[Change, ...]
    private: bool = False

    def inject(self, ground: Ground) -> None:
        for change in self.changes:
            change.inject(ground)
        _mark(self, ground).parent.mkdir(exist_ok=True)
        _mark(self, ground).touch()

    def heal(self, ground: Ground) -> None:
        for change in reversed(self.changes):
            change.heal(ground)
        _mark(self, ground).unlink(missing_ok=True)

    def is_in(self, ground: Ground) -> bool:
        return _mark(self, ground).exists()


def _mark(fault: Fault, ground: Ground) -> Path:
    return ground.directory / "faults" / fault.name


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


# --- what can go wrong

P99, P95 = "DWCPv3LatencyP99Critical", "DWCPv3LatencyP95High"
THROUGHPUT, SLOW = "DWCPv3ThroughputCriticalLow", "DWCPv3ThroughputLow"
ERRORS, NO_GO = "DWCPv3ErrorRateCritical", "DWCPv3RolloutNoGo"
CONFIG = "dwcp-v3-config"
BAD_FRAMES = Stranger("bad-source", "drillrange.bad_source", "dwcp-v3-destination", 9200)

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault(
            name="amst-pacing",
            about="every transport stream is paced to 25 MB/s",
            alert=P99,
            neighbours=(
                THROUGHPUT,
                P95,
                SLOW,
                NO_GO,
            ),
            changes=(Pacing(25_000_000),),
        ),
        Fault(
            name="hde-zstd-max",
            about="somebody asked for the strongest compression, which no processor can follow",
            alert=P99,
            neighbours=(
                THROUGHPUT,
                P95,
                SLOW,
                NO_GO,
            ),
            changes=(Setting("dwcp-v3-hde", "COMPRESSION_ALGO", "zstd-max", "none"),),
        ),
        Fault(
            name="slow-network",
            about="the network carries 600 Mbit/s, where it carried all that memory can",
            alert=P99,
            neighbours=(
                THROUGHPUT,
                P95,
                SLOW,
                NO_GO,
            ),
            changes=(Shaping("600mbit"),),
            private=True,
        ),
        Fault(
            name="tcp-buffers",
            about="the kernel gives whoever sends the smallest of buffers",
            alert=THROUGHPUT,
            neighbours=(
                SLOW,
                P99,
                P95,
                NO_GO,
            ),
            changes=(Buffers("4096 4096 8192", ("tcp_wmem",)),),
            private=True,
        ),
        Fault(
            name="narrow-streams",
            about="every transport stream is paced to 55 MB/s: big machines still arrive in time",
            alert=THROUGHPUT,
            neighbours=(SLOW, P95),
            changes=(Pacing(55_000_000),),
        ),
        Fault(
            name="bad-source",
            about="a machine nobody knows sends broken frames to the destination",
            alert=ERRORS,
            changes=(BAD_FRAMES,),
        ),
        Fault(
            name="bad-config",
            about="the destination was told to refuse frames of more than 64 KiB",
            alert=ERRORS,
            neighbours=(
                NO_GO,
                SLOW,
                THROUGHPUT,
            ),
            changes=(Key(CONFIG, "frame-limit", "65536", "1048576"),),
        ),
        Fault(
            name="no-quorum",
            about="two of three members of etcd answer nothing",
            alert=ERRORS,
            neighbours=(NO_GO,),
            changes=(Frozen(("etcd-1", "etcd-2")),),
        ),
        Fault(
            name="bad-release",
            about="a new revision asks for machines of sizes that there are not",
            alert=ERRORS,
            neighbours=(NO_GO,),
            changes=(Setting("dwcp-v3", "DWCP_EXPERIMENT", "odd-sizes"),),
        ),
        Fault(
            name="no-go",
            about="half rolled out, v3's streams are paced to 25 MB/s and a stranger sends it "
            "broken frames",
            alert=NO_GO,
            neighbours=(
                P99,
                THROUGHPUT,
                ERRORS,
                P95,
                SLOW,
            ),
            changes=(
                Setting("dwcp-v3", "FEATURE_FLAG_ROLLOUT", "50", "100"),
                Pacing(25_000_000),
                BAD_FRAMES,
            ),
        ),
        Fault(
            name="big-machines",
            about="one machine in ten is big: nothing is broken",
            alert=P95,
            changes=(Key(CONFIG, "load", "320MiB*9+960MiB*1", "320MiB*24+640MiB*1"),),
        ),
        Fault(
            name="slow-link",
            about="every transport stream is paced to 70 MB/s: a little too slow",
            alert=SLOW,
            changes=(Pacing(70_000_000),),
        ),
        Fault(
            name="hde-snappy",
            about="everything is compressed, on a link that needs none of it",
            alert=SLOW,
            neighbours=(THROUGHPUT,),
            changes=(Setting("dwcp-v3-hde", "COMPRESSION_ALGO", "snappy", "none"),),
        ),
        Fault(
            name="wrong-nodes",
            about="the table of nodes says that the small destination is large",
            alert=ERRORS,
            changes=(
                Key(
                    CONFIG,
                    "nodes",
                    "dwcp-v3-destination=256MiB, dwcp-v3-destination-2=8192MiB",
                    "dwcp-v3-destination=8192MiB, dwcp-v3-destination-2=256MiB",
                ),
            ),
        ),
    )
}
