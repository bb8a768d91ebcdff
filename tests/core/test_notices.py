"""The messages people receive, whole: why they are woken, what is known, what to press."""

import pytest

from playcall.core import approvals, notices
from playcall.core import events as ev
from playcall.core.decide import decide
from playcall.core.effects import Moved, Page, Tell
from playcall.core.incident import Incident, Part
from playcall.core.judge import Judgement, Verdict
from playcall.core.message import Message
from playcall.core.placement import Placement, Target
from playcall.core.plan import Plan
from playcall.testing import NOON, a_plan, a_play, an_alert, an_opening, minutes
from tests.core.responding import moved, opened
from tests.trees import a_deciding_plan

PLAN = a_deciding_plan()
ACKNOWLEDGED = ev.Acknowledged(at=NOON + minutes(1), by="ada")
RECOVERED = (
    ev.AlertsCleared(at=NOON + minutes(2), alerts=(an_alert(firing=False),)),
    ev.MetricRead(
        at=NOON + minutes(8),
        criterion="recovery",
        judgement=Judgement(verdict=Verdict.HOLDS, value=0.4, since=None),
    ),
)
RELAPSED = ev.MetricRead(
    at=NOON + minutes(9),
    criterion="recovery",
    judgement=Judgement(verdict=Verdict.BROKEN, value=0.9, since=None),
)
RESOLVED = ev.Resolved(at=NOON + minutes(9), by="ada", cause="a leak")
REOPENED = ev.Reopened(at=NOON + minutes(19), alerts=(an_alert(),))


def told(
    *events: ev.Event,
    plan: Plan = PLAN,
    others: tuple[str, ...] = (),
    **opening: str,
) -> list[Message]:
    """The messages that the last of the events leads to."""
    incident: Incident | None = None
    moved: Moved | None = None
    for event in (an_opening(**opening), *events):  # type: ignore[arg-type]
        outcome = decide(incident, event, plan)
        assert isinstance(outcome, Moved), outcome
        moved, incident = outcome, outcome.incident
    assert moved is not None
    at = events[-1].at if events else NOON
    return [
        notices.compose(moved.incident, effect, plan, at, others, "http://x/incidents/1")
        for effect in moved.effects
        if isinstance(effect, Page | Tell)
    ]


def test_the_first_page_whole() -> None:
    team, primary = told(others=("checkout is down", "search is slow"))
    assert primary == Message(
        subject="[CRITICAL] LatencyHigh: requests are slow",
        body="""\
It fired.
Press Acknowledge. Next is On-Call Secondary, in 5 min (not acknowledged).

LatencyHigh: requests are slow
Incident 1, CRITICAL, open; fired 2026-03-01 12:00:00 UTC, 0 s ago.
You get this as On-Call Primary.
Diagnostics: 0 of 1 finished.
Open beside it, perhaps one cause: checkout is down; search is slow.""",
        link="http://x/incidents/1",
        thread="incident-1",
        urgent=True,
        incident=1,
    )
    assert team.body.startswith("It fired, and the play says: Immediate to performance team.\n")


def test_a_call_by_a_person_whole() -> None:
    call = ev.Escalated(
        at=NOON + minutes(2),
        by="cleo",
        whom=ev.Whom.TEAM,
        to="performance",
        reason="the rollback\nneeds you",
    )
    (message,) = told(ACKNOWLEDGED, call)
    assert message.subject == (
        "[CRITICAL] cleo calls you: the rollback needs you · LatencyHigh: requests are slow"
    )
    assert (
        message.body
        == """\
cleo calls you: the rollback needs you.
ada has it. Open the incident to see what was found.

LatencyHigh: requests are slow
Incident 1, CRITICAL, acknowledged by ada; fired 2026-03-01 12:00:00 UTC, 2 min ago.
You get this as Performance Eng.
Diagnostics: 0 of 1 finished."""
    )


def test_a_decision_whole() -> None:
    answers = (
        ev.QuestionAnswered(at=NOON + minutes(12), by="ada", question="6", answer="YES"),
        ev.QuestionAnswered(at=NOON + minutes(12), by="ada", question="6.1.0", answer="YES"),
    )
    (message,) = told(ACKNOWLEDGED, *answers)
    assert message.subject == "[CRITICAL] Decided: ROLLBACK · LatencyHigh: requests are slow"
    assert not message.urgent
    assert (
        message.body
        == """\
Decided: ROLLBACK.
Approve: 7.2 "Command 7.2".

LatencyHigh: requests are slow
Incident 1, CRITICAL, acknowledged by ada; fired 2026-03-01 12:00:00 UTC, 12 min ago.
Diagnostics: 0 of 1 finished."""
    )


