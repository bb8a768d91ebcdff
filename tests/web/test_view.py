"""What the incident page says, as values: from events alone, without a server."""

from dataclasses import replace
from datetime import datetime

from playcall.core import events as ev
from playcall.core.decide import decide
from playcall.core.effects import Moved
from playcall.core.incident import Incident, Part
from playcall.core.judge import Judgement, Verdict
from playcall.engine.ports import Dossier, StoredEvent
from playcall.testing import NOON, an_alert, an_opening, minutes
from playcall.web.response import Surroundings
from playcall.web.view import IncidentView, show
from tests.trees import a_deciding_plan

PLAN = a_deciding_plan()
AROUND = Surroundings(people=(("ada", "Ada"), ("bob", "Bob Hall")), roles=("CTO",))
ACKNOWLEDGED = ev.Acknowledged(at=NOON + minutes(1), by="ada")
ROLLED_BACK = (
    ev.QuestionAnswered(at=NOON + minutes(2), by="ada", question="6", answer="YES"),
    ev.QuestionAnswered(at=NOON + minutes(2), by="ada", question="6.1.0", answer="YES"),
)


def shown(*events: ev.Event, at: datetime | None = None) -> IncidentView:
    """The page after these events; what follows from them is on record too."""
    incident: Incident | None = None
    log: list[ev.Event] = []
    waiting: list[ev.Event] = [an_opening(), *events]
    while waiting:
        event = waiting.pop(0)
        outcome = decide(incident, event, PLAN)
        assert isinstance(outcome, Moved), outcome
        incident = outcome.incident
        log.append(event)
        waiting = [*outcome.follows, *waiting]
    assert incident is not None
    stored = tuple(StoredEvent(n=n, event=event) for n, event in enumerate(log, 1))
    found = Dossier(incident=incident, plan=PLAN, events=stored, runs=())
    return show(found, AROUND, at or log[-1].at)


def rungs(view: IncidentView) -> list[str]:
    return [rung.words for rung in view.response.rungs]


def test_the_path_says_who_is_next_and_who_only_if() -> None:
    assert rungs(shown()) == [
        "called",
        "in 5 min",
        "in 10 min",
        "in 15 min, if critical",
        "in 20 min, if SLA violation",
    ]
    view = shown(ACKNOWLEDGED)
    assert rungs(view)[1:3] == ["not while acknowledged", "in 9 min"]
    assert view.response.due == "Team Lead: page in 9 min (not resolved)"


def test_a_path_that_starts_over_says_so() -> None:
    view = shown(ev.Woken(at=NOON + minutes(20)))
    assert view.response.due == ("On-Call Primary: page in 15 min (the path starts over, round 2)")
    assert shown(ev.Woken(at=NOON + minutes(35))).response.again == "round 2 of the path"


def test_the_response_target_is_counted_down_met_or_missed() -> None:
    view = shown()
    assert (view.response.target, view.response.late) == ("To be acknowledged within 5 min", False)
    assert shown(ACKNOWLEDGED).response.target == ""
    missed = ev.Woken(at=NOON + minutes(5))
    view = shown(missed)
    assert view.response.target == "Nobody acknowledged within the response time"
    assert view.response.late
    view = shown(missed, ev.Acknowledged(at=NOON + minutes(6), by="ada"))
    assert view.response.target == "Acknowledged after the response time"
    assert not view.response.late


def test_time_boxes_say_what_is_left_of_them() -> None:
    look, decide_ = shown(at=NOON + minutes(4)).response.boxes
    assert (look.words, look.state) == ("6 min left", "now")
    assert (decide_.words, decide_.state) == ("starts in 6 min", "later")
    view = shown(ev.Woken(at=NOON + minutes(12)))
    look, decide_ = view.response.boxes
    assert (look.words, look.state) == ("over for 2 min", "done")
    assert [phase.current for phase in view.phases] == [False, True]


def test_held_pages_silence_the_path_and_say_until_when() -> None:
    view = shown(ev.Snoozed(at=NOON + minutes(1), by="ada", until=NOON + minutes(31)))
    assert view.response.quiet == (
        "Pages are held until 12:31 UTC, 30 min from now: snoozed by ada"
    )
    assert (view.response.due, rungs(view)[1]) == ("", "")


def test_what_was_decided_is_the_first_thing_to_approve() -> None:
    before = shown(ACKNOWLEDGED).decide
    after = shown(ACKNOWLEDGED, *ROLLED_BACK).decide
    assert before is not None
    assert after is not None
    assert (before.id, after.id) == ("2.1", "7.2")
    run = ev.RunApproved(at=NOON + minutes(3), by="ada", command="7.2")
    waits = shown(ACKNOWLEDGED, *ROLLED_BACK, run).decide  # a rollback, for a second person
    assert waits is not None
    assert (waits.id, waits.ask.approved_by) == ("7.2", ("ada",))
    assert shown(ACKNOWLEDGED, *ROLLED_BACK, run, replace(run, by="bob")).decide is None


def test_a_question_waits_at_the_top_once_its_time_has_come() -> None:
    assert shown(ACKNOWLEDGED).response.asking is None
    view = shown(ACKNOWLEDGED, at=NOON + minutes(10))
    assert view.response.asking is not None
    assert view.response.asking.step == "6"
    assert shown(ACKNOWLEDGED, ROLLED_BACK[0]).response.asking is not None
    assert shown(ACKNOWLEDGED, *ROLLED_BACK).response.asking is None


def test_whoever_can_be_called_is_in_one_list() -> None:
    calls = {
        group: [choice.value for choice in choices] for group, choices in shown().response.calls
    }
    assert calls == {
        "Expert": ["expert"],
        "Teams": ["team:performance"],
        "Roles": ["role:CTO"],
        "People": ["person:ada", "person:bob"],
    }
    assert [choice.label for choice in shown().response.people] == ["Ada", "Bob Hall (bob)"]


def test_what_is_over_counts_nothing_down() -> None:
    cleared = ev.AlertsCleared(at=NOON + minutes(2), alerts=(an_alert(firing=False),))
    held = Judgement(verdict=Verdict.HOLDS, value=0.4, since=None)
    read = ev.MetricRead(at=NOON + minutes(8), criterion="recovery", judgement=held)
    over = ev.Resolved(at=NOON + minutes(9), by="ada", cause="a leak")
    response = shown(ACKNOWLEDGED, cleared, read, over, at=NOON + minutes(50)).response
    assert (response.due, response.target, response.rungs, response.boxes) == ("", "", (), ())


def test_an_incident_that_came_back_says_so() -> None:
    over = ev.Resolved(at=NOON + minutes(9), by="ada", cause="x", unverified=True)
    again = ev.Reopened(at=NOON + minutes(19), alerts=(an_alert(),))
    view = shown(ACKNOWLEDGED, over, again)
    assert view.response.again == "opened again, round 2 of the path"


def test_parts_are_lines_with_their_people() -> None:
    taken = ev.PartTaken(at=NOON, by="ada", part=Part.COMMANDER, person="bob")
    view = shown(taken)
    assert view.response.commander == "bob"
    assert [(part.name, part.people) for part in view.response.parts] == [
        ("commander", ("bob",)),
        ("communications", ()),
        ("responder", ()),
    ]
