"""How much of this host's processors and memory is in use, from /proc."""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class HostUse(Collector):
    """Processor use is that since the previous scrape."""

    def __init__(self, registry: CollectorRegistry, node: str) -> None:
        self._node = node
        self._before = _ticks()
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "dwcp_v3_resource_utilization_percent",
            "Share of the host's resource in use",
            labels=("resource_type", "node"),
        )
        idle, total = _ticks()
        if total > self._before[1]:
            busy = 1 - (idle - self._before[0]) / (total - self._before[1])
            family.add_metric(("cpu", self._node), 100 * busy)
        self._before = (idle, total)
        family.add_metric(("memory", self._node), 100 * _memory())
        yield family


def _ticks() -> tuple[int, int]:
    """Idle and total ticks since the host started."""
    fields = Path("/proc/stat").read_text("utf-8").split("\n", 1)[0].split()[1:9]
    ticks = [int(field) for field in fields]
    return ticks[3] + ticks[4], sum(ticks)


def _memory() -> float:
    kib = _meminfo()
    return 1 - kib["MemAvailable"] / kib["MemTotal"]


def available() -> int:
    """Bytes of memory that the host can still give."""
    return _meminfo()["MemAvailable"] << 10


def _meminfo() -> dict[str, int]:
    """KiB, by name."""
    lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}
