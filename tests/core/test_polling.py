"""What the document watches is looked at again and again, and not for ever."""

from dataclasses import replace
from datetime import timedelta

import pytest

from playcall.core import events as ev
from playcall.core import polling, timeline
from playcall.core.compiler.shell import read_command
from playcall.core.effects import RunCommand
from playcall.core.incident import Incident, RunStatus
from playcall.core.judge import Verdict
from playcall.core.plan import EffectClass, Phase, Plan, Translation
from playcall.testing import NOON, a_command, a_plan, a_play, minutes
from tests.core.responding import after, cleared, moved, opened, read, resolved, woken

PACE = timedelta(minutes=1)


def a_watching_plan(effect: EffectClass = EffectClass.OBSERVE, **phase: object) -> Plan:
    once = Translation(kind="shell", text="uptime", why="", every=PACE)
    command = replace(a_command("1.1", effect=effect), runs_as=once)
    play = a_play(commands=(command,))
    phases: tuple[Phase, ...] = tuple(replace(p, **phase) for p in play.phases)  # type: ignore[arg-type]
    return a_plan(replace(play, phases=phases))


def finished(
    incident: Incident, minute: float, status: RunStatus = RunStatus.SUCCEEDED
) -> ev.CommandFinished:
    return ev.CommandFinished(
        at=NOON + minutes(minute),
        command="1.1",
        run=incident.runs["1.1"].id,
        status=status,
        exit_code=0,
        summary="load 3",
    )


def attempts(incident: Incident, plan: Plan, *steps: float) -> list[int]:
    """The attempt begun at each of these minutes; 0: none. Each takes half a minute."""
    begun = []
    for minute in steps:
        outcome = moved(incident, woken(minute), plan)
        incident = outcome.incident
        ran = any(isinstance(effect, RunCommand) for effect in outcome.effects)
        begun.append(incident.runs["1.1"].attempt if ran else 0)
        if ran:
            incident = after(incident, finished(incident, minute + 0.5), plan=plan)
    return begun


def test_it_runs_again_at_its_pace_once_it_has_ended() -> None:
    plan = a_watching_plan()
    incident = opened(plan)
    assert polling.next_at(incident, plan) is None, "it is running"
    incident = after(incident, finished(incident, 0.1), plan=plan)
    assert incident.wake_at == NOON + minutes(1.1)
    assert attempts(incident, plan, 1.1, 2.6, 4.1) == [2, 3, 4]


def test_a_run_that_failed_is_looked_at_again_and_one_that_was_declined_is_not() -> None:
    plan = a_watching_plan()
    incident = opened(plan)
    failed = after(incident, finished(incident, 0.1, RunStatus.FAILED), plan=plan)
    assert polling.next_at(failed, plan) == NOON + minutes(1.1)
    cancelled = after(incident, finished(incident, 0.1, RunStatus.CANCELLED), plan=plan)
    assert polling.next_at(cancelled, plan) is None


def test_it_ends_with_the_phase_the_recovery_the_incident_and_the_limit() -> None:
    plan = a_watching_plan(starts=timedelta(), ends=minutes(3))
    incident = opened(plan)
    incident = after(incident, finished(incident, 0.1), plan=plan)
    assert polling.next_at(after(incident, woken(3), plan=plan), plan) is None
    over = after(incident, resolved(0.2), plan=plan)
    assert polling.next_at(over, plan) is None
    proven = after(incident, cleared(0.3), read(Verdict.HOLDS, 0.4), plan=plan)
    assert polling.next_at(proven, plan) is None
    last = replace(incident.runs["1.1"], attempt=polling.MOST)
    assert polling.next_at(replace(incident, runs={"1.1": last}), plan) is None


def test_what_may_change_something_is_never_run_again_by_itself() -> None:
    plan = a_watching_plan(EffectClass.CHANGE)
    approval = ev.RunApproved(at=NOON, by="ada", command="1.1")
    incident = after(opened(plan), approval, plan=plan)
    incident = after(incident, finished(incident, 0.1), plan=plan)
    assert polling.next_at(incident, plan) is None


def test_only_its_first_run_is_told() -> None:
    plan = a_watching_plan()
    incident = opened(plan)
    first = finished(incident, 0.1)
    again = replace(first, run="1/1.1/2")
    play = plan.plays[0]
    assert timeline.entry(first, plan, play) is not None
    assert timeline.entry(again, plan, play) is None


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        ("watch -n 30 df -h", 30),
        ("watch --interval=12 df -h", 12),
        ("watch -n 0.1 df -h", 5),
        ("watch df -h", 5),
        ("watch -n $N df -h", 5),
    ],
)
def test_the_pace_is_the_documents_within_reason(command: str, seconds: float) -> None:
    translated = read_command(command).runs_as
    assert translated is not None
    assert translated.every == timedelta(seconds=seconds)


@pytest.mark.parametrize("command", ["df -h", "tail -f /var/log/x", "watch df -h | head"])
def test_what_is_no_watch_has_no_pace(command: str) -> None:
    translated = read_command(command).runs_as
    assert translated is None or translated.every is None
