"""Alerts that join an incident: how many, told now and then to whoever is on it."""

from playcall.core.events import AlertsJoined
from playcall.core.incident import Incident
from playcall.core.joining import BETWEEN
from playcall.testing import NOON, an_alert, minutes
from tests.core.responding import acknowledged, after, moved, opened, told, woken


def join(incident: Incident, numbers: range, minute: float) -> Incident:
    alerts = tuple(an_alert(fingerprint=f"j{n}") for n in numbers)
    done = moved(incident, AlertsJoined(at=NOON + minutes(minute), alerts=alerts))
    assert not told(done.effects)
    return done.incident


def test_whoever_has_it_hears_the_count_once_in_a_few_minutes() -> None:
    incident = after(opened(), acknowledged(0.5))
    incident = join(incident, range(20), 1)
    incident = join(incident, range(10, 37), 2)  # ten of them are known
    due = BETWEEN.total_seconds() / 60
    assert incident.wake_at is not None
    assert incident.wake_at <= NOON + BETWEEN
    done = moved(incident, woken(due))
    assert told(done.effects) == [("ada", "37 more alerts joined this incident")]
    again = join(done.incident, range(40, 41), due + 1)
    assert told(moved(again, woken(due + 2)).effects) == []
    assert told(moved(again, woken(due * 2)).effects)[0][1] == "1 more alert joined this incident"


def test_nobody_is_told_while_nobody_has_it() -> None:
    assert join(opened(), range(20), 1).joined == 0
