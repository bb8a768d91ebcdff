"""The engine beside a real Alertmanager that sends it nothing: it finds out by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from playcall.alertmanager import Alertmanager
from playcall.core import events as ev
from playcall.core.incident import Incident, SilencePurpose, Status
from playcall.core.reconciliation import Patience
from playcall.intake.alertmanager import read_webhook
from playcall.testing import SetClock
from tests.engine.world import World
from tests.servers import alertmanager, prometheus, receiver, wait_until

LABELS = {"alertname": "LatencyHigh", "severity": "critical"}
RULE = {"alert": "FromPrometheus", "expr": "vector(1) > 0", "labels": {"severity": "critical"}}
PATIENCE = Patience(grace=timedelta(seconds=0.5), settled=timedelta(seconds=1))


@dataclass(slots=True)
class TrueClock(SetClock):
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def tell(
    client: httpx.AsyncClient, url: str, starts: datetime, *, firing: bool = True
) -> None:
    now = datetime.now(UTC)
    ends = now + timedelta(minutes=5) if firing else now
    alert = {"labels": LABELS, "startsAt": starts.isoformat(), "endsAt": ends.isoformat()}
    (await client.post(f"{url}/api/v2/alerts", json=[alert])).raise_for_status()


async def reached(world: World, met: Callable[[Incident], bool], what: str) -> None:
    async def look() -> bool:
        found = await world.dossier()
        return found is not None and met(found.incident)

    await wait_until(look, what)


def a_world(folder: Path, url: str, client: httpx.AsyncClient) -> World:
    hand: Any = Alertmanager(url, client, "playcall")
    return World(
        folder=folder,
        clock=TrueClock(),
        watcher=hand,
        silencer=hand,
        patience=PATIENCE,
        look_every=timedelta(seconds=0.2),
    )


async def test_an_incident_from_an_alert_nobody_told_of_to_its_relapse(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    with alertmanager() as url:
        world = a_world(tmp_path, url, client)
        theirs = Alertmanager(url, client, "eve")
        async with world.working():
            fired = datetime.now(UTC)
            await tell(client, url, fired)
            await world.until_event(ev.Opened)

            until = datetime.now(UTC) + timedelta(hours=1)
            silence = await theirs.silence(LABELS, datetime.now(UTC), until, "by hand")
            await world.until_event(ev.Silenced)
            await world.until_event(ev.PageDelivered)
            state = await world.state()
            assert (state.silences[silence].purpose, state.silences[silence].by) == (
                SilencePurpose.FOREIGN,
                "eve",
            )
            await theirs.end(silence)
            await world.until_event(ev.SilenceEnded)

            await tell(client, url, fired, firing=False)
            await world.until_event(ev.AlertsCleared)
            resolved = ev.Resolved(at=datetime.now(UTC), by="ada", cause="", unverified=True)
            await world.submit(resolved)
            await reached(world, lambda one: one.status is Status.CLOSED, "closed and silenced")

            await asyncio.sleep(0.1)
            await tell(client, url, datetime.now(UTC))  # nobody is told: it is silenced by us
            await world.until_event(ev.Reopened)
            await reached(world, lambda one: not one.silences, "its silence ended")
            assert await Alertmanager(url, client, "playcall").standing() == []


async def test_what_a_real_prometheus_fires_is_found(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    with alertmanager() as url:
        world = a_world(tmp_path, url, client)
        async with world.working():
            with prometheus(rules=[RULE], alertmanagers=[url.removeprefix("http://")]):
                [opened] = await world.until_event(ev.Opened)
            assert isinstance(opened, ev.Opened)
            assert opened.title == "FromPrometheus"
            assert opened.alerts[0].found


async def test_a_start_that_fires_again_is_told_by_the_same_bytes_and_is_asked_about(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    with receiver() as web, alertmanager(f"{web.url}/hook") as url:
        world = a_world(tmp_path, url, client)
        world.look_every = timedelta(seconds=6)
        async with world.working():

            async def told(count: int) -> None:
                await wait_until(lambda: heard(count), f"message {count}")
                await world.receive(*read_webhook(web.requests[count - 1].body).alerts)

            async def heard(count: int) -> bool:
                return len(web.requests) >= count

            fired = datetime.now(UTC) - timedelta(minutes=1)
            await tell(client, url, fired)
            await told(1)
            await world.until_event(ev.Opened)
            await tell(client, url, fired, firing=False)
            await told(2)
            await world.until_event(ev.AlertsCleared)
            await told(1)  # an old message
            await wait_until(lambda: asked(world), "answer")
            assert not (await world.state()).firing
            await tell(client, url, fired)
            await told(3)
            await world.until_event(ev.AlertsJoined)
            assert (await world.state()).firing
    assert web.requests[0].body == web.requests[2].body


async def asked(world: World) -> bool:
    return not world.doubts.open
