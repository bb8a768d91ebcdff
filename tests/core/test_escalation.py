"""The path in rounds, by severity, held and resumed."""

from dataclasses import replace
from datetime import timedelta

from playcall.core import events as ev
from playcall.core.effects import RunCommand
from playcall.core.incident import RunStatus, Status
from playcall.core.judge import Verdict
from playcall.core.plan import PlayEscalation, Severity, Wake
from playcall.core.response import ResponsePolicy
from playcall.testing import NOON, a_plan, a_play, an_alert, an_opening, minutes
from tests.core.responding import (
    PLAN,
    acknowledged,
    after,
    cleared,
    climb,
    fired,
    moved,
    opened,
    pages,
    read,
    reasons,
    refused,
    resolved,
    told,
    woken,
)


def test_the_path_starts_over_until_somebody_acknowledges() -> None:
    incident = after(opened(), woken(5), woken(10), woken(15), woken(20))
    again = moved(incident, woken(35))
    assert pages(again.effects) == ["On-Call Primary"]
    assert reasons(again.effects) == ["fired, round 2"]
    assert climb(again.incident, 40, 45, 50, 55, 70) == [
        ["On-Call Secondary"],
        ["Team Lead"],
        ["Engineering Manager"],
        ["VP Engineering", "CTO"],
        ["On-Call Primary"],
    ]


def test_an_acknowledgement_ends_the_rounds_but_not_the_round() -> None:
    incident = after(opened(), woken(5), acknowledged(6))
    assert climb(incident, 10, 15, 20) == [
        ["Team Lead"],
        ["Engineering Manager"],
        ["VP Engineering", "CTO"],
    ]
    assert after(incident, woken(10), woken(15), woken(20)).wake_at is None


def test_how_long_until_the_next_round_is_a_setting() -> None:
    plan = replace(PLAN, response=ResponsePolicy(repeat_after=minutes(3)))
    incident = after(opened(plan), woken(5), woken(10), woken(15), woken(20), plan=plan)
    assert incident.wake_at == NOON + minutes(23)


def test_after_an_outage_of_hours_one_round_begins_and_not_all_that_were_missed() -> None:
    incident = after(opened(), woken(5), woken(10), woken(15), woken(20))
    late = moved(incident, woken(300))
    assert pages(late.effects) == ["On-Call Primary"]
    assert late.incident.round == 2
    assert late.incident.wake_at == NOON + minutes(305)


def test_rungs_and_rounds_are_on_record() -> None:
    climbed = moved(opened(), woken(5)).follows
    assert climbed[0] == ev.RungClimbed(
        at=NOON + minutes(5),
        rung=1,
        round=1,
        roles=("On-Call Secondary",),
        reason="not acknowledged after 5 min",
    )


def test_a_warning_informs_again_after_its_delay_and_wakes_nobody_ever() -> None:
    incident = opened(severity="WARNING")
    missed = moved(incident, woken(5))
    assert missed.follows == (ev.TargetMissed(at=NOON + minutes(5), target=minutes(5)),)
    escalated = moved(missed.incident, woken(30))
    assert pages(escalated.effects) == []
    assert told(escalated.effects) == [("On-Call Secondary", "not resolved after 30 min")]
    assert escalated.incident.wake_at is None


def test_the_plays_own_delay_wins_over_its_severitys() -> None:
    line = PlayEscalation(text="After 12 minutes", after=minutes(12), whom=None, line=1)
    plan = a_plan(replace(a_play(severity="WARNING"), escalation=line))
    incident = after(opened(plan, severity="WARNING"), woken(5), plan=plan)
    assert incident.wake_at == NOON + minutes(12)


def test_what_is_only_to_be_recorded_tells_nobody() -> None:
    info = Severity(
        level="INFO",
        respond_within=None,
        escalate_after=None,
        wake=Wake.NO,
        examples=(),
        line=1,
    )
    plan = a_plan(a_play("Other"))
    plan = replace(plan, severities=(*plan.severities, info))
    outcome = moved(None, an_opening(severity="INFO", play=None), plan)
    assert outcome.effects == ()
    assert outcome.incident.wake_at is None


def test_an_immediate_call_to_all_teams_pages_every_teams_primary() -> None:
    teams = tuple(
        replace(PLAN.teams[0], value=value, primary=f"{value} team") for value in ("a", "b", "c")
    )
    plan = replace(a_plan(a_play(escalation="all teams")), teams=teams)
    assert pages(moved(None, an_opening(), plan).effects)[:3] == ["a team", "b team", "c team"]


# --- quiet ---------------------------------------------------------------------------------------


def snoozed(minute: float, until: float) -> ev.Snoozed:
    return ev.Snoozed(at=NOON + minutes(minute), by="ada", until=NOON + minutes(until))


