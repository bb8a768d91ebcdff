"""A bug in one part, which raises what nobody expects: the others go on, and pages are sent."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from playcall.core import events as ev
from playcall.core import notices
from playcall.core.chat import Card, Place
from playcall.core.message import Message
from playcall.engine import mirrors
from playcall.engine.delivering import Delivering
from playcall.engine.mirror import Mirror
from playcall.engine.mirrors import MirrorWatch
from playcall.engine.pacing import Aside
from playcall.engine.reflections import Reflection, Shown
from playcall.testing import NOON, RememberingChannel, a_plan, a_play, an_alert, minutes
from tests.engine.world import World
from tests.servers import wait_until

QUIET = a_plan(a_play(escalation=None))  # one page when it fires


def a_world(folder: Path) -> World:
    return World(folder=folder, plan=QUIET, group_by=("n",))


async def fire(world: World, *numbers: int) -> None:
    await world.receive(*(an_alert(fingerprint=f"f{n}", n=str(n)) for n in numbers))


def a_bug(*_: object, **__: object) -> Any:
    raise KeyError("a bug \ud800")


class Buggy(RememberingChannel):
    async def send(self, message: Message, address: str, key: str) -> None:
        a_bug()


async def test_a_bug_in_a_channel_leaves_the_other_methods(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    world.mail = Buggy()
    async with world.working():
        await fire(world, 1)
        (delivered,) = await world.until_event(ev.PageDelivered)
    assert isinstance(delivered, ev.PageDelivered)
    assert delivered.channel == "chat"


async def test_what_cannot_be_put_into_words_is_sent_in_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "compose", a_bug)
    async with a_world(tmp_path).working() as world:
        await fire(world, 1)
        await world.until_event(ev.PageDelivered)
    (_, message, _), *_ = world.mail.sent
    assert "LatencyHigh" in message.subject
    assert message.link == "http://playcall.example/incidents/1"
    assert message.urgent


async def test_a_page_whose_delivery_cannot_be_recorded_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Delivering, "_record_delivered", a_bug)
    async with a_world(tmp_path).working() as world:
        await fire(world, 1)
        await wait_until(lambda: truth(len(world.mail.sent) == 1), "first page")
        await world.store.write(lambda tx: None)
        world.clock.move(minutes(2))
        await fire(world, 2)
        await wait_until(lambda: truth(world.mail.sent[-1][1].incident == 2), "second page")
    assert [message.incident for _, message, _ in world.mail.sent] == [1, 2]


async def truth(met: bool) -> bool:
    return met


@dataclass
class Room:
    """A chat that shows everything but one incident."""

    shown: list[str]

    async def resolve(self, name: str) -> str:
        return name

    async def post(self, channel: str, card: Card, key: str, thread: str = "") -> str:
        if key.startswith("2/"):
            a_bug()
        self.shown.append(key)
        return key

    async def edit(self, channel: str, stamp: str, card: Card, key: str) -> None: ...

    async def find(self, *_: object) -> str:
        return ""


async def test_an_incident_that_the_chat_cannot_show_hides_no_other(tmp_path: Path) -> None:
    async with a_world(tmp_path).working() as world:
        await fire(world, 1, 2)
        await world.until_event(ev.PageDelivered, 2)
        room = Room([])
        mirror = Mirror(
            store=world.store,
            committer=world.engine.performer.committer,
            clock=world.clock,
            chat=room,
            channels={Place.ALERTS: "alerts"},
            owner="me",
        )
        await mirror.look_due()
        assert [key for key in room.shown if key.startswith("1/")]


class Elsewhere:
    name = "elsewhere"

    def __init__(self) -> None:
        self.shown: list[str] = []

    async def show(self, what: Reflection, shown: Shown) -> None:
        if what.key.endswith("/1"):
            a_bug()
        self.shown.append(what.key)


async def test_an_incident_that_cannot_be_shown_elsewhere_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrors, "BATCH", 1)
    async with a_world(tmp_path).working() as world:
        await fire(world, 1, 2)
        await world.until_event(ev.PageDelivered, 2)
        there = Elsewhere()
        watch = MirrorWatch(
            store=world.store, clock=world.clock, mirror=there, url="http://p", owner="me"
        )
        for _ in range(2):
            world.clock.move(timedelta(seconds=2))
            await watch.look()
    assert there.shown == ["http://p/incidents/2"]


def test_what_is_set_aside_comes_again() -> None:
    aside = Aside()
    aside.put(1, NOON)
    assert aside.has(1, NOON)
    assert not aside.has(2, NOON)
    assert not aside.has(1, NOON + aside.lasting)
    assert not aside.has(1, NOON)
