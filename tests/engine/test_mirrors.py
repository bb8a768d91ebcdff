"""Incidents as PagerDuty and Opsgenie are told of them, by their wire protocol; and when those
refuse, hang or ask for patience."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from playcall.channels.opsgenie import Opsgenie
from playcall.channels.pagerduty import PagerDuty
from playcall.core import events as ev
from playcall.engine.mirrors import LONGEST_PAUSE, MirrorWatch, next_step, wanted
from playcall.engine.reflections import Mirror, Shown
from playcall.testing import a_plan, an_alert, minutes
from tests.core.responding import opened
from tests.engine.world import World
from tests.servers import Receiver, receiver

URL = "http://playcall.example"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(folder=tmp_path).working() as world:
        yield world


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def a_watch(world: World, mirror: Mirror) -> MirrorWatch:
    return MirrorWatch(store=world.store, clock=world.clock, mirror=mirror, url=URL)


async def look(world: World, watch: MirrorWatch, *, times: int = 3) -> None:
    for _ in range(times):
        world.clock.move(timedelta(seconds=1))
        await watch.look()


def bodies(web: Receiver) -> list[Any]:
    return [json.loads(request.body) for request in web.requests]


async def acknowledge(world: World) -> None:
    await world.submit(ev.Acknowledged(at=world.clock.now(), by="ada"))


async def resolve(world: World) -> None:
    await world.submit(ev.Resolved(at=world.clock.now(), by="ada", cause="mended", unverified=True))


# --- What is told --------------------------------------------------------------------------------


async def test_pagerduty_is_told_of_an_incident_from_its_beginning_to_its_end(
    world: World, client: httpx.AsyncClient
) -> None:
    with receiver() as web:
        web.status = 202
        watch = a_watch(world, PagerDuty(client, web.url, "R0UTE"))
        await world.receive(an_alert())
        await world.until_event(ev.PageDelivered)
        await look(world, watch)
        await acknowledge(world)
        await look(world, watch)
        await resolve(world)
        await look(world, watch)
    trigger, heard, over = bodies(web)
    assert {request.path for request in web.requests} == {"/v2/enqueue"}
    assert [one["event_action"] for one in (trigger, heard, over)] == [
        "trigger",
        "acknowledge",
        "resolve",
    ]
    assert {one["dedup_key"] for one in (trigger, heard, over)} == {f"{URL}/incidents/1"}
    assert trigger["routing_key"] == "R0UTE"
    assert trigger["links"] == [{"href": f"{URL}/incidents/1", "text": "Open the incident"}]
    payload = trigger["payload"]
    assert (payload["severity"], payload["source"]) == ("critical", "Playcall")
    assert payload["summary"].startswith("CRITICAL: ")
    assert "payload" not in heard


async def test_opsgenie_is_told_by_one_alias(world: World, client: httpx.AsyncClient) -> None:
    with receiver() as web:
        web.status = 202
        watch = a_watch(world, Opsgenie(client, web.url, "KEY"))
        await world.receive(an_alert())
        await world.until_event(ev.PageDelivered)
        await acknowledge(world)
        await look(world, watch)
        await resolve(world)
        await look(world, watch)
    alert, *_ = bodies(web)
    alias = alert["alias"]
    assert [request.path for request in web.requests] == [
        "/v2/alerts",
        f"/v2/alerts/{alias}/acknowledge?identifierType=alias",
        f"/v2/alerts/{alias}/close?identifierType=alias",
    ]
    assert {request.headers["authorization"] for request in web.requests} == {"GenieKey KEY"}
    assert alert["priority"] == "P1"
    assert alert["details"]["link"] == f"{URL}/incidents/1"


async def test_what_came_and_went_meanwhile_is_not_told_and_a_relapse_is(
    world: World, client: httpx.AsyncClient
) -> None:
    with receiver() as web:
        watch = a_watch(world, PagerDuty(client, web.url, "R"))
        await world.receive(an_alert())
        await world.until_event(ev.PageDelivered)
        await resolve(world)
        await look(world, watch)
        assert web.requests == []
        await world.submit(ev.Reopened(at=world.clock.now(), alerts=(an_alert(),)))
        await look(world, watch)
    assert [one["event_action"] for one in bodies(web)] == ["trigger"]


def test_only_what_may_wake_somebody_is_triggered() -> None:
    incident = opened()
    plan = a_plan()
    silent = [row.level for row in plan.severities if row.wake == "no"]
    assert wanted(incident, plan) is Shown.TRIGGERED
    assert silent
    assert wanted(replace(incident, severity=silent[0]), plan) is None


@pytest.mark.parametrize(
    ("shown", "wish", "step"),
    [
        (None, Shown.ACKNOWLEDGED, Shown.TRIGGERED),
        (None, Shown.RESOLVED, None),
        (None, None, None),
        (Shown.TRIGGERED, Shown.TRIGGERED, None),
        (Shown.TRIGGERED, None, None),
        (Shown.ACKNOWLEDGED, Shown.TRIGGERED, Shown.TRIGGERED),
        (Shown.RESOLVED, Shown.ACKNOWLEDGED, Shown.TRIGGERED),
        (Shown.ACKNOWLEDGED, Shown.RESOLVED, Shown.RESOLVED),
    ],
)
def test_each_state_is_reached_by_steps_that_the_service_knows(
    shown: Shown | None, wish: Shown | None, step: Shown | None
) -> None:
    assert next_step(shown, wish) is step


# --- What goes wrong -----------------------------------------------------------------------------


async def test_it_is_told_again_until_it_is_taken_and_never_hurried(
    world: World, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with receiver() as web:
        mirror = PagerDuty(client, web.url, "R", timeout=timedelta(milliseconds=200))
        watch = a_watch(world, mirror)
        await world.receive(an_alert(), an_alert("Other", fingerprint="other"))
        await world.until_event(ev.PageDelivered)
        await world.until_event(ev.PageDelivered, incident=2)
        web.status, web.body = 500, b"\xff garbage"
        await look(world, watch, times=2)
        assert len(web.requests) == 1, "it waits before it tries again"
        web.hang = True
        await look(world, watch)
        web.hang = False
        web.status = 403
        world.clock.move(LONGEST_PAUSE)
        await watch.look()
        assert "Renew pagerduty.routing_key_file" in caplog.text
        first = len(web.requests)
        web.status = 202
        world.clock.move(LONGEST_PAUSE)
        await watch.look()
        await look(world, watch)
    assert sorted(one["dedup_key"] for one in bodies(web)[first:]) == [
        f"{URL}/incidents/{number}" for number in (1, 2)
    ]


async def test_a_refusal_for_good_holds_up_no_other_incident(
    world: World, client: httpx.AsyncClient
) -> None:
    with receiver() as web:
        watch = a_watch(world, PagerDuty(client, web.url, "R"))
        await world.receive(an_alert())
        await world.until_event(ev.PageDelivered)
        web.status = 400
        await look(world, watch)
        refused = len(web.requests)
        web.status = 202
        await look(world, watch)
        assert (refused, len(web.requests)) == (1, 1), "as it is, it would be refused again"
        await acknowledge(world)
        await look(world, watch)
    assert [one["event_action"] for one in bodies(web)[1:]] == ["trigger", "acknowledge"]


async def test_the_time_that_is_asked_for_is_waited(
    world: World, client: httpx.AsyncClient
) -> None:
    asked: list[str] = []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(429)
            self.send_header("Retry-After", "120")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()
        watch = a_watch(world, Opsgenie(client, f"http://127.0.0.1:{server.server_port}", "K"))
        await world.receive(an_alert())
        await world.until_event(ev.PageDelivered)
        await look(world, watch)
        world.clock.move(minutes(1.9))
        await watch.look()
        assert len(asked) == 1
        world.clock.move(minutes(0.1))
        await watch.look()
        assert len(asked) == 2
        server.shutdown()
