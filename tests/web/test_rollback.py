"""The rollback over HTTP, its commands run for real: two people, a halt, and on from there."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from playcall.core.events import PageDelivered
from playcall.core.plan import EffectClass
from playcall.runner.local import Local
from playcall.testing import NOON, a_command, an_alert, minutes
from tests.core.test_rollback import PLAN
from tests.engine.world import World
from tests.web.site import Site, site_of

API = "/api/v1/incidents/1/rollback"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Whose second step fails until there is a file that says v1 is up."""
    log, change = tmp_path / "log", EffectClass.CHANGE
    assert PLAN.rollback is not None
    steps = (
        a_command("rollback.1", effect=change, text=f"echo off >> {log}"),
        a_command("rollback.2", effect=EffectClass.OBSERVE, text=f"cat {tmp_path / 'v1-is-up'}"),
        a_command("rollback.3", effect=change, text=f"echo on >> {log}"),
    )
    proof = a_command("rollback.1.proof", effect=EffectClass.OBSERVE, text=f"grep off {log}")
    back = replace(PLAN.rollback, commands=steps, proofs=(proof,))
    runner = Local(env={"PATH": os.environ["PATH"]})
    world = World(folder=tmp_path, plan=replace(PLAN, rollback=back), runner=runner)
    async with site_of(world) as site:
        await site.world.receive(an_alert())
        await site.world.until_event(PageDelivered)
        yield site


async def do(site: Site, by: str, act: str, **body: Any) -> tuple[int, str]:
    async with site.asking(by) as client:
        answer = await client.post(f"{API}/{act}", json=body)
    told = answer.json()
    return answer.status_code, str(told.get("status") or told.get("detail"))


async def until(site: Site, stage: str) -> dict[str, Any]:
    for _ in range(200):
        async with site.asking("vic") as client:
            found: dict[str, Any] = (await client.get(API)).json()
        if found["stage"] == stage:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(found)


async def test_it_halts_says_what_that_leaves_and_goes_on_from_there(site: Site) -> None:
    folder = site.world.folder
    assert (await do(site, "vic", "ask", reason="x"))[0] == 403
    assert (await do(site, "ada", "ask", reason=""))[0] == 422
    assert await do(site, "ada", "ask", reason="slow") == (200, "the rollback is asked for")
    assert not (folder / "log").exists(), "asking runs nothing"
    code, why = await do(site, "ada", "approve")
    assert (code, "two different people" in why) == (409, True)
    assert (await do(site, "cleo", "approve"))[0] == 200

    halted = await until(site, "halted")
    assert [step["state"] for step in halted["steps"]] == ["done", "failed", ""]
    assert "No such file" in halted["trouble"]
    assert halted["left"][1].endswith("failed, it may have done a part")
    assert "do rollback.2 by hand and ask for it from rollback.3" in halted["ways_out"][0]
    words = "the rollback halted at rollback.2"
    paged = await site.world.until(lambda _: mailed(site, words), "a page that says it halted")
    assert paged.incident.rollback is not None

    (folder / "v1-is-up").write_text("yes")
    assert (await do(site, "cleo", "ask", reason="v1 is up now"))[0] == 200
    assert (await do(site, "ada", "approve"))[0] == 200
    done = await until(site, "done")
    assert (folder / "log").read_text() == "off\non\n", "no change ran twice"
    assert [item["ticked_by"] for item in done["checklist"][:2]] == ["cleo", "Playcall"]
    code, why = await do(site, "ada", "tick", item=3, note="looked at the board")
    assert (code, why) == (200, "item 3 is checked off")


def mailed(site: Site, words: str) -> bool:
    return any(words in message.subject.lower() for _, message, _ in site.world.mail.sent)


async def test_what_was_asked_for_long_ago_is_asked_for_again(site: Site) -> None:
    await do(site, "ada", "ask", reason="slow")
    site.world.clock.at = NOON + minutes(20)
    code, why = await do(site, "cleo", "approve")
    assert (code, "ask for it again" in why) == (409, True)
    assert (await do(site, "ada", "ask", reason="still slow"))[0] == 200


async def test_on_the_page_it_is_asked_for_and_let_run(site: Site) -> None:
    async with site.with_session("ada") as browser:
        page = (await browser.get("/incidents/1")).text
        assert "Ask for the rollback" in page
        await browser.post("/incidents/1/rollback/ask", data={"reason": "slow <b>"})
        page = (await browser.get("/incidents/1")).text
        assert "asks for it: slow &lt;b&gt;" in page
        assert "rollback-approve" not in page, "not to whoever asked"
    async with site.with_session("vic") as browser:
        assert "rollback-approve" not in (await browser.get("/incidents/1")).text
    async with site.with_session("cleo") as browser:
        assert "rollback-approve" in (await browser.get("/incidents/1")).text
        await browser.post("/incidents/1/rollback/approve")
        await until(site, "halted")
        page = (await browser.get("/incidents/1")).text
        assert "What that leaves" in page
        assert "Ways out" in page
