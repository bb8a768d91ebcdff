"""Messages by the Apprise library, to servers that take them and to servers that do not."""

import json
from datetime import timedelta

import pytest

from playcall.channels.apprise import LONGEST_BODY, LONGEST_TITLE, Apprise
from playcall.core.message import Message
from playcall.engine.ports import Unavailable
from tests.servers import Receiver, free_port, receiver

# The library imports what this Python deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
LINK = "https://playcall.example/incidents/1?to=@ada"


def a_message(**changes: object) -> Message:
    fields: dict[str, object] = {
        "subject": "CRITICAL: disk full",
        "body": "Look at it.",
        "link": LINK,
        "thread": "incident-1",
        "urgent": True,
    }
    return Message(**(fields | changes))  # type: ignore[arg-type]


def place(web: Receiver) -> str:
    return web.url.removeprefix("http://")


async def test_a_page_reaches_ntfy_by_its_protocol() -> None:
    with receiver() as web:
        message = a_message(acknowledge="https://playcall.example/a/1")
        await Apprise().send(message, f"ntfy://:tk_hush@{place(web)}/alerts", "k")
    (request,) = web.requests
    body = json.loads(request.body)
    assert (request.method, body["topic"], body["title"]) == ("POST", "alerts", message.subject)
    assert body["message"] == (
        f"Look at it.\n\n{LINK}\n\nAcknowledge: https://playcall.example/a/1"
    )


@pytest.mark.parametrize(("urgent", "kind"), [(True, "failure"), (False, "info")])
async def test_a_page_is_told_from_a_notice(urgent: bool, kind: str) -> None:
    with receiver() as web:
        await Apprise().send(a_message(urgent=urgent), f"json://{place(web)}/in", "k")
    assert json.loads(web.requests[0].body)["type"] == kind


async def test_hostile_text_mentions_nobody_and_ends_somewhere() -> None:
    hostile = "\x1b[2J\u202e@everyone <!channel> <@U1> [x](http://evil) ada@x\ud800 " + "ü" * 10**6
    with receiver() as web:
        await Apprise().send(
            a_message(subject=f"a\r\nb {hostile}", body=hostile), f"json://{place(web)}/in", "k"
        )
    body = json.loads(web.requests[0].body)
    assert body["title"].startswith("a b ")
    assert len(body["title"]) <= LONGEST_TITLE
    assert len(body["message"]) <= LONGEST_BODY + len(LINK) + 2
    assert body["message"].endswith(f"…\n\n{LINK}"), "links stay whole"
    for mark in ("@everyone", "<!channel", "<@U1", "](http", "\u202e", "\x1b"):
        assert mark not in body["title"] + body["message"], mark


@pytest.mark.parametrize(
    ("status", "permanent"), [(429, False), (500, False), (404, True), (401, True)]
)
async def test_a_refusal_is_clear_and_keeps_the_address_secret(
    status: int, permanent: bool
) -> None:
    with receiver() as web:
        web.status, web.body = status, b"\xff garbage"
        with pytest.raises(Unavailable, match=f"error={status}") as refused:
            await Apprise().send(a_message(), f"json://user:hush@{place(web)}/T0KEN", "k")
    assert refused.value.permanent is permanent
    assert not any(part in str(refused.value) for part in ("hush", "T0KEN", "127.0.0.1"))
    assert ("Renew" in str(refused.value)) is (status == 401)


async def test_what_is_gone_or_hangs_may_come_back() -> None:
    hand = Apprise(timeout=timedelta(milliseconds=300))
    with receiver() as web:
        web.hang = True
        for where in (f"127.0.0.1:{free_port()}", place(web)):
            with pytest.raises(Unavailable, match="did not take the message") as refused:
                await hand.send(a_message(), f"json://{where}/T0KEN", "k")
            assert not refused.value.permanent
        web.release.set()


@pytest.mark.parametrize("address", ["nosuch://host/T0KEN", "discord://T0KEN", "T0KEN", ""])
async def test_what_is_no_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(Unavailable, match="knows no address") as refused:
        await Apprise().send(a_message(), address, "k")
    assert refused.value.permanent
    assert "T0KEN" not in str(refused.value)
