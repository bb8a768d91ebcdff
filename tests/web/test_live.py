"""The stream that keeps an open page up to date, over a real connection."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import uvicorn

from playcall.core.events import Acknowledged, NoteAdded, PageDelivered
from playcall.testing import NOON, an_alert
from playcall.web.server import HEADERS
from tests.engine.world import World
from tests.web.site import Site, site_of

Said = tuple[str, str, str]


class _Server(uvicorn.Server):
    """Leaves the signals of the test run alone."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_of(World(folder=tmp_path)) as site:
        await site.world.receive(an_alert())
        await site.world.until_event(PageDelivered)
        yield site


@contextlib.asynccontextmanager
async def served_at(site: Site) -> AsyncIterator[str]:
    """The address of a real server of a site."""
    config = uvicorn.Config(site.web, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = _Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


@pytest.fixture
async def url(site: Site) -> AsyncIterator[str]:
    async with served_at(site) as url:
        yield url


@contextlib.asynccontextmanager
async def stream(url: str, query: str = "") -> AsyncIterator[AsyncIterator[Said]]:
    headers = {"authorization": "Bearer token-of-vic"}
    async with (
        asyncio.timeout(60),
        httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client,
        client.stream("GET", f"{url}/incidents/1/live{query}") as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        yield said(answer)


async def said(answer: httpx.Response) -> AsyncIterator[Said]:
    """Each event: its name, its id, its data."""
    found: dict[str, list[str]] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            found.setdefault(name, []).append(value)
        elif "data" in found:
            yield found["event"][0], found["id"][0], "\n".join(found["data"])
            found = {}


async def test_who_has_nothing_is_sent_the_page_then_only_what_an_act_changes(
    site: Site, url: str
) -> None:
    async with stream(url) as events:
        name, _, page = await anext(events)
        assert name == "page"
        assert "Nobody has acknowledged" in page
        await site.world.submit(Acknowledged(at=NOON, by="ada"))
        name, _, data = await anext(events)
    assert name == "parts"
    parts = {one["id"]: one for one in json.loads(data)}
    assert "ada has it" in parts["what"]["html"]
    (entry,) = (one for one in parts.values() if "Acknowledged by ada" in one["html"])
    assert entry["after"] == ""  # the newest comes first
    assert not {"verification", "resolve"} & parts.keys()
    assert len(data) < len(page) / 2


async def test_no_line_end_that_somebody_sends_breaks_the_stream(site: Site, url: str) -> None:
    text = "one\r\rdata: two\revent: parts\r\nthree"
    await site.world.submit(NoteAdded(at=NOON, by="ada", text=text))
    async with stream(url) as events:
        name, _, page = await anext(events)
    assert name == "page"
    assert page.rstrip().endswith(("</div>", "</section>", "</aside>"))
    assert "one\n\ndata: two\nevent: parts\nthree" in page


async def test_who_has_the_page_is_not_sent_it_again(site: Site, url: str) -> None:
    headers = {"authorization": "Bearer token-of-vic"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
        page = (await client.get(f"{url}/incidents/1")).text
    (query,) = re.findall(r'data-live="/incidents/1/live([^"]+)"', page)
    async with stream(url, query.replace("&amp;", "&")) as events:
        await asyncio.sleep(1)
        await site.world.submit(NoteAdded(at=NOON, by="ada", text="looking"))
        name, seen, data = await anext(events)
    assert (name, "looking" in data) == ("parts", True)
    await site.world.submit(NoteAdded(at=NOON, by="ada", text="meanwhile"))
    async with stream(url, f"?seen={quote(seen)}") as events:
        name, _, data = await anext(events)
    assert (name, "meanwhile" in data) == ("page", True)


async def test_the_stream_of_a_stranger_or_of_nothing_never_begins(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{url}/incidents/1/live")).status_code == 303
        headers = {"authorization": "Bearer token-of-vic"}
        answer = await client.get(f"{url}/incidents/2/live", headers=headers)
    assert answer.status_code == 404
