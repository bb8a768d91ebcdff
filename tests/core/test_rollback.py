"""The document's rollback as a decision: who lets it run, what a step waits for, how it halts."""

import random
from dataclasses import replace

import pytest

from playcall.core import events as ev
from playcall.core import rollback
from playcall.core.access import Access
from playcall.core.decide import decide
from playcall.core.effects import Effect, Moved, Page, RunCommand
from playcall.core.incident import Incident, Part, RollbackStage, RunStatus
from playcall.core.judge import Judgement, Verdict
from playcall.core.plan import ChecklistItem, EffectClass, Plan, Rollback
from playcall.core.rollback import Measure, with_measures
from playcall.core.rollback_events import (
    ItemTicked,
    RollbackApproved,
    RollbackAsked,
    RollbackStopped,
)
from playcall.testing import NOON, a_command, a_plan, minutes
from tests.core.responding import after, moved, opened, refused, told

STEPS = ("rollback.1", "rollback.2", "rollback.3")


def a_way_back() -> Plan:
    change, look = EffectClass.CHANGE, EffectClass.OBSERVE
    commands = (
        a_command(STEPS[0], effect=change, text="v3 off"),
        a_command(STEPS[1], effect=look, text="wait for v1"),
        a_command(STEPS[2], effect=change, text="v1 on"),
    )
    items = (
        ChecklistItem(text="Get approval from incident commander", means="approval", line=1),
        ChecklistItem(text="Execute rollback script", means="execution", line=2),
        ChecklistItem(text="Verify no migrations in progress", line=3),
    )
    back = Rollback(
        commands=commands,
        proofs=(a_command(f"{STEPS[0]}.proof", effect=look, text="is v3 off"),),
        checklist=items,
        line=1,
    )
    measures = (Measure(item="no migrations", query="in_flight", at_most=0),)
    return with_measures(replace(a_plan(), rollback=back), measures)


PLAN = a_way_back()


def asked(minute: float = 1, by: str = "ada", **changes: object) -> RollbackAsked:
    access = Access.RESPONDER
    event = RollbackAsked(at=NOON + minutes(minute), by=by, reason="too slow", access=access)
    return replace(event, **changes)  # type: ignore[arg-type]


def approved(
    minute: float = 2, by: str = "cleo", access: Access = Access.COMMANDER
) -> RollbackApproved:
    return RollbackApproved(at=NOON + minutes(minute), by=by, access=access)


def ended(
    incident: Incident, command: str, status: RunStatus = RunStatus.SUCCEEDED
) -> ev.CommandFinished:
    return ev.CommandFinished(
        at=NOON + minutes(3),
        command=command,
        run=incident.runs[command].id,
        status=status,
        exit_code=0 if status is RunStatus.SUCCEEDED else 1,
        summary="exit code 1: no such service",
    )


def runs(effects: tuple[Effect, ...]) -> list[str]:
    return [effect.command for effect in effects if isinstance(effect, RunCommand)]


def running() -> Incident:
    return after(opened(PLAN), asked(), approved(), plan=PLAN)


def stage(incident: Incident) -> RollbackStage:
    assert incident.rollback is not None
    return incident.rollback.stage


def test_asking_runs_nothing_and_tells_who_may_approve() -> None:
    outcome = moved(opened(PLAN), asked(), PLAN)
    assert runs(outcome.effects) == []
    assert told(outcome.effects) == [("On-Call Primary", "ada asks for the rollback: too slow")]


def test_each_step_begins_once_the_one_before_it_took_hold() -> None:
    incident = after(opened(PLAN), asked(), plan=PLAN)
    outcome = moved(incident, approved(), PLAN)
    order = runs(outcome.effects)
    while stage(outcome.incident) is RollbackStage.RUNNING:
        current = outcome.incident.rollback
        assert current is not None
        assert current.at_command is not None
        outcome = moved(outcome.incident, ended(outcome.incident, current.at_command), PLAN)
        order += runs(outcome.effects)
    assert order == ["rollback.1", "rollback.1.proof", "rollback.2", "rollback.3"]
    assert stage(outcome.incident) is RollbackStage.DONE
    assert outcome.incident.ticks[1].by == "cleo"
    assert outcome.incident.ticks[2].measured, "that it was executed is seen, not said"
    assert {run.approved_by for run in outcome.incident.runs.values() if run.approved_by} == {
        "ada and cleo"
    }


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (approved(by="ada"), "two different people"),
        (approved(by="bob", access=Access.RESPONDER), "incident commander"),
        (approved(minute=17), "ask for it again"),
    ],
)
def test_it_needs_two_people_one_of_them_the_commander_and_in_time(
    second: RollbackApproved, why: str
) -> None:
    assert why in refused(after(opened(PLAN), asked(), plan=PLAN), second, PLAN)


