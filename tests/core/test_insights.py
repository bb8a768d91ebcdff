"""Figures over incidents whose answers are known by counting."""

from dataclasses import replace
from datetime import timedelta

import pytest

from playcall.core import events as ev
from playcall.core.incident import RunStatus
from playcall.core.insights import Record, learn
from playcall.testing import NOON, an_opening, minutes
from tests.core.responding import PLAN, after, opened

MIDNIGHT = NOON + timedelta(hours=12)


def a_record(number: int, *events: ev.Event, **changes: object) -> Record:
    opening = an_opening(incident=number)
    state = replace(after(opened()), id=number, **changes)  # type: ignore[arg-type]
    return Record(incident=state, plan=PLAN, events=(opening, *events))


def acknowledged(minute: float) -> ev.Acknowledged:
    return ev.Acknowledged(at=NOON + minutes(minute), by="ada")


def paged(hours: float, person: str = "ada") -> ev.PageDelivered:
    at = NOON + timedelta(hours=hours)
    return ev.PageDelivered(at=at, role="On-Call Primary", person=person, channel="mail")


def ran(command: str, minute: float, status: RunStatus = RunStatus.SUCCEEDED) -> ev.CommandFinished:
    return ev.CommandFinished(
        at=NOON + minutes(minute), command=command, run=f"{command}/{minute}", status=status,
        exit_code=0, summary="",
    )  # fmt: skip


def approved(command: str) -> ev.RunApproved:
    return ev.RunApproved(at=NOON, by="ada", command=command)


def test_times_are_measured_values_and_say_how_many_they_are_of() -> None:
    records = [a_record(n, acknowledged(n)) for n in range(1, 11)] + [a_record(11)]
    found = learn(records, {})
    (time,) = [one for one in found.whole.times if one.what == "acknowledge"]
    assert (time.median, time.ninth, time.worst, time.worst_in) == (300, 540, 600, 10)
    assert (time.count, time.of) == (10, 11)
    assert {one.what for one in found.whole.times} == {"detect", "acknowledge"}
    assert "incidents 1 to 11, 11 of them" in found.made_of["time to acknowledge"]


def test_missed_targets_are_counted_by_incident() -> None:
    missed = ev.TargetMissed(at=NOON, target=minutes(5))
    found = learn([a_record(1, missed, missed), a_record(2)], {})
    assert (found.whole.missed, found.whole.incidents) == (1, 2)


def test_nights_are_by_the_persons_own_clock() -> None:
    records = [
        a_record(1, paged(0), paged(10), paged(12), paged(18.9), paged(19), paged(20, "bob"))
    ]
    ada, bob = learn(records, {"bob": "America/New_York"}).pages
    assert (ada.person, ada.pages, ada.nights, ada.nights_broken) == ("ada", 5, 3, 1)
    assert (bob.person, bob.nights) == ("bob", 1)
    assert (ada.worst_week, ada.in_worst_week) == ("2026-W10", 3)


def test_an_alert_that_nothing_was_changed_for_is_noise() -> None:
    changed = a_record(1, approved("2.1"), ran("2.1", 3))
    looked = a_record(2, ran("1.1", 1))
    failed = a_record(3, approved("2.1"), ran("2.1", 3, RunStatus.FAILED))
    (noise,) = learn([changed, looked, failed], {}).noise
    assert (noise.alert, noise.incidents, noise.unacted) == ("LatencyHigh", 3, 2)


def test_steps_that_ran_failed_helped_and_were_skipped() -> None:
    records = [
        a_record(1, ran("1.1", 1), approved("2.1"), ran("2.1", 3)),
        a_record(2, ran("1.1", 1, RunStatus.FAILED), ran("1.1", 2)),
        a_record(3, approved("2.1"), ran("2.1", 3, RunStatus.LAPSED)),
    ]
    look, change = learn(records, {}).steps
    assert (look.ran, look.failed, look.helped, look.skipped) == (3, 1, 0, 1)
    assert (change.ran, change.failed, change.helped) == (1, 0, 1)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("play", ["LatencyHigh", "none"]),
        ("severity", ["CRITICAL", "HIGH"]),
        ("team", ["performance"]),
        ("month", ["2026-03"]),
    ],
)
def test_groups_have_every_incident_once(by: str, names: list[str]) -> None:
    records = [a_record(1), a_record(2, severity="HIGH"), a_record(3, play=None)]
    if by == "team":
        records = records[:2]
    found = learn(records, {}, by)
    assert [group.name for group in found.groups] == names
    assert sum(group.incidents for group in found.groups) == len(records)


def test_no_incident_teaches_nothing_and_breaks_nothing() -> None:
    found = learn([], {})
    assert (found.whole.incidents, found.groups, found.steps) == (0, (), ())