def test_recovery_whole() -> None:
    (message,) = told(ACKNOWLEDGED, *RECOVERED)
    assert message.subject == "[RECOVERED] LatencyHigh: requests are slow"
    assert (
        message.body
        == """\
Recovered: its alerts cleared, and every criterion held for its whole window.
Look once more, then press Resolve and name the cause.

LatencyHigh: requests are slow
Incident 1, CRITICAL, recovered, ada has it; fired 2026-03-01 12:00:00 UTC, 8 min ago.
You get this as On-Call Primary.
Latency 400 ms, wanted < 500 ms: yes
Diagnostics: 0 of 1 finished."""
    )


NEXT = "Next is On-Call Secondary, in 5 min (not acknowledged)."
HAS_IT = "ada has it. Open the incident to see what was found."
ASKED = "Answer: Is the cause known? NO or YES."


@pytest.mark.parametrize(
    ("events", "first", "second"),
    [
        (
            (ACKNOWLEDGED, ev.Assigned(at=NOON + minutes(2), by="ada", to="bob")),
            "ada assigned this to you.",
            f"Press Acknowledge. {NEXT}",
        ),
        (
            (ACKNOWLEDGED, ev.Unacknowledged(at=NOON + minutes(2), by="ada")),
            "ada gave it back: nobody has it now.",
            f"Press Acknowledge. {NEXT}",
        ),
        (
            (
                ACKNOWLEDGED,
                ev.PartTaken(at=NOON + minutes(2), by="ada", part=Part.COMMANDER, person="bob"),
            ),
            "ada made you incident commander.",
            ASKED,
        ),
        (
            (ev.Woken(at=NOON + minutes(5)),),
            "Not acknowledged after 5 min.",
            "Press Acknowledge. Next is Team Lead, in 5 min (not resolved).",
        ),
        (
            (ACKNOWLEDGED, ev.Woken(at=NOON + minutes(10))),
            "Not resolved after 10 min.",
            HAS_IT,
        ),
        (
            (ev.Woken(at=NOON + minutes(35)),),
            "Still nobody has acknowledged: round 2 of the path.",
            f"Press Acknowledge. {NEXT}",
        ),
        ((ACKNOWLEDGED, *RECOVERED, RELAPSED), "It had recovered, and has relapsed.", HAS_IT),
        ((ACKNOWLEDGED, *RECOVERED, RESOLVED), "Resolved.", "Nothing is left to press."),
        (
            (ACKNOWLEDGED, *RECOVERED, RESOLVED, REOPENED),
            "It fires again after it was over: opened again.",
            f"Press Acknowledge. {NEXT}",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_first_lines_say_why_and_what_to_press(
    events: tuple[ev.Event, ...], first: str, second: str
) -> None:
    assert told(*events)[0].body.split("\n")[:2] == [first, second]


def test_when_a_time_box_is_over_its_question_is_what_to_answer() -> None:
    bodies = [
        message.body.split("\n")[:2]
        for message in told(ACKNOWLEDGED, ev.Woken(at=NOON + minutes(10)))
    ]
    assert ['The time for "Immediate Actions" is over.', ASKED] in bodies


def test_a_severity_that_wakes_nobody_says_so() -> None:
    (message,) = told(severity="WARNING")
    assert message.body.split("\n")[1] == (
        "Nobody is woken for this now. Next is On-Call Secondary, in 30 min (not acknowledged)."
    )


def test_a_subject_is_one_line_of_bounded_length() -> None:
    call = ev.Escalated(at=NOON, by="ada", whom=ev.Whom.ROLE, to="CTO", reason="x\r\ny " * 500)
    (message,) = told(call)
    assert "\n" not in message.subject
    assert "\r" not in message.subject
    assert len(message.subject) == notices.LONGEST_SUBJECT
    assert len(message.body.split("\n")) == 7


def test_many_others_beside_it_take_one_line() -> None:
    others = tuple(f"service {n}\nis down" for n in range(20))
    line = told(others=others)[0].body.split("\n")[-1]
    assert line.startswith("Open beside it, perhaps one cause: service 0 is down; service 1")
    assert line.endswith("service 4 is down; and 15 more.")


def test_who_is_asked_for_an_approval_reads_what_would_run_where_and_as_whom() -> None:
    plan = a_plan(a_play())
    asked = ev.RunRequested(at=NOON, by="ada", command="2.1")
    long = "restart\n" + "true\n" * 5000
    edited = approvals.propose(opened(plan), plan, "2.1", long, "ada", NOON, again=False)
    assert isinstance(edited, ev.RunEdited)
    here = Target(name="local", where="", observe="reader", change="writer")
    for event, more in ((asked, ""), (edited, "\n  (4996 more lines)\n")):
        incident = moved(opened(plan), event, plan)
        tell = next(one for one in incident.effects if isinstance(one, Tell))
        message = notices.compose(
            incident.incident, tell, plan, NOON, (), "http://x", Placement(local=here)
        )
        said = "\n\nchange, on the machine of Playcall as writer:\n  restart\n"
        assert said in message.body
        assert more in message.body
        assert len(message.body) < 800
