"""What control exports, with the names and labels that the playbook asks for."""

import json
import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from dwcp.control import share
from dwcp.metrics import Anomalies, Attempt, ServiceMetrics, Window, quantile
from tests.dwcp.processes import Role, scrape, wait_until

MOVED = (("outcome", "moved"),)
BUCKETS = {"0.01", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0"}
BUCKETS |= {"10.0", "30.0", "60.0", "120.0", "+Inf"}


@pytest.fixture(scope="module")
def source() -> Iterator[Role]:
    with (
        Role("destination") as destination,
        Role("source", DWCP_DESTINATION=destination.address("streams")) as source,
    ):
        yield source


def a_control(source: Role, **variables: str) -> Role:
    given = {
        "DWCP_SOURCE": source.address("control"),
        "DWCP_LOAD": "1MiB*2+2MiB",
        "DWCP_LOAD_RATE": "30",
    }
    return Role("control", **(given | variables))


def moved(control: Role) -> float:
    return control.metrics("http")["dwcp_v3_migrations_total"][MOVED]


def labels(**pairs: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pairs.items()))


def test_the_playbooks_metrics_are_there_with_their_labels(source: Role) -> None:
    with a_control(source) as control:
        wait_until(lambda: moved(control) >= 3)
        found = control.metrics("http")
        link = labels(component="amst", direction="tx", transport="tcp")
        logical = found["dwcp_v3_throughput_bytes_per_second"][link]
        assert 0 < found["dwcp_v3_wire_bytes_per_second"][link] < logical
        assert set(found["dwcp_v3_sla_compliance"]) == {
            labels(sla_type="latency", metric="p99"),
            labels(sla_type="throughput", metric="average"),
            labels(sla_type="error_rate", metric="1h"),
        }
        buckets = found["dwcp_v3_migration_latency_seconds_bucket"]
        assert {dict(key)["le"] for key in buckets} == BUCKETS
        assert {dict(key)["vm_size"] for key in buckets} == {"1MiB", "2MiB"}
        assert {frozenset(dict(key)) for key in buckets} == {
            frozenset({"source", "destination", "vm_size", "mode", "le"})
        }
        progress = found["dwcp_v3_rollout_progress_percent"]
        assert progress == {labels(stage="100", region="local"): 100}
        wait_until(lambda: json.loads(scrape(control.listening["http"], "/health"))["status"])
        health = control.metrics("http")["dwcp_v3_component_health"]
        assert health[labels(component="amst", version="v3")] == 1
        assert {
            dict(key)["resource_type"] for key in found["dwcp_v3_resource_utilization_percent"]
        } >= {"memory"}


def test_the_summary_is_in_the_units_that_its_keys_promise(source: Role) -> None:
    with a_control(source) as control:
        wait_until(lambda: moved(control) >= 3)
        found = json.loads(scrape(control.listening["http"], "/metrics/summary"))
        seconds = control.metrics("http")["dwcp_v3_migration_latency_seconds_sum"]
        count = control.metrics("http")["dwcp_v3_migration_latency_seconds_count"]
        mean = sum(seconds.values()) / sum(count.values()) * 1000
        assert found["latency"]["avg_ms"] == pytest.approx(mean, rel=0.9)
        assert (
            found["latency"]["p50_ms"] <= found["latency"]["p99_ms"] <= found["latency"]["max_ms"]
        )
        assert 0 < found["throughput"]["average_gbps"] <= found["throughput"]["max_gbps"] < 500
        assert found["error_rate"] == 0


def test_with_rollout_0_nothing_runs_and_nothing_is_claimed(source: Role) -> None:
    with a_control(source, FEATURE_FLAG_ROLLOUT="0") as control:
        wait_until(lambda: _health(control) == "healthy")
        found = control.metrics("http")
        assert found["dwcp_v3_migrations_total"][MOVED] == 0
        assert "dwcp_v3_sla_compliance" not in found
        assert "dwcp_v3_throughput_bytes_per_second" not in found
        assert "dwcp_v3_migration_latency_seconds_count" not in found
        assert found["dwcp_v3_rollout_progress_percent"] == {labels(stage="off", region="local"): 0}
        summary = json.loads(scrape(control.listening["http"], "/metrics/summary"))
        assert summary["error_rate"] is summary["latency"]["p99_ms"] is None


