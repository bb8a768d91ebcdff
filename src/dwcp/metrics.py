"""The metrics of DWCP v3, with the names that its playbook uses, in true units.

A gauge that nothing feeds expires: a frozen value would keep an alert up for ever, and a zero would
raise one.
"""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dwcp.web import Answer

BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
LATENCY_SLA = 0.5  # seconds, P99
THROUGHPUT_SLA = 2.4e9  # bytes/s, mean
ERROR_SLA = 0.01  # share of attempts


@dataclass(frozen=True, slots=True)
class _Attempt:
    at: float
    seconds: float | None  # None: it failed
    bytes_per_second: float


class Window:
    """The attempts of the last `seconds`; what is older does not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._attempts: deque[_Attempt] = deque()

    def add(self, seconds: float | None, bytes_per_second: float) -> None:
        self._attempts.append(_Attempt(time.monotonic(), seconds, bytes_per_second))

    def latencies(self) -> list[float]:
        return sorted(a.seconds for a in self._recent() if a.seconds is not None)

    def throughputs(self) -> list[float]:
        return [a.bytes_per_second for a in self._recent() if a.seconds is not None]

    def error_share(self) -> float | None:
        attempts = self._recent()
        failed = sum(a.seconds is None for a in attempts)
        return failed / len(attempts) if attempts else None

    def _recent(self) -> list[_Attempt]:
        oldest = time.monotonic() - self._seconds
        while self._attempts and self._attempts[0].at < oldest:
            self._attempts.popleft()
        return list(self._attempts)


def quantile(values: list[float], share: float) -> float:
    """Of sorted, non-empty values."""
    return values[min(len(values) - 1, int(share * len(values)))]


class ServiceMetrics(Collector):
    """What the control process exports on 8080."""

    def __init__(self, window: float, expiry: float, rollout: int) -> None:
        self.registry = CollectorRegistry()
        self.window = Window(window)
        self._expiry = expiry
        self._throughput: dict[str, tuple[float, float]] = {}  # transport -> (value, at)
        self.latency = Histogram(
            "dwcp_v3_migration_latency_seconds",
            "From the request to the verified image",
            ["source", "destination", "vm_size", "mode"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.errors = Counter(
            "dwcp_v3_errors",
            "Failures, for each attempt",
            ["component", "error_type", "severity"],
            registry=self.registry,
        )
        self.health = Gauge(
            "dwcp_v3_component_health",
            "1 when the component works",
            ["component", "version"],
            registry=self.registry,
        )
        progress = Gauge(
            "dwcp_v3_rollout_progress_percent",
            "Share of migrations that v3 carries",
            ["stage", "region"],
            registry=self.registry,
        )
        progress.labels("production", "local").set(rollout)
        self.registry.register(self)

    def succeeded(self, seconds: float, bytes_per_second: float, size: int, transport: str) -> None:
        self.latency.labels("source", "destination", f"{size >> 20}MiB", "pre-copy").observe(
            seconds
        )
        self.window.add(seconds, bytes_per_second)
        self._throughput[transport] = (bytes_per_second, time.monotonic())

    def failed(self, component: str, error_type: str) -> None:
        self.errors.labels(component, error_type, "critical").inc()
        self.window.add(None, 0.0)

    def collect(self) -> Iterator[Metric]:
        throughput = GaugeMetricFamily(
            "dwcp_v3_throughput_bytes_per_second",
            "Guest memory made current, for each second of sending, in the latest migration",
            labels=["component", "direction", "transport"],
        )
        for transport, (value, at) in self._throughput.items():
            if time.monotonic() - at < self._expiry:
                throughput.add_metric(["amst", "tx", transport], value)
        yield throughput
        yield self._compliance()

    def _compliance(self) -> Metric:
        family = GaugeMetricFamily(
            "dwcp_v3_sla_compliance",
            "1 when the SLA holds over the window; absent when nothing ran",
            labels=["sla_type", "metric"],
        )
        latencies, throughputs = self.window.latencies(), self.window.throughputs()
        if latencies:
            held = quantile(latencies, 0.99) <= LATENCY_SLA
            family.add_metric(["latency", "p99"], float(held))
            mean = sum(throughputs) / len(throughputs)
            family.add_metric(["throughput", "average"], float(mean >= THROUGHPUT_SLA))
        share = self.window.error_share()
        if share is not None:
            family.add_metric(["error_rate", "1h"], float(share <= ERROR_SLA))
        return family

    def summary(self) -> dict[str, object]:
        """The document's keys, in the units that their names promise."""
        latencies, throughputs = self.window.latencies(), self.window.throughputs()
        milliseconds = [value * 1000 for value in latencies]
        gigabytes = [value / 1e9 for value in throughputs]
        return {
            "latency": {
                "p50_ms": quantile(milliseconds, 0.5),
                "p95_ms": quantile(milliseconds, 0.95),
                "p99_ms": quantile(milliseconds, 0.99),
                "avg_ms": sum(milliseconds) / len(milliseconds),
                "max_ms": milliseconds[-1],
            }
            if milliseconds
            else None,
            "throughput": {
                "current_gbps": gigabytes[-1],
                "average_gbps": sum(gigabytes) / len(gigabytes),
                "max_gbps": max(gigabytes),
            }
            if gigabytes
            else None,
            "error_rate": self.window.error_share(),
            "timestamp": time.time(),
        }


def exposition(registry: CollectorRegistry) -> Answer:
    return Answer(200, generate_latest(registry), "text/plain; version=0.0.4; charset=utf-8")
