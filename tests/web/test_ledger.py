"""The ledger over HTTP: each run a row that says what, why, by whom, and how it ended."""

from pathlib import Path
from typing import Any

import pytest

from playcall.core.events import CommandFinished, RunApproved
from playcall.runner.local import Local
from playcall.testing import NOON, a_plan, an_alert
from tests.engine.test_failures import HangingRunner
from tests.engine.world import World
from tests.web.site import Site, site_of

LEDGER = "/api/v1/incidents/1/runs"


async def rows(site: Site) -> dict[str, dict[str, Any]]:
    async with site.asking("vic") as client:
        answer = await client.get(LEDGER)
    assert answer.status_code == 200, answer.text
    return {row["command"]: row for row in answer.json()}


async def test_a_row_says_what_ran_why_by_whom_and_how_it_ended(tmp_path: Path) -> None:
    world = World(folder=tmp_path, plan=a_plan(), runner=Local({}))
    async with site_of(world) as site:
        await world.receive(an_alert())
        await world.until_event(CommandFinished)
        await world.submit(RunApproved(at=NOON, by="ada", command="2.1"))
        await world.until_event(CommandFinished, count=2)
        found = await rows(site)
    look, change = found["1.1"], found["2.1"]
    assert list(found) == ["1.1", "2.1"]
    assert (look["effect"], look["approved_by"], look["outcome"]) == ("observe", None, "succeeded")
    assert (look["as_written"], look["as_run"], look["line"]) == ("uptime", "uptime", 1)
    assert (look["reasons"], look["exit_code"], look["time_limit_seconds"]) == (["because"], 0, 5.0)
    assert look["output_bytes"] > 20
    assert look["step"].startswith("1. ")
    assert (change["effect"], change["approved_by"]) == ("change", "ada")
    assert (change["outcome"], change["exit_code"]) == ("failed", 127)
    assert None not in (change["begun_at"], change["ended_at"])


@pytest.mark.parametrize(("fate", "status"), [("ran", "succeeded"), ("not-run", "cancelled")])
async def test_what_a_person_says_stands_beside_the_unknown_outcome(
    tmp_path: Path, fate: str, status: str
) -> None:
    dead = World(folder=tmp_path, runner=HangingRunner())
    async with dead.working():
        await dead.receive(an_alert())
        await dead.until(lambda one: "1.1" in one.incident.runs, "opened")
        await dead.submit(RunApproved(at=NOON, by="ada", command="2.1"))
        await dead.until(lambda one: any(r.output and r.id > "1/2" for r in one.runs), "printing")
    alive = World(folder=tmp_path)
    async with site_of(alive) as site:
        await alive.until(lambda one: one.incident.runs["2.1"].status == "unknown", "unknown")
        async with site.asking("ada") as ada, site.asking("vic") as vic:
            word = {"command": "2.1", "fate": fate, "note": "I looked"}
            path = "/api/v1/incidents/1/outcome"
            assert (await vic.post(path, json=word)).status_code == 403
            page = (await ada.get("/incidents/1")).text
            assert (await ada.post(path, json=word)).status_code == 200
            assert (await ada.post(path, json=word)).status_code == 409
            assert (await ada.post(path, json={**word, "command": "9.9"})).status_code == 409
        row = (await rows(site))["2.1"]
        state = await alive.state()
    assert "It did not run" in page
    assert "begun" in page
    assert (row["outcome"], row["ended_at"]) == ("unknown", None)
    said = row["decided"]
    assert (said["fate"], said["by"], said["note"]) == (fate, "ada", "I looked")
    assert state.runs["2.1"].status == status
