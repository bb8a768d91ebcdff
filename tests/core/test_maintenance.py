"""Maintenance windows hold pages for what they cover, and for nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from playcall.core import events as ev
from playcall.core.incident import Incident, Status
from playcall.core.maintenance import Window, called_off, window_for
from playcall.testing import NOON, an_alert, an_opening, minutes
from tests.core.responding import (
    PLAN,
    after,
    fired,
    moved,
    opened,
    pages,
    refused,
    resolved,
    woken,
)


def a_window(ends: float = 60, **matchers: str) -> Window:
    return Window(
        starts=NOON, ends=NOON + minutes(ends), matchers=matchers or {"site": "eu-*"}, reason="r"
    )


@pytest.mark.parametrize(
    ("site", "minute", "held"),
    [
        ("eu-1", 0, True),
        ("eu-1", 59.9, True),
        ("eu-1", 60, False),
        ("eu-1", -0.1, False),
        ("us-1", 0, False),
        ("", 0, False),
    ],
)
def test_a_window_covers_its_labels_from_its_start_until_before_its_end(
    site: str, minute: float, held: bool
) -> None:
    window = a_window()
    found = window_for([an_alert(site=site)], [window], NOON + minutes(minute))
    assert (found is window) is held


def test_every_alert_must_be_covered_and_the_first_end_counts() -> None:
    eu, us = a_window(60), a_window(30, site="us-*", alertname="Latency*")
    covered = [an_alert(site="eu-1"), an_alert(site="us-1")]
    assert window_for(covered, [eu, us], NOON) is us
    assert window_for([*covered, an_alert(site="asia")], [eu, us], NOON) is None
    assert window_for([], [eu], NOON) is None
    longer = a_window(90)
    assert window_for([an_alert(site="eu-1")], [eu, longer], NOON) is longer


def test_a_star_matches_an_alert_without_the_label() -> None:
    everything = a_window(alertname="*")
    assert window_for([an_alert(name="")], [everything], NOON) is everything


def test_a_relapse_during_maintenance_is_recorded_and_wakes_at_its_end() -> None:
    over = after(opened(), resolved(1))
    again = ev.Reopened(
        at=NOON + minutes(5),
        alerts=(an_alert(starts_at=NOON + minutes(5)),),
        quiet_until=NOON + minutes(30),
        quiet_reason="maintenance: r",
    )
    quiet = moved(over, again)
    assert pages(quiet.effects) == []
    assert (quiet.incident.status, quiet.incident.respond_by) == (Status.OPEN, None)
    assert quiet.incident.wake_at == NOON + minutes(30)
    assert "On-Call Primary" in pages(moved(quiet.incident, woken(30)).effects)


def test_what_maintenance_does_not_cover_ends_the_quiet() -> None:
    opening = an_opening()
    held = ev.Opened(
        **{
            **{name: getattr(opening, name) for name in opening.__dataclass_fields__},
            "quiet_until": NOON + timedelta(hours=1),
            "quiet_reason": "maintenance: r",
        }
    )
    quiet = moved(None, held, PLAN)
    assert pages(quiet.effects) == []
    heard = moved(quiet.incident, ev.QuietEnded(at=NOON + minutes(3), reason="not covered"))
    assert heard.incident.quiet is None
    assert "On-Call Primary" in pages(heard.effects)
    again = moved(heard.incident, ev.QuietEnded(at=NOON + minutes(3), reason="not covered"))
    assert again.effects == ()


def held(site: str = "eu-1") -> Incident:
    opening = replace(
        an_opening(alerts=(an_alert(site=site),)),
        quiet_until=NOON + minutes(60),
        quiet_reason="maintenance: r",
    )
    return moved(None, opening, PLAN).incident


@pytest.mark.parametrize(
    ("windows", "until"),
    [
        ([a_window(60)], None),
        ([a_window(90)], None),  # announced for longer: it ends when it was to end
        ([a_window(30)], 30),
        ([], 10),
        ([a_window(60, site="us-*")], 10),
    ],
)
def test_a_window_that_is_called_off_or_shortened_holds_pages_no_longer(
    windows: list[Window], until: float | None
) -> None:
    found = called_off(held(), windows, NOON + minutes(10))
    assert (found.until if found else None) == (NOON + minutes(until) if until else None)
    assert called_off(held(), [a_window(60)], NOON - minutes(5)) is None  # the clock was set back


def test_what_is_snoozed_or_held_no_more_is_not_called_off() -> None:
    snoozed = after(opened(), ev.Snoozed(at=NOON + minutes(1), by="ada", until=NOON + minutes(30)))
    assert called_off(snoozed, [], NOON + minutes(2)) is None
    assert called_off(held(), [], NOON + minutes(61)) is None
    assert called_off(opened(), [], NOON + minutes(2)) is None


def test_a_quiet_that_was_called_off_pages_at_once_or_at_its_new_end() -> None:
    now = moved(held(), ev.QuietShortened(at=NOON + minutes(10), until=NOON + minutes(10)))
    assert "On-Call Primary" in pages(now.effects)
    assert type(now.follows[0]) is ev.QuietEnded
    sooner = moved(held(), ev.QuietShortened(at=NOON + minutes(10), until=NOON + minutes(30)))
    assert pages(sooner.effects) == []
    assert sooner.incident.wake_at == NOON + minutes(30)
    assert "On-Call Primary" in pages(moved(sooner.incident, woken(30)).effects)
    longer = ev.QuietShortened(at=NOON + minutes(10), until=NOON + minutes(70))
    assert "no maintenance" in refused(held(), longer)


def test_what_cleared_under_a_window_that_was_called_off_wakes_nobody_until_it_fires() -> None:
    cleared = after(held(), ev.AlertsCleared(at=NOON, alerts=(an_alert(firing=False),)))
    event = called_off(cleared, [], NOON + minutes(10))
    assert event
    quiet = moved(cleared, event)
    assert pages(quiet.effects) == []
    assert "On-Call Primary" in pages(moved(quiet.incident, fired(11)).effects)
