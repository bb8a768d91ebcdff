"""Faults: each changes a real parameter or resource of a range, and knows of no remedy.

A new one is a value in `FAULTS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drillrange.changes import (
    BigMachines,
    Buffers,
    Change,
    Frozen,
    Ground,
    Key,
    PacedTo,
    Pacing,
    Setting,
    Shaping,
    Stranger,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A cause with a name. `private`: it, or what the playbook does against it, needs a network of
    its own."""

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
            about="transport streams are paced until 1.7 GB/s are left: no machine is late",
            alert=THROUGHPUT,
            neighbours=(SLOW, P95),
            changes=(PacedTo(1.7e9),),
        ),
        Fault(
            name="bad-source",
            about="a machine nobody knows sends broken frames to the destination",
            alert=ERRORS,
            changes=(BAD_FRAMES,),
            private=True,
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
            about="half rolled out, v3's streams are paced to 10 MB/s and a stranger sends it "
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
                Pacing(10_000_000),
                BAD_FRAMES,
            ),
        ),
        Fault(
            name="big-machines",
            about="one machine in six is big: nothing is broken",
            alert=P95,
            changes=(BigMachines(CONFIG),),
        ),
        Fault(
            name="slow-link",
            about="transport streams are paced until 2.1 GB/s are left: a little too slow",
            alert=SLOW,
            changes=(PacedTo(2.1e9),),
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
