"""Subscribers: a yes from the address before anything else, each update once, and a way out of
every message. With a real mail server and real webhooks."""

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from playcall.channels.mail import Mail
from playcall.channels.outside import Outside, is_public
from playcall.channels.subscriber_links import SubscriberLinks
from playcall.channels.subscribers import SubscriberPost
from playcall.core.events import UpdatePublished
from playcall.core.status_update import StatusUpdate
from playcall.engine import mailing
from playcall.engine.mailing import Undeliverable
from playcall.engine.subscription import SubscriberKind, SubscriberState
from playcall.testing import NOON, SetClock, an_alert
from playcall.web.public_render import Look
from playcall.web.server import build_standby
from playcall.web.subscribing import Subscribing, subscribing_routes
from tests.core.test_status_page import an_update
from tests.engine.world import World
from tests.servers import Mailbox, Receiver, receiver, smtp, wait_until
from tests.web.site import site_of

HOST = "http://x.example"
URL = f"{HOST}/status"
LINKS = SubscriberLinks(page=URL, key=b"k" * 32)
LOOK = Look(title="Example", path="/status", url=URL, kinds=("mail", "webhook"))


@dataclass
class Scene:
    world: World
    mailbox: Mailbox
    public: httpx.AsyncClient
    staff: httpx.AsyncClient

    async def subscribe(self, address: str, kind: str = "mail") -> httpx.Response:
        form = {"kind": kind, "address": address}
        return await self.public.post("/status/subscribe", data=form)

    async def mail(self, count: int) -> list[EmailMessage]:
        async def there() -> bool:
            return len(self.mailbox.messages) >= count

        await wait_until(there, f"{count} mails, of {len(self.mailbox.messages)}")
        return self.mailbox.messages

    async def confirmed(self, address: str) -> None:
        before = len(self.mailbox.messages)
        await self.subscribe(address)
        link = link_of((await self.mail(before + 1))[before], "confirm")
        assert (await self.public.post(link)).status_code == 200

    async def publish(self, update: StatusUpdate) -> None:
        event = UpdatePublished(at=update.at, by="ada", update=update)
        await self.world.submit(event)

    async def until_state(self, state: SubscriberState) -> dict[str, object]:
        async def so() -> bool:
            listed = await self.listed()
            return bool(listed) and listed[0]["state"] == state

        await wait_until(so, f"subscriber that is {state}")
        return (await self.listed())[0]

    async def listed(self) -> list[dict[str, object]]:
        answer = await self.staff.get("/api/v1/status-page/subscribers")
        assert answer.status_code == 200
        found: list[dict[str, object]] = answer.json()
        return found


def link_of(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.search(rf"{URL}/{kind}/\S+", body.get_content())
    assert found, body.get_content()
    return found[0]


@contextlib.asynccontextmanager
async def scene(folder: Path, private: bool = True) -> AsyncIterator[Scene]:
    clock = SetClock(NOON)
    with smtp() as mailbox:
        async with httpx.AsyncClient() as client:
            post = SubscriberPost(
                title="Example",
                links=LINKS,
                outside=Outside(client=client, private=private, timeout=timedelta(seconds=1)),
                clock=clock,
                mail=Mail("127.0.0.1", mailbox.port, "status@example.org"),
            )
            world = World(folder=folder, clock=clock, post=post)
            async with site_of(world) as site, site.asking("cleo") as staff:
                forms = Subscribing(
                    look=LOOK, store=world.store, clock=clock, links=LINKS, post=post
                )
                web: Starlette = build_standby(subscribing_routes(forms))
                public = httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url=HOST)
                await world.receive(an_alert())
                await world.until(lambda one: bool(one.events), "incident")
                async with public:
                    yield Scene(world, mailbox, public, staff)


