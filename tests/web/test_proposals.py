"""Proposals over HTTP, on their page and at the terminal, by incidents that really happened."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from playcall.core.events import ActionAdded, CommandFinished, Resolved
from playcall.engine.ports import Unavailable
from playcall.engine.source import Source
from playcall.runner.local import Local
from playcall.sourcefile import SourceFile
from playcall.testing import NOON, SetMetrics, an_alert, minutes
from tests.core.proposing import DOCUMENT, NAME, the_plan
from tests.engine.world import World
from tests.web.site import Site, site_of

HOSTILE = "--- a/x\n+++ b/x\n\x1b[31m<b>"


@dataclass
class Gone:
    def read(self) -> Source:
        raise Unavailable("queue.md cannot be read: No such file or directory")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """One incident, whose first look was run by bash, is over."""
    (tmp_path / NAME).write_text(DOCUMENT, "utf-8")
    world = World(
        folder=tmp_path,
        plan=the_plan(),
        runner=Local({"PATH": "/usr/bin:/bin"}, directory=tmp_path),
        metrics=SetMetrics(value=0.7),
    )
    async with site_of(world, SourceFile(playbook=tmp_path / NAME)) as site:
        await world.receive(an_alert(name="QueueSlow", summary=HOSTILE))
        await world.until_event(CommandFinished, count=4)
        over = Resolved(at=NOON + minutes(9), by="ada", cause=HOSTILE, unverified=True)
        await world.submit(over)
        yield site


async def test_what_one_incident_proves_as_values_and_as_a_patch(site: Site) -> None:
    async with site.asking("vic") as vic, site.asking() as stranger:
        for path in ("/incidents/1/proposals", "/incidents/1/proposals.patch", "/proposals"):
            assert (await stranger.get(f"/api/v1{path}")).status_code == 401
        found = (await vic.get("/api/v1/incidents/1/proposals")).json()
        every = (await vic.get("/api/v1/proposals")).json()
        patch = await vic.get("/api/v1/incidents/1/proposals.patch")
        assert (await vic.get("/api/v1/incidents/9/proposals")).status_code == 404
        assert (await vic.get("/api/v1/proposals?days=0")).status_code == 422
    assert [(one["line"], one["edit"] is None) for one in found["proposals"]] == [
        (15, False), (18, False), (21, True), (26, True),
    ]  # fmt: skip
    assert "No such file or directory" in found["proposals"][3]["reason"]
    assert found == every
    assert (found["changed"], found["unpatched"]) == (False, "")
    assert base64.b64decode(found["patch"]) == patch.content
    assert patch.content.startswith(f"--- {NAME}\n+++ {NAME}\n@@ -12,10 +12,10 @@".encode())
    assert b"\x1b" not in patch.content
    assert b"<b>" not in patch.content
    assert patch.headers["content-disposition"] == f'attachment; filename="{NAME}.patch"'
    seen = {e["event"] for one in found["proposals"] for e in one["evidence"]}
    stored = await site.world.dossier()
    assert stored is not None
    ended = {one.n for one in stored.events if isinstance(one.event, CommandFinished)}
    assert seen == ended


async def test_the_page_shows_it_and_makes_it_one_action_item(site: Site) -> None:
    async with site.with_session("ada") as ada, site.asking("vic") as vic:
        body = (await ada.get("/incidents/1")).text
        page = (await ada.get("/incidents/1/proposals")).text
        assert "The playbook could be better: 4 proposals" in body
        assert page.count('<span class="sign">− </span>') == 2
        assert "<b>" not in page
        assert "\x1b" not in page
        assert "note-action" not in (await vic.get("/incidents/1/proposals")).text
        assert (await vic.post("/incidents/1/proposals/action")).status_code == 403
        for _ in range(2):
            noted = await ada.post("/incidents/1/proposals/action")
            assert noted.status_code == 303
        assert "It is an action item" in (await ada.get("/incidents/1/proposals")).text
    state = await site.world.state()
    assert len(state.owed.actions) == 1
    assert state.owed.actions[0].text.endswith("/incidents/1/proposals")
    await site.world.until_event(ActionAdded)


async def test_another_version_of_the_document_is_judged_by_the_same_record(site: Site) -> None:
    other = DOCUMENT.replace("# Playbook", "# Playbook\n\nNew.").encode()
    async with site.asking("vic") as vic:
        found = (await vic.post("/api/v1/proposals?name=mine.md&incident=1", content=other)).json()
        assert (found["document"], found["changed"]) == ("mine.md", True)
        assert [one["line"] for one in found["proposals"]] == [17, 20, 23, 28]
        bad = await vic.post("/api/v1/proposals?name=mine.md", content=b"\0" * 20)
        assert bad.status_code == 422
        wide = DOCUMENT.encode("utf-16")
        told = (await vic.post("/api/v1/proposals?name=w.md", content=wide)).json()
        assert (told["patch"], "UTF-16" in told["unpatched"]) == ("", True)


async def test_a_document_that_is_gone_is_told_and_hides_no_incident(tmp_path: Path) -> None:
    async with site_of(World(folder=tmp_path), Gone()) as site:
        await site.world.receive(an_alert())
        await site.world.until(lambda found: True, "there")
        over = Resolved(at=NOON, by="ada", cause="", unverified=True)
        await site.world.submit(over)
        async with site.asking("vic") as vic:
            assert (await vic.get("/api/v1/incidents/1/proposals")).status_code == 503
            page = await vic.get("/incidents/1/proposals")
            assert "queue.md cannot be read" in page.text
            assert (await vic.get("/incidents/1")).status_code == 200
