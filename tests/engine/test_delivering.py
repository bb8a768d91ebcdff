"""Messages on their way to people, when channels hang, ask for time, or say too late that a message
did not arrive; and when everything fires at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx

from playcall.channels.mail import Mail
from playcall.channels.webhook import Webhook
from playcall.core.delivery_events import TaskRetried
from playcall.core.effects import Refused
from playcall.core.events import Assigned, PageDelivered, PageFailed
from playcall.core.message import Message
from playcall.core.storm import Rate
from playcall.engine.delivering import Telling
from playcall.engine.outbox import Fate
from playcall.engine.ports import Method, Person, Unavailable
from playcall.engine.retrying import retry_after
from playcall.testing import NOON, a_plan, a_play, an_alert, minutes
from tests.engine.world import BOB, World, of
from tests.servers import Receiver, receiver, smtp, wait_until

QUIET = a_plan(a_play(escalation=None))  # one page when it fires
IMPATIENT = Telling(patience=timedelta(seconds=1))
STORM = 40  # incidents: more than one channel may have under way


async def fire(world: World, incidents: int) -> None:
    await world.receive(*(an_alert(fingerprint=f"f{n}", n=str(n)) for n in range(1, incidents + 1)))


async def truth(met: bool) -> bool:
    return met


async def sent_of(world: World, incident: int = 1) -> list[tuple[str, Fate]]:
    found = await world.dossier(incident)
    assert found is not None
    return [(one.channel, one.fate) for one in found.sent]


@dataclass
class Hanging:
    """Takes no message, and does not say so."""

    asked: int = 0
    forever: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Message, address: str, key: str) -> None:
        self.asked += 1
        await self.forever.wait()


# --- Channels that hang --------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def real_channels(
    folder: Path, answer: str, telling: Telling
) -> AsyncIterator[tuple[World, Receiver]]:
    """Ada by a real mail server that answers so, and else by a real webhook."""
    with smtp() as mailbox, receiver() as web:
        mailbox.data_answer = answer
        methods = (
            Method(channel="mail", address="ada@example.org"),
            Method(channel="chat", address=web.url),
        )
        people = {"ada": Person(id="ada", name="Ada", methods=methods), "bob": BOB}
        world = World(folder=folder, plan=QUIET, people=people, telling=telling, group_by=("n",))
        world.mail = Mail("127.0.0.1", mailbox.port, "p@example.org")  # type: ignore[assignment]
        limits = httpx.Limits(max_connections=4)  # the server's queue is short
        async with httpx.AsyncClient(limits=limits) as client:
            world.chat = Webhook(client, b"s", world.clock)  # type: ignore[assignment]
            async with world.working():
                yield world, web
        assert not mailbox.messages


async def test_a_storm_while_the_mail_server_fails_loses_no_page_and_sends_none_twice(
    tmp_path: Path,
) -> None:
    patient = Telling(patience=minutes(1))
    async with real_channels(tmp_path, "451 try later", patient) as (world, web):
        await fire(world, STORM)
        for incident in range(1, STORM + 1):
            await world.until_event(PageDelivered, incident)
    ids = [one.headers["webhook-id"] for one in web.requests]
    assert len(ids) == len(set(ids))
    assert {int(key.split(".")[0]) for key in ids} == set(range(1, STORM + 1))


async def test_a_mail_server_that_hangs_is_left_for_the_next_method(tmp_path: Path) -> None:
    async with real_channels(tmp_path, "hang", IMPATIENT) as (world, web):
        for incident in (1, 2):
            await world.receive(an_alert(fingerprint=f"f{incident}", n=str(incident)))
            await world.until_event(PageDelivered, incident)
        first, second = [await sent_of(world, incident) for incident in (1, 2)]
    assert first == [("mail", Fate.UNKNOWN), ("chat", Fate.ACCEPTED)]
    assert second == [("chat", Fate.ACCEPTED)]  # it is tried last, until it has rested
    assert len(web.requests) == 2


async def test_a_channel_that_hangs_holds_up_no_message_of_another(tmp_path: Path) -> None:
    cleo = Person(id="cleo", name="Cleo", methods=(Method(channel="chat", address="c"),))
    ada = Person(id="ada", name="Ada", methods=(Method(channel="mail", address="a"),))
    world = World(folder=tmp_path, plan=QUIET, people={"ada": ada, "cleo": cleo}, group_by=("n",))
    world.mail = hanging = Hanging()  # type: ignore[assignment]
    async with world.working():
        await fire(world, STORM)
        await wait_until(lambda: truth(hanging.asked >= 32), "32 messages under way")
        await world.submit(Assigned(at=NOON, by="bob", to="cleo"))
        # Within less than the patience with the one that hangs.
        await wait_until(lambda: truth(bool(world.chat.sent)), "message by chat", 6)
    assert hanging.asked < STORM  # the rest waits for a place


# --- Channels that ask for time ------------------------------------------------------------------


async def test_a_channel_that_asks_for_time_is_left_alone_so_long(tmp_path: Path) -> None:
    world = World(folder=tmp_path, plan=QUIET)
    world.mail.broken = Unavailable("too many requests", retry_after=minutes(2))
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        world.mail.broken = None
        await world.receive(an_alert("DiskFull", fingerprint="d"))
        await world.until_event(PageDelivered, incident=2)
        assert len(world.mail.refused) == 1
        assert [address for address, _, _ in world.chat.sent] == ["ada-chat"] * 2
        world.clock.move(minutes(2))
        await world.receive(an_alert("CpuHigh", fingerprint="c"))
        await world.until_event(PageDelivered, incident=3)
        assert "ada@example.org" in [address for address, _, _ in world.mail.sent]


def test_what_failed_together_is_not_tried_again_together() -> None:
    waits = {retry_after(5, f"{n}.1.0.ada") for n in range(20)}
    assert len(waits) == 20
    assert all(timedelta(seconds=8) <= wait <= timedelta(seconds=16) for wait in waits)
    assert retry_after(50, "k") <= timedelta(minutes=1)


# --- Receipts ------------------------------------------------------------------------------------


async def test_a_receipt_that_says_failed_moves_the_page_on_once(tmp_path: Path) -> None:
    world = World(folder=tmp_path, plan=QUIET)
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        [(_, message, key)] = world.mail.sent
        for _ in range(2):
            assert await world.engine.receipt(key, arrived=False, reason="no such mailbox")
        await world.until_event(PageDelivered, count=2)
        [(_, again, second)] = world.chat.sent
        assert (again.subject, again.body) == (message.subject, message.body)
        assert await world.engine.receipt(second, arrived=True)
        assert await world.engine.receipt(second, arrived=False, reason="late")  # it came
        assert not await world.engine.receipt("9.9.9.nobody", arrived=True)
        found = await world.dossier()
    assert found is not None
    assert [(one.channel, one.fate, one.reason) for one in found.sent] == [
        ("mail", Fate.FAILED, "no such mailbox"),
        ("chat", Fate.ARRIVED, ""),
    ]
    [failed] = of(found, PageFailed)
    assert isinstance(failed, PageFailed)
    assert failed.reason == "mail: no such mailbox"
    assert (len(world.mail.sent), len(world.chat.sent)) == (1, 1)


async def test_what_nobody_could_be_reached_by_is_given_up_until_a_person_wants_it(
    tmp_path: Path,
) -> None:
    ada = Person(id="ada", name="Ada", methods=(Method(channel="mail", address="a"),))
    world = World(folder=tmp_path, plan=QUIET, people={"ada": ada, "bob": BOB})
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        [(_, _, key)] = world.mail.sent
        await world.engine.receipt(key, arrived=False, reason="bounced")
        found = await world.until(lambda one: bool(one.buried), "given up")
        assert found.buried[0].reason == "mail: bounced"
        assert isinstance(await world.engine.retry(2, key, "bob"), Refused)
        assert await world.engine.retry(1, key, "bob") is None
        await world.until_event(PageDelivered, count=2)
        found = await world.until(lambda one: not one.buried, "taken up again")
        assert isinstance(await world.engine.retry(1, key, "bob"), Refused)
    [retried] = of(found, TaskRetried)
    assert isinstance(retried, TaskRetried)
    assert (retried.by, retried.what) == ("bob", "the message to ada")


# --- Storms --------------------------------------------------------------------------------------


async def test_in_a_storm_every_incident_has_its_first_page_and_the_rest_comes_together(
    tmp_path: Path,
) -> None:
    world = World(folder=tmp_path, plan=QUIET, telling=Telling(rate=Rate(alone=2)), group_by=("n",))
    async with world.working():
        await fire(world, 5)
        for incident in range(1, 6):
            await world.until_event(PageDelivered, incident)
        first = [address for address, _, _ in world.mail.sent]
        world.clock.move(minutes(5))  # nobody acknowledged: the second rung, for all
        await wait_until(lambda: _held(world, 3), "three pages held")
        world.clock.move(timedelta(seconds=31))
        for incident in range(1, 6):
            await world.until_event(PageDelivered, incident, count=2)
    assert first == ["ada@example.org"] * 5
    second = [message.subject for address, message, _ in world.mail.sent if "bob" in address]
    assert len(second) == 3
    assert second[2].startswith("3 pages about 3 incidents")


async def _held(world: World, count: int) -> bool:
    return len(await world.store.write(lambda tx: tx.held("bob page mail"))) == count
