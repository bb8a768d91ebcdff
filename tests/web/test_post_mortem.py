"""The post-mortem over HTTP and on its page: version by version, merged, never lost."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playcall.core.events import Acknowledged, NoteAdded, PostMortemSaved, ReportWritten, Resolved
from playcall.testing import NOON, an_alert
from tests.engine.world import World
from tests.web.site import Site, site_of

API = "/api/v1/incidents/1/post-mortem"
PAGE = "/incidents/1/post-mortem"
EVIL = "</textarea><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """With one incident, acknowledged."""
    async with site_of(World(folder=tmp_path)) as site:
        await site.world.receive(an_alert())
        await site.world.until(lambda found: True, "there")
        await site.world.submit(Acknowledged(at=NOON, by="ada"))
        yield site


async def test_a_text_is_saved_on_the_version_that_was_seen_and_on_no_other(site: Site) -> None:
    async with site.asking("ada") as ada, site.asking("vic") as vic:
        first = (await ada.get(API)).json()
        assert (first["version"], first["saved_by"], first["outdated"]) == (0, None, False)
        body = {"text": first["text"] + "\r\nMine.", "version": 0, "of": first["of"]}
        assert (await vic.put(API, json=body)).status_code == 403
        saved = await ada.put(API, json=body)
        assert (saved.json()["version"], saved.json()["saved_by"]) == (1, "ada")
        assert saved.json()["text"].endswith("\nMine.\n")
        again = await ada.put(API, json=body)
        assert again.status_code == 409
        assert "ada saved version 1 meanwhile" in again.json()["detail"]
        assert (await ada.get("/api/v1/incidents/1/report")).text == saved.json()["text"]
    (event,) = await site.world.until_event(PostMortemSaved)
    assert isinstance(event, PostMortemSaved)
    assert (event.version, event.asks) == (1, saved.json()["asks"])


async def test_what_happened_while_it_was_first_edited_is_not_lost(site: Site) -> None:
    async with site.asking("ada") as ada:
        first = (await ada.get(API)).json()
        await site.world.submit(NoteAdded(at=NOON, by="bob", text="it is the disk"))
        body = {"text": first["text"] + "Mine.\n", "version": 0, "of": first["of"]}
        saved = (await ada.put(API, json=body)).json()
        assert saved["outdated"]
        renewed = (await ada.post(f"{API}/regenerate", json={"version": 1})).json()
        assert "it is the disk" in renewed["text"]
        assert "Mine." in renewed["text"]
        assert not renewed["outdated"]
        assert (await ada.post(f"{API}/regenerate", json={"version": 1})).status_code == 409


async def test_resolving_it_again_brings_what_was_written_up_to_date_on_file(site: Site) -> None:
    async with site.asking("ada") as ada:
        first = (await ada.get(API)).json()
        body = {"text": first["text"] + "Mine.\n", "version": 0, "of": first["of"]}
        await ada.put(API, json=body)
    end = Resolved(at=NOON, by="ada", cause="a full disk", unverified=True)
    await site.world.submit(end)
    await site.world.until_event(PostMortemSaved, count=2)
    kept = await site.world.until(
        lambda found: "a full disk" in site.world.archive.kept.get("incident-1.md", ""), "on file"
    )
    assert "Mine." in site.world.archive.kept["incident-1.md"]
    assert not [one for one in kept.events if isinstance(one.event, ReportWritten)]


async def test_two_people_who_edit_at_once_lose_nothing(site: Site) -> None:
    async with site.with_session("ada") as ada, site.with_session("cleo") as cleo:
        first = (await ada.get(f"{API}")).json()
        form = {"version": "0", "of": str(first["of"]), "began": first["text"]}
        hers = await cleo.post(PAGE, data={**form, "text": first["text"] + "Hers.\n"})
        assert (hers.status_code, hers.headers["location"]) == (303, PAGE)
        mine = await ada.post(PAGE, data={**form, "text": "Mine.\n" + first["text"]})
        assert mine.status_code == 409
        assert 'id="meanwhile"' in mine.text
        assert "Hers." in mine.text
        assert "Mine." in mine.text
        assert 'name="version" value="1"' in mine.text


async def test_no_markup_of_anybody_is_more_than_text(site: Site) -> None:
    await site.world.submit(NoteAdded(at=NOON, by="ada", text=EVIL))
    async with site.with_session("ada") as ada:
        first = (await ada.get(API)).json()
        links = "[x](javascript:alert(1)) ![p](https://evil.example/p.png)"
        text = f"{EVIL}\n\n{links}\n\n" + first["text"]
        form = {"version": "0", "of": str(first["of"]), "began": "", "text": text}
        assert (await ada.post(PAGE, data=form)).status_code == 303
        page = (await ada.get(PAGE)).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert page.count("</textarea>") == 2


async def test_a_text_that_is_too_long_or_of_no_incident_is_refused(site: Site) -> None:
    async with site.asking("ada") as ada:
        long = await ada.put(API, json={"text": "\n" * 20_000 + "x", "version": 0})
        assert long.status_code == 422
        other = await ada.put("/api/v1/incidents/7/post-mortem", json={"text": "x", "version": 0})
        assert other.status_code == 404