def test_a_snooze_holds_every_page_and_then_the_path_starts_over() -> None:
    incident = after(opened(), acknowledged(), snoozed(2, 32))
    assert incident.wake_at == NOON + minutes(32)
    ended = moved(incident, woken(32))
    assert pages(ended.effects) == ["Performance Eng", "On-Call Primary"]
    assert ended.incident.status is Status.OPEN
    assert ended.incident.acknowledged_by is None
    assert climb(ended.incident, 37, 42) == [["On-Call Secondary"], ["Team Lead"]]


def test_a_snooze_has_a_limit() -> None:
    assert refused(opened(), snoozed(1, 400)) == "an incident may be snoozed for 4 h at most"
    assert "passed already" in refused(opened(), snoozed(5, 5))


def held(until: float) -> ev.Opened:
    return replace(
        an_opening(), quiet_until=NOON + minutes(until), quiet_reason="maintenance: switches"
    )


def test_maintenance_holds_pages_and_keeps_the_record() -> None:
    outcome = moved(None, held(60))
    assert pages(outcome.effects) == []
    assert "1.1" in outcome.incident.runs  # what only looks has run
    assert outcome.incident.wake_at == NOON + minutes(60)
    ended = moved(outcome.incident, woken(60))
    assert pages(ended.effects) == ["Performance Eng", "On-Call Primary"]
    assert ended.follows[0] == ev.QuietEnded(at=NOON + minutes(60), reason="maintenance: switches")


def test_what_fired_and_cleared_during_maintenance_wakes_nobody_at_its_end() -> None:
    incident = after(moved(None, held(60)).incident, cleared(20))
    ended = moved(incident, woken(60))
    assert ended.effects == ()
    again = moved(ended.incident, fired(75))
    assert pages(again.effects) == ["Performance Eng", "On-Call Primary"]
    assert again.incident.wake_at == NOON + minutes(80)


# --- relapse -------------------------------------------------------------------------------------


def reopened(minute: float) -> ev.Reopened:
    again = an_alert(starts_at=NOON + minutes(minute))
    return ev.Reopened(at=NOON + minutes(minute), alerts=(again,))


def test_a_relapse_soon_after_the_end_opens_the_same_incident_and_pages_anew() -> None:
    incident = after(opened(), acknowledged(), cleared(), resolved(10))
    again = moved(incident, reopened(25))
    assert again.incident.status is Status.OPEN
    assert again.incident.id == incident.id
    assert again.incident.reopened == 1
    assert pages(again.effects) == ["Performance Eng", "On-Call Primary"]
    assert climb(again.incident, 30, 35) == [["On-Call Secondary"], ["Team Lead"]]


def test_a_relapse_is_looked_at_anew_and_decided_anew() -> None:
    looked = (
        ev.CommandBegun(at=NOON, command="1.1", run="1/1.1/1"),
        ev.CommandFinished(
            at=NOON,
            command="1.1",
            run="1/1.1/1",
            status=RunStatus.SUCCEEDED,
            exit_code=0,
            summary="",
        ),
    )
    incident = after(opened(), *looked, cleared(), resolved(10))
    again = moved(incident, reopened(25))
    assert RunCommand(command="1.1", run="1/1.1/2", approved_by=None) in again.effects
    assert again.incident.answers == {}
    assert not any(isinstance(event, ev.TimeBoxEnded) for event in again.follows)


def test_a_relapse_long_after_the_end_is_another_incident() -> None:
    incident = after(opened(), resolved(10))
    assert refused(incident, reopened(41)) == "it was over more than 30 min ago"


def test_a_flap_while_it_is_open_pages_nobody_anew() -> None:
    incident = after(opened(), acknowledged(), cleared(3))
    flapped = moved(incident, fired(4))
    assert flapped.effects == ()
    assert climb(flapped.incident, 5, 10) == [[], ["Team Lead"]]


def test_an_incident_that_may_resolve_itself_does_once_it_is_proven() -> None:
    plan = replace(PLAN, response=ResponsePolicy(resolves_itself=("LatencyHigh",)))
    incident = after(opened(plan), cleared(2), plan=plan)
    proven = moved(incident, read(Verdict.HOLDS, 8), plan)
    assert proven.incident.status is Status.RESOLVED
    assert proven.follows[1:] == (ev.Resolved(at=NOON + minutes(8), by="Playcall", cause=""),)
    doubtful = moved(incident, read(Verdict.HOLDING, 8), plan)
    assert doubtful.incident.status is Status.OPEN


def test_a_repeat_that_is_due_is_not_lost_when_the_clock_was_set_back() -> None:
    incident = after(opened(), woken(5))
    behind = replace(woken(0), at=NOON - timedelta(hours=1))
    assert refused(incident, behind) == "no timer is due"
    assert pages(moved(incident, woken(10)).effects) == ["Team Lead"]
