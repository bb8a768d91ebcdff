"""Who is on call, overrides and calendars over HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest

from playcall.core.events import PageDelivered
from playcall.core.hours import read_window
from playcall.core.rota import Rotation, Schedule
from playcall.testing import NOON, an_alert, minutes
from tests.engine.world import ADA, BOB, World
from tests.web.site import Site, site_of

ON_CALL, OVERRIDES = "/api/v1/on-call", "/api/v1/overrides"
DAY = timedelta(days=1)


def a_schedule(*people: str, only: str = "", name: str = "first", **more: Any) -> Schedule:
    window = read_window(only)
    rotation = Rotation(
        people=people,
        turn=DAY,
        hand_off=time(9),
        starts_on=date(2026, 2, 1),
        windows=(window,) if window else (),
    )
    return Schedule(name=name, zone=ZoneInfo("Europe/Berlin"), layers=(rotation,), **more)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """On NOON, a Sunday, ada is on call in `first`, and nobody in `office`."""
    world = World(
        folder=tmp_path,
        people={"ada": ADA, "bob": BOB},
        roles={"on-call primary": ("first",), "team lead": ("bob",), "cto": ("office",)},
        schedules={
            "first": a_schedule("ada", "bob"),
            "office": a_schedule("bob", only="mon-fri 09:00-17:00", name="office"),
        },
    )
    async with site_of(world) as site:
        yield site


async def ask(site: Site, path: str, person: str = "vic", **query: str) -> Any:
    async with site.asking(person) as client:
        answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def an_override(**changes: Any) -> dict[str, Any]:
    body = {"schedule": "first", "person": "bob"}
    return {**body, "from": "2026-03-01T13:00", "until": "2026-03-01T15:00", **changes}


async def override(site: Site, status: Any = 200, **changes: Any) -> Any:
    async with site.asking("ada") as client:
        answer = await client.post(OVERRIDES, json=an_override(**changes))
    assert answer.status_code == status, answer.text
    return answer.json()


async def on_call(site: Site, at: str = "") -> list[str]:
    found = await ask(site, ON_CALL, **({"at": at} if at else {}))
    people: list[str] = found["schedules"][0]["on_call"]
    return people


# --- Who is on call ------------------------------------------------------------------------------


async def test_now_and_next_are_told(site: Site) -> None:
    found = await ask(site, ON_CALL)
    first, office = found["schedules"]
    assert (first["on_call"], first["until"]) == (["ada"], "2026-03-02T08:00:00Z")
    assert first["following"]["people"] == ["bob"]
    assert (office["on_call"], office["until"]) == ([], "2026-03-02T08:00:00Z")
    assert [(role["role"], role["people"]) for role in found["roles"]] == [
        ("on-call primary", ["ada"]),
        ("team lead", ["bob"]),
        ("cto", []),
    ]


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-03-02T12:00:00Z", "bob"),
        ("2026-02-27T12:00:00Z", "ada"),
        ("2027-03-01T12:00:00Z", "bob"),
        ("2026-03-02T09:30:00+02:00", "ada"),
        ("2026-03-02T07:30:00", "ada"),
    ],
)
async def test_any_moment_may_be_asked_about(site: Site, at: str, who: str) -> None:
    assert await on_call(site, at) == [who]


async def test_gaps_are_those_of_the_days_asked_for(site: Site) -> None:
    found = await ask(site, ON_CALL, days="30")
    first, office = found["schedules"]
    assert first["gaps"] == first["overlaps"] == []
    assert len(first["shifts"]) == 31
    assert office["gaps"][0] == {
        "starts_at": "2026-03-01T12:00:00Z",
        "ends_at": "2026-03-02T08:00:00Z",
    }
    assert len(office["gaps"]) == 1 + 21, "before the first and after each of 21 working days"


@pytest.mark.parametrize(
    "query",
    [
        {"at": "soon"},
        {"at": "9999-12-31T23:59:59Z"},
        {"at": "0001-01-01T00:00:00"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"days": "0"},
        {"days": "367"},
    ],
)
async def test_what_is_no_moment_is_refused(site: Site, query: dict[str, str]) -> None:
    async with site.asking("vic") as client:
        assert (await client.get(ON_CALL, params=query)).status_code == 422


# --- Overrides -----------------------------------------------------------------------------------


async def test_an_override_is_in_the_schedules_zone_and_kept_with_who_made_it(site: Site) -> None:
    [made] = await override(site)
    assert made["starts_at"] == "2026-03-01T12:00:00Z"
    assert (made["made_by"], made["removed_by"]) == ("ada", None)
    assert await on_call(site) == ["bob"]
    assert await on_call(site, "2026-03-01T14:00:00Z") == ["ada"]
    assert await ask(site, OVERRIDES) == [made]


async def test_a_page_goes_to_whoever_an_override_names(site: Site) -> None:
    await override(site)
    await site.world.receive(an_alert())
    pages = await site.world.until_event(PageDelivered)
    assert next(p.person for p in pages if isinstance(p, PageDelivered)) == "bob"


async def test_an_offset_in_a_time_counts(site: Site) -> None:
    [made] = await override(site, **{"from": "2026-03-01T13:00Z", "until": "2026-03-01T15:00Z"})
    assert (made["starts_at"], made["ends_at"]) == ("2026-03-01T13:00:00Z", "2026-03-01T15:00:00Z")


async def test_what_has_passed_is_not_changed(site: Site) -> None:
    [made] = await override(site, **{"from": "2026-02-01T00:00"})
    assert made["starts_at"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"schedule": "third"}, 409, 'no schedule "third"; there are: first, office'),
        ({"person": "zoe"}, 409, 'nobody is called "zoe"'),
        ({"until": "2026-03-01T12:59"}, 409, "not after the beginning"),
        ({"from": "2026-02-01T00:00", "until": "2026-02-02T00:00"}, 409, "over already"),
        ({"until": "2029-01-01T00:00"}, 409, "longer than 366 days"),
        ({"until": "9999-12-31T23:59"}, 422, "9999"),
        ({"until": "soon"}, 422, ""),
        ({"person": None}, 422, ""),
    ],
)
async def test_an_override_that_makes_no_sense_is_refused(
    site: Site, changes: dict[str, Any], status: int, words: str
) -> None:
    refused = await override(site, status, **changes)
    assert words in str(refused["detail"])
    assert await ask(site, OVERRIDES) == []


async def test_removing_ends_an_override_and_keeps_it_on_record(site: Site) -> None:
    await override(site)
    site.world.clock.move(minutes(30))
    async with site.asking("cleo") as client:
        answer = await client.delete(f"{OVERRIDES}/1")
        assert (answer.status_code, answer.json()["removed_by"]) == (200, "cleo")
        for number in (1, 2, 2**70, -1):
            assert (await client.delete(f"{OVERRIDES}/{number}")).status_code == 404
    assert await on_call(site) == ["ada"]
    assert await on_call(site, "2026-03-01T12:15:00Z") == ["bob"], "it was so"
    assert await ask(site, OVERRIDES) == []
    [kept] = await ask(site, OVERRIDES, past="true")
    assert (kept["made_by"], kept["removed_by"]) == ("ada", "cleo")


async def test_a_swap_is_two_overrides(site: Site) -> None:
    back = {"from": "2026-03-02T10:00", "until": "2026-03-02T12:00"}
    made = await override(site, in_return=back)
    assert [(one["person"], one["starts_at"]) for one in made] == [
        ("bob", "2026-03-01T12:00:00Z"),
        ("ada", "2026-03-02T09:00:00Z"),
    ]
    assert await on_call(site) == ["bob"]
    assert await on_call(site, "2026-03-02T10:00:00Z") == ["ada"]


@pytest.mark.parametrize(
    ("back", "until", "words"),
    [
        (("2026-03-03T10:00", "2026-03-03T12:00"), "15:00", "bob is not on call for all"),
        (("2026-03-02T10:00", "2026-03-03T10:00"), "15:00", "bob is not on call for all"),
        (("2026-03-02T12:00", "2026-03-02T10:00"), "15:00", "not after the beginning"),
        (("2026-03-02T10:00", "2026-03-02T12:00"), "", "needs one other person"),
    ],
)
async def test_a_swap_needs_two_who_have_something_to_give(
    site: Site, back: tuple[str, str], until: str, words: str
) -> None:
    changes = {"in_return": dict(zip(("from", "until"), back, strict=True))}
    if not until:
        changes["until"] = "2026-03-02T12:00"  # type: ignore[assignment]  # two are on call
    refused = await override(site, 409, **changes)
    assert words in refused["detail"]
    assert await ask(site, OVERRIDES) == []


async def test_a_viewer_looks_and_changes_nothing(site: Site) -> None:
    async with site.asking("vic") as client:
        assert (await client.post(OVERRIDES, json=an_override())).status_code == 403
        assert (await client.delete(f"{OVERRIDES}/1")).status_code == 403


async def test_a_form_of_another_site_makes_no_override(site: Site) -> None:
    async with site.with_session("ada") as browser:
        evil = {"origin": "https://evil.example"}
        answer = await browser.post(OVERRIDES, json=an_override(), headers=evil)
        assert answer.status_code == 403
        assert (await browser.delete(f"{OVERRIDES}/1", headers=evil)).status_code == 403
    assert await ask(site, OVERRIDES) == []


# --- Calendars -----------------------------------------------------------------------------------


async def fetched(site: Site, address: str) -> icalendar.Calendar:
    async with site.asking() as stranger:
        answer = await stranger.get(address.removeprefix("http://playcall.example"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    found = icalendar.Calendar.from_ical(answer.content)
    assert isinstance(found, icalendar.Calendar)
    return found


async def test_a_schedule_has_a_calendar_at_a_secret_address(site: Site) -> None:
    await override(site)
    found = (await ask(site, ON_CALL))["schedules"][0]
    events = (await fetched(site, found["calendar"])).events
    there = [(str(e["summary"]), e.start, e.end) for e in events]
    assert ("Bob", NOON, NOON + minutes(120)) in there, "the override"
    assert len(there) > 180
    assert all(a[2] == b[1] for a, b in pairwise(there))


async def test_a_person_has_a_calendar_of_their_shifts_alone(site: Site) -> None:
    people = {one["id"]: one for one in (await ask(site, ON_CALL))["people"]}
    events = (await fetched(site, people["bob"]["calendar"])).events
    assert {str(event["summary"]) for event in events} == {"On call: first", "On call: office"}
    tomorrow = datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert tomorrow in [event.start for event in events]
    assert NOON not in [event.start for event in events]


async def test_secrets_differ_and_a_wrong_one_opens_nothing(site: Site) -> None:
    found = await ask(site, ON_CALL)
    addresses = [one["calendar"] for one in (*found["schedules"], *found["people"])]
    assert len(set(addresses)) == 4
    async with site.asking() as stranger:
        for wrong in ("x", "first", "é", addresses[0].split("/")[-1][:-5]):
            answer = await stranger.get(f"/calendars/{wrong}.ics")
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in?next=/")
