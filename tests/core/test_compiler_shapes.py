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
