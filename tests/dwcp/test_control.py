"""What control exports, with the names and labels that the playbook asks for."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from dwcp import web
from dwcp.metrics import Anomalies, Attempt, ServiceMetrics, Window, quantile
from dwcp.request import BadRequest, parse
from dwcp.rollout import share
from tests.dwcp.processes import Role, scrape, wait_until

MIB = 1 << 20
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
    return Role("control", **({"DWCP_SOURCE": source.address("control")} | variables))


def move(control: Role, times: int = 3) -> None:
    """One and two MiB, in turn."""
    for number in range(times):
        code, answer = control.migrate(MIB << number % 2, id=f"vm-{number}", room=2 * MIB)
        assert (code, answer["version"]) == (200, "v3"), answer


def moved(control: Role) -> float:
    return control.metrics("http")["dwcp_v3_migrations_total"][MOVED]


def labels(**pairs: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pairs.items()))


def test_the_playbooks_metrics_are_there_with_their_labels(source: Role) -> None:
    with a_control(source) as control:
        move(control)
        assert moved(control) == 3
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
        move(control)
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


def test_with_rollout_0_nothing_is_moved_here_and_nothing_is_claimed(source: Role) -> None:
    with a_control(source, FEATURE_FLAG_ROLLOUT="0") as control:
        code, answer = control.migrate(MIB)
        assert code == 503
        assert "DWCP_V1 is not set" in answer["error"]
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
        move(control, 1)
        assert "dwcp_v3_throughput_bytes_per_second" in control.metrics("http")
        wait_until(lambda: "dwcp_v3_throughput_bytes_per_second" not in control.metrics("http"))
        wait_until(lambda: "dwcp_v3_sla_compliance" not in control.metrics("http"))
        assert control.terminate() == 0
    metrics = ServiceMetrics(CollectorRegistry(), window=0.05, expiry=0.01, rollout=100)
    metrics.moved("a", "b", MIB, "hybrid", an_attempt(0.1))
    wait_until(lambda: not any(family.samples for family in metrics.collect()))


def test_without_a_source_errors_are_counted_and_health_is_503() -> None:
    with Role("control", DWCP_SOURCE="127.0.0.1:1", DWCP_RETRY="0.2") as control:
        assert control.migrate(MIB)[0] == 502
        assert control.errors("http") == {"source_unreachable": 1}
        wait_until(lambda: _health(control) == "unhealthy")
        health = control.metrics("http")["dwcp_v3_component_health"]
        assert health[labels(component="amst", version="v3")] == 0
        compliance = control.metrics("http")["dwcp_v3_sla_compliance"]
        assert compliance == {labels(sla_type="error_rate", metric="1h"): 0}


def test_rdma_only_refuses_since_there_is_none(source: Role) -> None:
    with a_control(source, TRANSPORT_MODE="rdma_only") as control:
        code, answer = control.migrate(MIB)
        assert (code, answer["kind"]) == (502, "no_rdma")
        assert control.errors("http") == {"no_rdma": 1}
        assert moved(control) == 0


def test_a_release_under_test_that_asks_for_odd_sizes_is_refused_each_time(source: Role) -> None:
    with a_control(source, DWCP_EXPERIMENT="odd-sizes") as control:
        assert control.migrate(MIB)[0] == 502
        assert control.errors("http")["refused"] >= 5
        assert moved(control) == 0


BAD = [
    ({"id": "", "size": MIB}, 'id is ""'),
    ({"id": "a/b", "size": MIB}, 'id is "a/b"'),
    ({"id": "..", "size": MIB}, "a letter or digit first"),
    ({"id": "x" * 101, "size": MIB}, "1 to 100"),
    ({"id": "vm", "size": MIB + 1}, "whole MiB"),
    ({"id": "vm", "size": "1"}, "number of bytes"),
    ({"id": "vm", "size": True}, "number of bytes"),
    ({"id": "vm", "size": 1 << 60}, "64 GiB"),
    ({"id": "vm", "size": MIB, "zero_share": 2}, "from 0 to 1"),
    ({"id": "vm", "size": MIB, "zero_share": float("nan")}, "from 0 to 1"),
    ({"size": 1}, "id is missing"),
    ([], "no object"),
]


@pytest.mark.parametrize(("body", "said"), BAD)
def test_a_bad_request_is_told_what_is_wrong(body: object, said: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(said)):
        parse(json.dumps(body).encode())


def test_bytes_that_are_no_request_are_refused_over_http(source: Role) -> None:
    with a_control(source) as control:
        assert web.ask(control.listening["http"], "/migrations", {"id": "vm"})[0] == 400
        for name in ("..", "%2e%2e", "a b", "x" * 200):
            code, _ = web.ask(control.listening["http"], f"/machines/{quote(name)}")
            assert code == 400, name


def test_the_parts_of_one_machine_wait_for_each_other(source: Role) -> None:
    with a_control(source) as control, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(control.migrate, 8 * MIB, id="vm-same") for _ in range(8)]
        codes = sorted(each.result()[0] for each in asked)
        assert codes[0] == 200
        assert set(codes) <= {200, 409}
        others = [
            pool.submit(control.migrate, 4 * MIB, id=f"vm-{n}", room=8 * MIB) for n in range(8)
        ]
        assert {each.result()[0] for each in others} == {200}


def test_a_component_has_its_own_metrics_and_health(source: Role) -> None:
    listeners = {f"DWCP_{name}_LISTEN": "127.0.0.1:0" for name in ("PBA", "ACP", "ASS", "ITP")}
    with a_control(source, **listeners) as control:
        for name in ("pba", "acp", "ass", "itp"):
            where = control.listening[name]
            assert scrape(where, f"/metrics/{name}") is not None
            code, answer = web.ask(where, "/health")
            assert (code, answer["version"]) in ((200, "v3"), (503, "v3")), answer
        move(control, 1)
        found = json.loads(scrape(control.listening["http"], "/health"))["components"]
        assert set(found) == {"amst", "hde", "pba", "acp", "ass", "itp"}


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
