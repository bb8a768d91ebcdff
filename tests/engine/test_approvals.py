"""What was approved and must not begin any more, with the real store: it says why."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from playcall.core.access import Access
from playcall.core.events import ApprovalLapsed, RunApproved
from playcall.core.incident import Incident, RunStatus
from playcall.engine.ports import Dossier, Execution
from playcall.storage.codec import dump, load, load_event
from playcall.testing import NOON, ScriptedRunner, a_plan, an_alert, an_opening, minutes
from tests.core.responding import after, moved
from tests.engine.world import World, of


async def begun_late(
    folder: Path, late: timedelta, access: dict[str, Access] | None
) -> tuple[World, Dossier]:
    """Approved by ada at noon, and carried out so much later."""
    world = World(folder=folder)
    async with world.stopped():
        await world.receive(an_alert())
        await world.engine._take_arrivals()
        await world.submit(RunApproved(at=NOON, by="ada", command="2.1"))
        now = world.clock.move(late)
        performer = replace(world.engine.performer, access=access)
        claim = await world.store.write(lambda tx: tx.claim("me", [Execution], now, late, 10))
        for job in claim:
            await performer.perform(job)
            await performer.perform(job)  # two workers that want one step
        found = await world.dossier()
    assert found is not None
    return world, found


@pytest.mark.parametrize(
    ("late", "access", "why"),
    [
        (15, None, "the approval by ada was good for 15 min"),
        (1, {"ada": Access.VIEWER}, "ada, who approved it, is a viewer now; it needs a responder"),
        (1, {}, "ada, who approved it, is not known here any more"),
    ],
)
async def test_an_approval_that_no_longer_stands_starts_nothing(
    tmp_path: Path, late: float, access: dict[str, Access] | None, why: str
) -> None:
    world, found = await begun_late(tmp_path, minutes(late), access)
    assert isinstance(world.runner, ScriptedRunner)
    assert "restart" not in world.runner.ran
    [lapsed] = of(found, ApprovalLapsed)
    assert isinstance(lapsed, ApprovalLapsed)
    assert lapsed.reason == why
    [row] = [run for run in found.runs if run.execution.command == "2.1"]
    assert (row.status, row.summary) == (RunStatus.LAPSED, f"not run: {why}")
    assert found.incident.runs["2.1"].status is RunStatus.LAPSED


async def test_an_approval_that_stands_starts_it(tmp_path: Path) -> None:
    world, found = await begun_late(tmp_path, minutes(14), {"ada": Access.RESPONDER})
    assert isinstance(world.runner, ScriptedRunner)
    assert world.runner.ran.count("restart") == 1
    assert not of(found, ApprovalLapsed)


def test_what_was_stored_before_there_were_requests_is_read() -> None:
    approved = load_event("RunApproved", '{"at":"2026-03-01T12:00:00Z","by":"ada","command":"2.1"}')
    assert approved == RunApproved(at=NOON, by="ada", command="2.1")
    incident = moved(None, an_opening(), a_plan()).incident
    old = json.loads(dump(after(incident, RunApproved(at=NOON, by="ada", command="2.1"))))
    for key in ("requests", "used_links"):
        del old[key]
    for run in old["runs"].values():
        del run["request"]
    read = load(json.dumps(old), Incident)
    assert (read.requests, read.used_links, read.runs["2.1"].request) == ({}, (), None)
