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


QUERIES = """
## Queries

```promql
# Queue depth
sum(web_queue_depth)
# Disk usage
1 - web_disk_free_bytes{mount="/"} / web_disk_size_bytes{mount="/"}
```
"""


def a_trigger(sentence: str, heading: str = "Trigger") -> Play:
    return a_play(f"# QueueStuck\n\n## {heading}\n\n- {sentence}\n{QUERIES}")


@pytest.mark.parametrize(
    "heading", ["Trigger", "Detection", "Alert condition", "When does it fire?", "Why it fires"]
)
def test_a_heading_that_says_when_an_alert_fires_holds_symptoms(heading: str) -> None:
    play = a_trigger("Queue depth exceeds 10k for 5 minutes", heading)
    (criterion,) = play.criteria
    assert (criterion.id, criterion.threshold, criterion.query) == (
        "symptom.1",
        10_000,
        "sum(web_queue_depth)",
    )


@pytest.mark.parametrize(
    ("sentence", "threshold", "query"),
    [
        ("> 85 % disk usage", 0.85, '1 - web_disk_free_bytes{mount="/"} / web_disk_size_bytes'),
        ("Disk usage at or above 90%", 0.9, "1 - web_disk_free_bytes"),
        ("Trigger: queue depth > 5", 5, "sum(web_queue_depth)"),
        ("`web_jobs_failed > 4` for 5 minutes", 4, "web_jobs_failed"),
        ("`sum(rate(web_errors_total[5m])) > 0.5`", 0.5, "sum(rate(web_errors_total[5m]))"),
        ("p95 latency over 2 seconds for 5 minutes", 2, None),
    ],
)
def test_more_sentences_are_measurable(sentence: str, threshold: float, query: str | None) -> None:
    (criterion,) = a_trigger(sentence).criteria
    assert criterion.threshold == threshold
    assert (criterion.query or "").startswith(query or "")
    assert (criterion.query is None) == (query is None)


@pytest.mark.parametrize(
    "sentence", ["Load > 2x the number of cores", "Errors over 5 minutes", "Trigger a restart"]
)
def test_other_sentences_are_not(sentence: str) -> None:
    assert not a_trigger(sentence).criteria


@pytest.mark.parametrize(
    "end",
    [
        "## Recovery\n\n1. Verify that the queue depth is below 9\n",
        "## Verification\n\nQueue depth < 9\n",
        "## When is it over?\n\nQueue depth < 9\n",
    ],
)
def test_what_a_play_ends_with_says_when_it_is_over(end: str) -> None:
    play = a_play(f"# QueueStuck\n\n## Fix\n\n```\nkubectl delete pod web-0\n```\n\n{end}{QUERIES}")
    assert [(c.id, c.threshold) for c in play.criteria] == [("recovery.1", 9)]


def test_before_any_remedy_a_verification_only_looks() -> None:
    play = a_play(f"# QueueStuck\n\n## Verification\n\n- queue depth > 9\n{QUERIES}")
    assert not play.criteria


def test_bold_lines_are_headings_where_they_say_what_follows() -> None:
    text = (
        "# QueueStuck\n\n**Symptoms**\n\n- queue depth > 9\n\n**What to do**\n\n"
        "**If web is stuck:**\n\n```\nkubectl delete pod web-0\n```\n\n"
        "**When is it over?**\n\n- queue depth < 3\n"
    )
    play = a_play(f"{text}{QUERIES}")
    assert [phase.title for phase in play.phases] == ["What to do", "When is it over?"]
    (command,) = play.commands()
    assert command.guard is not None
    assert [c.id for c in play.criteria] == ["symptom.1", "recovery.1"]


def test_what_stands_above_the_first_command_is_a_symptom() -> None:
    play = a_play(f"# QueueStuck\n\nQueue depth > 9.\n\nLook:\n\n```\nuptime\n```\n{QUERIES}")
    assert [symptom.text for symptom in play.symptoms] == ["Queue depth > 9."]
    assert play.commands()[0].title == "Look"


@pytest.mark.parametrize(
    "body",
    [
        "uptime",
        "sudo webctl restart",
        "logrotate -f /etc/logrotate.conf",
        "webctl jobs clear --yes",
        "find /var -name core",
        "make_room() {\n  rm -r /var/old\n}\n\nmake_room",
    ],
)
def test_an_untagged_block_that_opens_with_a_command_is_shell(body: str) -> None:
    (command,) = a_play(a_block(body, "")).commands()
    assert command.text == body


@pytest.mark.parametrize(
    "body",
    [
        "find the pod",
        "test failed after 3 tries",
        "date: 2030-01-01",
        "web is slow.",
        "max.size=100",
        "web-0   1/1   Running",
        "web      1234  0.0 /usr/bin/web --port 80",
    ],
)
def test_other_untagged_text_is_not(body: str) -> None:
    assert not a_play(a_block(body, "")).commands()


def test_below_a_line_that_promises_output_only_a_prompt_is_typed() -> None:
    text = "# QueueStuck\n\n## Triage\n\nThe output looks like:\n\n```\ncurl 7.1 (x86)\n```\n"
    assert not a_play(text).commands()
    assert a_play(text.replace("curl 7.1 (x86)", "$ uptime\n1 day")).commands()


def test_a_page_may_hold_an_escalation_path_and_duties_beside_its_steps() -> None:
    text = (
        f"# QueueStuck\n\n{SECTIONS}\n## Escalation\n\n1. Web primary (0 min)\n"
        "2. Web lead (after 10 minutes without acknowledgement)\n3. Head of web (30 minutes)\n"
        "\n## Post-incident (within 2 days)\n\n1. Write it down\n"
    )
    plan = a_plan(text)
    assert [(r.roles, r.after.total_seconds()) for r in plan.rungs] == [
        (("Web primary",), 0),
        (("Web lead",), 600),
        (("Head of web",), 1800),
    ]
    assert [duty.title for duty in plan.duties] == ["Write it down"]
    assert [phase.title for phase in plan.plays[0].phases] == ["Diagnosis"]


def test_an_escalation_in_sentences_stays_with_the_steps() -> None:
    play = a_play(f"# QueueStuck\n\n{SECTIONS}\n## Escalation\n\n- Call the web team.\n")
    assert [phase.title for phase in play.phases] == ["Diagnosis", "Escalation"]


def test_a_time_in_brackets_behind_a_rung_is_no_unknown_condition() -> None:
    compiled = compile_document(
        b"# Duty\n\n## Escalation\n\n1. Primary\n2. Lead (after 30 minutes)\n", "duty.md"
    )
    assert not [problem for problem in compiled.problems if problem.code == "PC107"]


@pytest.mark.parametrize(
    "path",
    [
        "Web primary → (10 min) → Web lead → (20 min) → Head of web",
        "```\nWeb primary -> 10 min -> Web lead -> 20 min -> Head of web\n```",
        "Web primary\n  ↓ ten minutes\nWeb lead\n  ↓ 20 min\nHead of web",
    ],
)
def test_an_escalation_path_may_run_sideways_and_outside_of_code(path: str) -> None:
    rungs = a_plan(f"# Duty\n\n## Escalation\n\n{path}\n").rungs
    assert [(r.roles[0], r.after.total_seconds()) for r in rungs] == [
        ("Web primary", 0),
        ("Web lead", 600),
        ("Head of web", 1200),
    ]


def test_a_deadline_may_be_in_words() -> None:
    plan = a_plan("# Duty\n\n## Post-incident\n\n### Within one week\n\n1. Write it down\n")
    assert [duty.within.days for duty in plan.duties] == [7]
