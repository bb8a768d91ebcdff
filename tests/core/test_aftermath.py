"""Once a change has ended, what looks at its effect looks again."""

from dataclasses import replace

from playcall.core import effects as ef
from playcall.core import events as ev
from playcall.core import timeline
from playcall.core.aftermath import lookers
from playcall.core.decide import decide
from playcall.core.effects import Moved, Refused
from playcall.core.incident import Incident, RunStatus
from playcall.core.plan import EffectClass, Guard
from playcall.core.rehearsal import Known, rehearse
from playcall.testing import NOON, a_command, a_plan, a_play, minutes
from tests.core.responding import after, moved, opened, resolved

CHANGE, HEAVY, MANUAL = EffectClass.CHANGE, EffectClass.HEAVY, EffectClass.MANUAL
IF = Guard(kind="if", text="it is full", line=1)
LISTED = (
    a_command("1.1", text="uptime"),
    a_command("1.2", effect=CHANGE, text="systemctl restart web"),
    a_command("1.3", text="systemctl status web"),
    a_command("1.4", effect=HEAVY, text="perf record"),
    replace(a_command("1.5", text="df"), guard=IF),
    a_command("1.6", text="free"),
    a_command("1.7", effect=CHANGE, text="systemctl stop web"),
    a_command("1.8", text="w"),
)
PLAN = a_plan(a_play(commands=LISTED))


def finished(
    incident: Incident, command: str, status: RunStatus = RunStatus.SUCCEEDED, at: float = 3
) -> ev.CommandFinished:
    run = incident.runs[command].id
    when = NOON + minutes(at)
    return ev.CommandFinished(
        at=when, command=command, run=run, status=status, exit_code=0, summary=""
    )


def looked() -> Incident:
    """The diagnostics have ended, and the change of 1.2 is approved."""
    incident = opened(PLAN)
    for command in ("1.1", "1.3", "1.6", "1.8"):
        incident = after(incident, finished(incident, command, at=0), plan=PLAN)
    approved = ev.RunApproved(at=NOON + minutes(2), by="ada", command="1.2")
    return after(incident, approved, plan=PLAN)


def begins(found: Moved) -> list[str]:
    return [effect.run for effect in found.effects if isinstance(effect, ef.RunCommand)]


def test_a_look_between_a_change_and_the_next_looks_again_when_it_has_ended() -> None:
    incident = looked()
    for status in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.TIMED_OUT):
        found = moved(incident, finished(incident, "1.2", status), PLAN)
        assert begins(found) == ["1/1.3/2", "1/1.6/2"], status
        assert found.incident.runs["1.3"].after == "1.2"
        assert found.incident.runs["1.3"].approved_by is None
    assert begins(moved(incident, finished(incident, "1.2", RunStatus.CANCELLED), PLAN)) == []
    began = ev.CommandBegun(at=NOON, command="1.3", run="1/1.3/2", after="1.2")
    said = timeline.entry(began, PLAN, PLAN.plays[0])
    assert said is not None
    assert said.text == 'Began 1.3 "Command 1.3" after 1.2'


def test_it_looks_once_for_each_run_of_the_change() -> None:
    incident = looked()
    end = finished(incident, "1.2")
    incident = after(incident, end, plan=PLAN)
    said_twice = decide(incident, end, PLAN)
    assert isinstance(said_twice, Refused) or begins(said_twice) == []
    for look in ("1.3", "1.6"):
        found = moved(incident, finished(incident, look), PLAN)
        assert begins(found) == [], "a look follows no look"
        incident = found.incident
    again = ev.RunApproved(at=NOON + minutes(4), by="ada", command="1.2", again=True)
    incident = after(incident, again, plan=PLAN)
    assert begins(moved(incident, finished(incident, "1.2"), PLAN)) == ["1/1.3/3", "1/1.6/3"]


def test_a_look_that_began_before_the_change_ended_looks_again_when_it_ends() -> None:
    incident = opened(PLAN)
    approved = ev.RunApproved(at=NOON + minutes(2), by="ada", command="1.2")
    incident = after(incident, approved, plan=PLAN)
    found = moved(incident, finished(incident, "1.2"), PLAN)
    assert begins(found) == []
    found = moved(found.incident, finished(found.incident, "1.3"), PLAN)
    assert begins(found) == ["1/1.3/2"]
    assert found.incident.runs["1.3"].after == "1.2"
    assert begins(moved(found.incident, finished(found.incident, "1.3"), PLAN)) == []


def test_nothing_looks_once_the_incident_is_over() -> None:
    incident = looked()
    over = after(incident, resolved(2.5), plan=PLAN)
    assert begins(moved(over, finished(over, "1.2"), PLAN)) == []


def test_a_look_under_the_change_s_own_condition_belongs_to_it() -> None:
    full = replace(LISTED[1], guard=IF)
    play = a_play(commands=(full, *LISTED[2:]))
    assert [one.id for one in lookers(play, full)] == ["1.3", "1.5", "1.6"]


def test_the_list_of_a_play_says_what_looks_again() -> None:
    [phase] = rehearse(PLAN, PLAN.plays[0], Known()).phases
    then = {c.id: c.then for step in phase.steps for c in step.commands}
    assert (then["1.2"], then["1.7"], then["1.4"]) == (("1.3", "1.6"), ("1.8",), ())
