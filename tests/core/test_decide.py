"""The state machine: whole values in, whole values out; no clock, no database, no network."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playcall.core import effects as ef
from playcall.core import events as ev
from playcall.core import rollback_events as back
from playcall.core.access import Access
from playcall.core.decide import ACCEPTED, decide
from playcall.core.effects import Moved, Page, Refused, Tell
from playcall.core.incident import Incident, Part, RunStatus, Status
from playcall.core.judge import Judgement, Verdict
from playcall.core.plan import EffectClass, Plan, Purpose
from playcall.core.status_update import PublicImpact, StatusUpdate, UpdateState
from playcall.testing import (
    NOON,
    a_command,
    a_criterion,
    a_plan,
    a_play,
    an_alert,
    an_opening,
    minutes,
)
from tests.core.responding import DUTY_EVENTS, REGROUPED

PLAN = a_plan()


def moved(incident: Incident | None, event: ev.Event, plan: Plan = PLAN) -> Moved:
    outcome = decide(incident, event, plan)
    assert isinstance(outcome, Moved), outcome
    return outcome


def refused(incident: Incident | None, event: ev.Event, plan: Plan = PLAN) -> str:
    outcome = decide(incident, event, plan)
    assert isinstance(outcome, Refused), outcome
    return outcome.reason


def opened(plan: Plan = PLAN, **changes: object) -> Incident:
    return moved(None, an_opening(**changes), plan).incident  # type: ignore[arg-type]


def after(incident: Incident, *events: ev.Event, plan: Plan = PLAN) -> Incident:
    for event in events:
        incident = moved(incident, event, plan).incident
    return incident


def pages(effects: tuple[ef.Effect, ...]) -> list[str]:
    return [effect.role for effect in effects if isinstance(effect, Page)]


def woken(count: float) -> ev.Woken:
    return ev.Woken(at=NOON + minutes(count))


def acknowledged(count: float = 1) -> ev.Acknowledged:
    return ev.Acknowledged(at=NOON + minutes(count), by="ada")


def read(verdict: Verdict, at: datetime = NOON, criterion: str = "recovery") -> ev.MetricRead:
    known = verdict is not Verdict.UNKNOWN
    return ev.MetricRead(
        at=at,
        criterion=criterion,
        judgement=Judgement(verdict=verdict, value=0.4 if known else None, since=None),
    )


def cleared(count: float = 2) -> ev.AlertsCleared:
    return ev.AlertsCleared(at=NOON + minutes(count), alerts=(an_alert(firing=False),))


def test_opening_pages_the_first_rung_and_the_plays_team_and_runs_the_diagnostics() -> None:
    outcome = moved(None, an_opening())
    assert outcome.effects == (
        Page(
            role="Performance Eng",
            rung=None,
            reason="Immediate to performance team",
            until_acknowledged=True,
        ),
        ef.RunCommand(command="1.1", run="1/1.1/1", approved_by=None),
        Page(role="On-Call Primary", rung=0, reason="fired", until_acknowledged=True),
    )
    assert outcome.incident.status is Status.OPEN
    assert outcome.incident.wake_at == NOON + minutes(5)


def test_a_warning_tells_the_first_rung_and_pages_nobody() -> None:
    outcome = moved(None, an_opening(severity="WARNING"))
    assert pages(outcome.effects) == []
    assert Tell(role="On-Call Primary", reason="fired") in outcome.effects


def test_high_wakes_only_when_it_persists_past_its_delay() -> None:
    outcome = moved(None, an_opening(severity="HIGH"))
    assert pages(outcome.effects) == []
    missed = moved(outcome.incident, woken(5))  # the response target, which wakes nobody
    assert missed.effects == ()
    assert missed.incident.wake_at == NOON + minutes(10)
    assert pages(moved(missed.incident, woken(10)).effects) == ["On-Call Primary"]


def test_the_path_of_high_begins_when_it_wakes() -> None:
    incident = after(opened(severity="HIGH"), woken(10))
    climbed = []
    for minute in (15, 20, 25, 30):
        outcome = moved(incident, woken(minute))
        climbed.append(pages(outcome.effects))
        incident = outcome.incident
    assert climbed == [["On-Call Secondary"], ["Team Lead"], [], ["VP Engineering", "CTO"]]


def test_high_that_cleared_before_its_delay_wakes_nobody_unless_it_fires_again() -> None:
    incident = after(opened(severity="HIGH"), cleared(1), woken(5))
    gone = moved(incident, woken(10))
    assert pages(gone.effects) == []
    again = an_alert(starts_at=NOON + minutes(12))
    fired = moved(gone.incident, ev.AlertsJoined(at=NOON + minutes(12), alerts=(again,)))
    assert pages(fired.effects) == ["On-Call Primary"]


def test_a_start_in_the_future_is_taken_as_now() -> None:
    late = an_alert(starts_at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    assert opened(alerts=(late,)).fired_at == NOON


def test_high_that_recovers_within_its_delay_wakes_nobody() -> None:
    incident = after(opened(severity="HIGH"), cleared(8), read(Verdict.HOLDS, NOON + minutes(9)))
    assert incident.status is Status.RECOVERED
    assert incident.wake_at is None


def test_an_unknown_severity_wakes() -> None:
    assert "On-Call Primary" in pages(moved(None, an_opening(severity="P0")).effects)


def test_the_ladder_is_climbed_by_its_conditions() -> None:
    incident = opened()
    climbed = []
    for minute in (5, 10, 15, 20):
        outcome = moved(incident, woken(minute))
        climbed.append(pages(outcome.effects))
        incident = outcome.incident
    assert climbed == [
        ["On-Call Secondary"],
        ["Team Lead"],
        ["Engineering Manager"],
        ["VP Engineering", "CTO"],
    ]
    assert incident.wake_at == NOON + minutes(35)  # the path starts over


def test_an_acknowledgement_stops_the_rung_for_no_ack_and_no_other() -> None:
    incident = after(opened(), acknowledged())
    climbed = [pages(moved(incident, woken(minute)).effects) for minute in (5, 10)]
    assert climbed == [[], ["Team Lead"]]


def test_every_rung_is_climbed_once() -> None:
    incident = after(opened(), woken(5))
    assert (
        pages(moved(incident, ev.NoteAdded(at=NOON + minutes(6), by="ada", text="x")).effects) == []
    )


def test_the_last_rung_waits_for_an_sla_violation() -> None:
    healthy = read(Verdict.HOLDING, NOON + minutes(1))
    incident = after(opened(), healthy, woken(5), woken(10), woken(15))
    assert pages(moved(incident, woken(20)).effects) == []
    incident = after(incident, woken(20))
    broken = moved(incident, read(Verdict.BROKEN, NOON + minutes(22)))
    assert pages(broken.effects) == ["VP Engineering", "CTO"]


def test_a_true_symptom_is_an_sla_violation() -> None:
    symptom = a_criterion("symptom", purpose=Purpose.SYMPTOM)
    plan = a_plan(a_play(criteria=(symptom,)))
    incident = after(
        opened(plan),
        read(Verdict.HOLDING, NOON, "symptom"),
        woken(5),
        woken(10),
        woken(15),
        plan=plan,
    )
    assert pages(moved(incident, woken(20), plan).effects) == ["VP Engineering", "CTO"]


def test_the_critical_rung_is_for_critical_incidents() -> None:
    incident = after(opened(severity="HIGH"), woken(10), woken(15), woken(20))
    assert pages(moved(incident, woken(25)).effects) == []


def test_an_alert_that_reached_us_late_starts_its_ladder_when_it_opened() -> None:
    late = an_opening(at=NOON + minutes(30))
    outcome = moved(None, late)
    assert pages(outcome.effects) == ["Performance Eng", "On-Call Primary"]
    assert outcome.incident.wake_at == NOON + minutes(35)


def test_a_start_in_the_future_makes_nobody_wait() -> None:
    ahead = an_opening(alerts=(an_alert(starts_at=NOON + minutes(30)),))
    assert "On-Call Primary" in pages(moved(None, ahead).effects)


def test_a_timer_that_comes_early_is_refused() -> None:
    assert refused(opened(), woken(4)) == "no timer is due"


def test_nothing_is_paged_after_resolution() -> None:
    incident = after(opened(), ev.Resolved(at=NOON, by="ada", cause="", unverified=True))
    assert refused(incident, woken(20)) == "no timer is due"
    reminded = moved(incident, woken(60 * 24))
    assert pages(reminded.effects) == []
    assert any(isinstance(effect, Tell) for effect in reminded.effects), "of what is owed after it"


def test_recovery_needs_cleared_alerts_and_a_criterion_that_held() -> None:
    incident = after(opened(), acknowledged())
    assert after(incident, cleared()).status is Status.ACKNOWLEDGED
    assert after(incident, read(Verdict.HOLDS)).status is Status.ACKNOWLEDGED
    outcome = moved(after(incident, cleared()), read(Verdict.HOLDS))
    assert outcome.incident.status is Status.RECOVERED
    assert outcome.effects == (Tell(role="On-Call Primary", reason="recovered"),)


@pytest.mark.parametrize("verdict", [Verdict.HOLDING, Verdict.BROKEN, Verdict.UNKNOWN])
def test_a_cleared_alert_alone_is_not_recovery(verdict: Verdict) -> None:
    assert after(opened(), cleared(), read(verdict)).status is Status.OPEN


def test_a_play_without_a_criterion_never_recovers_by_itself() -> None:
    plan = a_plan(a_play(criteria=()))
    assert after(opened(plan), cleared(), plan=plan).status is Status.OPEN


def test_a_relapse_goes_back_and_the_ladder_goes_on() -> None:
    incident = after(opened(), acknowledged(), cleared(), read(Verdict.HOLDS, NOON + minutes(8)))
    assert incident.wake_at is None
    relapsed = moved(incident, ev.AlertsJoined(at=NOON + minutes(12), alerts=(an_alert(),)))
    assert relapsed.incident.status is Status.ACKNOWLEDGED
    assert pages(relapsed.effects) == ["Team Lead"]
    assert Tell(role="On-Call Primary", reason="relapsed") in relapsed.effects


def test_missing_data_does_not_undo_a_recovery_and_forbids_resolving() -> None:
    incident = after(opened(), cleared(), read(Verdict.HOLDS), read(Verdict.UNKNOWN))
    assert incident.status is Status.RECOVERED
    assert "unknown" in refused(incident, ev.Resolved(at=NOON, by="ada", cause=""))


def test_resolving_asks_for_a_silence_then_closes_and_writes_the_report() -> None:
    incident = after(opened(), cleared(), read(Verdict.HOLDS))
    resolved = moved(incident, ev.Resolved(at=NOON + minutes(9), by="ada", cause="streams"))
    assert resolved.incident.status is Status.RESOLVED
    silence = next(e for e in resolved.effects if isinstance(e, ef.Silence))
    assert silence.lasting == timedelta(hours=1)
    assert silence.label_sets == (an_alert().labels,)
    closed = moved(resolved.incident, ev.Silenced(at=NOON, silence="s", until=NOON))
    assert closed.incident.status is Status.CLOSED
    assert closed.effects == (ef.WriteReport(),)


def test_a_silence_that_failed_closes_all_the_same() -> None:
    incident = after(opened(), ev.Resolved(at=NOON, by="ada", cause="", unverified=True))
    closed = moved(incident, ev.SilenceFailed(at=NOON, reason="no Alertmanager"))
    assert closed.incident.status is Status.CLOSED


def test_a_document_that_asks_for_no_silence_gets_none() -> None:
    plan = a_plan(silence=False)
    outcome = moved(opened(plan), ev.Resolved(at=NOON, by="a", cause="", unverified=True), plan)
    assert outcome.incident.status is Status.CLOSED
    assert not any(isinstance(effect, ef.Silence) for effect in outcome.effects)


def test_a_change_runs_only_once_for_one_approval() -> None:
    approval = ev.RunApproved(at=NOON, by="ada", command="2.1")
    outcome = moved(opened(), approval)
    assert outcome.effects == (ef.RunCommand(command="2.1", run="1/2.1/1", approved_by="ada"),)
    assert refused(outcome.incident, approval).startswith(
        "command 2.1 is pending already (approved by "
    )
    finished = ev.CommandFinished(
        at=NOON, command="2.1", run="1/2.1/1", status=RunStatus.SUCCEEDED, exit_code=0, summary=""
    )
    incident = after(outcome.incident, finished)
    assert "ran already" in refused(incident, approval)
    again = moved(incident, replace(approval, again=True))
    assert again.effects == (ef.RunCommand(command="2.1", run="1/2.1/2", approved_by="ada"),)


def test_an_interrupted_change_waits_for_a_person() -> None:
    incident = after(opened(), ev.RunApproved(at=NOON, by="ada", command="2.1"))
    outcome = moved(incident, ev.CommandInterrupted(at=NOON, command="2.1", run="1/2.1/1"))
    assert outcome.incident.runs["2.1"].status is RunStatus.UNKNOWN
    assert outcome.effects == ()


def test_what_cannot_run_cannot_be_approved() -> None:
    commands = (
        a_command("1.1", effect=EffectClass.MANUAL),
        a_command("1.2", effect=EffectClass.CHANGE, placeholders=("POD",)),
    )
    plan = a_plan(a_play(commands=commands))
    incident = opened(plan)
    needs = ev.RunApproved(at=NOON, by="ada", command="1.2")
    assert "needs a person" in refused(incident, replace(needs, command="1.1"), plan)
    assert "no value for POD" in refused(incident, needs, plan)
    assert "has no command 9.9" in refused(incident, replace(needs, command="9.9"), plan)
    filled = opened(plan, values={"POD": "web-1"})
    assert moved(filled, needs, plan).effects


def test_an_approval_needs_whom_the_document_asks_for() -> None:
    command = replace(a_command("1.1", effect=EffectClass.CHANGE), approver=Access.COMMANDER)
    plan = a_plan(a_play(commands=(command,)))
    approval = ev.RunApproved(at=NOON, by="ada", command="1.1")
    assert "needs the approval of a commander" in refused(opened(plan), approval, plan)
    assert moved(opened(plan), replace(approval, access=Access.COMMANDER), plan).effects


def test_a_diagnostic_with_an_unfilled_placeholder_does_not_run() -> None:
    plan = a_plan(a_play(commands=(a_command("1.1", placeholders=("POD",)),)))
    assert opened(plan).runs == {}


def test_an_approval_after_the_end_is_refused() -> None:
    incident = after(opened(), ev.Resolved(at=NOON, by="ada", cause="", unverified=True))
    assert refused(incident, ev.RunApproved(at=NOON, by="ada", command="2.1"))


def test_a_late_clearing_of_an_earlier_start_clears_nothing() -> None:
    again = an_alert(starts_at=NOON + minutes(3))
    incident = after(opened(), ev.AlertsJoined(at=NOON + minutes(3), alerts=(again,)))
    assert refused(incident, cleared(4)) == "none of these alerts is firing here"


def test_a_second_acknowledgement_says_who_was_first() -> None:
    incident = after(opened(), acknowledged())
    assert refused(incident, acknowledged()) == "ada has acknowledged it already"


def test_a_person_says_once_what_became_of_a_run_that_nobody_saw_end() -> None:
    approved = ev.RunApproved(at=NOON, by="ada", command="2.1")
    said = ev.OutcomeDecided(
        at=NOON, by="bob", command="2.1", run="1/2.1/1", fate=ev.Fate.NOT_RUN, note="no new pod"
    )
    running = after(opened(), approved)
    assert refused(running, said) == "the outcome of command 2.1 is known: pending"
    unknown = after(running, ev.CommandInterrupted(at=NOON, command="2.1", run="1/2.1/1"))
    other = replace(said, run="1/2.1/2")
    assert refused(unknown, other) == "1/2.1/2 is not the current run of command 2.1"
    viewer = replace(said, access=Access.VIEWER)
    assert refused(unknown, viewer) == "the outcome of 2.1 is for a responder to decide"
    settled = after(unknown, said)
    run = settled.runs["2.1"]
    assert (run.status, run.summary) == (
        RunStatus.CANCELLED,
        "it did not run, says bob: no new pod",
    )
    assert after(unknown, replace(said, fate=ev.Fate.RAN)).runs["2.1"].status is RunStatus.SUCCEEDED
    assert refused(settled, said) == "the outcome of command 2.1 is known: cancelled"
    again = moved(settled, replace(approved, again=True))
    assert again.effects == (ef.RunCommand(command="2.1", run="1/2.1/2", approved_by="ada"),)


# --- every pair of status and event --------------------------------------------------------------

UPDATE = StatusUpdate(
    incident=1,
    number=1,
    state=UpdateState.INVESTIGATING,
    title="Requests are slow",
    body="We are looking.",
    at=NOON,
    impact=PublicImpact.MINOR,
)
EXAMPLES: tuple[ev.Event, ...] = (
    ev.AlertsJoined(at=NOON, alerts=(an_alert(),)),
    cleared(),
    ev.AnotherOpened(at=NOON, incident=7, title="other"),
    acknowledged(),
    ev.NoteAdded(at=NOON, by="ada", text="x"),
    ev.ValueGiven(at=NOON, by="ada", name="POD", value="web-1"),
    ev.RunApproved(at=NOON, by="ada", command="2.1"),
    ev.RunDeclined(at=NOON, by="ada", command="2.1", reason=""),
    ev.RunRequested(at=NOON, by="ada", command="2.1"),
    ev.RunEdited(
        at=NOON,
        by="ada",
        command="2.1",
        original="restart",
        text="restart --all",
        diff="",
        effect="change",
        reasons=(),
    ),
    ev.ApprovalLapsed(at=NOON, command="2.1", run="1/2.1/1", reason="too late"),
    ev.RequestExpired(at=NOON, command="2.1"),
    ev.OutcomeDecided(at=NOON, by="ada", command="2.1", run="1/2.1/1", fate=ev.Fate.RAN),
    ev.CommandBegun(at=NOON, command="1.1", run="1/1.1/1"),
    ev.CommandFinished(
        at=NOON, command="1.1", run="1/1.1/1", status=RunStatus.FAILED, exit_code=1, summary=""
    ),
    ev.CommandInterrupted(at=NOON, command="1.1", run="1/1.1/1"),
    read(Verdict.BROKEN),
    read(Verdict.HOLDS),
    ev.PageDelivered(at=NOON, role="r", person="p", channel="mail"),
    ev.PageFailed(at=NOON, role="r", person=None, reason=""),
    woken(20),
    ev.Resolved(at=NOON, by="ada", cause="", unverified=True),
    ev.Silenced(at=NOON, silence="s", until=NOON),
    ev.SilenceFailed(at=NOON, reason=""),
    ev.ReportWritten(at=NOON, path="p"),
    ev.WarRoomOpened(at=NOON, name="inc-1", url="https://chat.example/1"),
    ev.Unacknowledged(at=NOON, by="ada"),
    ev.Snoozed(at=NOON, by="ada", until=NOON + minutes(10)),
    ev.Assigned(at=NOON, by="ada", to="bob"),
    ev.Escalated(at=NOON, by="ada", whom=ev.Whom.NEXT),
    ev.Escalated(at=NOON, by="ada", whom=ev.Whom.TEAM, to="performance"),
    ev.PartTaken(at=NOON, by="ada", part=Part.COMMANDER, person="ada"),
    ev.PartLeft(at=NOON, by="ada", part=Part.COMMANDER, person="ada"),
    ev.SeverityChanged(at=NOON, by="ada", severity="HIGH", reason=""),
    ev.QuestionAnswered(at=NOON, by="ada", question="1", answer="YES"),
    ev.SilenceEnded(at=NOON, silence="s"),
    ev.SilenceAsked(at=NOON, by="ada", lasting=minutes(5)),
    ev.Reopened(at=NOON, alerts=(an_alert(),)),
    back.RollbackAsked(at=NOON, by="ada", reason="slow", access=Access.COMMANDER),
    back.RollbackApproved(at=NOON, by="bob", access=Access.COMMANDER),
    back.RollbackStopped(at=NOON, by="ada", reason="no"),
    back.ItemTicked(at=NOON, by="ada", item=1),
    back.RollbackHalted(at=NOON, command="rollback.1", reason=""),
    back.RollbackDone(at=NOON),
    ev.PageLost(at=NOON, round=1),
    ev.PersonGone(at=NOON, role="r", person="zoe", reason="fired", message="1.1.0", page=True),
    ev.TaskRetried(at=NOON, by="ada", what="the message to bob", key="1.1.0.bob"),
    ev.QuietShortened(at=NOON, until=NOON),
    ev.RungClimbed(at=NOON, rung=0, round=1, roles=("r",), reason=""),
    ev.TargetMissed(at=NOON, target=minutes(5)),
    ev.TimeBoxEnded(at=NOON, phase="p"),
    ev.QuietEnded(at=NOON, reason=""),
    ev.StoodIn(at=NOON, role="r", to=("On-Call Primary",), page=True),
    ev.Recovered(at=NOON),
    ev.Relapsed(at=NOON),
    ev.Decided(at=NOON, outcome="ROLLBACK", commands=()),
    ev.UpdatePublished(at=NOON, by="ada", update=UPDATE),
    ev.UpdateReminded(at=NOON, due_at=NOON),
    ev.UpdateMissed(at=NOON, due_at=NOON),
    ev.StakeholdersTold(at=NOON, audience="Critical", number=1, recipients=("CTO",)),
    ev.StakeholdersMissed(at=NOON, audience="Critical", role="CTO", due_at=NOON),
    *DUTY_EVENTS,
    *REGROUPED,
    ev.TextSent(at=NOON, by="ada", template="t", role="CTO", subject="s", body="b"),
)


def test_the_table_and_the_examples_name_every_event() -> None:
    kinds = set(ev.EVENTS.values()) - {ev.Opened}
    assert set(ACCEPTED) == kinds
    assert {type(event) for event in EXAMPLES} == kinds


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_every_pair_moves_or_is_refused(status: Status, event: ev.Event) -> None:
    incident = replace(opened(), status=status)
    outcome = decide(incident, event, PLAN)
    if status not in ACCEPTED[type(event)]:
        assert outcome == Refused(reason=f"incident 1 is {status}")
    if isinstance(outcome, Moved):
        assert outcome.incident.version == incident.version + 1


def test_nothing_but_an_opening_makes_an_incident() -> None:
    for event in EXAMPLES:
        assert refused(None, event) == "there is no such incident"
    assert refused(opened(), an_opening()) == "incident 1 is open already"


@given(st.lists(st.tuples(st.sampled_from(EXAMPLES), st.integers(0, 90)), max_size=30))
def test_any_order_of_events_keeps_the_promises(story: list[tuple[ev.Event, int]]) -> None:
    """At most one run for one approval, each rung once a round, nobody paged once it is over or
    while pages are held, and a timer whenever somebody is still to be called."""
    incident = opened()
    climbed: list[tuple[int, int]] = []
    runs: list[str] = []
    approvals = 0
    for event, minute in sorted(story, key=lambda pair: pair[1]):
        event = moved_to(event, NOON + minutes(minute))
        outcome = decide(incident, event, PLAN)
        if isinstance(outcome, Refused):
            assert outcome.reason
            continue
        quiet = outcome.incident.quiet
        for effect in outcome.effects:
            if isinstance(effect, Page) and effect.rung is not None:
                assert not outcome.incident.status.over
                asked = isinstance(event, ev.Escalated | ev.Unacknowledged)
                assert asked or quiet is None or event.at >= quiet.until
            if isinstance(effect, ef.RunCommand) and effect.approved_by:
                runs.append(effect.run)
        climbed += [
            (follow.round, follow.rung)
            for follow in outcome.follows
            if isinstance(follow, ev.RungClimbed) and follow.rung != 1  # 'no ACK' may come again
        ]
        approvals += isinstance(event, ev.RunApproved)
        incident = outcome.incident
        waits = incident.status is Status.OPEN and incident.severity == "CRITICAL"
        assert not waits or incident.wake_at is not None
        assert incident.wake_at is None or incident.wake_at > event.at
    assert len(climbed) == len(set(climbed))
    assert len(runs) == len(set(runs)) == approvals


def moved_to(event: ev.Event, at: datetime) -> ev.Event:
    """The same at another time; what it says of the future moves with it."""
    if isinstance(event, ev.Snoozed):
        return replace(event, at=at, until=at + (event.until - event.at))
    return replace(event, at=at)
