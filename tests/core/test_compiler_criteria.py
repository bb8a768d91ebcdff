"""Sentences that can be measured, and the queries they are joined to."""

from datetime import timedelta

import pytest

from playcall.core.compiler.criteria import Evidence, query_unit, read_claim, read_criterion
from playcall.core.compiler.ledger import Ledger
from playcall.core.plan import Comparison, Criterion, NamedQuery, Purpose
from tests.core.compiling import a_document, compiled

LATENCY = "histogram_quantile(0.99, sum(rate(app_request_latency_seconds_bucket[5m])) by (le))"
QUERIES = tuple(
    NamedQuery(name=name, promql=promql, line=1)
    for name, promql in (
        ("P99 Latency", LATENCY),
        ("P95 Latency", LATENCY.replace("0.99", "0.95")),
        ("Throughput", "avg(app_throughput_bytes_per_second)"),
        ("Error Rate", "sum(rate(app_errors_total[5m]))"),
        ("SLA Compliance", "avg(app_sla_compliance)"),
        ("CPU Usage", "avg(node_cpu_percent)"),
        ("Ready Replicas", "min(kube_deployment_status_replicas_ready)"),
    )
)


def read(sentence: str) -> tuple[Criterion | None, list[str]]:
    ledger = Ledger("x.md", ("",))
    criterion = read_criterion(sentence, Purpose.RECOVERY, 1, 1, Evidence(queries=QUERIES), ledger)
    return criterion, [problem.code for problem in ledger.problems()]


@pytest.mark.parametrize(
    ("sentence", "query", "comparison", "threshold", "unit", "minutes"),
    [
        ("P99 latency >500ms for 2+ minutes", "P99 Latency", ">", 0.5, "s", 2),
        ("Verify P99 latency <500ms for 5 consecutive minutes", "P99 Latency", "<", 0.5, "s", 5),
        ("The 95th percentile latency is at most 1.5 s", "P95 Latency", "<=", 1.5, "s", 0),
        ("Throughput <2.0 GB/s for 3+ minutes", "Throughput", "<", 2e9, "B/s", 3),
        ("Throughput is below 2 GiB/s", "Throughput", "<", 2**31, "B/s", 0),
        ("throughput ≥ 8 Gbps", "Throughput", ">=", 1e9, "B/s", 0),
        ("Error rate >10 errors/sec", "Error Rate", ">", 10, "1/s", 0),
        ("error rate > 600 errors/min", "Error Rate", ">", 10, "1/s", 0),
        ("Overall compliance <50%", "SLA Compliance", "<", 0.5, "", 0),
        ("> 85 % CPU usage for 1h30m", "CPU Usage", ">", 85, "%", 90),
        ("Over 90% of the CPU usage", "CPU Usage", ">", 90, "%", 0),
        ("Error rate exceeds 1,200 errors/min", "Error Rate", ">", 20, "1/s", 0),
        ("P99 latency reaches 2 s", "P99 Latency", ">=", 2, "s", 0),
        ("Throughput no less than 500 MB/s", "Throughput", ">=", 5e8, "B/s", 0),
        ("Ready replicas below 3 for 10m", "Ready Replicas", "<", 3, "", 10),
        ("fewer than 3 ready replicas for 10m", "Ready Replicas", "<", 3, "", 10),
        ("Fewer than 2 replicas", "Ready Replicas", "<", 2, "", 0),
        ("Confirm that CPU usage stays under 80% for 1 hour", "CPU Usage", "<", 80, "%", 60),
    ],
)
def test_a_measurable_sentence_is_joined_and_brought_to_the_querys_unit(
    sentence: str, query: str, comparison: str, threshold: float, unit: str, minutes: int
) -> None:
    criterion, problems = read(sentence)

    assert problems == []
    assert criterion is not None
    assert (criterion.query_name, criterion.comparison, criterion.threshold) == (
        query,
        Comparison(comparison),
        threshold,
    )
    assert (criterion.unit, criterion.holds_for) == (unit, timedelta(minutes=minutes))
    assert criterion.text == sentence


