"""What control exports on 8080: the names that the playbook uses, in true units.

What was measured fades when nothing new comes; see `dwcp.fading` for why.
"""

import statistics
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dwcp.errors import Errors

BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
LATENCY_SLA = 0.5  # seconds, P99
THROUGHPUT_SLA = 2.4e9  # bytes/s, mean
ERROR_SLA = 0.01  # share of attempts
STAGES = (0, 10, 50, 100)
NORMAL = 100  # migrations of a size that say what is normal
FEWEST = 10  # of them, before anything can be abnormal
ERRORS = (
    ("source_unreachable", "critical"),
    ("destination_unreachable", "critical"),
    ("source_lost", "warning"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One migration's end."""

    at: float  # monotonic seconds
    seconds: float | None  # None: it failed
    logical: int = 0
    wire: int = 0


class Window:
    """The attempts of the last `seconds`; what is older does not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._attempts: deque[Attempt] = deque()
        self._lock = threading.Lock()

    def add(self, attempt: Attempt) -> None:
        with self._lock:
            self._attempts.append(attempt)

    def attempts(self) -> list[Attempt]:
        oldest = time.monotonic() - self._seconds
        with self._lock:
            while self._attempts and self._attempts[0].at < oldest:
                self._attempts.popleft()
            return list(self._attempts)

    def latencies(self) -> list[float]:
        return sorted(each.seconds for each in self.attempts() if each.seconds is not None)

    def rates(self) -> list[float]:
        """Logical bytes/s of each migration, oldest first."""
        return [each.logical / each.seconds for each in self.attempts() if each.seconds]

    def throughput(self) -> tuple[float, float] | None:
        """Logical and wire bytes for each second of migration."""
        moved = [each for each in self.attempts() if each.seconds]
        seconds = sum(each.seconds or 0.0 for each in moved)
        if not seconds:
            return None
        return sum(e.logical for e in moved) / seconds, sum(e.wire for e in moved) / seconds

    def error_share(self) -> float | None:
        attempts = self.attempts()
        failed = sum(each.seconds is None for each in attempts)
        return failed / len(attempts) if attempts else None


def quantile(values: list[float], share: float) -> float:
    """Of sorted, non-empty values: the smallest that at least `share` of them do not exceed."""
    return values[max(0, -int(-share * len(values) // 1) - 1)]


class Anomalies:
    """Compares a migration with those of its size before it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._normal: dict[tuple[str, str], deque[float]] = {}
        self._counter = Counter(
            "dwcp_v3_anomaly_detections",
            "Migrations far from the mean of those before",
            ["anomaly_type", "severity"],
            registry=registry,
        )

    def see(self, kind: str, vm_size: str, value: float) -> None:
        normal = self._normal.setdefault((kind, vm_size), deque(maxlen=NORMAL))
        if len(normal) >= FEWEST and (spread := statistics.stdev(normal)):
            distance = abs(value - statistics.fmean(normal)) / spread
            if distance > 3:
                self._counter.labels(kind, "critical" if distance > 6 else "warning").inc()
        normal.append(value)


class ServiceMetrics(Collector):
    def __init__(
        self, registry: CollectorRegistry, window: float, expiry: float, rollout: int
    ) -> None:
        self.errors = Errors(registry)
        self.errors.expect("amst", *ERRORS)
        self._transport = "tcp"  # of the last migration
        self._window = Window(window)
        self._lately = Window(expiry)
        self._anomalies = Anomalies(registry)
        self._latency = Histogram(
            "dwcp_v3_migration_latency_seconds",
            "From the first connection to the proof that the image arrived",
            ["source", "destination", "vm_size", "mode"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._migrations = Counter(
            "dwcp_v3_migrations", "Migrations by how they ended", ["outcome"], registry=registry
        )
        for outcome in ("moved", "failed"):
            self._migrations.labels(outcome)
        progress = Gauge(
            "dwcp_v3_rollout_progress_percent",
            "Share of the migrations that v3 does",
            ["stage", "region"],
            registry=registry,
        )
        stage = next(str(each) for each in STAGES if rollout <= each)
        progress.labels("off" if stage == "0" else stage, "local").set(rollout)
        registry.register(self)

    def moved(
        self,
        source: str,
        destination: str,
        size: int,
        mode: str,
        end: Attempt,
        transport: str = "tcp",
    ) -> None:
        self._transport = transport
        vm_size = f"{size >> 20}MiB"
        seconds = end.seconds or 0.0
        self._latency.labels(source, destination, vm_size, mode).observe(seconds)
        self._migrations.labels("moved").inc()
        self._add(end)
        self._anomalies.see("latency", vm_size, seconds)
        self._anomalies.see("throughput", vm_size, end.logical / seconds if seconds else 0.0)

    def failed(self, component: str, error_type: str) -> None:
        self.errors.count(component, error_type, "critical")
        self._migrations.labels("failed").inc()
        self._add(Attempt(at=time.monotonic(), seconds=None))

    def _add(self, attempt: Attempt) -> None:
        self._window.add(attempt)
        self._lately.add(attempt)

    def collect(self) -> Iterator[Metric]:
        names = ("component", "direction", "transport")
        logical = GaugeMetricFamily(
            "dwcp_v3_throughput_bytes_per_second",
            "Guest memory made current per second of migration, lately",
            labels=names,
        )
        wire = GaugeMetricFamily(
            "dwcp_v3_wire_bytes_per_second", "Bytes that were sent for it", labels=names
        )
        if rates := self._lately.throughput():
            link = ("amst", "tx", self._transport)
            logical.add_metric(link, rates[0])
            wire.add_metric(link, rates[1])
        yield logical
        yield wire
        yield self._compliance()

    def _compliance(self) -> Metric:
        family = GaugeMetricFamily(
            "dwcp_v3_sla_compliance",
            "1 when the SLA holds over the window; absent when nothing was measured",
            labels=("sla_type", "metric"),
        )
        if latencies := self._window.latencies():
            held = quantile(latencies, 0.99) <= LATENCY_SLA
            family.add_metric(("latency", "p99"), float(held))
        if rates := self._window.throughput():
            family.add_metric(("throughput", "average"), float(rates[0] >= THROUGHPUT_SLA))
        share = self._window.error_share()
        if share is not None:
            family.add_metric(("error_rate", "1h"), float(share <= ERROR_SLA))
        return family

    def summary(self) -> dict[str, object]:
        """The keys that the playbook's readers know; null where nothing was measured."""
        milliseconds = [seconds * 1000 for seconds in self._window.latencies()]
        gigabits = [rate * 8 / 1e9 for rate in self._window.rates()]
        average = self._window.throughput()
        return {
            "latency": {
                "p50_ms": quantile(milliseconds, 0.5) if milliseconds else None,
                "p95_ms": quantile(milliseconds, 0.95) if milliseconds else None,
                "p99_ms": quantile(milliseconds, 0.99) if milliseconds else None,
                "avg_ms": statistics.fmean(milliseconds) if milliseconds else None,
                "max_ms": max(milliseconds, default=None),
            },
            "throughput": {
                "current_gbps": gigabits[-1] if gigabits else None,
                "average_gbps": average[0] * 8 / 1e9 if average else None,
                "max_gbps": max(gigabits, default=None),
            },
            "error_rate": self._window.error_share(),
            "timestamp": datetime.now(UTC).isoformat(),
        }
