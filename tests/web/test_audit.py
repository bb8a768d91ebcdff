"""The audit log over HTTP and on its page: who did what and from where, by pages, and as files."""

import csv
import io
import json
from pathlib import Path

import sqlalchemy as sa

from playcall.core.events import NoteAdded, PageDelivered
from playcall.testing import an_alert
from tests.engine.world import World
from tests.web.site import site_of

HOSTILE = '=cmd<b>"'


async def test_everything_done_is_told_and_an_alteration_shows(tmp_path: Path) -> None:
    async with site_of(World(folder=tmp_path)) as site:
        world = site.world
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        async with (
            site.asking("vic") as vic,
            site.with_session("ada") as ada,
            site.asking("cleo") as cleo,
            site.asking() as stranger,
        ):
            assert (await stranger.get("/api/v1/audit")).status_code == 401
            await ada.post("/incidents/1/notes", data={"text": HOSTILE})
            await world.until_event(NoteAdded)
            listed = (await vic.get("/api/v1/audit?who=ada")).json()["entries"]
            some = (await vic.get("/api/v1/audit?limit=2")).json()
            rest = (await vic.get(f"/api/v1/audit?limit=1000&before={some['next']}")).json()
            lines = (await vic.get("/api/v1/audit.jsonl")).text.splitlines()
            table = (await vic.get("/api/v1/audit.csv?kind=NoteAdded")).text
            page = (await vic.get("/audit?who=ada&kind=&since=2020-01-01T00:00")).text
            for wrong in ("incident=x", "since=noon", f"incident={2**64}"):
                assert (await vic.get(f"/api/v1/audit?{wrong}")).status_code == 422
            assert (await vic.get("/api/v1/audit/verdict")).status_code == 403
            assert (await cleo.get("/api/v1/audit/verdict?head=1")).status_code == 422
            verdict = (await cleo.get("/api/v1/audit/verdict")).json()
            assert "Verified up to #" in (await vic.get("/audit")).text
            with world.store._engine.begin() as connection:
                connection.execute(
                    sa.text("UPDATE events SET body = 'no JSON' WHERE kind = 'NoteAdded'")
                )
            altered = (await cleo.get("/api/v1/audit/verdict")).json()
            after = await vic.get("/audit")
    [note] = listed
    assert (note["kind"], note["actor"], note["source"]) == ("NoteAdded", "ada", "page 127.0.0.1")
    assert HOSTILE in note["said"]
    assert rest["next"] is None
    assert [e["n"] for e in some["entries"] + rest["entries"]] == [
        json.loads(line)["n"] for line in lines
    ]
    [row] = csv.DictReader(io.StringIO(table))
    assert row["n"] == str(note["n"])
    assert not any(value.startswith("=") for value in row.values())
    assert "<b>" not in page
    assert "Note added" in page
    assert "Page delivered" not in page.split("<ol")[1]
    assert verdict["whole"]
    assert not altered["whole"]
    assert after.status_code == 200
    assert f"entry {note['n']} (NoteAdded" in after.text
