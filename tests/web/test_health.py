"""`/api/v1/health` says whether pages would go out, and `/api/v1/test-pages` proves it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from playcall.core import events as ev
from playcall.core.alert import WATCHDOG
from playcall.engine.ports import Unavailable
from playcall.testing import an_alert, minutes
from tests.engine.world import World
from tests.servers import wait_until
from tests.web.site import INTAKE, Site, site_of
from tests.web.test_metrics import scraped

HEALTH, TESTS = "/api/v1/health", "/api/v1/test-pages"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_of(World(folder=tmp_path)) as site:
        await asyncio.sleep(0)
        yield site


async def health(site: Site) -> tuple[int, list[str]]:
    async with site.asking(token=INTAKE) as client:
        answer = await client.get(HEALTH)
    body = answer.json()
    assert body["healthy"] is (answer.status_code == 200)
    return answer.status_code, body["troubles"]


async def post(site: Site, person: str, body: object) -> tuple[int, Any]:
    async with site.asking(person) as client:
        answer = await client.post(TESTS, json=body)
    return answer.status_code, answer.json()


async def test_a_server_that_works_says_so_to_whoever_has_a_token(site: Site) -> None:
    async def well() -> bool:
        return await health(site) == (200, [])

    await wait_until(well, "health", 10)
    for token in ("", "wrong"):
        async with site.asking(token=token) as client:
            assert (await client.get(HEALTH)).status_code == 401


async def test_a_stalled_loop_is_trouble(tmp_path: Path) -> None:
    async with World(folder=tmp_path).stopped() as world:
        from playcall.web.desk import Desk
        from playcall.web.server import build_web
        from tests.web.site import a_doorkeeper

        doorkeeper = a_doorkeeper(tmp_path)
        desk = Desk(engine=world.engine, store=world.store, clock=world.clock)
        site = Site(web=build_web(desk, doorkeeper), world=world, doorkeeper=doorkeeper)
        status, [said] = await health(site)
        assert (status, said.startswith("it has only begun")) == (503, True)
        world.engine.looked_at = world.clock.now()
        assert await health(site) == (200, [])
        world.clock.move(timedelta(seconds=61))
        assert await health(site) == (503, ["timers were last looked at 61 s ago"])
        await world.store.close()
        status, [said] = await health(site)
        assert (status, said.startswith("the database: ")) == (503, True)


async def test_a_page_that_reached_nobody_is_trouble(site: Site) -> None:
    world = site.world
    down = Unavailable("no such address", permanent=True)
    world.mail.broken = world.chat.broken = down
    await world.receive(an_alert())
    await world.until_event(ev.PageFailed)
    world.clock.move(minutes(3))

    async def told() -> bool:
        return await health(site) == (503, ["pages of 1 incidents reached nobody (1)"])

    await wait_until(told, "trouble", 10)


async def test_a_test_page_is_asked_for_looked_at_and_measured(site: Site) -> None:
    status, proofs = await post(site, "ada", {"person": "ada"})
    assert (status, [proof["channel"] for proof in proofs]) == (202, ["mail", "chat"])

    async def ended() -> bool:
        async with site.asking("vic") as client:
            found = (await client.get(f"{TESTS}/{proofs[0]['test']}")).json()
        return all(proof["took"] is not None for proof in found)

    await wait_until(ended, "end of the test", 10)
    assert [message.subject for _, message, _ in site.world.mail.sent] == [
        "Test page: nothing is wrong"
    ]
    async with site.asking("vic") as client:
        assert {proof["failure"] for proof in (await client.get(TESTS)).json()} == {""}
        assert (await client.get(f"{TESTS}/unknown")).status_code == 404
        people = (await client.get("/api/v1/on-call")).json()["people"]
    assert all(method["tested_at"] for method in people[0]["methods"])
    assert people[1]["methods"] == [{"channel": "mail", "tested_at": None, "failure": ""}]
    await site.world.engine.receive([an_alert(WATCHDOG)], "http://am")
    found = await scraped(site)
    assert found["playcall_test_page_taken ada mail"] == 1
    assert found["playcall_test_page_seconds ada mail"] == 0
    now = site.world.clock.now().timestamp()
    assert found["playcall_watchdog_heard_timestamp_seconds http://am"] == now


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        ("ada", {"person": "bob"}, 403),
        ("cleo", {"person": "bob"}, 202),
        ("vic", {"person": "vic"}, 403),
        ("cleo", {"person": "nobody"}, 404),
        ("ada", {"person": "ada", "channel": "sms"}, 409),
    ],
)
async def test_others_are_a_commanders_to_test(
    site: Site, who: str, body: object, status: int
) -> None:
    assert (await post(site, who, body))[0] == status
