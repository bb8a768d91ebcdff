"""Signed webhooks, sent to servers that take them and to servers that do not."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from playcall.channels.webhook import Webhook, sign
from playcall.core.message import Message
from playcall.engine.ports import Unavailable
from tests.servers import free_port, mute_port, receiver

AT = datetime(2026, 3, 1, 3, 0, 0, 999_000, tzinfo=UTC)
SECRET = b"a secret of thirty-two characters"
MESSAGE = Message(
    subject="CRITICAL: disk <full> ü",
    body="Line 1\nLine 2 \u202e",
    link="https://playcall.example/incidents/1",
    thread="incident-1",
    urgent=True,
)


@dataclass(frozen=True)
class FixedClock:
    at: datetime = AT

    def now(self) -> datetime:
        return self.at


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def test_the_signature_is_that_of_the_published_example() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    signature = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_message_arrives_signed_and_whole(client: httpx.AsyncClient) -> None:
    with receiver() as web:
        await Webhook(client, SECRET, FixedClock()).send(MESSAGE, f"{web.url}/in?x=1", "job-7")
    (request,) = web.requests
    assert (request.method, request.path) == ("POST", "/in?x=1")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "job-7"
    stamp = request.headers["webhook-timestamp"]
    assert stamp == str(int(AT.timestamp()))
    expected = hmac.digest(SECRET, f"job-7.{stamp}.".encode() + request.body, hashlib.sha256)
    assert request.headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
    body = json.loads(request.body)
    assert body["type"] == "playcall.page"
    assert body["data"] == {
        "subject": MESSAGE.subject,
        "body": MESSAGE.body,
        "link": MESSAGE.link,
        "thread": MESSAGE.thread,
        "urgent": True,
        "acknowledge": "",
    }


async def test_a_repetition_has_the_same_id(client: httpx.AsyncClient) -> None:
    with receiver() as web:
        for at in (AT, AT + timedelta(minutes=5)):
            await Webhook(client, SECRET, FixedClock(at)).send(MESSAGE, web.url, "job-7")
    first, second = web.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


async def test_a_secret_may_be_written_as_the_standard_writes_it(
    client: httpx.AsyncClient,
) -> None:
    written = b"whsec_" + base64.b64encode(SECRET)
    with receiver() as web:
        for secret in (SECRET, written):
            await Webhook(client, secret, FixedClock()).send(MESSAGE, web.url, "job-7")
    first, second = web.requests
    assert first.headers["webhook-signature"] == second.headers["webhook-signature"]
    for bad in (b"", b"whsec_!"):
        with pytest.raises(ValueError, match="webhook secret"):
            Webhook(client, bad, FixedClock())


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (404, True), (410, True), (401, False), (429, False), (500, False), (302, False)],
)
async def test_a_refusal_says_whether_to_try_again(
    client: httpx.AsyncClient, status: int, permanent: bool
) -> None:
    with receiver() as web:
        web.status, web.body = status, b"\xff garbage"
        with pytest.raises(Unavailable, match=rf"\({status}\)") as refused:
            await Webhook(client, SECRET, FixedClock()).send(MESSAGE, f"{web.url}/T0/hush", "k")
    assert refused.value.permanent is permanent
    assert "hush" not in str(refused.value)


async def test_any_2xx_is_taken_whatever_its_body(client: httpx.AsyncClient) -> None:
    with receiver() as web:
        web.status, web.body = 202, b"\xff garbage"
        await Webhook(client, SECRET, FixedClock()).send(MESSAGE, web.url, "k")


async def test_a_receiver_that_is_gone_or_hangs_may_come_back(client: httpx.AsyncClient) -> None:
    hand = Webhook(client, SECRET, FixedClock(), timeout=timedelta(milliseconds=200))
    with mute_port() as mute, receiver() as web:
        web.hang = True
        addresses = [f"http://127.0.0.1:{port}" for port in (free_port(), mute)]
        for address in [*addresses, web.url]:
            with pytest.raises(Unavailable, match="did not answer") as refused:
                await hand.send(MESSAGE, address, "k")
            assert not refused.value.permanent


@pytest.mark.parametrize(
    "address", ["", "nonsense", "ftp://x/y", "http://", "http://x:port", "a\nb"]
)
async def test_what_is_no_address_is_refused_for_good(
    client: httpx.AsyncClient, address: str
) -> None:
    with pytest.raises(Unavailable, match="not an address") as refused:
        await Webhook(client, SECRET, FixedClock()).send(MESSAGE, address, "k")
    assert refused.value.permanent
