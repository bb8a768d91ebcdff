"""Brackets filled from facts; what nobody knows stays open, and is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from playcall.core import events as ev
from playcall.core.compiler import compile_document
from playcall.core.decide import decide
from playcall.core.effects import Refused, SendText
from playcall.core.facts import Facts, gather
from playcall.core.filling import fill, fill_text, unfilled
from playcall.core.incident import Part, RunStatus
from playcall.core.plan import Template
from playcall.testing import NOON, minutes
from tests.core.telling import Walk, a_template, telling_plan

PLAN = telling_plan()
EXAMPLE = Path(__file__).parents[2] / "examples/dwcp-v3/playbooks.md"
FACTS = Facts(
    at=NOON + minutes(25),
    incident=7,
    title="Slow moves",
    severity="CRITICAL",
    state="identified",
    started_at=NOON,
    next_update=NOON + minutes(30),
    commander="Cleo",
    responders=("Ada", "Bob"),
    war_room="https://meet.example/7",
    decided=("ROLLBACK",),
    actions=("More streams", "Halt the rollout"),
    counts={"migrations affected": "37", "migrations": "90"},
    measures={"P99 Latency": "587 ms"},
)


@pytest.mark.parametrize(
    ("line", "filled"),
    [
        ("Time: [TIMESTAMP]", "Time: 2026-03-01 12:00 UTC"),
        ("Since: [TIMESTAMP]", "Since: 2026-03-01 12:00 UTC"),
        ("Start Time: [TIME]", "Start Time: 2026-03-01 12:00 UTC"),
        ("Last update: [TIMESTAMP]", "Last update: 2026-03-01 12:25 UTC"),
        ("[YYYY-MM-DD HH:MM] - done", "2026-03-01 12:25 UTC - done"),
        ("Next update at [TIME]", "Next update at 2026-03-01 12:30 UTC"),
        ("Duration: [DURATION]", "Duration: 25 min"),
        ("Impact: [NUMBER] migrations affected", "Impact: 37 migrations affected"),
        ("[NUMBER] of the migrations", "90 of the migrations"),
        ("1. [ACTION 1]", "1. More streams"),
        ("2. [ACTION 2]", "2. Halt the rollout"),
        ("- [DECISION: HOTFIX or ROLLBACK]", "- ROLLBACK"),
        ("Incident Commander: [NAME]", "Incident Commander: Cleo"),
        ("Attendees: [NAMES]", "Attendees: Ada, Bob"),
        ("War Room: [SLACK/ZOOM LINK]", "War Room: https://meet.example/7"),
        ("Severity: [SEV-X]", "Severity: CRITICAL"),
        ("Severity: [CRITICAL/HIGH/WARNING]", "Severity: CRITICAL"),
        ("Incident ID: [INCIDENT_ID]", "Incident ID: 7"),
        ("Status: [Investigating / Mitigating / Resolved]", "Status: IDENTIFIED"),
        ("We see [ISSUE DESCRIPTION]", "We see Slow moves"),
        ("It takes [P99 LATENCY]", "It takes 587 ms"),
        ("[Migrations affected] so far", "37 so far"),
        (
            "[CRITICAL] and [text](http://x) and [ ] stay",
            "[CRITICAL] and [text](http://x) and [ ] stay",
        ),
    ],
)
def test_what_is_known_is_filled_in(line: str, filled: str) -> None:
    assert fill_text(line, FACTS, PLAN) == filled
    assert unfilled(filled, PLAN) == ()


@pytest.mark.parametrize(
    "line",
    [
        "ETA: [TIME]",
        "expected by [TIME]",
        "Resolution Time: [TIMESTAMP]",
        "[NUMBER] customers hurt",
        "Root Cause: [BRIEF DESCRIPTION]",
        "[ACTION 3]",
        "Owner: [NAME]",
        "Action Item Tracking: [LINK]",
        "Due: [DATE]",
        "[User impact description]",
        "[ANYTHING ELSE]",
    ],
)
def test_what_nobody_knows_is_never_invented(line: str) -> None:
    assert fill_text(line, FACTS, PLAN) == line
    assert len(unfilled(line, PLAN)) == 1


def test_a_person_fills_the_rest_and_may_overrule() -> None:
    template = a_template("For [DURATION]\nETA: [TIME]\nhurt: [NUMBER]\nHurt again: [NUMBER]")
    found = fill(template, FACTS, PLAN, {})
    assert [blank.id for blank in found.missing] == ["2", "3", "4"]
    assert found.blanks[1].line == "ETA: [TIME]"
    found = fill(
        template, FACTS, PLAN, {"1": "an hour", "2": "14:00\r\nBcc: x", "3": "5", "4": "6"}
    )
    assert found.body == "For an hour\nETA: 14:00 Bcc: x\nhurt: 5\nHurt again: 6"
    assert found.missing == ()
    assert not found.blanks[0].known


def test_a_choice_is_offered_until_it_is_decided() -> None:
    template = a_template("- [DECISION: FIX IT or GO BACK]")
    (blank,) = fill(template, replace(FACTS, decided=()), PLAN, {}).blanks
    assert (blank.value, blank.choices) == ("", ("FIX IT", "GO BACK"))


def test_a_fact_cannot_open_a_bracket_or_a_line() -> None:
    hostile = replace(FACTS, commander="x [TBD]\nBcc: all", counts={"moves": "1"})
    assert fill_text("Incident commander: [NAME]", hostile, PLAN) == (
        "Incident commander: x (TBD) Bcc: all"
    )


def example() -> Template:
    plan = compile_document(EXAMPLE.read_bytes(), EXAMPLE.name).plan
    assert plan is not None
    (template,) = (t for play in plan.plays for t in play.templates)
    return template


def test_the_documents_own_template_is_filled_as_far_as_the_facts_go() -> None:
    found = fill(example(), replace(FACTS, counts={"migrations hurt": "37"}), PLAN, {})
    assert found.subject == "[CRITICAL] DWCP v3 rollout stopped after a NO-GO verdict"
    assert [blank.name for blank in found.missing] == ["BRIEF DESCRIPTION", "TIME"]
    for line in ("Since: 2026-03-01 12:00 UTC", "For: 25 min", "Migrations hurt: 37", "- ROLLBACK"):
        assert line in found.body


def test_facts_are_gathered_from_the_incident() -> None:
    walk = Walk.of(PLAN)
    walk.do(ev.PartTaken(at=NOON, by="ada", part=Part.COMMANDER, person="ada"))
    walk.do(ev.RunApproved(at=NOON + minutes(2), by="ada", command="2.1"))
    run = walk.incident.runs["2.1"].id
    walk.do(
        ev.CommandFinished(
            at=NOON + minutes(3),
            command="2.1",
            run=run,
            status=RunStatus.SUCCEEDED,
            exit_code=0,
            summary="",
        )
    )
    facts = gather(
        walk.incident, PLAN, NOON + minutes(9), title="t", state="s", names={"ada": "Ada L."}
    )
    assert (facts.commander, facts.actions) == ("Ada L.", ("Command 2.1",))
    assert (facts.war_room, facts.lasted) == ("https://meet.example/1", "9 min")


def test_a_text_goes_out_whole_or_not_at_all() -> None:
    walk = Walk.of(PLAN)
    text = ev.TextSent(
        at=NOON, by="ada", template="T", role="CTO", subject="Halted", body="ETA: [TIME]"
    )
    outcome = decide(walk.incident, text, PLAN)
    assert isinstance(outcome, Refused)
    assert "[TIME]" in outcome.reason
    walk.do(replace(text, body="ETA: 14:00"))
    assert walk.effects[-1][1] == SendText(role="CTO", subject="Halted", body="ETA: 14:00")
