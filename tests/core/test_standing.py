"""What is said of an incident that nobody is woken for, or that no play answers."""

from dataclasses import replace

from playcall.core import events as ev
from playcall.core.incident import Run, RunStatus
from playcall.core.plan import Severity, Wake
from playcall.core.standing import NO_PLAY, say_diagnostics, say_standing
from playcall.testing import NOON, minutes
from tests.core.responding import PLAN, after, opened, woken


def test_an_incident_like_most_needs_no_words() -> None:
    assert say_standing(opened(), PLAN, NOON) == ()


def test_an_alert_without_a_play_gets_the_generic_response() -> None:
    assert say_standing(opened(play=None), PLAN, NOON) == (NO_PLAY,)


def test_a_severity_that_wakes_nobody_says_who_is_told_and_when_it_goes_on() -> None:
    incident = opened(severity="WARNING")
    assert say_standing(incident, PLAN, NOON) == (
        "WARNING wakes nobody: informed On-Call Primary, escalates at 12:30 UTC"
        " to On-Call Secondary",
    )
    later = after(incident, woken(5), woken(30))
    assert say_standing(later, PLAN, NOON + minutes(31)) == (
        "WARNING wakes nobody: informed On-Call Primary, then On-Call Secondary",
    )
    over = after(later, ev.Resolved(at=NOON + minutes(40), by="ada", cause="", unverified=True))
    assert say_standing(over, PLAN, NOON + minutes(41)) == ()


def test_what_is_only_recorded_says_so() -> None:
    info = Severity(
        level="INFO", respond_within=None, escalate_after=None, wake=Wake.NO, examples=(), line=1
    )
    plan = replace(PLAN, severities=(*PLAN.severities, info))
    incident = opened(plan, severity="INFO", play=None)
    told = say_standing(incident, plan, NOON)
    assert told == (NO_PLAY, "INFO wakes nobody: it is only recorded")


def test_diagnostics_are_what_runs_by_itself() -> None:
    incident = opened()
    done = Run(id="r", status=RunStatus.SUCCEEDED, attempt=1, approved_by=None, at=NOON)
    runs = {
        "1.1": done,
        "1.2": replace(done, status=RunStatus.RUNNING),
        "2.1": replace(done, approved_by="ada"),
        "2.2": replace(done, status=RunStatus.DECLINED),
    }
    assert say_diagnostics(replace(incident, runs=runs)) == "1 of 2 finished"
    assert say_diagnostics(replace(incident, runs={"2.1": runs["2.1"]})) == ""