def test_whoever_took_command_is_the_commander_and_nobody_else() -> None:
    taking = ev.PartTaken(at=NOON, by="bob", part=Part.COMMANDER, person="bob")
    incident = after(opened(PLAN), taking, asked(), plan=PLAN)
    assert "incident commander" in refused(incident, approved(by="cleo"), PLAN)
    by_bob = approved(by="bob", access=Access.RESPONDER)
    assert stage(after(incident, by_bob, plan=PLAN)) is RollbackStage.RUNNING


def test_a_commander_who_asks_may_be_joined_by_anybody() -> None:
    incident = after(opened(PLAN), asked(access=Access.COMMANDER), plan=PLAN)
    second = approved(by="bob", access=Access.RESPONDER)
    assert stage(after(incident, second, plan=PLAN)) is RollbackStage.RUNNING


def test_in_an_emergency_the_commander_alone_suffices_and_nobody_else_does() -> None:
    alone = asked(emergency=True, access=Access.COMMANDER)
    assert runs(moved(opened(PLAN), alone, PLAN).effects) == ["rollback.1"]
    assert "take command first" in refused(opened(PLAN), asked(emergency=True), PLAN)


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.CANCELLED])
def test_a_step_that_fails_halts_it_pages_and_says_what_that_leaves(status: RunStatus) -> None:
    incident = after(running(), ended(running(), "rollback.1"), plan=PLAN)
    incident = after(incident, ended(incident, "rollback.1.proof"), plan=PLAN)
    outcome = moved(incident, ended(incident, "rollback.2", status), PLAN)
    assert (runs(outcome.effects), stage(outcome.incident)) == ([], RollbackStage.HALTED)
    page = next(effect for effect in outcome.effects if isinstance(effect, Page))
    assert page.reason.startswith("the rollback halted at rollback.2 (")
    left = rollback.left(outcome.incident, PLAN)
    assert [line.rpartition(": ")[2] for line in left] == [
        "done",
        f"{status}, it may have done a part",
        "not begun",
    ]


def test_a_step_whose_proof_fails_halts_there() -> None:
    incident = after(running(), ended(running(), "rollback.1"), plan=PLAN)
    incident = after(incident, ended(incident, "rollback.1.proof", RunStatus.FAILED), plan=PLAN)
    assert incident.rollback is not None
    assert "was not seen to take hold" in incident.rollback.trouble
    assert rollback.left(incident, PLAN)[0].endswith("ran, and was not seen to take hold")


def test_a_step_that_nobody_saw_end_halts_it() -> None:
    incident = running()
    lost = ev.CommandInterrupted(
        at=NOON + minutes(3), command="rollback.1", run=incident.runs["rollback.1"].id
    )
    incident = after(incident, lost, plan=PLAN)
    assert stage(incident) is RollbackStage.HALTED
    assert rollback.left(incident, PLAN)[0].endswith("may have run: nobody saw its end")


def halted() -> Incident:
    incident = after(running(), ended(running(), "rollback.1"), plan=PLAN)
    incident = after(incident, ended(incident, "rollback.1.proof"), plan=PLAN)
    return after(incident, ended(incident, "rollback.2", RunStatus.FAILED), plan=PLAN)


def test_it_is_taken_up_where_it_halted_by_two_people_again() -> None:
    incident = after(halted(), asked(4), plan=PLAN)
    assert stage(incident) is RollbackStage.ASKED
    outcome = moved(incident, approved(5), PLAN)
    assert runs(outcome.effects) == ["rollback.2"]
    assert outcome.incident.runs["rollback.2"].attempt == 2


def test_a_step_done_by_hand_is_gone_past_and_no_other() -> None:
    incident = after(halted(), asked(4, begin="rollback.3"), plan=PLAN)
    outcome = moved(incident, approved(5), PLAN)
    assert runs(outcome.effects) == ["rollback.3"]
    assert outcome.incident.rollback is not None
    assert outcome.incident.rollback.by_hand == ("rollback.2",)
    assert "was not done" in refused(opened(PLAN), asked(begin="rollback.2"), PLAN)
    assert "has no step" in refused(opened(PLAN), asked(begin="rollback.9"), PLAN)