def test_series_of_the_past_are_removed(source: Role) -> None:
    with a_control(source, DWCP_GAUGE_EXPIRY="0.3", DWCP_WINDOW="1") as control:
        wait_until(lambda: "dwcp_v3_throughput_bytes_per_second" in control.metrics("http"))
        control.process.send_signal(15)
        wait_until(lambda: control.process.poll() is not None)
        assert control.process.returncode == 0
    metrics = ServiceMetrics(CollectorRegistry(), window=0.05, expiry=0.01, rollout=100)
    metrics.moved("a", "b", 1 << 20, "hybrid", an_attempt(0.1))
    wait_until(lambda: not any(family.samples for family in metrics.collect()))


def test_without_a_source_errors_are_counted_and_health_is_503() -> None:
    with Role("control", DWCP_SOURCE="127.0.0.1:1", DWCP_RETRY="0.2") as control:
        wait_until(lambda: control.errors("http").get("source_unreachable", 0) >= 1)
        wait_until(lambda: _health(control) == "unhealthy")
        health = control.metrics("http")["dwcp_v3_component_health"]
        assert health[labels(component="amst", version="v3")] == 0
        compliance = control.metrics("http")["dwcp_v3_sla_compliance"]
        assert compliance == {labels(sla_type="error_rate", metric="1h"): 0}


def test_rdma_only_refuses_since_there_is_none(source: Role) -> None:
    with a_control(source, TRANSPORT_MODE="rdma_only") as control:
        wait_until(lambda: control.errors("http").get("no_rdma", 0) >= 2)
        assert moved(control) == 0


def test_what_cannot_be_started_in_time_is_skipped(source: Role) -> None:
    with a_control(source, DWCP_LOAD="16MiB", DWCP_LOAD_RATE="500") as control:
        skipped = (("outcome", "skipped"),)
        wait_until(lambda: control.metrics("http")["dwcp_v3_migrations_total"][skipped] > 10)
        assert control.terminate() == 0


def _health(control: Role) -> str:
    return str(json.loads(scrape(control.listening["http"], "/health"))["status"])


def an_attempt(seconds: float | None, at: float | None = None) -> Attempt:
    now = time.monotonic() if at is None else at
    return Attempt(at=now, seconds=seconds, logical=1 << 30, wire=1 << 28)


def test_the_window_forgets() -> None:
    window = Window(10)
    window.add(an_attempt(9.0, at=time.monotonic() - 11))
    window.add(an_attempt(0.5))
    window.add(an_attempt(None))
    assert window.latencies() == [0.5]
    assert window.throughput() == (2 * (1 << 30), 2 * (1 << 28))
    assert window.error_share() == 0.5


def test_an_empty_window_says_nothing() -> None:
    assert Window(10).error_share() is None
    assert Window(10).throughput() is None


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1, 100)])
def test_a_quantile_is_a_value_that_was_seen(share: float, value: float) -> None:
    assert quantile([float(each) for each in range(1, 101)], share) == value
    assert quantile([7.0], share) == 7.0


def test_anomalies_are_told_by_their_distance() -> None:
    registry = CollectorRegistry()
    anomalies = Anomalies(registry)
    for value in (1.0, 1.1) * 10:
        anomalies.see("latency", "1MiB", value)
    anomalies.see("latency", "2MiB", 9.0)
    assert b'severity="' not in generate_latest(registry)
    anomalies.see("latency", "1MiB", 9.0)
    assert b'{anomaly_type="latency",severity="critical"} 1.0' in generate_latest(registry)


def test_the_share_of_machines_follows_the_percentage() -> None:
    names = [f"vm-{number}" for number in range(4000)]
    for percent in (0, 10, 50, 100):
        chosen = sum(share(name) < percent for name in names) / len(names)
        assert chosen == pytest.approx(percent / 100, abs=0.03)
