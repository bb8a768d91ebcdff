"""What guards the paging: heartbeats, test pages, another Playcall; each silence is noticed."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import time, timedelta
from pathlib import Path

import httpx
import pytest

from playcall.channels.mail import Mail
from playcall.core import events as ev
from playcall.core.alert import Alert, own_alert
from playcall.engine import proving
from playcall.engine.daily_test import LOST, DailyTest
from playcall.engine.directory import Directory
from playcall.engine.ports import Unavailable
from playcall.engine.proofs import TEST_LABEL, TEST_PAGE, Proof
from playcall.engine.watchdog import SILENT, Watchdog
from playcall.peers import DOWN, PeerWatch
from playcall.testing import NOON, an_alert, minutes
from tests.engine.world import ADA, BOB, World
from tests.servers import receiver, smtp, wait_until

WITHIN = timedelta(minutes=10)
EAST, WEST = "http://east:9093", "http://west:9093"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(folder=tmp_path).working() as world:
        yield world


def a_watchdog(world: World, *sources: str) -> Watchdog:
    return Watchdog(store=world.store, clock=world.clock, sources=sources, within=WITHIN)


async def hear(world: World, source: str) -> None:
    await world.engine.receive([an_alert("Watchdog")], source)


async def titles(world: World) -> list[str]:
    live = await world.store.read(lambda views: views.incidents(live_only=True))
    return sorted(
        member.alert.annotations.get("summary", "")
        for incident in live
        for member in incident.alerts.values()
        if member.firing
    )


async def firing(world: World, *beginnings: str) -> None:
    async def met() -> bool:
        found = await titles(world)
        return len(found) == len(beginnings) and all(
            said.startswith(begun) for said, begun in zip(found, sorted(beginnings), strict=True)
        )

    await wait_until(met, f"incidents that are exactly {beginnings}", 20)


# --- Heartbeats ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sources", "heard", "silent"),
    [
        ((), EAST, "any Alertmanager"),
        ((EAST, WEST), WEST, EAST),
    ],
)
async def test_a_silence_opens_an_incident_and_clears_when_it_is_heard_again(
    world: World, sources: Sequence[str], heard: str, silent: str
) -> None:
    dog = a_watchdog(world, *sources)
    await dog.look()
    await hear(world, heard)
    world.clock.move(WITHIN)
    await dog.look()
    await firing(world)
    world.clock.move(timedelta(seconds=20))
    if sources:
        await hear(world, WEST)
    await dog.look()
    await firing(world, f"no Watchdog from {silent} since 12:00:00 UTC")
    await world.until_event(ev.PageDelivered)
    world.clock.move(timedelta(seconds=20))
    await dog.look()
    await hear(world, EAST)
    await firing(world)
    state = await world.state()
    assert [one.alert.name for one in state.alerts.values()] == [SILENT], "it was raised once"


async def test_what_could_not_be_heard_because_the_server_was_down_is_no_silence(
    world: World,
) -> None:
    await hear(world, EAST)
    world.clock.move(timedelta(hours=5))
    dog = a_watchdog(world, EAST)
    for _ in range(2):
        await dog.look()
        world.clock.move(WITHIN)
    await firing(world)
    world.clock.move(timedelta(seconds=20))
    await dog.look()
    await firing(world, "no Watchdog from http://east:9093 since 12:00:00 UTC")


# --- Test pages ----------------------------------------------------------------------------------


async def proofs(world: World, test: str) -> Sequence[Proof]:
    async def ended() -> bool:
        found = await world.store.read(lambda views: views.proofs(test))
        return all(proof.ended_at for proof in found)

    await wait_until(ended, "end of the test", 20)
    return await world.store.read(lambda views: views.proofs(test))


async def ask(world: World) -> tuple[str, Alert]:
    now = world.clock.now()
    return await world.store.write(lambda tx: proving.ask(tx, ADA, ["mail", "chat"], "bob", now))


async def test_a_test_page_goes_the_whole_way_once(tmp_path: Path) -> None:
    with smtp() as box:
        mail = Mail("127.0.0.1", box.port, sender="playcall@example.org")
        world = World(folder=tmp_path, mail=mail)  # type: ignore[arg-type]
        world.chat.broken = Unavailable("the chat is down")
        async with world.working():
            test, alert = await ask(world)
            await world.receive(alert)
            mailed, chatted = await proofs(world, test)
            again = own_alert(
                TEST_PAGE, "again", NOON + minutes(1), key="x", labels=dict(alert.labels)
            )
            unknown = own_alert(TEST_PAGE, "?", NOON, key="y", labels={TEST_LABEL: "unknown"})
            await world.receive(alert, again, unknown)
            await world.receive(an_alert())
            await world.until_event(ev.PageDelivered)
            assert await world.store.read(lambda views: views.proofs("unknown")) == []
            latest = await world.store.read(lambda views: views.latest_proofs())
    assert (mailed.passed, mailed.took, chatted.passed) == (True, timedelta(), False)
    assert (chatted.failure, chatted.by) == ("the chat is down", "bob")
    subjects = [str(message["subject"]) for message in box.messages]
    assert subjects.count("Test page: nothing is wrong") == 1
    assert box.recipients[0] == "ada@example.org"
    assert "x-priority" not in box.messages[0], "it is silent"
    assert {proof.channel for proof in latest} == {"mail", "chat"}


async def test_the_daily_test_is_made_once_a_day_whatever_servers_there_are(world: World) -> None:
    posted: list[Alert] = []

    async def post(alert: Alert) -> None:
        posted.append(alert)
        if world.clock.now().day != 1:
            await world.engine.receive([alert])

    directory = Directory(people={"ada": ADA, "bob": BOB}, roles={"on-call primary": ("ada",)})
    first, second = (
        DailyTest(
            store=world.store,
            clock=world.clock,
            directory=directory,
            at=time(12, 30),
            role="On-Call Primary",
            post=post,
        )
        for _ in range(2)
    )

    async def pass_by(span: timedelta) -> None:
        world.clock.move(span)
        await first.look()
        await second.look()

    await pass_by(minutes(29))
    assert posted == []
    for _ in range(3):
        await pass_by(minutes(1))
    assert len(posted) == 1
    await firing(world)
    await pass_by(minutes(2))  # the server that sent it may be gone by now
    lost = "the daily test page did not reach ada (mail: not sent; chat: not sent)"
    await firing(world, lost)
    assert next(iter((await world.state()).alerts.values())).alert.name == LOST
    await pass_by(timedelta(hours=23, minutes=57))
    assert len(posted) == 2
    await proofs(world, posted[1].labels[TEST_LABEL])
    await pass_by(minutes(3))
    await firing(world)


# --- Another Playcall ----------------------------------------------------------------------------


async def test_a_peer_in_trouble_is_told_after_a_while_and_clears(world: World) -> None:
    with receiver() as web:
        async with httpx.AsyncClient(trust_env=False) as client:
            watch = PeerWatch(
                name="east",
                url=web.url,
                token="hush",
                after=minutes(1),
                client=client,
                store=world.store,
                clock=world.clock,
            )

            async def see(status: int, body: object, after: timedelta) -> None:
                web.status, web.body = status, json.dumps(body).encode()
                world.clock.move(after)
                await watch.look()

            await see(200, {"healthy": True}, minutes(0))
            await see(503, {"healthy": False, "troubles": ["the database: gone"]}, minutes(0.5))
            await firing(world)
            await see(503, {"healthy": False, "troubles": ["the database: gone"]}, minutes(0.6))
            await firing(world, f"the Playcall east at {web.url} cannot page: the database: gone")
            assert next(iter((await world.state()).alerts.values())).alert.name == DOWN
            await see(200, {"healthy": True}, minutes(1))
            await firing(world)
            assert web.requests[0].headers["authorization"] == "Bearer hush"
