"""Status updates: due, reminded, missed, published by hand and by itself, over an hour."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from playcall.core import events as ev
from playcall.core.communication import StatusText
from playcall.core.decide import decide
from playcall.core.effects import PublishUpdate, Refused, Tell
from playcall.core.incident import Part, RunStatus
from playcall.core.pace import quicken
from playcall.core.response import FactQuery, UpdatePolicy
from playcall.core.status_update import PublicImpact, UpdateState
from playcall.core.updates import draft, state_of, title_of, update
from playcall.testing import NOON, a_plan, an_alert, minutes
from tests.core.responding import acknowledged, cleared, fired, resolved
from tests.core.telling import PAGE, Walk, telling_plan

PLAN = telling_plan()
BY_ITSELF = telling_plan(UpdatePolicy(by_itself=True))


def reopened(minute: float) -> ev.Reopened:
    again = an_alert(starts_at=NOON + minutes(minute))
    return ev.Reopened(at=NOON + minutes(minute), alerts=(again,))


def told(walk: Walk) -> list[tuple[float, str]]:
    return [
        (when, one.role)
        for when, one in walk.effects
        if isinstance(one, Tell) and one.reason.startswith("a status update is due")
    ]


def states(walk: Walk) -> list[tuple[float, str]]:
    return [
        ((one.at - NOON) / timedelta(minutes=1), str(one.update.state))
        for one in walk.events
        if isinstance(one, ev.UpdatePublished)
    ]


def test_by_hand_each_update_is_reminded_and_missed_when_nobody_publishes() -> None:
    walk = Walk.of(PLAN).to(60)
    assert walk.when(ev.UpdateReminded) == [2, 17, 32, 47]
    assert walk.when(ev.UpdateMissed) == [5, 20, 35, 50]
    assert walk.when(ev.UpdatePublished) == []


def test_the_next_one_counts_from_the_last_published() -> None:
    walk = Walk.of(PLAN).to(4)
    walk.publish()
    walk.to(18)
    assert walk.when(ev.UpdateReminded) == [2, 16]
    walk.publish()
    walk.to(30)
    assert walk.when(ev.UpdateMissed) == []
    assert [one.update.number for one in walk.events if isinstance(one, ev.UpdatePublished)] == [
        1,
        2,
    ]
    assert walk.incident.telling.due_at == NOON + minutes(33)
    published = [one for _, one in walk.effects if isinstance(one, PublishUpdate)]
    assert [one.update.next_at for one in published] == [NOON + minutes(19), NOON + minutes(33)]


def test_the_lead_is_reminded_else_the_commander_else_whoever_has_it() -> None:
    walk = Walk.of(PLAN).to(3)
    walk.do(acknowledged(3.5, by="ada"))
    walk.to(18)
    walk.do(ev.PartTaken(at=walk.at, by="cleo", part=Part.COMMANDER, person="cleo"))
    walk.to(33)
    walk.do(ev.PartTaken(at=walk.at, by="dan", part=Part.COMMUNICATIONS, person="dan"))
    walk.to(48)
    assert told(walk) == [(2, "On-Call Primary"), (17, "ada"), (32, "cleo"), (47, "dan")]


def test_by_itself_the_draft_is_published_at_its_times_and_nobody_is_reminded() -> None:
    walk = Walk.of(BY_ITSELF).to(36)
    walk.do(resolved(37))
    walk.to(90)
    assert states(walk) == [
        (5, "investigating"),
        (20, "investigating"),
        (35, "investigating"),
        (37, "resolved"),
    ]
    assert [one.by for one in walk.events if isinstance(one, ev.UpdatePublished)] == 4 * [
        "Playcall"
    ]
    assert walk.when(ev.UpdateReminded) == walk.when(ev.UpdateMissed) == []
    assert walk.incident.wake_at is None


@pytest.mark.parametrize("wording", ["We are investigating [ISSUE DETAILS].", "[TBD]"])
def test_by_itself_nothing_with_an_open_bracket_is_published(wording: str) -> None:
    text = StatusText(state="INVESTIGATING", body=wording, line=1)
    plan = replace(BY_ITSELF, status_page=replace(PAGE, texts=(text,)))
    walk = Walk.of(plan).to(21)
    assert walk.when(ev.UpdatePublished) == []
    assert walk.when(ev.UpdateReminded) == [2, 17]
    assert walk.when(ev.UpdateMissed) == [5, 20]


def test_after_a_long_absence_one_is_published_and_one_is_missed() -> None:
    alone = Walk.of(BY_ITSELF)
    alone.at = NOON + minutes(300)
    alone.do(ev.Woken(at=alone.at))
    assert states(alone) == [(300, "investigating")]
    nobody = Walk.of(PLAN)
    nobody.at = NOON + minutes(301)
    nobody.do(ev.Woken(at=nobody.at))
    assert nobody.when(ev.UpdateMissed) == [301]
    assert nobody.incident.telling.due_at == NOON + minutes(305)


def test_the_last_update_is_asked_for_when_it_is_resolved() -> None:
    walk = Walk.of(PLAN).to(4)
    walk.publish()
    walk.to(10)
    walk.do(resolved(10))
    assert walk.when(ev.UpdateReminded)[-1] == 10
    walk.to(60)
    assert walk.when(ev.UpdateMissed) == [15]
    walk.publish()
    assert states(walk)[-1] == (60, "resolved")
    assert walk.incident.telling.due_at is None


def test_what_was_over_before_the_public_heard_owes_no_update() -> None:
    walk = Walk.of(PLAN).to(1)
    walk.do(resolved(1))
    walk.to(60)
    assert walk.when(ev.UpdateReminded) == walk.when(ev.UpdateMissed) == []


def test_opened_again_it_is_investigated_anew() -> None:
    walk = Walk.of(BY_ITSELF).to(6)
    walk.do(resolved(7))
    walk.do(reopened(10))
    walk.to(16)
    assert states(walk) == [(5, "investigating"), (7, "resolved"), (15, "investigating")]
    assert walk.incident.telling.last is not None
    assert walk.incident.telling.last.number == 3


def test_what_wakes_nobody_is_not_on_the_page_until_it_does() -> None:
    walk = Walk.of(PLAN, severity="WARNING").to(30)
    assert walk.incident.telling.due_at is None
    walk.do(ev.SeverityChanged(at=walk.at, by="ada", severity="CRITICAL", reason="worse"))
    assert walk.incident.telling.due_at == NOON + minutes(35)
    walk.do(ev.SeverityChanged(at=walk.at, by="ada", severity="WARNING", reason="better"))
    assert walk.incident.telling.due_at is None


def test_what_the_public_has_read_of_stays_until_it_is_resolved() -> None:
    walk = Walk.of(PLAN).to(4)
    walk.publish()
    walk.do(ev.SeverityChanged(at=walk.at, by="ada", severity="WARNING", reason="better"))
    assert walk.incident.telling.due_at == NOON + minutes(19)
    chosen = telling_plan(UpdatePolicy(severities=("warning",)))
    assert Walk.of(chosen, severity="WARNING").incident.telling.due_at == NOON + minutes(5)
    assert Walk.of(chosen).incident.telling.due_at is None


def test_announced_maintenance_is_no_news() -> None:
    until = NOON + minutes(20)
    walk = Walk.of(PLAN, quiet_until=until, quiet_reason="maintenance").to(19)
    assert walk.when(ev.UpdateReminded) == []
    walk.to(26)
    assert walk.when(ev.UpdateMissed) == [25]


def test_a_compressed_clock_compresses_all_of_it() -> None:
    walk = Walk.of(quicken(PLAN, 20)).to(1.1)
    assert walk.when(ev.UpdateReminded) == [0.1, 0.85]
    assert walk.when(ev.UpdateMissed) == [0.25, 1]


def test_facts_of_the_settings_keep_the_pace() -> None:
    policy = UpdatePolicy(facts=(FactQuery(name="moves", promql="sum(rate(x[5m]))"),))
    (fact,) = quicken(telling_plan(policy), 20).response.updates.facts
    assert fact.promql == "sum(rate(x[15000ms]))"


def test_without_a_status_page_nothing_is_due_and_a_person_may_publish() -> None:
    walk = Walk.of(replace(PLAN, status_page=None)).to(60)
    assert walk.incident.telling.due_at is None
    walk.publish()
    assert walk.incident.telling.last is not None
    assert walk.incident.telling.last.body.startswith("We are looking for the cause.")
    assert walk.incident.telling.last.next_at is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"body": " "}, "needs a title and a text"),
        ({"body": "It is [BRIEF DESCRIPTION]"}, r"fill in \[BRIEF DESCRIPTION\]"),
        ({"title": "[TBD]"}, r"fill in \[TBD\]"),
        ({"number": 2}, "meanwhile"),
        ({"state": UpdateState.RESOLVED}, "not resolved"),
        ({"body": "x" * 5001}, "at most 5000"),
    ],
)
def test_what_is_not_fit_for_the_public_is_refused(changes: dict[str, object], reason: str) -> None:
    walk = Walk.of(PLAN)
    good = draft(walk.incident, PLAN, NOON)
    bad = replace(good, **changes)  # type: ignore[arg-type]
    outcome = decide(walk.incident, ev.UpdatePublished(at=NOON, by="ada", update=bad), PLAN)
    assert isinstance(outcome, Refused)
    assert re.search(reason, outcome.reason)


def test_two_who_press_at_once_publish_one() -> None:
    walk = Walk.of(PLAN).to(3)
    twice = draft(walk.incident, PLAN, walk.at)
    walk.do(ev.UpdatePublished(at=walk.at, by="ada", update=twice))
    again = decide(walk.incident, ev.UpdatePublished(at=walk.at, by="bob", update=twice), PLAN)
    assert isinstance(again, Refused)
    assert "ada meanwhile" in again.reason


def test_the_state_follows_the_facts() -> None:
    walk = Walk.of(PLAN)
    assert state_of(walk.incident, PLAN) is UpdateState.INVESTIGATING
    walk.do(acknowledged(1))
    approved = ev.RunApproved(at=NOON + minutes(2), by="ada", command="2.1")
    walk.do(approved)
    assert state_of(walk.incident, PLAN) is UpdateState.IDENTIFIED
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
    assert state_of(walk.incident, PLAN) is UpdateState.MONITORING
    walk.do(cleared(4))
    walk.do(resolved(5))
    assert state_of(walk.incident, PLAN) is UpdateState.RESOLVED
    walk.do(reopened(6))
    assert state_of(walk.incident, PLAN) is UpdateState.INVESTIGATING
    walk.do(fired(7))


def test_the_draft_is_the_documents_wording_and_says_since_when() -> None:
    walk = Walk.of(PLAN).to(25)
    found = draft(walk.incident, PLAN, walk.at)
    assert found.body == (
        "We are investigating slow moves. It began at 2026-03-01 12:00 UTC, 25 min ago."
    )
    assert found.title == "Slow moves"
    assert found.impact is PublicImpact.CRITICAL
    walk.do(resolved(26))
    assert draft(walk.incident, PLAN, walk.at).body.endswith("12:00 UTC and lasted 26 min.")


def test_the_title_is_for_the_public_and_stays() -> None:
    policy = UpdatePolicy(title="Moves are slow", titles={"LatencyHigh": "Moves take long"})
    plan = telling_plan(policy)
    walk = Walk.of(plan)
    assert title_of(walk.incident, plan) == "Moves take long"
    assert "requests are slow" in walk.incident.title  # the alert's own words stay inside
    walk.publish()
    other = replace(update(walk.incident, plan, NOON, UpdateState.IDENTIFIED, "Other", "Known."))
    outcome = decide(walk.incident, ev.UpdatePublished(at=NOON, by="ada", update=other), plan)
    assert isinstance(outcome, Refused)
    assert "Moves take long" in outcome.reason


def test_a_plan_without_anybody_to_tell_has_no_timers_of_telling() -> None:
    walk = Walk.of(a_plan(silence=False)).to(120)
    kinds = {type(one) for one in walk.events}
    assert not kinds & {ev.UpdateReminded, ev.UpdateMissed, ev.StakeholdersTold}
