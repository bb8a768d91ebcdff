"""SMS and calls by Twilio's own library, to a server that speaks its protocol and misbehaves."""

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from playcall.channels.twilio import Line, Sms, Ticket, Voice, short_text, spoken
from playcall.core.message import Message
from playcall.engine.ports import Channel, Unavailable
from tests.telephone import ACCOUNT, NOBODY, TOKEN, Exchange, exchange

ADA = "+4930123456"
URL = "https://playcall.example"
TICKET = Ticket(key="7.1.0.ada", channel="voice", number=ADA, incident=7)
MESSAGE = Message(
    subject="[CRITICAL] disk full on db-1",
    body="It fired.",
    link=f"{URL}/incidents/7",
    thread="incident-7",
    urgent=True,
    incident=7,
)


@pytest.fixture
def twilio() -> Iterator[Exchange]:
    with exchange() as found:
        yield found


@pytest_asyncio.fixture
async def line(twilio: Exchange) -> AsyncIterator[Line]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Line(
            account=ACCOUNT,
            token=TOKEN,
            sender="+15550001111",
            url=URL,
            key=lambda: b"k" * 32,
            client=client,
            server=twilio.url,
            timeout=timedelta(seconds=20),
        )


async def failure(channel: Channel, to: str = ADA) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        await channel.send(MESSAGE, to, "7.1.0.ada")
    return caught.value


async def test_a_short_message_says_what_it_is_what_to_press_and_where(
    twilio: Exchange, line: Line
) -> None:
    await Sms(line).send(MESSAGE, ADA, "7.1.0.ada")
    (sent,) = twilio.messages
    assert (sent["To"], sent["From"]) == (ADA, "+15550001111")
    assert sent["Body"] == (
        "[CRITICAL] disk full on db-1\nReply ACK 7 to acknowledge.\n"
        "https://playcall.example/incidents/7"
    )
    ticket = line.read(sent["StatusCallback"].removeprefix(f"{URL}/twilio/status/"))
    assert ticket is not None
    assert (ticket.key, ticket.number, ticket.incident) == ("7.1.0.ada", ADA, 7)


async def test_a_call_asks_back_what_to_say_and_whether_a_machine_answered(
    twilio: Exchange, line: Line
) -> None:
    await Voice(line).send(MESSAGE, ADA, "7.1.0.ada")
    (sent,) = twilio.calls
    assert (sent["To"], sent["MachineDetection"]) == (ADA, "Enable")
    ticket = line.read(sent["Url"].removeprefix(f"{URL}/twilio/call/"))
    assert ticket is not None
    assert ticket.said == "This is Playcall, about incident 7. CRITICAL. disk full on db-1"
    assert ticket.asks
    assert not ticket.conference


def test_a_forged_or_foreign_ticket_is_none(line: Line) -> None:
    address = line.address("call", TICKET)
    token = address.rsplit("/", 1)[1]
    assert line.read(token) == TICKET
    assert line.read(token[:-2] + "xx") is None
    assert replace(line, key=lambda: b"other").read(token) is None


@pytest.mark.parametrize(
    "subject",
    [
        "[CRITICAL] " + "x" * 1_000_000,
        "[CRITICAL] " + "ü" * 300,
        "[CRITICAL] " + "磁" * 300,  # of another alphabet: half as much fits
        "[CRITICAL] " + "[]{}" * 100,  # two places each
        "[CRITICAL] " + "😀" * 100,
    ],
)
def test_no_text_is_longer_than_two_segments(subject: str) -> None:
    text = short_text(replace(MESSAGE, subject=subject))
    assert text.endswith(f"...\nReply ACK 7 to acknowledge.\n{MESSAGE.link}")
    basic = all(ord(c) < 256 for c in text)
    units = len(text) + sum(c in "[]{}" for c in text) if basic else len(text.encode("utf-16-le"))
    assert (100 if not basic else 250) < units <= (306 if basic else 268)


def test_hostile_text_is_one_plain_line_for_eye_and_ear() -> None:
    evil = "[HIGH] a\r\nReply STOP\u202e\u200bevil\x00\x1b[31m \u2028b\ud800"
    hostile = replace(MESSAGE, subject=evil)
    assert short_text(hostile).split("\n")[0] == "[HIGH] a Reply STOPevil [31m b"
    assert spoken(hostile).endswith("HIGH. a Reply STOPevil [31m b")


async def test_what_is_no_page_asks_for_nothing(twilio: Exchange, line: Line) -> None:
    notice = replace(MESSAGE, urgent=False)
    await Sms(line).send(notice, ADA, "7.1.0.ada")
    assert "Reply" not in twilio.messages[0]["Body"]
    await Voice(line).send(notice, ADA, "7.1.0.ada")
    ticket = line.read(twilio.calls[0]["Url"].rsplit("/", 1)[1])
    assert ticket is not None
    assert not ticket.asks


@pytest.mark.parametrize("channel", [Sms, Voice])
async def test_what_twilio_refuses_is_said_and_for_good(
    channel: type[Sms], twilio: Exchange, line: Line
) -> None:
    refused = await failure(channel(line), NOBODY)
    assert refused.permanent
    assert "21211" in str(refused)
    revoked = await failure(channel(replace(line, token="revoked")))
    assert revoked.permanent
    assert "renew twilio.token_file" in str(revoked)
    none = await failure(channel(line), "call me")
    assert none.permanent
    assert "not a number" in str(none)
    assert not twilio.messages + twilio.calls


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (503, b"<html>"), (201, b"garbage")])
async def test_what_may_pass_is_tried_again(
    status: int, body: bytes, twilio: Exchange, line: Line
) -> None:
    twilio.status, twilio.body = status, body
    assert not (await failure(Sms(line))).permanent


async def test_a_full_house_says_when_to_come_again(twilio: Exchange, line: Line) -> None:
    twilio.status, twilio.headers = 429, {"retry-after": "7"}
    refused = await failure(Sms(line))
    assert not refused.permanent
    assert refused.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize("how", ["hang", "trickle"])
async def test_a_server_that_never_ends_is_left_in_time(
    how: str, twilio: Exchange, line: Line
) -> None:
    setattr(twilio, how, True)
    begun = time.monotonic()
    refused = await failure(Voice(replace(line, timeout=timedelta(seconds=0.3))))
    assert time.monotonic() - begun < 5
    assert not refused.permanent
    assert "did not answer within 0.3 s" in str(refused)
