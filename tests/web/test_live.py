"""The stream that keeps an open page up to date, over a real connection."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from playcall.core.events import Acknowledged, PageDelivered
from playcall.testing import NOON, an_alert
from playcall.web.server import HEADERS
from tests.engine.world import World
from tests.web.site import Site, site_of


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


async def test_the_stream_sends_the_page_and_again_after_an_act(site: Site, url: str) -> None:
    headers = {"authorization": "Bearer token-of-vic"}
    async with (
        asyncio.timeout(20),
        httpx.AsyncClient(headers=headers, trust_env=False) as client,
        client.stream("GET", f"{url}/incidents/1/live") as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        for name, value in HEADERS.items():
            assert stream.headers[name] == value
        pages = pages_of(stream)
        assert "Nobody has acknowledged" in await anext(pages)
        await site.world.submit(Acknowledged(at=NOON, by="ada"))
        async for page in pages:
            if "Acknowledged" in page and "Nobody has acknowledged" not in page:
                break


async def pages_of(stream: httpx.Response) -> AsyncIterator[str]:
    """The text of each event named `page`."""
    lines: list[str] = []
    async for line in stream.aiter_lines():
        if line.startswith("data: "):
            lines.append(line)
        elif not line and lines:
            yield "\n".join(lines)
            lines = []


async def test_the_stream_of_a_stranger_or_of_nothing_never_begins(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{url}/incidents/1/live")).status_code == 303
        headers = {"authorization": "Bearer token-of-vic"}
        answer = await client.get(f"{url}/incidents/2/live", headers=headers)
    assert answer.status_code == 404
