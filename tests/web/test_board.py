"""The board, the list of all incidents and search over HTTP; what browsers may keep."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from playcall.core.events import Acknowledged, NoteAdded, PageDelivered, Resolved
from playcall.testing import NOON, an_alert, minutes
from playcall.web.templates import static
from tests.engine.world import World
from tests.web.site import Site, site_of
from tests.web.test_live import served_at
from tests.web.test_oncall import a_schedule

EVIL = '<img src=x onerror="a()">'


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    world = World(folder=tmp_path, schedules={"first": a_schedule("ada", "bob")})
    async with site_of(world) as site:
        yield site


async def fire(site: Site, number: int = 1, alert: str = "LatencyHigh") -> None:
    await site.world.receive(
        replace(an_alert(alert, fingerprint=f"f{number}", host=f"host{number}"))
    )
    await site.world.until_event(PageDelivered, incident=number)


async def see(site: Site, path: str, person: str = "vic", status: int = 200) -> str:
    async with site.with_session(person) as browser:
        answer = await browser.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def plain(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


async def pages_of(stream: httpx.Response) -> AsyncIterator[str]:
    """The text of each event named `page`."""
    lines: list[str] = []
    async for line in stream.aiter_lines():
        if line.startswith("data: "):
            lines.append(line)
        elif not line and lines:
            yield "\n".join(lines)
            lines = []


async def test_a_quiet_board_is_one_calm_sentence(site: Site) -> None:
    assert "Nothing has fired." in plain(await see(site, "/"))
    await fire(site)
    await site.world.submit(Resolved(at=NOON, by="ada", cause="x", unverified=True))
    site.world.clock.move(minutes(30))
    said = plain(await see(site, "/"))
    assert "All is quiet: nothing is open. The last was #1 LatencyHigh" in said
    assert ", over for 30 min" in said
    assert re.search(r"The next hand-off is first to Bob in \d+ h", said)
    assert re.search(r"first Ada until 2026-03-02 \d\d:00 UTC , then Bob", said)
    assert "<title>Incidents · Playcall</title>" in await see(site, "/")


async def test_what_is_open_is_grouped_and_what_is_late_is_on_top(site: Site) -> None:
    await fire(site)
    await fire(site, 2, "DiskFull")
    await site.world.submit(Acknowledged(at=NOON, by="ada"), 2)
    said = plain(await see(site, "/"))
    assert "2 open : 1 CRITICAL open, 1 CRITICAL acknowledged" in said
    assert "next: On-Call Secondary in" in said
    assert "Overdue" not in said
    site.world.clock.move(minutes(20))
    later = await see(site, "/")
    assert "<title>(2) Incidents" in later
    assert "nobody acknowledged within" in plain(later).split("DiskFull")[0]
    assert '<li class="live late" id="incident-1"' in later


async def test_a_new_incident_and_an_act_come_within_a_second(site: Site) -> None:
    headers = {"authorization": "Bearer token-of-vic"}
    async with (
        asyncio.timeout(20),
        served_at(site) as url,
        httpx.AsyncClient(headers=headers, trust_env=False) as client,
        client.stream("GET", f"{url}/board/live") as stream,
    ):
        pages = pages_of(stream)
        assert "Nothing has fired" in await anext(pages)
        loop = asyncio.get_running_loop()
        await site.world.receive(an_alert())
        begun = loop.time()
        async for page in pages:
            if 'data-incident="1"' in page:
                break
        assert loop.time() - begun < 5  # under a second where the machine is not busy
        await site.world.submit(Acknowledged(at=NOON, by="ada"))
        async for page in pages:
            if "ada has it" in page:
                break


async def test_the_list_is_sifted_by_its_form_and_paged(site: Site) -> None:
    await fire(site)
    await fire(site, 2, "DiskFull")
    await site.world.submit(Resolved(at=NOON, by="ada", cause="x", unverified=True), 2)

    async def numbers(query: str) -> list[str]:
        page = await see(site, f"/incidents?{query}")
        return re.findall(r'<li class="\w+"><a href="/incidents/(\d+)"', page)

    assert await numbers("") == ["2", "1"]
    assert await numbers("state=over") == ["2"]
    assert await numbers("state=unheard") == ["1"]
    assert await numbers("play=LatencyHigh&severity=CRITICAL&q=host1") == ["1"]
    assert await numbers("q=nowhere") == []
    assert await numbers("page=2") == []
    assert "No incident is like that." in await see(site, "/incidents?q=%00%25")
    await see(site, "/incidents?state=bad", status=422)
    await see(site, "/incidents?page=0", status=422)


async def search(site: Site, person: str = "vic", **asked: str) -> list[dict[str, str]]:
    async with site.asking(person) as client:
        answer = await client.get("/api/v1/search", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, str]] = answer.json()
    return found


async def test_search_leads_to_everything_and_acts_on_nothing(site: Site) -> None:
    await fire(site)
    by_label = await search(site, q="host1")
    assert [(one["kind"], one["path"]) for one in by_label] == [("incident", "/incidents/1")]
    places = await search(site, q="latencyhigh")
    kinds = [one["kind"] for one in places]
    assert places[1]["path"] == "/playbooks/playbook.md/plays/LatencyHigh"
    assert kinds[:2] == ["incident", "play"]
    assert {"step", "command"} <= set(kinds)
    assert [one["title"] for one in await search(site, q="bob")] == ["Bob"]
    assert {"kind": "page", "title": "On call", "detail": "/on-call", "path": "/on-call"} in (
        await search(site, q="on call")
    )
    assert await search(site, q="settings") == []
    assert [one["path"] for one in await search(site, "cleo", q="settings")] == ["/settings"]
    shown = await see(site, "/search?q=host1")
    assert 'href="/incidents/1"' in shown


async def test_what_can_be_done_is_offered_to_whoever_may(site: Site) -> None:
    await fire(site)

    async def acts(person: str) -> list[str]:
        found = await search(site, person, q="", incident="1")
        return [
            one["path"].removeprefix("/incidents/1") for one in found if one["kind"] == "action"
        ]

    assert "#acknowledge" not in await acts("vic")
    assert "#acknowledge" in await acts("ada")
    assert "#resolve" not in await acts("ada")
    assert "#resolve" in await acts("cleo")
    await site.world.submit(Acknowledged(at=NOON, by="ada"))
    assert "#acknowledge" not in await acts("ada")
    page = await see(site, "/incidents/1", "cleo")
    for path in await acts("cleo"):
        if path.startswith("#"):
            assert f'id="{path[1:]}"' in page, "it leads to something"
    assert await search(site, q="", incident="9" * 40) == await search(site, q="")


@pytest.mark.parametrize("text", ['"', "NEAR(", "x" * 10_240, "\0", "' OR 1=1 --", EVIL])
async def test_hostile_words_are_only_words(site: Site, text: str) -> None:
    await fire(site)
    assert await search(site, q=text, incident=text) == []
    async with site.with_session("vic") as browser:
        for path in ("/search", "/incidents"):
            page = await browser.get(path, params={"q": text})
            assert page.status_code == 200
            assert EVIL not in page.text


async def test_browsers_keep_files_by_their_version_alone(site: Site) -> None:
    page = await see(site, "/")
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(named) >= 5
    async with site.asking() as client:
        for path in named:
            answer = await client.get(path)
            assert "immutable" in answer.headers["cache-control"], path
        for path in ("/static/frame.js", "/static/frame.js?v=old", "/static/frame.js?v=a&v=b"):
            assert (await client.get(path)).headers["cache-control"] == "no-cache"
        assert (await client.get("/static/nothing.js?v=1")).status_code == 404
    assert static("frame.js") in named


async def test_nothing_in_a_text_steers_or_hides_and_no_label_fills_a_page(site: Site) -> None:
    unseen = "".join(map(chr, (0x1B, 0x202E, 0x2066, 0x200B, 0xFEFF)))
    await site.world.receive(an_alert(f"a{unseen}b", instance="W" * 50_000))
    await site.world.until_event(PageDelivered)
    await site.world.submit(NoteAdded(at=NOON, by="ada", text=f"rm {unseen}x\r\n\u200d"))
    for path in ("/", "/incidents", "/incidents/1", "/search?q=1", "/incidents/1/post-mortem"):
        page = await see(site, path)
        assert not set(unseen) & set(page), path
        assert "W" * 1000 not in page, path
    assert "rm ␛����x\r\n\u200d" in await see(site, "/incidents/1")
