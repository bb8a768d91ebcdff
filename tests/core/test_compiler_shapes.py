"""Shapes of documents as teams write them: which blocks are shell and which are queries."""

import pytest

from playcall.core.compiler import Compiled, compile_document
from playcall.core.plan import Plan, Play


def a_plan(text: str, name: str = "alerts/guide.md") -> Plan:
    compiled: Compiled = compile_document(text.encode(), name)
    assert compiled.plan
    return compiled.plan


def a_play(text: str, name: str = "alerts/guide.md") -> Play:
    plays = a_plan(text, name).plays
    assert len(plays) == 1, [play.alert for play in plays]
    return plays[0]


def a_block(body: str, tag: str = "bash") -> str:
    return f"# QueueStuck\n\n## Diagnosis\n\n```{tag}\n{body}\n```\n"


@pytest.mark.parametrize(
    "body",
    [
        'psql -h $DB_HOST -c "select count(*) from jobs"',
        "NAME=$1\nkubectl top pods -n $NAME | awk '{sum(1)}'",
        "$ cat <<EOF | kubectl apply -f -\nspec: {}\nEOF",
        "$ promtool query instant http://<host>:9090 \\\n  'up{job=\"web\"}'",
    ],
)
def test_a_shell_line_with_a_variable_is_no_query(body: str) -> None:
    plan = a_plan(a_block(body))
    assert plan.plays[0].commands()
    assert not plan.queries


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("$ web_queue_depth > 1", "web_queue_depth > 1"),
        ("// Busiest\ntopk(5, sum by (pod) (web_busy))", "topk(5, sum by (pod) (web_busy))"),
        ('rate(web_requests_total{pod="$POD"}[$w])', 'rate(web_requests_total{pod="$POD"}[$w])'),
        ("sum(web_queue_depth{ns=<namespace>})", "sum(web_queue_depth{ns=<namespace>})"),
        ("web_queue_size_bytes", "web_queue_size_bytes"),
    ],
)
def test_a_query_under_a_shells_tag_stays_one(body: str, query: str) -> None:
    plan = a_plan(a_block(body))
    assert [found.promql for found in plan.queries] == [query]
    assert not plan.plays[0].commands()


def test_a_query_for_logs_without_a_tag_is_no_promql() -> None:
    plan = a_plan(a_block('{app="web"} |= "late" | line_format "{{.msg}}"', ""))
    (step,) = plan.plays[0].phases[0].steps
    assert [material.language for material in step.materials] == ["logql"]
    assert not plan.queries


SECTIONS = "## Meaning\n\nIt is slow.\n\n## Diagnosis\n\n```\nkubectl get pods\n```\n"


@pytest.mark.parametrize(
    ("text", "name", "alert"),
    [
        (f"---\ntitle: QueueStuck\n---\n\n{SECTIONS}", "a/q.md", "QueueStuck"),
        (f"---\ntitle: On queues\nalertname: QueueStuck\n---\n\n{SECTIONS}", "q.md", "QueueStuck"),
        (SECTIONS, "alerts/QueueStuck.md", "QueueStuck"),
        (f"# What to do\n\n{SECTIONS}", "alerts/QueueStuck.md", "QueueStuck"),
        (f"# QueueStuck 🔥\n\n{SECTIONS}", "a/q.md", "QueueStuck"),
        (f"# Alert `QueueStuck`\n\n{SECTIONS}", "a/q.md", "QueueStuck"),
        (f"# Runbook for QueueStuck\n\n{SECTIONS}", "a/q.md", "QueueStuck"),
        (f"# 1.1 QueueStuck (P1)\n\n{SECTIONS}", "a/q.md", "QueueStuck"),
        (f"# Responding to `QueueStuck`\n\n{SECTIONS}", "a/q.md", "QueueStuck"),
        (f"# QueueStuck – jobs wait\n\n{SECTIONS}", "a/q.md", "QueueStuck"),
    ],
)
def test_a_page_says_its_alert_in_its_front_matter_its_name_or_a_heading(
    text: str, name: str, alert: str
) -> None:
    play = a_play(text, name)
    assert play.alert == alert
    assert [command.text for command in play.commands()] == ["kubectl get pods"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("---\ntitle: GettingStarted\n---\n\n## Meaning\n\nWords.\n", "a/start.md"),
        (f"---\ntitle: On queues\n---\n\n{SECTIONS}", "a/queues.md"),
    ],
)
def test_a_page_that_no_alert_is_named_in_is_no_play(text: str, name: str) -> None:
    assert not a_plan(text, name).plays


@pytest.mark.parametrize(
    ("head", "severity"),
    [
        ("# QueueStuck (P1)\n", "P1"),
        ("# QueueStuck\n\n**Priority:** P1 | **Team:** web\n", "P1"),
        ("# QueueStuck\n\nSeverity = P2\n", "P2"),
        ("---\nseverity: warning\n---\n\n# QueueStuck\n", "WARNING"),
    ],
)
def test_severities_stand_in_lines_headings_and_front_matter(head: str, severity: str) -> None:
    assert a_play(f"{head}\n{SECTIONS}").severity == severity


def test_whom_a_play_escalates_to_ends_where_its_time_begins() -> None:
    play = a_play(f"# QueueStuck\n\n**Escalate to:** web team after 15 minutes\n\n{SECTIONS}")
    assert play.escalation is not None
    assert (play.escalation.whom, play.escalation.after.total_seconds()) == ("web team", 900)
