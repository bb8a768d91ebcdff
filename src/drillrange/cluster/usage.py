"""What `kubectl top pods` tells: the processor time and memory of a pod's processes, from /proc."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drillrange.cluster.objects import Object, stamp

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")
Use = tuple[int, float, int, float]  # group, seconds of processor time, bytes, born


@dataclass(slots=True)
class Meter:
    """The rate since it was last asked for; at first, since the process began."""

    _last: dict[int, tuple[float, float]] = field(default_factory=dict)

    def measure(self, pod: Object, groups: Mapping[str, int]) -> Object:
        """`groups` are the process groups of its containers. Blocks for as long as /proc takes."""
        processes = [one for one in map(_read, _processes()) if one is not None]
        meta = pod["metadata"]
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        windows, containers = [], []
        for name, group in groups.items():
            window, usage = self._use(group, [one for one in processes if one[0] == group], now)
            windows.append(window)
            containers.append({"name": name, "usage": usage})
        return {
            "metadata": {key: meta[key] for key in ("name", "namespace", "labels") if key in meta},
            "timestamp": stamp(),
            "window": f"{max(windows):.3f}s",
            "containers": containers,
        }

    def _use(self, group: int, found: list[Use], now: float) -> tuple[float, Object]:
        """Over how many seconds, and how much."""
        used = sum(one[1] for one in found)
        memory = sum(one[2] for one in found)
        born = min((one[3] for one in found), default=0.0)
        at, before = self._last.get(group, (born, 0.0))
        if now - at < 1.0 and group in self._last:
            at, before = born, 0.0
        self._last[group] = (now, used)
        window = max(now - at, 0.01)
        rate = max(0.0, used - before) / window
        return window, {"cpu": f"{int(rate * 1e9)}n", "memory": f"{memory // 1024}Ki"}


def _processes() -> list[Path]:
    return [path for path in PROC.iterdir() if path.name.isdigit()]


def _read(process: Path) -> Use | None:
    """Its group, seconds of processor time, bytes of memory, and when it began, since boot."""
    try:
        fields = (process / "stat").read_text().rsplit(") ", 1)[1].split()
    except (OSError, IndexError):
        return None  # it ended meanwhile
    used = (int(fields[11]) + int(fields[12])) / TICKS
    return int(fields[2]), used, int(fields[21]) * PAGE_SIZE, int(fields[19]) / TICKS