def test_nothing_is_begun_after_it_was_stopped() -> None:
    incident = running()
    stopping = RollbackStopped(at=NOON + minutes(2.5), by="bob", reason="wrong service")
    incident = after(incident, stopping, plan=PLAN)
    outcome = moved(incident, ended(incident, "rollback.1"), PLAN)
    assert runs(outcome.effects) == []
    assert stage(outcome.incident) is RollbackStage.STOPPED
    assert "no rollback to stop" in refused(outcome.incident, stopping, PLAN)


def test_a_step_is_never_approved_by_itself() -> None:
    alone = ev.RunApproved(at=NOON, by="ada", command="rollback.3", access=Access.ADMINISTRATOR)
    assert "asked for whole" in refused(opened(PLAN), alone, PLAN)
    assert "no rollback" in refused(opened(), asked())


def tick(item: int, access: Access = Access.RESPONDER) -> ItemTicked:
    return ItemTicked(at=NOON + minutes(1), by="bob", item=item, access=access)


def test_the_checklist_begins_with_the_commanders_approval() -> None:
    incident = opened(PLAN)
    assert "first of all" in refused(incident, tick(3), PLAN)
    assert "incident commander's to give" in refused(incident, tick(1), PLAN)
    incident = after(incident, tick(1, Access.COMMANDER), tick(3), plan=PLAN)
    assert sorted(incident.ticks) == [1, 3]
    assert "ticked that already" in refused(incident, tick(3), PLAN)
    assert "has no item 4" in refused(incident, tick(4), PLAN)


def test_an_item_is_ticked_by_measuring_and_not_before_the_approval() -> None:
    reading = Judgement(verdict=Verdict.HOLDS, value=0, since=None)
    read = ev.MetricRead(at=NOON, criterion="rollback.check.3", judgement=reading)
    incident = after(opened(PLAN), read, plan=PLAN)
    assert incident.ticks == {}
    assert rollback.criteria(incident, PLAN) == ()
    outcome = moved(incident, tick(1, Access.COMMANDER), PLAN)
    assert outcome.incident.ticks[3].measured
    assert [one.id for one in rollback.criteria(outcome.incident, PLAN)] == ["rollback.check.3"]


@pytest.mark.parametrize("item", ["nothing like it", ""])
def test_a_measure_fits_one_item_or_is_refused(item: str) -> None:
    with pytest.raises(ValueError, match="of the rollback's checklist"):
        with_measures(PLAN, (Measure(item=item, query="x", at_most=0),))


@pytest.mark.parametrize("seed", range(40))
def test_no_step_runs_without_two_people_or_out_of_turn(seed: int) -> None:
    """Over random orders of everything that people and machines may do."""
    rng = random.Random(seed)
    incident, approvals, started = opened(PLAN), 0, []
    for number in range(60):
        at = NOON + minutes(1 + number / 10)
        pending = [run for run in incident.runs.values() if run.status.active and run.approved_by]
        events: list[ev.Event] = [
            replace(asked(), at=at, by=rng.choice("abc"), begin=rng.choice(("", *STEPS))),
            replace(approved(), at=at, by=rng.choice("abc")),
            RollbackStopped(at=at, by="bob", reason="no"),
        ]
        for run in pending:
            status = rng.choice((RunStatus.SUCCEEDED, RunStatus.SUCCEEDED, RunStatus.FAILED))
            command = run.id.split("/")[1]
            events += [replace(ended(incident, command, status), at=at)] * 3
        event = rng.choice(events)
        outcome = decide(incident, event, PLAN)
        if not isinstance(outcome, Moved):
            continue
        begun = [command for command in runs(outcome.effects) if command.startswith("rollback")]
        asker = incident.rollback.asked_by if incident.rollback else ""
        if isinstance(event, RollbackApproved):
            assert event.by != asker
            approvals += 1
        assert len(begun) <= 1, "one step at a time"
        assert not begun or approvals, "nothing without an approval"
        assert not begun or not pending or isinstance(event, ev.CommandFinished)
        started += begun
        incident = outcome.incident
    for command in STEPS[1:]:
        if command in started:
            before = STEPS[STEPS.index(command) - 1]
            assert before in started, "each comes after the one before it"