async def test_the_whole_way_of_a_subscriber_by_mail(tmp_path: Path) -> None:
    async with scene(tmp_path) as on:
        assert (await on.subscribe("eve@example.org")).status_code == 200
        [asked] = await on.mail(1)
        link = link_of(asked, "confirm")
        page = await on.public.get(link)  # as a mail scanner does
        assert "Yes, subscribe" in page.text
        assert (await on.listed())[0]["state"] == "pending"
        assert "You are subscribed" in (await on.public.post(link)).text
        await on.publish(an_update(title="Slow\r\nBcc: x@example.org", body="<b>Found</b>"))
        told = (await on.mail(2))[1]
        assert told["subject"] == "[Example] Investigating: Slow Bcc: x@example.org"
        assert told["bcc"] is None
        assert told["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        leave = told["list-unsubscribe"].strip("<>")
        assert leave == link_of(told, "unsubscribe")
        text = told.get_body(("plain",))
        assert text is not None
        assert "[2026-03-01 12:00] - INVESTIGATING" in text.get_content()
        assert "Next update by 12:15 UTC." in text.get_content()
        assert "Unsubscribe" in (await on.public.get(leave)).text
        click = await on.public.post(leave, data={"List-Unsubscribe": "One-Click"})
        assert click.status_code == 200
        assert await on.listed() == []
        assert (await on.public.post(leave)).status_code == 200  # again
        assert (await on.public.post(link)).status_code == 410  # it subscribes nobody any more
    assert len(on.mailbox.messages) == 2


async def test_nobody_learns_who_is_subscribed(tmp_path: Path) -> None:
    async with scene(tmp_path) as on:
        await on.confirmed("eve@example.org")
        known, other = [await on.subscribe(f"{who}@example.org") for who in ("eve", "mallory")]
        assert (known.status_code, known.text) == (other.status_code, other.text)
        await on.mail(2)
    assert on.mailbox.recipients == ["eve@example.org", "mallory@example.org"]


async def test_links_expire_and_cannot_be_made_up(tmp_path: Path) -> None:
    async with scene(tmp_path) as on:
        await on.subscribe("eve@example.org")
        link = link_of((await on.mail(1))[0], "confirm")
        on.world.clock.at = NOON + timedelta(days=2)
        assert (await on.public.post(link)).status_code == 410
        as_other = link.replace("confirm", "unsubscribe")
        for bad in (link[:-2], f"{URL}/confirm/x", as_other, f"{URL}/unsubscribe/x.y"):
            assert (await on.public.post(bad)).status_code == 410, bad


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("mail", "eve"),
        ("mail", "eve@localhost"),
        ("mail", "a@example.org, b@example.org"),
        ("mail", "a@example.org\r\nBcc: b@example.org"),
        ("mail", f"{'a' * 250}@example.org"),
        ("webhook", "ftp://example.org/x"),
        ("webhook", "https://user:secret@example.org/"),
        ("webhook", "https://"),
        ("fax", "1"),
        ("mail", "x" * 5000),
    ],
)
async def test_what_is_no_address_is_refused(kind: str, address: str, tmp_path: Path) -> None:
    post = SubscriberPost(
        title="t",
        links=LINKS,
        outside=Outside(client=httpx.AsyncClient()),
        clock=SetClock(NOON),
        mail=Mail("127.0.0.1", 1, "s@example.org"),
    )
    forms = Subscribing(
        look=LOOK,
        store=None,  # type: ignore[arg-type]  # it is not asked
        clock=SetClock(NOON),
        links=LINKS,
        post=post,
    )
    web: Starlette = build_standby(subscribing_routes(forms))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url=HOST) as public:
        form = {"kind": kind, "address": address}
        answer = await public.post("/status/subscribe", data=form)
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
        for _ in range(9):
            await public.post("/status/subscribe", data=form)
        refused = await public.post("/status/subscribe", data=form)
        assert (refused.status_code, "retry-after" in refused.headers) == (429, True)