@pytest.mark.parametrize(
    ("sentence", "code"),
    [
        ("P50 latency <100ms", "PC301"),
        ("Latency <500ms", "PC301"),  # which quantile?
        ("Memory throughput <2 GB/s", "PC301"),
        ("Migration rate <5 errors/sec", "PC301"),
        ("Queue depth >100", "PC301"),
        ("P99 latency <5 GB/s", "PC303"),
        ("Throughput <500ms", "PC303"),
    ],
)
def test_a_sentence_that_fits_no_query_is_told_and_joined_to_none(sentence: str, code: str) -> None:
    criterion, problems = read(sentence)

    assert problems == [code]
    assert criterion is not None
    assert (criterion.query, criterion.query_name) == (None, None)


def test_a_sentence_that_fits_two_queries_alike_is_joined_to_neither() -> None:
    twins = tuple(
        NamedQuery(name=f"{name} Depth", promql="q_depth", line=1) for name in ("Left", "Right")
    )
    ledger = Ledger("x.md", ("",))

    criterion = read_criterion("Depth >5", Purpose.SYMPTOM, 1, 1, Evidence(queries=twins), ledger)

    assert criterion is not None
    assert criterion.query is None
    assert [problem.code for problem in ledger.problems()] == ["PC302"]


@pytest.mark.parametrize(
    "sentence",
    [
        "Schedule a post-mortem if the incident was >30 minutes",
        "Incident lasted >30 minutes",
        "Failed migrations",
        "Verify metrics improve within 5 minutes",
        "> 5",
        "The alert fires when the rate is above 5 errors/sec",
        "Throughput dropped over 5 minutes",
    ],
)
def test_a_sentence_that_asserts_nothing_measurable_is_no_criterion(sentence: str) -> None:
    assert read(sentence) == (None, [])


def test_a_number_without_unit_keeps_its_window() -> None:
    claim = read_claim("Queue depth < 5 for 3 minutes")

    assert claim is not None
    assert (claim.unit, claim.written, claim.holds_for) == ("", "5", timedelta(minutes=3))


@pytest.mark.parametrize(
    ("promql", "unit"),
    [
        (LATENCY, "s"),
        ("rate(net_bytes_total[1m])", "B/s"),
        ("rate(errors_total[1m])", "1/s"),
        ("rate(cpu_seconds_total[1m])", ""),
        ("sum(a_total) / sum(b_total)", ""),
        ("mem_bytes", "B"),
        ("disk_ratio", ""),
        ("cpu_percent", "%"),
        ("up", None),
    ],
)
def test_a_querys_unit_is_read_from_its_names_and_functions(promql: str, unit: str | None) -> None:
    assert query_unit(promql) == unit


@pytest.mark.parametrize(
    ("query", "broken"),
    [
        ("avg(a", True),
        ("rate(a)", True),
        ("sum(rate(a[5m])) by (le)", False),
        ("up{job=~'x'} == 0 and on (a) b", False),
        ("rate(a{pod='$pod'}[5m])", False),
        ("rate(a{pod=<pod>}[5m])", False),
    ],
)
def test_a_query_that_is_no_promql_is_told(query: str, broken: bool) -> None:
    queries = f"```promql\n# Disk Usage\nmax(node_disk_usage_ratio)\n\n# More\n{query}\n```\n"
    found = [p.code for p in compiled(a_document(queries=queries)).problems]
    assert ("PC304" in found) is broken


def test_queries_without_names_are_called_by_their_section_and_then_by_themselves() -> None:
    block = "max(node_disk_usage_ratio)\nmin(node_disk_free)\n\nsum(\n  rate(a[5m])\n)\n"
    plan = compiled(a_document(queries=f"```promql\n{block}```\n")).plan
    assert plan
    assert [query.name for query in plan.queries] == [
        "Queries",
        "min(node_disk_free)",
        "sum(\nrate(a[5m])\n)",
    ]
