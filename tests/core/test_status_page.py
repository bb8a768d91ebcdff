"""What the public sees is made of what was published, and counted as it is said to be."""

from datetime import timedelta

from playcall.core.status_page import (
    Component,
    Health,
    History,
    Maintenance,
    PublicPage,
    Published,
    build_page,
    headline,
    next_update,
)
from playcall.core.status_update import PublicImpact, StatusUpdate, UpdateState
from playcall.testing import NOON, minutes

MIGRATIONS = Component(name="Migrations", alerts=("Migration*",))
CONSOLE = Component(name="Console", alerts=("Console*", "Login?"))
DAY = timedelta(days=1)


def an_update(number: int = 1, **changes: object) -> StatusUpdate:
    known: dict[str, object] = {
        "incident": 1,
        "number": number,
        "state": UpdateState.INVESTIGATING,
        "title": "Moves are slow",
        "body": "We look into it.",
        "at": NOON,
        "impact": PublicImpact.MINOR,
        "components": ("Migrations",),
        "next_at": NOON + minutes(15),
    }
    return StatusUpdate(**(known | changes))  # type: ignore[arg-type]


def a_page(
    *updates: StatusUpdate,
    alerts: tuple[str, ...] = (),
    now: timedelta = DAY / 24,
    since: timedelta | None = -90 * DAY,
    windows: tuple[Maintenance, ...] = (),
) -> PublicPage:
    return build_page(
        (MIGRATIONS, CONSOLE),
        [Published(update=update, alerts=alerts) for update in updates],
        windows,
        NOON + now,
        History(days=90, since=None if since is None else NOON + since),
    )


def test_without_incidents_all_is_well() -> None:
    page = a_page()
    assert [one.health for one in page.components] == [Health.OPERATIONAL] * 2
    assert [one.uptime for one in page.components] == [1.0, 1.0]
    assert (page.impact, page.open, page.past) == (PublicImpact.NONE, (), ())


def test_a_component_is_as_the_latest_update_of_an_open_incident_says() -> None:
    worse = an_update(2, at=NOON + minutes(5), impact=PublicImpact.CRITICAL)
    better = an_update(3, at=NOON + minutes(9), impact=PublicImpact.MINOR)
    assert a_page(an_update(), worse).components[0].health is Health.MAJOR
    page = a_page(an_update(), worse, better)
    assert page.components[0].health is Health.DEGRADED
    assert page.components[1].health is Health.OPERATIONAL
    assert page.open[0].impact is PublicImpact.CRITICAL
    assert [update.number for update in page.open[0].updates] == [3, 2, 1]


def test_the_worst_of_several_incidents_shows() -> None:
    other = an_update(incident=2, impact=PublicImpact.MAJOR)
    assert a_page(an_update(), other).components[0].health is Health.PARTIAL


def test_where_an_update_names_no_component_the_alerts_choose() -> None:
    page = a_page(an_update(components=()), alerts=("Login1", "Other"))
    assert [one.health for one in page.components] == [Health.OPERATIONAL, Health.DEGRADED]


def test_a_resolved_incident_is_past_until_it_is_told_of_again() -> None:
    over = an_update(2, state=UpdateState.RESOLVED, at=NOON + minutes(30), next_at=None)
    page = a_page(an_update(), over)
    assert (page.open, page.past[0].resolved_at) == ((), NOON + minutes(30))
    assert page.components[0].health is Health.OPERATIONAL
    again = an_update(3, at=NOON + minutes(40))
    assert len(a_page(an_update(), over, again).open) == 1


def test_uptime_counts_an_outage_whole_a_partial_one_by_three_tenths_slowness_not() -> None:
    def uptime(impact: PublicImpact) -> float | None:
        over = an_update(2, state=UpdateState.RESOLVED, at=NOON + DAY, impact=impact)
        page = a_page(an_update(impact=impact), over, now=DAY, since=-9 * DAY)
        return page.components[0].uptime

    assert uptime(PublicImpact.CRITICAL) == 0.9
    assert uptime(PublicImpact.MAJOR) == 0.97
    assert uptime(PublicImpact.MINOR) == 1.0


def test_two_incidents_at_once_are_one_downtime() -> None:
    down = {"impact": PublicImpact.CRITICAL}
    over = {**down, "state": UpdateState.RESOLVED, "at": NOON + DAY}
    updates = [
        an_update(n, incident=i, **what) for i in (1, 2) for n, what in ((1, down), (2, over))
    ]
    page = a_page(*updates, now=DAY, since=-9 * DAY)
    assert page.components[0].uptime == 0.9


def test_days_are_as_bad_as_their_worst_moment_and_unknown_before_the_page_was_there() -> None:
    over = an_update(2, state=UpdateState.RESOLVED, at=NOON + DAY)
    page = a_page(an_update(), over, now=DAY, since=-DAY)
    days = page.components[0].days
    assert len(days) == 90
    assert [day.health for day in days[-5:]] == [
        None,
        None,
        Health.OPERATIONAL,
        Health.DEGRADED,
        Health.DEGRADED,
    ]
    assert [day.troubled for day in days[-2:]] == [DAY / 2, DAY / 2]


def test_maintenance_shows_until_it_ends_and_hides_no_outage() -> None:
    window = Maintenance(
        title="New disks", starts=NOON, ends=NOON + minutes(90), components=("Migrations",)
    )
    assert a_page(windows=(window,)).components[0].health is Health.MAINTENANCE
    hurt = a_page(an_update(), windows=(window,))
    assert hurt.components[0].health is Health.DEGRADED
    assert a_page(windows=(window,), now=minutes(90)).maintenances == ()


def test_words_are_in_the_documents_format() -> None:
    assert headline(an_update()) == "[2026-03-01 12:00] - INVESTIGATING"
    assert next_update(an_update()) == "Next update by 12:15"
    assert next_update(an_update(state=UpdateState.RESOLVED)) == ""
