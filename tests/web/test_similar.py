"""A past incident that is like the open one is found by its post-mortem, and shown with its fix."""

from pathlib import Path

from playcall.core.events import NoteAdded, ReportWritten, Resolved
from playcall.testing import NOON, an_alert, minutes
from tests.engine.world import World
from tests.web.site import site_of

EVIL = "<b>a full disk</b>"


async def test_what_fixed_it_last_time_is_shown(tmp_path: Path) -> None:
    async with site_of(World(folder=tmp_path)) as site:
        world = site.world
        await world.receive(an_alert(host="db1"))
        await world.until(lambda found: True, "there")
        await world.submit(NoteAdded(at=NOON, by="ada", text="the checkpoint queue grows"))
        await world.submit(Resolved(at=NOON, by="ada", cause=EVIL, unverified=True))
        await world.until_event(ReportWritten)
        later = NOON + minutes(60 * 24)
        await world.receive(an_alert(fingerprint="f2", starts_at=later, host="db2"))
        world.clock.move(minutes(60 * 24))
        await world.until(lambda found: True, "there", incident=2)
        await world.submit(NoteAdded(at=later, by="ada", text="that checkpoint again"), 2)
        async with site.asking("vic") as vic:
            (found,) = (await vic.get("/api/v1/incidents/2/similar")).json()
            page = (await vic.get("/incidents/2")).text
            assert (await vic.get("/api/v1/incidents/7/similar")).status_code == 404
    assert (found["incident"], found["cause"]) == (1, EVIL)
    assert any("checkpoint" in shared for shared in found["shares"])
    assert 'id="similar"' in page
    assert EVIL not in page
