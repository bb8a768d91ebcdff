"""The pages about being on call: over HTTP, and in a real Chromium by mouse, keyboard and axe."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from httpx import Response
from playwright.sync_api import Browser, expect

from playcall.core.events import PageDelivered
from playcall.core.rota import StoredOverride
from playcall.testing import an_alert
from tests.engine.world import ADA, BOB, World
from tests.servers import smtp
from tests.web.accessibility import DESK, faults, signed_in
from tests.web.served import TOKEN, Served, chromium
from tests.web.site import Site, site_of
from tests.web.test_oncall import a_schedule

FIRST = "/on-call/first"
Query = dict[str, str] | None
TYPED = {
    "person": "bob",
    "from": "2026-03-01T18:00",
    "until": "2026-03-02T12:00",
    "reason": "a <b>",
}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """On Sunday 1 March at 12:00 UTC ada has `first` until nine on Monday; `office` has a gap."""
    world = World(
        folder=tmp_path,
        people={"ada": replace(ADA, zone="Europe/Berlin"), "bob": BOB},
        roles={"on-call primary": ("first",), "cto": ("office",)},
        schedules={
            "first": a_schedule("ada", "bob"),
            "office": a_schedule("bob", only="mon-fri 09:00-17:00", name="office"),
        },
    )
    async with site_of(world) as site:
        yield site


async def see(
    site: Site, path: str, viewer: str = "ada", status: int = 200, query: Query = None
) -> str:
    async with site.with_session(viewer) as browser:
        answer = await browser.get(path, params=query)
    assert answer.status_code == status, answer.text
    return plain(answer.text)


async def press(site: Site, page: str, path: str, person: str = "ada") -> Response:
    """The button of the form that posts, with what it carries."""
    form = page.split('<form method="post" class="acts">')[1].split("</form>")[0]
    values = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    values = {
        name: value.replace("&lt;", "<").replace("&gt;", ">") for name, value in values.items()
    }
    async with site.with_session(person) as browser:
        return await browser.post(path, data=values)


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", page)


def words(page: str) -> str:
    return plain(re.sub(r"<[^>]+>", " ", page))


# --- Who is on call ------------------------------------------------------------------------------


async def test_now_next_gaps_and_own_shifts_in_the_persons_zone_and_utc(site: Site) -> None:
    said = words(await see(site, "/on-call"))
    assert "Times are in Europe/Berlin, your zone" in said
    assert "Ada until Mon 2 Mar 09:00 08:00 UTC , in 20 h" in said
    assert "Next hand-off: Bob, Mon 2 Mar 09:00 (08:00 UTC)" in said
    assert "gaps within 14 days" in said
    assert "office : Sun 1 Mar 13:00–Mon 2 Mar 09:00 12:00–08:00 UTC · nobody stands in" in said
    assert "now until Mon 2 Mar 09:00" in said
    assert "Tue 3 Mar 09:00–Wed 4 Mar 09:00" in said
    assert "Cto nobody" in said
    stranger = words(await see(site, "/on-call", "vic"))
    assert "you have no zone of your own" in stranger
    assert "no shift is yours" in stranger
    assert "My shifts" in stranger
    assert "Fill it" not in stranger


async def test_nobody_sees_it_without_signing_in(site: Site) -> None:
    async with site.asking() as stranger:
        for path in ("/on-call", FIRST, f"{FIRST}/override", f"{FIRST}/swap"):
            assert (await stranger.get(path)).status_code == 303
        sent = await stranger.get(f"{FIRST}?view=month&from=2026-03-01")
        assert sent.headers["location"].endswith(
            f"?next={FIRST}%3Fview%3Dmonth%26from%3D2026-03-01"
        )


async def test_the_calendar_marks_gaps_overrides_and_today_in_words(site: Site) -> None:
    await make(site)
    page = await see(site, FIRST)
    said = words(page)
    assert "week of 23 February 2026" in said
    assert "Sun 1 Mar today" in said
    assert "Bob from 18:00 17:00 UTC override" in said
    assert "made by ada: a &lt;b&gt;" in said
    assert "<b>" not in page
    office = words(await see(site, "/on-call/office", query={"view": "month"}))
    assert "March 2026" in office
    assert "Nobody all day gap" in office
    autumn = words(await see(site, FIRST, query={"from": "2026-10-19"}))
    assert "25.0 hours: the clocks change" in autumn
    await see(site, "/on-call/third", status=404)
    await see(site, FIRST, status=422, query={"from": "1066-10-14"})


async def test_addresses_for_calendars_work_and_only_ones_own_is_shown(site: Site) -> None:
    page = await see(site, "/on-call")
    found = re.findall(r'value="http://playcall.example(/calendars/[^"]+)"', page)
    assert len(found) == 3
    assert "These addresses are secrets" in page
    assert page.count('href="webcal://playcall.example/calendars/') == 3
    async with site.asking() as program:
        assert b"On call: ada" in (await program.get(found[0])).content
    assert len(re.findall(r'value="http://[^"]+ics"', await see(site, "/on-call", "vic"))) == 2


async def test_load_is_shown_with_pages_and_the_share(site: Site) -> None:
    await site.world.receive(an_alert())
    await site.world.until_event(PageDelivered)
    site.world.clock.move(timedelta(hours=1))
    said = words(await see(site, FIRST, query={"load": "30"}))
    rows = said.split("Beside an even share")[1]
    assert "Ada 341.0 h 126.0 h 101.0 h 1 0 2.5 h more" in rows
    assert "Bob 336.0 h 126.0 h 96.0 h 0 0 2.5 h less" in rows


# --- Overrides -----------------------------------------------------------------------------------


async def make(site: Site) -> Response:
    page = await see(site, f"{FIRST}/override", query=TYPED)
    return await press(site, page, f"{FIRST}/override")


async def test_an_override_is_previewed_then_made_then_removed(site: Site) -> None:
    page = await see(site, f"{FIRST}/override", query=TYPED)
    said = words(page)
    assert "Bob is on call Sun 1 Mar 18:00–Mon 2 Mar 12:00 17:00–11:00 UTC" in said
    assert "covers a part of Ada&#39;s shift Sun 1 Mar 18:00–Mon 2 Mar 09:00" in said
    assert "Bob is on call anyway Mon 2 Mar 09:00–12:00" in said
    assert len(await stored(site)) == 0, "looking makes nothing"
    made = await press(site, page, f"{FIRST}/override")
    assert (made.status_code, made.headers["location"]) == (
        303,
        f"{FIRST}?from=2026-03-01#calendar",
    )
    assert [(one.asked.person, one.reason) for one in await stored(site)] == [("bob", "a <b>")]
    async with site.with_session("vic") as vic, site.with_session("ada") as ada:
        assert (await vic.post(f"{FIRST}/overrides/1/remove")).status_code == 403
        assert (await ada.post(f"{FIRST}/overrides/1/remove")).status_code == 303
        assert (await ada.post(f"{FIRST}/overrides/1/remove")).status_code == 404
        del ada.headers["origin"]
        assert (await ada.post(f"{FIRST}/override", data={})).status_code == 403


async def test_the_address_to_ask_for_cover_means_the_same_time_to_everybody(site: Site) -> None:
    times = {"from": TYPED["from"], "until": TYPED["until"]}
    page = await see(site, f"{FIRST}/override", query=times)
    link = re.findall(r'id="cover" readonly value="http://playcall.example([^"]+)"', page)[0]
    assert link == f"{FIRST}/override?from=2026-03-01T17:00Z&amp;until=2026-03-02T11:00Z"
    opened = await see(site, f"{FIRST}/override", query=times | {"from": "2026-03-01T12:00-05:00"})
    assert 'name="from" type="datetime-local" value="2026-03-01T18:00"' in opened


async def test_what_changed_since_it_was_looked_at_is_looked_at_again(site: Site) -> None:
    page = await see(site, f"{FIRST}/override", query=TYPED)
    await make(site)
    again = await press(site, page, f"{FIRST}/override")
    assert again.status_code == 409
    assert "This has changed since you looked" in again.text
    assert len(await stored(site)) == 1


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"until": "soon"}, "Until: &#34;soon&#34; is no time"),
        ({"until": "2026-03-01T17:00"}, "the end is not after the beginning"),
        ({"from": "2026-02-01T00:00", "until": "2026-02-02T00:00"}, "this is over already"),
        ({"person": "eve"}, "nobody is called &#34;eve&#34;"),
    ],
)
async def test_a_mistake_is_said_and_what_was_typed_stays(
    site: Site, changes: dict[str, str], problem: str
) -> None:
    page = await see(site, f"{FIRST}/override", status=409, query={**TYPED, **changes})
    assert problem in page
    assert 'name="reason" maxlength="2000" value="a &lt;b&gt;"' in page
    assert f'value="{changes.get("from", TYPED["from"])}"' in page


async def test_who_may_not_override_is_told_so_and_sees_no_form(site: Site) -> None:
    assert "Overriding needs a responder; you are a viewer." in await see(site, FIRST, "vic")
    assert 'id="override"' not in await see(site, FIRST, "vic")
    await see(site, f"{FIRST}/override", "vic", status=403)


# --- Swaps ---------------------------------------------------------------------------------------


async def chosen(site: Site) -> dict[str, str]:
    page = await see(site, f"{FIRST}/swap")
    options = re.findall(r'<option value="([^"]+)"', page)
    mine = [one for one in options if one.startswith("ada|2026-03-03")]
    theirs = [one for one in options if one.startswith("bob|2026-03-04")]
    return {"give": mine[0], "take": theirs[0], "reason": ""}


async def test_a_swap_is_two_overrides_or_none(site: Site) -> None:
    choice = await chosen(site)
    page = await see(site, f"{FIRST}/swap", query=choice)
    assert "covers Bob&#39;s shift Wed 4 Mar 09:00–Thu 5 Mar 09:00" in page
    assert "covers Ada&#39;s shift Tue 3 Mar 09:00–Wed 4 Mar 09:00" in page
    made = await press(site, page, f"{FIRST}/swap")
    assert made.status_code == 303
    assert [one.asked.person for one in await stored(site)] == ["ada", "bob"]
    again = await press(site, page, f"{FIRST}/swap")
    assert again.status_code == 409
    assert "a swap needs one other person who is on call for all of the time" in again.text
    assert len(await stored(site)) == 2


async def stored(site: Site) -> list[StoredOverride]:
    start = site.world.clock.now()
    end = start + timedelta(days=30)
    return list(await site.world.store.read(lambda views: views.overrides(start, end)))


# --- In a browser --------------------------------------------------------------------------------

MORE = """zone = "Europe/Berlin"
[people.bob]
name = "Bob"
mail = "bob@example.org"
[schedules.first]
zone = "Europe/Berlin"
[[schedules.first.layers]]
people = ["ada", "bob"]
rotation = "daily"
starts_on = 2026-01-05
[[schedules.first.layers]]
people = ["bob"]
rotation = "daily"
starts_on = 2026-01-05
only = ["22:00-06:00"]
[schedules.office]
zone = "Europe/Berlin"
[[schedules.office.layers]]
people = ["bob"]
rotation = "daily"
starts_on = 2026-01-05
only = ["mon-fri 09:00-17:00"]
"""
FORM = f"{FIRST}/override?person=bob&from=2030-03-01T09:00&until=2030-03-02T09:00"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with smtp() as mailbox:
        found = Served(tmp_path_factory.mktemp("served"), mailbox.port, more=MORE)
        found.start()
        yield found
        found.stop()


def test_nothing_is_inaccessible_or_wider_than_the_phone(browser: Browser, served: Served) -> None:
    span = {"from": "2030-01-01T20:00", "until": "2030-01-02T08:00"}
    httpx.post(
        f"{served.url}/api/v1/overrides",
        json={"schedule": "first", "person": "bob", **span},
        headers={"authorization": f"Bearer {TOKEN}"},
    ).raise_for_status()
    shown = f"{FIRST}?from=2030-01-01"
    assert faults(browser, served, "/on-call", shown, "/on-call/office?view=month", FORM) == []


def test_dragging_over_the_week_fills_the_form(browser: Browser, served: Served) -> None:
    with signed_in(browser, served, DESK) as page:
        page.goto(f"{FIRST}?from=2030-03-04")
        days = page.locator("li.day")
        expect(days).to_have_count(7)
        tuesday = days.nth(1).locator("li.piece").nth(1).bounding_box()
        thursday = days.nth(3).locator("li.piece").nth(1).bounding_box()
        assert tuesday
        assert thursday
        page.mouse.move(tuesday["x"] + 60, tuesday["y"] + 3)
        page.mouse.down()
        page.mouse.move(thursday["x"] + 60, thursday["y"] + 3, steps=5)
        page.mouse.up()
        assert page.input_value("#from") == "2030-03-05T06:00"
        assert page.input_value("#until") == "2030-03-07T06:30"
        expect(page.locator("#person")).to_be_focused()
        page.select_option("#person", "bob")
        page.click("#override button")
        expect(page.locator("#preview")).to_contain_text("covers Ada's shift")


def test_by_keyboard_and_without_javascript(browser: Browser, served: Served) -> None:
    with signed_in(browser, served, DESK) as page:
        page.goto(f"{FIRST}?from=2030-03-04")
        page.keyboard.press("n")
        expect(page.locator("h1")).to_contain_text("week of 11 March 2030")
        page.keyboard.press("m")
        expect(page.locator("h1")).to_contain_text("March 2030")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
    with signed_in(browser, served, javascript=False) as page:
        page.goto("/on-call")
        page.click("nav >> text=On call")
        expect(page.locator('.nav [aria-current="page"]')).to_have_text("On call")
        page.goto(FORM)
        page.click("text=Put Bob on call")
        expect(page.locator("#overrides .methods")).to_contain_text("Bob")
        page.click("text=Remove")
        expect(page.locator("#overrides")).to_contain_text("None.")
