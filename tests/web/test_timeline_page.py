"""The page's timeline: kinds, older entries, pictures; and the chart on top."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playcall.core.events import NoteAdded, PageDelivered
from playcall.testing import NOON, SetMetrics, an_alert, minutes
from playcall.web.notes import LARGEST
from playcall.web.timeline_view import MOST
from tests.engine.world import World
from tests.web.site import Site, site_of

PAGE = "/incidents/1"
PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_of(World(folder=tmp_path, metrics=SetMetrics(value=0.8))) as site:
        await site.world.receive(an_alert())
        await site.world.until_event(PageDelivered)
        yield site


async def test_a_picture_is_told_by_its_bytes_kept_and_shown_as_nothing_else(site: Site) -> None:
    async with site.with_session("ada") as ada:
        named = {"picture": ("a.html", PNG, "text/html")}
        assert (await ada.post(f"{PAGE}/notes", files=named)).status_code == 303
        page = (await ada.get(PAGE)).text
        assert f'src="{PAGE}/pictures/1"' in page
        shown = await ada.get(f"{PAGE}/pictures/1")
        assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")
        assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert shown.headers["x-content-type-options"] == "nosniff"
        for data, status in ((b"<svg/>", 415), (PNG + bytes(LARGEST), 413), (b"", 422)):
            answer = await ada.post(f"{PAGE}/notes", files={"picture": ("x.png", data)})
            assert answer.status_code == status, data[:10]
        assert (await ada.get(f"{PAGE}/pictures/2")).status_code == 404
    async with site.with_session("vic") as vic:
        assert (await vic.post(f"{PAGE}/notes", data={"text": "x"})).status_code == 403
    async with site.asking() as nobody:
        assert (await nobody.get(f"{PAGE}/pictures/1")).status_code == 303


async def test_the_latest_entries_are_shown_by_kind_and_older_ones_on_demand(site: Site) -> None:
    for number in range(MOST + 5):
        at = NOON + minutes(1)
        await site.world.submit(NoteAdded(at=at, by="ada", text=f"note {number:03}."))
    async with site.with_session("vic") as vic:
        page = (await vic.get(PAGE, params={"show": "notes"})).text
        assert page.count('<li id="event-') == MOST
        assert "note 204." in page
        assert "note 004." not in page
        before = page.split("data-older=")[1].split("before=")[1].split('"')[0]
        query = {"show": "notes", "before": before}
        older = (await vic.get(f"{PAGE}/entries", params=query)).text
        assert older.count('<li id="event-') == 5
        assert "Show older" not in older
        pages = (await vic.get(PAGE, params={"show": "pages"})).text
        assert "Paged ada" in pages.split('id="entries"')[1]
        assert "note 204." not in pages


async def test_the_chart_on_top_says_value_and_limit_in_words(site: Site) -> None:
    async with site.with_session("vic") as vic:
        page = (await vic.get(PAGE)).text
        address = page.split('<img class="chart" src="')[1].split('"')[0]
        assert "500 ms" in page.split(address)[-1].split('alt="')[1].split('"')[0]
        drawn = await vic.get(address.replace("&amp;", "&"))
        assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
        assert b"<script" not in drawn.content
