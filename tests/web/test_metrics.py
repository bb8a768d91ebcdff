"""`/metrics` says what the store knows, to whoever has a token, as Prometheus reads it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from playcall.core import events as ev
from playcall.core.readiness import Readiness, State
from playcall.testing import NOON, an_alert, minutes
from playcall.web.metrics import TEXT, Figures, render
from tests.core.responding import opened
from tests.engine.world import World
from tests.web.site import INTAKE, Site, site_of


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_of(World(folder=tmp_path)) as site:
        yield site


def values(text: str) -> dict[str, float]:
    """By name and the values of the labels."""
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scraped(site: Site) -> dict[str, float]:
    async with site.asking(token=INTAKE) as client:
        answer = await client.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, TEXT)
    return values(answer.text)


async def test_it_needs_a_token(site: Site) -> None:
    for token in ("", "wrong"):
        async with site.asking(token=token) as client:
            assert (await client.get("/metrics")).status_code == 401
    async with site.asking("vic") as client:
        assert (await client.get("/metrics")).status_code == 200


async def test_incidents_pages_and_the_time_to_respond_are_told(site: Site) -> None:
    world = site.world
    assert (await scraped(site))["playcall_pages_total delivered"] == 0
    await world.receive(an_alert())
    await world.until_event(ev.PageDelivered)
    world.clock.move(minutes(6))
    await world.until_event(ev.TargetMissed)
    by_ada = ev.Acknowledged(at=world.clock.now(), by="ada")
    await world.submit(by_ada)
    await world.submit(ev.Unacknowledged(at=world.clock.now(), by="ada"))
    await world.submit(replace(by_ada, by="bob"))
    await world.until_event(ev.PageDelivered, count=3)
    found = await scraped(site)
    assert found["playcall_incidents CRITICAL acknowledged"] == 1
    assert found["playcall_response_targets_missed_total"] == 1
    assert found["playcall_pages_total delivered"] == 3
    assert found["playcall_response_time_seconds_bucket 300"] == 0
    assert found["playcall_response_time_seconds_bucket 600"] == 1
    assert found["playcall_response_time_seconds_bucket +Inf"] == 1
    assert found["playcall_response_time_seconds_count"] == 1, "only the first acknowledgement"
    assert found["playcall_response_time_seconds_sum"] == 360


def test_repairs_and_readiness_are_told_and_labels_stay_labels() -> None:
    reading = Readiness(state=State.NO_GO, since=NOON, value=0.4, read_at=NOON)
    odd = replace(opened(), severity='a"b\\c\nd')
    counts = {"reconciled:found": 3, "reconciled:page": 1, "response:60": 2, "incident": 9}
    found = values(render(Figures(live=[odd], counts=counts, readiness=reading)))
    assert found['playcall_incidents a"b\\c\nd open'] == 1
    assert found["playcall_reconciled_total found"] == 3
    assert found["playcall_readiness NO-GO"] == 1
    assert found["playcall_readiness GO"] == 0
    assert found["playcall_readiness_ratio"] == 0.4
    assert found["playcall_response_time_seconds_bucket 3600"] == 2
    bare = values(render(Figures(live=[], counts={}, readiness=None)))
    assert not any("readiness" in name for name in bare)
