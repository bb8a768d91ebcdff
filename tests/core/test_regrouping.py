"""Merging and splitting, as values: what each side becomes, and who hears of it."""

from dataclasses import replace

from playcall.core import events as ev
from playcall.core.effects import PublishUpdate
from playcall.core.incident import Incident, Member, Status
from playcall.core.insights import Record, learn
from playcall.core.regroup_events import Absorbed, AlertsSplit, MergedInto, SplitOff
from playcall.core.regrouping import still_told
from playcall.core.report import write_report
from playcall.core.similar import rank
from playcall.core.status_update import StatusUpdate, UpdateState
from playcall.testing import NOON, a_plan, an_alert, an_opening, minutes
from tests.core.responding import (
    MEMBER,
    REGROUPED,
    acknowledged,
    after,
    climb,
    moved,
    opened,
    pages,
    refused,
    told,
)
from tests.core.telling import Walk, telling_plan

PLAN = a_plan()
MERGED = MergedInto(at=NOON + minutes(2), by="cleo", incident=7, title="disk full")


def absorbed(*, severity: str = "CRITICAL", told: StatusUpdate | None = None) -> Absorbed:
    return Absorbed(
        at=NOON + minutes(2),
        by="cleo",
        incident=2,
        title="disk full",
        severity=severity,
        members=(MEMBER,),
        told=told,
    )


def test_who_had_it_is_told_and_nobody_is_called_any_more() -> None:
    incident = after(opened(), acknowledged(1, "ada"))
    outcome = moved(incident, MERGED)
    assert told(outcome.effects) == [("ada", "merged into incident 7 by cleo")]
    gone = outcome.incident
    assert (gone.status, gone.wake_at, gone.requests) == (Status.MERGED, None, {})
    assert refused(gone, acknowledged(3)) == "incident 1 was merged into incident 7"
    assert refused(gone, ev.Reopened(at=NOON, alerts=(an_alert(),))).endswith("incident 7")
    assert moved(gone, ev.NoteAdded(at=NOON, by="ada", text="too late")).incident.version > 0


def test_what_waited_for_an_approval_lapses() -> None:
    asked = after(opened(), ev.RunRequested(at=NOON, by="ada", command="2.1"))
    assert asked.requests
    assert after(asked, MERGED).requests == {}


def test_the_graver_severity_of_the_two_holds_and_calls_anew() -> None:
    mild = opened(severity="WARNING")
    raised = moved(mild, absorbed())
    assert raised.incident.severity == "CRITICAL"
    assert pages(raised.effects) == ["On-Call Primary"]
    assert moved(opened(), absorbed(severity="WARNING")).incident.severity == "CRITICAL"
    assert moved(opened(), absorbed(severity="as they say")).incident.severity == "CRITICAL"


def test_a_recovered_incident_relapses_when_something_that_fires_joins_it() -> None:
    well = replace(opened(), status=Status.RECOVERED)
    grown = after(well, absorbed())
    assert grown.status is Status.OPEN
    assert set(grown.alerts) == {"f1", "f9"}


def test_a_split_incident_calls_nobody_at_once_and_goes_on_as_any_other() -> None:
    split = SplitOff(incident=4, by="ada", reason="two causes")
    outcome = moved(None, replace(an_opening(), at=NOON + minutes(20), split=split))
    assert pages(outcome.effects) == []
    made = outcome.incident
    assert (made.acknowledged_by, made.kin.split_from) == ("ada", 4)
    assert climb(made, 25, 30) == [[], ["Team Lead"]]


def two() -> Incident:
    both = {**opened().alerts, "f9": Member(alert=MEMBER.alert, firing=True, changed_at=NOON)}
    return replace(opened(), alerts=both)


def test_something_is_taken_out_and_something_stays() -> None:
    part = AlertsSplit(
        at=NOON, by="ada", incident=5, title="t", fingerprints=("f9",), names=("LatencyHigh",)
    )
    kept = moved(two(), part).incident
    assert (set(kept.alerts), kept.kin.split_off) == ({"f1"}, (5,))
    assert "leave at least one" in refused(two(), replace(part, fingerprints=("f1", "f9")))
    assert "choose at least one" in refused(two(), replace(part, fingerprints=()))
    assert refused(two(), replace(part, fingerprints=("x",))).endswith("no alert x; it has f1, f9")


def test_the_public_reads_of_one_trouble_only() -> None:
    plan = telling_plan()
    walk = Walk.of(plan)
    walk.publish(UpdateState.INVESTIGATING)
    shown = walk.incident
    last = still_told(shown)
    assert last is not None
    ending = replace(MERGED, at=walk.at, told_as="Requests are slow")
    closed = moved(shown, ending, plan)
    assert still_told(closed.incident) is None
    [update] = [e.update for e in closed.effects if isinstance(e, PublishUpdate)]
    assert (update.state, update.title) == (UpdateState.RESOLVED, last.title)
    assert 'a part of "Requests are slow"' in update.body
    carried = moved(Walk.of(plan).incident, absorbed(told=last), plan)
    carried_on = still_told(carried.incident)
    assert carried_on is not None
    assert (carried_on.body, carried_on.state) == (last.body, last.state)


def test_what_was_merged_is_no_incident_of_its_own_in_the_numbers() -> None:
    events: list[ev.Event] = [an_opening(), replace(MERGED, incident=2)]
    paged = ev.PageDelivered(at=NOON, role="r", person="ada", channel="mail")
    gone = Record(incident=after(opened(), MERGED), plan=PLAN, events=[*events, paged])
    other = replace(an_opening(), incident=2)
    kept = Record(incident=replace(opened(), id=2), plan=PLAN, events=[other])
    found = learn([gone, kept], {})
    assert (found.whole.incidents, [one.incidents for one in found.noise]) == (1, [1])
    assert [one.pages for one in found.pages] == [1]
    assert rank(kept, [gone]) == ()


def test_the_post_mortem_has_the_lines_of_both_each_with_its_number() -> None:
    opening = replace(an_opening(), incident=2, title="disk full")
    note = ev.NoteAdded(at=NOON + minutes(1), by="bob", text="the disk is full")
    own: list[ev.Event] = [an_opening(), absorbed()]
    other: list[ev.Event] = [opening, note, replace(MERGED, incident=1)]
    merged = [(other, PLAN)]
    text = write_report(own, PLAN, "https://p.example", merged=merged).markdown
    assert "Incident 2: the disk is full ([2](https://p.example/incidents/2#event-2))" in text
    assert "- disk full (incident 2, merged) ([1](https://p.example/incidents/2#event-1))" in text


def test_the_words_of_each_event() -> None:
    from playcall.core.timeline import entry

    lines = [entry(event, PLAN, None) for event in REGROUPED]
    assert [line.text for line in lines if line] == [
        "MERGED into incident 7 by cleo, disk full: one cause",
        "cleo merged incident 7 into this one, disk full (HIGH, 1 alert)",
        "ada split off incident 7, with A",
    ]
    assert [line.about for line in lines if line] == [7, 7, 7]
