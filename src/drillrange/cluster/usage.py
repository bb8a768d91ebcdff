"""What `kubectl top pods` tells: the processor time and memory of a pod's processes, from /proc."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from drillrange.cluster.objects import Object, stamp

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")


@dataclass(slots=True)
class Meter:
    """The rate since it was last asked for; at first, since the process began."""

    _last: dict[int, tuple[float, float]] = field(default_factory=dict)

    def measure(self, pod: Object, group: int) -> Object:
        """`group` is the process group of the pod. Blocks for as long as /proc takes."""
        found = [one for one in map(_read, _processes()) if one is not None and one[0] == group]
        used = sum(one[1] for one in found)
        memory = sum(one[2] for one in found)
        born = min((one[3] for one in found), default=0.0)
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        at, before = self._last.get(group, (born, 0.0))
        if now - at < 1.0 and group in self._last:
            at, before = born, 0.0
        self._last[group] = (now, used)
        rate = max(0.0, used - before) / max(now - at, 0.01)
        container = pod["spec"]["containers"][0]["name"]
        usage = {"cpu": f"{int(rate * 1e9)}n", "memory": f"{memory // 1024}Ki"}
        meta = pod["metadata"]
        return {
            "metadata": {key: meta[key] for key in ("name", "namespace", "labels") if key in meta},
            "timestamp": stamp(),
            "window": f"{max(now - at, 0.01):.3f}s",
            "containers": [{"name": container, "usage": usage}],
        }


def _processes() -> list[Path]:
    return [path for path in PROC.iterdir() if path.name.isdigit()]


def _read(process: Path) -> tuple[int, float, int, float] | None:
    """Its group, seconds of processor time, bytes of memory, and when it began, since boot."""
    try:
        fields = (process / "stat").read_text().rsplit(") ", 1)[1].split()
    except (OSError, IndexError):
        return None  # it ended meanwhile
    used = (int(fields[11]) + int(fields[12])) / TICKS
    return int(fields[2]), used, int(fields[21]) * PAGE_SIZE, int(fields[19]) / TICKS
