"""Servers that drip, or never stop talking: nobody waits for them, and memory has an end."""

import asyncio
import contextlib
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from playcall.alertmanager import Alertmanager
from playcall.bounded import NoAnswer, fetch
from playcall.channels.webhook import Webhook
from playcall.core.message import Message
from playcall.engine.ports import Unavailable
from playcall.prometheus import Prometheus
from playcall.testing import SetClock
from tests.servers import HOST, wait_until

SHORT = timedelta(seconds=0.4)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
CHUNK = b" " * 1_000_000

Speaking = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def drip_body(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"content-length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_head(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"x: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def talk(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"content-length: 300000000\r\n\r\n")
    while True:
        writer.write(CHUNK)
        await writer.drain()


@contextlib.asynccontextmanager
async def speaking(how: Speaking) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await how(writer)
        except ConnectionError:  # as it is meant to be: nobody listens any more
            pass
        finally:
            writer.close()
            gone.append(1)

    gone: list[int] = []
    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"

        async def left() -> bool:
            return bool(gone)

        await wait_until(left, "end of the connection")


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def ask_prometheus(url: str, client: httpx.AsyncClient, within: timedelta) -> None:
    await Prometheus(url, client, within).query("up", datetime.now(UTC))


async def ask_alertmanager(url: str, client: httpx.AsyncClient, within: timedelta) -> None:
    await Alertmanager(url, client, "playcall", within).watched()


async def send(url: str, client: httpx.AsyncClient, within: timedelta) -> None:
    message = Message(subject="s", body="b", link="http://a.example", thread="t", urgent=True)
    await Webhook(client, b"key", SetClock(), within).send(message, url, "key")


@pytest.mark.parametrize(
    ("how", "ask"),
    [
        (drip_body, ask_prometheus),
        (drip_body, ask_alertmanager),
        (drip_head, ask_prometheus),
        (drip_head, send),
    ],
)
async def test_a_server_that_drips_is_not_waited_for(
    client: httpx.AsyncClient,
    how: Speaking,
    ask: Callable[[str, httpx.AsyncClient, timedelta], Awaitable[None]],
) -> None:
    async with speaking(how) as url:
        began = time.monotonic()
        with pytest.raises(Unavailable, match=r"within 0\.4 s") as error:
            await ask(url, client, SHORT)
        assert time.monotonic() - began < 3
        assert not error.value.permanent


@pytest.mark.parametrize(
    ("ask", "said"),
    [(ask_prometheus, "Prometheus at .* over 32 MB"), (ask_alertmanager, "Alert.* over 64 MB")],
)
async def test_an_answer_without_end_is_left(
    client: httpx.AsyncClient,
    ask: Callable[[str, httpx.AsyncClient, timedelta], Awaitable[None]],
    said: str,
) -> None:
    async with speaking(talk) as url:
        tracemalloc.start()
        with pytest.raises(Unavailable, match=said):
            await ask(url, client, timedelta(seconds=30))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 150_000_000


async def test_an_answer_of_just_the_size_is_taken(client: httpx.AsyncClient) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"content-length: 5\r\n\r\n12345")

    async with speaking(answer) as url:
        taken = await fetch(client, "GET", url, within=SHORT, largest=5)
        assert (taken.status, taken.text) == (200, "12345")
        with pytest.raises(NoAnswer, match="over"):
            await fetch(client, "GET", url, within=SHORT, largest=4)