async def test_one_who_cannot_be_reached_holds_up_nobody_and_is_told_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "DEAD_AFTER", 2)
    async with scene(tmp_path) as on:
        with receiver() as hook:
            await subscribe_webhook(on, hook)
            await on.confirmed("eve@example.org")
            hook.status = 410
            for number in (1, 2):
                await on.publish(an_update(number))
                await on.mail(1 + number)
            dead = await on.until_state(SubscriberState.DEAD)
            assert "410" in str(dead["reason"])
            count = len(hook.requests)
            await on.publish(an_update(3))
            await on.mail(4)
            assert len(hook.requests) == count
        found = await on.world.dossier()
        assert found is not None
        assert [one.kind for one in found.buried] == ["TellSubscriber"] * 2


async def test_a_fault_of_our_own_mail_server_is_no_subscribers_fault(tmp_path: Path) -> None:
    async with scene(tmp_path) as on:
        await on.confirmed("eve@example.org")
        on.mailbox.data_answer = "554 not today"
        await on.publish(an_update())

        async def buried() -> bool:
            found = await on.world.dossier()
            return found is not None and len(found.buried) == 1

        await wait_until(buried, "buried job")
        assert [one["failures"] for one in await on.listed()] == [0]


async def subscribe_webhook(on: Scene, hook: Receiver) -> None:
    """One that answers its challenge: what that will be is known here, the key being known."""
    await on.subscribe(f"{hook.url}/hook", "webhook")

    async def asked() -> bool:
        return bool(hook.requests)

    await wait_until(asked, "challenge")
    challenge = msgspec.json.decode(hook.requests[-1].body)
    assert challenge["type"] == "status_page.challenge"
    assert (await on.listed())[0]["state"] == "pending"  # `{}` is no answer to it
    hook.body = msgspec.json.encode({"challenge": challenge["challenge"]})
    [one] = await on.listed()
    found = await on.world.store.write(lambda tx: tx.subscriber(str(one["id"])))
    assert found is not None
    assert on.world.post is not None
    key = hook.requests[-1].headers["webhook-id"]
    assert await on.world.post.ask(found, key)
    await on.world.store.write(lambda tx: tx.confirm(found.id, NOON))
    hook.body = b""


async def test_a_webhook_gets_signed_updates_in_statuspages_shape(tmp_path: Path) -> None:
    async with scene(tmp_path) as on:
        with receiver() as hook:
            await subscribe_webhook(on, hook)
            before = len(hook.requests)
            await on.publish(an_update())

            async def told() -> bool:
                return len(hook.requests) > before

            await wait_until(told, "update")
            got = hook.requests[before]
            assert {"webhook-id", "webhook-timestamp", "webhook-signature"} <= set(got.headers)
            body = msgspec.json.decode(got.body)
            assert body["incident"]["incident_updates"][0]["status"] == "investigating"
            assert body["incident"]["name"] == "Moves are slow"
            assert (await on.public.post(body["meta"]["unsubscribe"])).status_code == 200
            assert await on.listed() == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f::1", True),
        *((one, False) for one in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1")),
        *((one, False) for one in ("0.0.0.0", "224.0.0.1", "100.64.0.1", "::1", "fe80::1%eth0")),
        *((one, False) for one in ("fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1")),
        ("2002:7f00:1::", False),
    ],
)
def test_what_is_in_a_private_network(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_a_webhook_in_a_private_network_is_not_posted_to() -> None:
    with receiver() as hook:
        port = hook.url.rpartition(":")[2]
        async with httpx.AsyncClient() as client:
            outside = Outside(client=client)
            for host in ("localhost", "127.0.0.1", "[::1]", "2130706433"):
                with pytest.raises(Undeliverable, match=r"private|not known"):
                    await outside.post(f"https://{host}:{port}/", b"{}", {})
    assert hook.requests == []
    assert (
        SubscriberKind.WEBHOOK
        in SubscriberPost(title="t", links=LINKS, outside=outside, clock=SetClock(NOON)).kinds()
    )
