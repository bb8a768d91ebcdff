"""What is owed after an incident: a week by the clock, and every duty of the example's form."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from playcall.core import events as ev
from playcall.core.compiler import compile_document
from playcall.core.duties import owing
from playcall.core.duty_events import DutyUnproven
from playcall.core.effects import MeasureMetrics, Page, SendText, Silence, WriteReport
from playcall.core.incident import Incident, Part, SilencePurpose
from playcall.core.judge import Verdict
from playcall.core.owed import Owed
from playcall.core.plan import ChecklistItem, Duty, Plan
from playcall.core.review_meeting import propose
from playcall.core.sending_events import PostMortemShared, SummarySent
from playcall.testing import NOON, a_plan, an_alert, minutes
from tests.core.responding import acknowledged, after, cleared, moved, opened, read, refused, told

EXAMPLE = Path(__file__).parents[2] / "examples" / "dwcp-v3" / "playbooks.md"
compiled = compile_document(EXAMPLE.read_bytes(), "playbooks.md").plan
assert compiled
# The example's duties, on the small plan of the tests.
PLAN: Plan = replace(a_plan(), duties=compiled.duties)
OVER = NOON + minutes(10)
HOUR = timedelta(hours=1)
ROLE = "On-Call Secondary"  # the next one


def resolved(plan: Plan = PLAN, *, proven: bool = False, commander: str = "") -> Incident:
    incident = after(opened(plan), acknowledged(), plan=plan)
    if commander:
        part = ev.PartTaken(at=NOON, by=commander, part=Part.COMMANDER, person=commander)
        incident = after(incident, part, plan=plan)
    if proven:
        incident = after(incident, cleared(), read(Verdict.HOLDS, 3), plan=plan)
    end = ev.Resolved(at=OVER, by="ada", cause="", unverified=not proven)
    return after(incident, end, plan=plan)


def done(key: str, at: datetime = OVER) -> ev.DutyDone:
    return ev.DutyDone(at=at, by="ada", duty=key)


def silenced(purpose: SilencePurpose = SilencePurpose.RESOLVED) -> ev.Silenced:
    return ev.Silenced(at=OVER, silence="s", until=OVER + HOUR, purpose=purpose)


def saved(asks: int = 0, conflicts: int = 0) -> ev.PostMortemSaved:
    return ev.PostMortemSaved(at=OVER, by="ada", version=1, asks=asks, conflicts=conflicts)


REVIEWED = ev.MetricsReviewed(at=OVER, charts=3, troubled=0, points=9)
REPORTED = ev.ReportWritten(at=OVER, path="x.md")
SENT = SummarySent(at=OVER, by="ada", subject="s", body="b", to=("CTO",))
SHARED = PostMortemShared(at=OVER, by="ada", version=1, subject="s", body="b", to=("CTO",))


def settled(incident: Incident) -> set[str]:
    return set(incident.owed.settled)


def run(incident: Incident, until: timedelta, plan: Plan = PLAN) -> list[tuple[timedelta, str]]:
    """Every message of the timers until then: when, to whom and why."""
    said = []
    while incident.wake_at is not None and incident.wake_at <= OVER + until:
        at = incident.wake_at
        outcome = moved(incident, ev.Woken(at=at), plan)
        assert not any(isinstance(effect, Page) for effect in outcome.effects)
        said += [(at - OVER, f"{role}: {why}") for role, why in told(outcome.effects)]
        incident = outcome.incident
    return said


# --- the inventory -------------------------------------------------------------------------------

# Every duty and item of the part about afterwards, with the test that proves what becomes of it.
INVENTORY = {
    "Close the alert": "test_a_week_by_the_clock",
    "See that the metrics hold still": "test_metrics_are_stable_when_the_criteria_proved_it",
    "Remove or set the silence in Alertmanager": "test_a_silence_that_stands_is_proof",
    "Sum it up": "test_the_summary_that_was_sent_is_the_duty_and_its_items",
    "Put the timeline in order": "test_the_record_on_file_is_the_timeline_and_the_actions",
    "List what was done": "test_the_record_on_file_is_the_timeline_and_the_actions",
    "List what nobody could answer": "test_words_say_what_would_prove_it",
    "Write the post-mortem": "test_the_post_mortem_is_done_when_it_leaves_nothing_open",
    "Look at the numbers": "test_a_week_by_the_clock",
    "Export the incident's metrics from Prometheus": "test_a_review_on_file_is_its_metrics",
    "Build a dashboard of the incident": "test_a_review_on_file_is_its_metrics",
    "Send both to the stakeholders": "test_a_shared_post_mortem_is_shared_with_the_stakeholders",
    "Meet": "test_the_meeting_is_proposed_in_the_teams_morning",
    "Talk about causes, not about people": "test_the_meeting_is_proposed_in_the_teams_morning",
    "Name what the system made easy to get wrong": "test_any_item_is_done_or_waived_by_a_person",
    "Give every action an owner": "test_action_items_have_an_owner_and_a_day",
    "Improve": "test_a_week_by_the_clock",
    "Correct this playbook": "test_any_item_is_done_or_waived_by_a_person",
    "Add the alerts that were missing": "test_any_item_is_done_or_waived_by_a_person",
    "Build what prevents a repetition": "test_any_item_is_done_or_waived_by_a_person",
}


def test_every_duty_of_the_document_has_its_test() -> None:
    named = [text for duty in PLAN.duties for text in (duty.title, *(i.text for i in duty.items))]
    assert named == list(INVENTORY)
    assert {name for name in INVENTORY.values() if name not in globals()} == set()


# --- the clock -----------------------------------------------------------------------------------


def test_a_week_by_the_clock() -> None:
    """Nobody does anything: a reminder at three quarters, the next role told when it is due."""
    hours = [(when / HOUR, why) for when, why in run(resolved(), timedelta(days=30))]
    both = "Close the alert, overdue since 13:10 UTC; Sum it up, overdue since 13:10 UTC"
    assert hours[:3] == [
        (
            0.75,
            "ada: owed: Close the alert, due 2026-03-01 13:10 UTC; "
            "Sum it up, due 2026-03-01 13:10 UTC",
        ),
        (1, f"ada: owed: {both}"),
        (1, f"{ROLE}: owed: {both} (ada has it)"),
    ]
    assert [(when, why.split(",")[0]) for when, why in hours[3:]] == [
        (18, "ada: owed: Write the post-mortem"),
        (24, "ada: owed: Write the post-mortem"),
        (24, f"{ROLE}: owed: Write the post-mortem"),
        (126, "ada: owed: Meet"),
        (168, "ada: owed: Meet"),
        (168, f"{ROLE}: owed: Meet"),
    ]


def test_what_is_done_in_time_is_spoken_of_no_more() -> None:
    incident = after(resolved(), done("1"), done("2"), plan=PLAN)
    assert run(incident, HOUR) == []
    everything = after(incident, *(done(str(n)) for n in range(3, 7)), plan=PLAN)
    assert everything.wake_at is None


def test_a_server_that_was_down_tells_once_what_passed_meanwhile() -> None:
    late = moved(resolved(), ev.Woken(at=OVER + timedelta(days=2)), PLAN)
    assert [role for role, _ in told(late.effects)] == ["ada", ROLE]
    assert [type(event).__name__ for event in late.follows] == ["DutyOverdue"] * 4
    assert late.incident.owed.overdue == ("1", "2", "3", "4")
    assert after(late.incident, done("1"), plan=PLAN).owed.overdue == ("2", "3", "4")


def test_an_incident_that_was_over_before_duties_were_kept_is_not_spoken_of() -> None:
    old = replace(resolved(), owed=Owed(), wake_at=None)
    noted = ev.NoteAdded(at=OVER + timedelta(days=90), by="ada", text="x")
    outcome = moved(old, noted, PLAN)
    assert (told(outcome.effects), outcome.incident.wake_at) == ([], None)
    assert settled(after(old, done("1"), plan=PLAN)) == {"1"}


def test_the_incident_commander_owns_it_else_who_had_it_else_the_first_role() -> None:
    assert {one.owner for one in owing(resolved(commander="cleo"), PLAN)} == {"cleo"}
    assert {one.owner for one in owing(resolved(), PLAN)} == {"ada"}
    nobody = after(opened(PLAN), ev.Resolved(at=OVER, by="x", cause="", unverified=True), plan=PLAN)
    assert {one.owner for one in owing(nobody, PLAN)} == {"On-Call Primary"}


def test_nothing_is_owed_before_it_is_over() -> None:
    assert owing(opened(PLAN), PLAN) == ()
    assert refused(opened(PLAN), done("1"), PLAN) == "incident 1 is open"


# --- what is proven ------------------------------------------------------------------------------


def test_metrics_are_stable_when_the_criteria_proved_it() -> None:
    assert settled(resolved(proven=True)) == {"1.1"}
    assert settled(resolved()) == set()


def test_a_silence_that_stands_is_proof() -> None:
    outcome = moved(resolved(), silenced(), PLAN)
    assert settled(outcome.incident) == {"1.2"}
    (event,) = [event for event in outcome.follows if isinstance(event, ev.DutyDone)]
    assert (event.duty, event.by, event.measured) == ("1.2", "Playcall", True)
    ending = moved(resolved(), silenced(SilencePurpose.ACKNOWLEDGED), PLAN)
    assert settled(ending.incident) == set(), "that one ends with the incident"


def test_the_record_on_file_is_the_timeline_and_the_actions() -> None:
    assert settled(after(resolved(), REPORTED, plan=PLAN)) == {"2.1", "2.2"}


def test_a_review_on_file_is_its_metrics() -> None:
    """And its dashboard, which is made of it. What could not be measured proves nothing."""
    assert settled(after(resolved(), REVIEWED, plan=PLAN)) == {"4.1", "4.2"}
    assert settled(after(resolved(), replace(REVIEWED, troubled=1), plan=PLAN)) == set()
    assert settled(after(resolved(), replace(REVIEWED, points=0), plan=PLAN)) == set()
    assert WriteReport() in moved(resolved(), REVIEWED, PLAN).effects
    asked = moved(resolved(), ev.ReviewAsked(at=OVER, by="ada"), PLAN)
    assert asked.effects == (MeasureMetrics(by_hand=True),)
    end = ev.Resolved(at=OVER, by="ada", cause="", unverified=True)
    assert MeasureMetrics() in moved(opened(PLAN), end, PLAN).effects


def test_the_post_mortem_is_done_when_it_leaves_nothing_open() -> None:
    outcome = moved(resolved(), saved(), PLAN)
    assert settled(outcome.incident) == {"3"}
    assert WriteReport() in outcome.effects
    assert settled(after(resolved(), saved(asks=1), plan=PLAN)) == set()
    assert settled(after(resolved(), saved(conflicts=1), plan=PLAN)) == set()


def test_the_summary_that_was_sent_is_the_duty_and_its_items() -> None:
    outcome = moved(resolved(), SENT, PLAN)
    assert settled(outcome.incident) == {"2", "2.1", "2.2", "2.3"}
    assert [effect.role for effect in outcome.effects if isinstance(effect, SendText)] == ["CTO"]


def test_a_shared_post_mortem_is_shared_with_the_stakeholders() -> None:
    assert settled(after(resolved(), SHARED, plan=PLAN)) == {"4.3"}


def test_criteria_that_hold_within_the_hour_prove_what_the_resolution_did_not() -> None:
    incident = after(resolved(), read(Verdict.HOLDS, 20), plan=PLAN)
    assert settled(incident) == set(), "the alert still fires"
    assert settled(after(incident, cleared(21), plan=PLAN)) == {"1.1"}
    late = after(resolved(), cleared(60), read(Verdict.HOLDS, 80), plan=PLAN)
    assert settled(late) == set(), "the hour was over"


def test_criteria_that_break_within_the_hour_take_the_proof_back_once() -> None:
    incident = resolved(proven=True)
    broke = moved(incident, read(Verdict.BROKEN, 30), PLAN)
    assert settled(broke.incident) == set()
    (event,) = [one for one in broke.follows if isinstance(one, DutyUnproven)]
    assert (event.duty, event.reason) == ("1.1", '"latency <500ms for 5 minutes" is broken')
    assert told(broke.effects) == [
        ("ada", "owed: Close the alert: See that the metrics hold still, again: " + event.reason)
    ]
    assert moved(broke.incident, read(Verdict.BROKEN, 31), PLAN).follows == ()
    again = after(broke.incident, read(Verdict.HOLDS, 40), plan=PLAN)
    assert settled(again) == {"1.1"}
    said = after(resolved(), done("1.1"), read(Verdict.BROKEN, 30), plan=PLAN)
    assert settled(said) == {"1.1"}, "a person's word stands"
    assert settled(after(incident, read(Verdict.BROKEN, 80), plan=PLAN)) == {"1.1"}


def test_a_silence_asked_for_afterwards_ends_when_it_opens_again() -> None:
    ask = ev.SilenceAsked(at=OVER, by="ada", lasting=HOUR)
    (effect,) = [one for one in moved(resolved(), ask, PLAN).effects if isinstance(one, Silence)]
    assert effect.purpose is SilencePurpose.RESOLVED
    live = moved(opened(PLAN), ask, PLAN).effects
    assert [one.purpose for one in live if isinstance(one, Silence)] == [SilencePurpose.BY_HAND]


@pytest.mark.parametrize(
    ("text", "proven"),
    [
        ("Verify metrics stable", "stable"),
        ("Silence alert in AlertManager", "silence"),
        ("Document timeline", "record summary"),
        ("Record actions taken", "record summary"),
        ("Extract incident metrics from Prometheus", "review"),
        ("Generate incident report dashboard", "review"),
        ("Share the dashboard with stakeholders", "shared"),
        ("Note outstanding questions", "summary"),
        ("List what nobody could answer", "summary"),
        ("Send a summary to the stakeholders", "summary"),
        ("Share with stakeholders", "shared"),
        ("Send both to the stakeholders", "shared"),
        ("Share screens", ""),
        ("Add metrics", ""),
        ("Update runbooks", ""),
    ],
)
def test_words_say_what_would_prove_it(text: str, proven: str) -> None:
    duty = Duty(
        title="x", within=HOUR, items=(ChecklistItem(text=text, line=1),), template=None, line=1
    )
    plan = replace(a_plan(), duties=(duty,))
    found = {
        "stable": resolved(plan, proven=True),
        "silence": after(resolved(plan), silenced(), plan=plan),
        "record": after(resolved(plan), REPORTED, plan=plan),
        "review": after(resolved(plan), REVIEWED, plan=plan),
        "summary": after(resolved(plan), SENT, plan=plan),
        "shared": after(resolved(plan), SHARED, plan=plan),
    }
    assert [name for name, one in found.items() if settled(one)] == proven.split()


# --- what people do ------------------------------------------------------------------------------


def test_an_item_is_done_by_a_person_and_a_duty_by_its_items() -> None:
    incident = after(resolved(), REPORTED, plan=PLAN)
    assert owing(incident, PLAN)[1].open
    incident = after(incident, done("2.3"), plan=PLAN)
    assert not owing(incident, PLAN)[1].open
    assert refused(incident, done("2"), PLAN) == "Sum it up: it is done or waived already"


def test_any_item_is_done_or_waived_by_a_person() -> None:
    for number, duty in enumerate(PLAN.duties, 1):
        for index, _ in enumerate(duty.items, 1):
            key = f"{number}.{index}"
            waived = ev.DutyWaived(at=OVER, by="ada", duty=key, reason="a drill")
            assert settled(after(resolved(), done(key), plan=PLAN)) == {key}
            found = after(resolved(), waived, plan=PLAN)
            assert found.owed.settled[key].waived
            assert "done or waived already" in refused(found, done(key), PLAN)


def test_a_waiver_needs_a_reason_and_a_duty_its_number() -> None:
    waived = ev.DutyWaived(at=OVER, by="ada", duty="1", reason=" ")
    assert refused(resolved(), waived, PLAN) == "say why it need not be done"
    assert refused(resolved(), done("9.1"), PLAN).startswith("there is no duty 9.1; there are 1, ")


def test_opened_again_it_owes_everything_anew_and_keeps_its_actions() -> None:
    action = ev.ActionAdded(at=OVER, by="ada", text="rotate logs")
    incident = after(resolved(proven=True), done("3"), action, plan=PLAN)
    fired = an_alert(starts_at=OVER + minutes(5))
    again = after(incident, ev.Reopened(at=OVER + minutes(5), alerts=(fired,)), plan=PLAN)
    assert owing(again, PLAN) == ()
    assert settled(again) == set()
    end = ev.Resolved(at=OVER + minutes(20), by="ada", cause="", unverified=True)
    over = after(again, end, plan=PLAN)
    assert owing(over, PLAN)[0].due_at == OVER + minutes(80)
    assert [one.text for one in over.owed.actions] == ["rotate logs"]


def test_action_items_have_an_owner_and_a_day() -> None:
    day = date(2026, 3, 9)
    added = ev.ActionAdded(
        at=OVER, by="ada", text="rotate logs", owner="bob", priority="high", due=day
    )
    incident = after(resolved(), added, plan=PLAN)
    (action,) = incident.owed.actions
    assert (action.owner, action.priority, action.due, action.done_by) == ("bob", "high", day, None)
    finished = ev.ActionDone(at=OVER, by="bob", action=1)
    incident = after(incident, finished, plan=PLAN)
    assert incident.owed.actions[0].done_by == "bob"
    assert refused(incident, finished, PLAN) == "action item 1 is done already"
    missing = replace(finished, action=2)
    assert refused(incident, missing, PLAN) == "there is no action item 2; there are 1"


# --- the meeting ---------------------------------------------------------------------------------


def test_the_meeting_is_proposed_in_the_teams_morning() -> None:
    plan = replace(PLAN, response=replace(PLAN.response, zone="Europe/Berlin"))
    found = propose(resolved(plan), plan, [acknowledged(by="bob")])
    assert found
    assert found.starts_at == datetime.fromisoformat("2026-03-03T10:00+01:00")
    assert found.title == "Meet: incident 1, LatencyHigh: requests are slow"
    assert found.agenda[0] == "Talk about causes, not about people"
    assert found.people == ("ada", "bob")


def test_the_meeting_is_on_no_weekend_and_before_its_deadline() -> None:
    thursday = NOON + timedelta(days=4)
    incident = replace(resolved(), resolved_at=thursday)
    found = propose(incident, PLAN, ())
    assert found
    assert found.starts_at.weekday() == 0
    hurried = tuple(replace(duty, within=HOUR * 3) for duty in PLAN.duties)
    soon = propose(incident, replace(PLAN, duties=hurried), ())
    assert soon
    assert soon.ends_at == thursday + HOUR * 3
    assert propose(resolved(a_plan()), a_plan(), ()) is None
