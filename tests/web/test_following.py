"""Timelines over HTTP as they grow."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from playcall.core.events import Acknowledged, NoteAdded, PageDelivered
from playcall.testing import NOON, an_alert
from tests.engine.world import World
from tests.web.site import Site, site_of


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_of(World(folder=tmp_path)) as site:
        await site.world.receive(an_alert())
        await site.world.until_event(PageDelivered)
        yield site


async def ask(site: Site, **query: Any) -> Any:
    async with site.asking("vic") as client:
        answer = await client.get("/api/v1/timeline", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_only_what_is_new_is_told(site: Site) -> None:
    [all_of_it] = await ask(site)
    assert all_of_it["entries"][0]["n"] == 1
    after = f"1:{all_of_it['last']}"
    assert await ask(site, after=after) == []
    await site.world.submit(NoteAdded(at=NOON, by="ada", text="odd"))
    [news] = await ask(site, after=after, incident=1)
    assert [one["text"] for one in news["entries"]] == ["odd"]
    assert (news["incident"], news["status"], news["over"]) == (1, "open", False)
    assert news["last"] == all_of_it["last"] + 1


async def test_an_answer_waits_until_there_is_one(site: Site) -> None:
    [known] = await ask(site)
    asking = asyncio.create_task(ask(site, after=f"1:{known['last']}", wait=20))
    await asyncio.sleep(0)
    assert not asking.done()
    await site.world.submit(Acknowledged(at=NOON, by="ada"))
    [news] = await asyncio.wait_for(asking, 15)
    assert "Acknowledged" in [one["kind"] for one in news["entries"]]


async def test_what_is_asked_wrongly_is_refused(site: Site) -> None:
    async with site.asking("vic") as client:
        for query, code in (("incident=9", 404), ("after=1", 422), ("wait=31", 422)):
            answer = await client.get(f"/api/v1/timeline?{query}")
            assert answer.status_code == code, query
    async with site.asking() as client:
        assert (await client.get("/api/v1/timeline")).status_code == 401
