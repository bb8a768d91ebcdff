"""A simulated week: thousands of incidents, random acknowledgements, outages, restarts.

What is expected of every incident is said here in the document's words, not with the code's own
functions.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from playcall.core import events as ev
from playcall.core.alert import Alert, group_key
from playcall.core.incident import Incident
from playcall.core.simulation import Call, Simulation, World, simulate
from playcall.testing import NOON, a_plan, a_play, an_alert, an_opening, minutes

WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)
COUNT = 2_500
PLAN = a_plan(a_play(escalation=None))
RUNGS = ((0, 0), (1, 5), (2, 10), (3, 15), (4, 20))  # of the document's path, in minutes
OUTAGES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What the world does to one incident, in time from its alert."""

    acknowledged: timedelta | None
    lasts: timedelta


def outages(dice: random.Random) -> list[tuple[datetime, datetime]]:
    begins = sorted(NOON + WEEK * dice.random() for _ in range(OUTAGES))
    return [(at, at + minutes(dice.uniform(0.5, 4))) for at in begins]


def test_a_week_pages_everybody_who_is_due_once_in_time_and_nobody_after_the_end() -> None:
    dice = random.Random(2026)
    lives = {
        f"f{n}": Life(
            acknowledged=minutes(dice.uniform(0.2, 45)) if dice.random() < 0.7 else None,
            lasts=minutes(dice.uniform(1, 60)),
        )
        for n in range(COUNT)
    }
    alerts = [
        an_alert_of(name, NOON + WEEK * dice.random(), life.lasts) for name, life in lives.items()
    ]
    away = outages(dice)
    found = play(alerts, lives, away)
    assert len(found.incidents) == COUNT
    calls = defaultdict(list)
    for call in found.calls:
        calls[call.incident].append(call)
    for number, incident in found.incidents.items():
        (name,) = incident.alerts
        expect(calls[number], incident, lives[name], away)


def an_alert_of(name: str, at: datetime, lasts: timedelta) -> Alert:
    return _ending(an_alert(name=f"Alert-{name}", fingerprint=name, starts_at=at), lasts)


def _ending(alert: Alert, lasts: timedelta) -> Alert:
    return replace(alert, ends_at=alert.starts_at + lasts)


def play(
    alerts: list[Alert], lives: dict[str, Life], away: list[tuple[datetime, datetime]]
) -> Simulation:
    """What happens while Playcall is away is seen when it is back: Alertmanager sends again."""

    def act(incident: Incident, call: Call) -> tuple[ev.Event, ...]:
        if call.rung != 0 or call.round != 1:
            return ()
        life = lives[next(iter(incident.alerts))]
        over = ev.Resolved(
            at=incident.fired_at + life.lasts + minutes(8), by="ada", cause="", unverified=True
        )
        if life.acknowledged is None:
            return (over,)
        heard = ev.Acknowledged(at=incident.fired_at + life.acknowledged, by="ada")
        return (heard, over)

    return simulate(
        World(
            plan=PLAN,
            open=lambda fired, at, number: an_opening(
                incident=number, at=at, alerts=fired, play="LatencyHigh"
            ),
            behind=lambda role, at: (role.lower(),),
            act=act,
            seen_at=lambda at: back_at(at, away),
        ),
        alerts,
        NOON + WEEK + timedelta(days=1),
    )


def back_at(at: datetime, away: list[tuple[datetime, datetime]]) -> datetime:
    """One outage may follow another without a gap."""
    for begins, ends in away:
        at = ends if begins <= at < ends else at
    return at


def expect(
    calls: list[Call], incident: Incident, life: Life, away: list[tuple[datetime, datetime]]
) -> None:
    """The first round of the path, as the document's matrix has it; then what must never be."""
    fired = incident.fired_at
    cleared = back_at(fired + life.lasts, away)
    recovered = back_at(cleared + minutes(5), away)  # and good for five minutes
    heard = back_at(fired + life.acknowledged, away) if life.acknowledged else None
    pages = [call for call in calls if call.wakes]
    paged = {call.rung: call.at for call in pages if call.round == 1}
    for rung, after in RUNGS:
        due = fired + minutes(after)
        back = back_at(due, away)
        unheard = rung != 1 or heard is None or heard > back
        violated = rung != 4 or back < recovered
        if back < recovered and unheard and violated:
            assert rung in paged, f"incident {incident.id}: rung {rung} is missing"
            assert abs(paged[rung] - back) <= SECOND
        elif back > recovered + SECOND or not unheard:
            assert rung not in paged, f"incident {incident.id}: rung {rung} was not due"
    once = [(call.round, call.rung, call.person) for call in pages]
    assert len(once) == len(set(once)), f"incident {incident.id}: twice for one rung"
    assert all(call.at <= recovered + SECOND for call in pages)
    again = [call for call in pages if call.round > 1]
    assert heard is None or all(call.at <= heard for call in again if call.rung == 0)
    if life.acknowledged is None and life.lasts > minutes(37):
        assert again, f"incident {incident.id}: nobody heard, and the path did not start over"


def test_the_same_week_is_played_the_same_way_twice() -> None:
    alerts = [an_alert_of(f"f{n}", NOON + minutes(n), minutes(30)) for n in range(50)]
    lives = {f"f{n}": Life(acknowledged=None, lasts=minutes(30)) for n in range(50)}
    assert play(alerts, lives, []).calls == play(alerts, lives, []).calls


@pytest.mark.parametrize("count", [1, 300])
def test_a_storm_of_one_cause_is_one_incident_and_pages_as_one(count: int) -> None:
    alerts = [
        _ending(an_alert(fingerprint=f"f{n}", starts_at=NOON + SECOND * n), minutes(4))
        for n in range(count)
    ]
    assert len({group_key(alert, ()) for alert in alerts}) == 1
    found = play(alerts, {f"f{n}": Life(acknowledged=None, lasts=minutes(1)) for n in range(1)}, [])
    assert len(found.incidents) == 1
    assert [call.rung for call in found.calls if call.wakes and call.at < NOON + minutes(4)] == [0]
