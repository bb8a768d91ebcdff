"""The post-mortem over HTTP and on its page: version by version, merged, never lost."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx import AsyncClient

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


async def form_of(client: AsyncClient, **more: str) -> dict[str, str]:
    seen = (await client.get(API)).json()
    return {"version": str(seen["version"]), "of": str(seen["of"]), **more}


async def text_of(client: AsyncClient) -> str:
    return str((await client.get(API)).json()["text"])


async def test_two_people_in_different_sections_never_clash(site: Site) -> None:
    async with site.with_session("ada") as ada, site.with_session("cleo") as cleo:
        first = await form_of(ada)
        cause = {**first, "section": "root-cause", "text": "## Root Cause\r\n\r\nA full disk.\r\n"}
        hers = await cleo.post(f"{PAGE}/section", data=cause)
        assert hers.status_code == 303
        assert hers.headers["location"] == f"{PAGE}?saved=1#part-root-cause"
        fix = {**first, "section": "resolution", "text": "## Resolution\n\nWe made room."}
        mine = await ada.post(f"{PAGE}/section", data=fix)
        assert mine.headers["location"] == f"{PAGE}?saved=2#part-resolution"
        assert "\nA full disk.\n\n## Resolution\n\nWe made room.\n\n" in await text_of(ada)
        unknown = await ada.post(f"{PAGE}/section", data={**fix, "section": "nowhere"})
        assert unknown.status_code == 409
        async with site.with_session("vic") as vic:
            assert (await vic.post(f"{PAGE}/section", data=fix)).status_code == 403
            assert "<textarea" not in (await vic.get(f"{PAGE}?edit=resolution")).text


async def test_whoever_wrote_in_the_same_lines_chooses_and_nothing_is_lost(site: Site) -> None:
    async with site.with_session("ada") as ada, site.with_session("cleo") as cleo:
        first = await form_of(ada, section="root-cause")
        await cleo.post(f"{PAGE}/section", data={**first, "text": "## Root Cause\n\nHers."})
        mine = await ada.post(f"{PAGE}/section", data={**first, "text": "## Root Cause\n\nMine."})
        assert mine.status_code == 409
        assert "cleo saved version 1 while you wrote" in mine.text
        assert (await ada.get(API)).json()["version"] == 1
        carried = mine.text.split('tabindex="-1">\n')[1].split("</textarea>")[0]
        form = await form_of(ada, text=html.unescape(carried).replace("\n", "\r\n"))
        chosen = await ada.post(f"{PAGE}/decide", data={**form, "choice-1": "both"})
        assert chosen.headers["location"] == f"{PAGE}?saved=2"
        text = await text_of(ada)
        assert "## Root Cause\n\nMine.\nHers.\n" in text
        assert "CONFLICT" not in text


async def test_questions_are_answered_where_they_are_asked(site: Site) -> None:
    async with site.with_session("ada") as ada:
        page = (await ada.get(PAGE)).text
        asked = dict(re.findall(r'<label for="answer-(\d+)">([^<]+)</label>', page))
        count = len(asked)
        assert f"{count} questions are left" in page
        (cause,) = [number for number, prompt in asked.items() if prompt == "Root Cause"]
        first = await form_of(ada)
        said = "A <b>full</b> disk.\r\nTwice."
        answers = [said if number == cause else "" for number in asked]
        form = {**first, "question": list(asked), "answer": answers}
        assert (await ada.post(f"{PAGE}/answers", data=form)).status_code == 303
        saved = (await ada.get(API)).json()
        assert saved["asks"] == count - 1
        assert "## Root Cause\n\nA <b>full</b> disk.\nTwice.\n" in saved["text"]
        assert "A &lt;b&gt;full" in (await ada.get(PAGE)).text


async def test_versions_are_compared_and_taken_back(site: Site) -> None:
    async with site.with_session("ada") as ada, site.with_session("cleo") as cleo:
        for client, words in ((ada, "It was a full disk."), (cleo, "It was a slow disk.")):
            form = await form_of(client, section="root-cause", text=f"## Root Cause\n\n{words}")
            await client.post(f"{PAGE}/section", data=form)
        page = (await ada.get(f"{PAGE}/versions")).text
        assert "<strong>Version 2</strong> by cleo" in page
        assert "It was a <mark>full</mark> disk." in page
        assert "It was a <mark>slow</mark> disk." in page
        first = (await ada.get(f"{PAGE}/versions?from=0&to=1")).text
        assert "− </span>_To be written by a person._</del>" in first
        back = {"version": "1", "seen": "2"}
        assert (await ada.post(f"{PAGE}/restore", data=back)).status_code == 303
        assert "a full disk." in await text_of(ada)
        assert (await cleo.post(f"{PAGE}/restore", data=back)).status_code == 409
        assert (await ada.get(f"{PAGE}/versions?from=7&to=1")).status_code == 404


async def test_action_items_of_the_page_stand_in_the_text_at_once(site: Site) -> None:
    async with site.with_session("ada") as ada:
        form = await form_of(ada, section="root-cause", text="## Root Cause\n\nMine.")
        await ada.post(f"{PAGE}/section", data=form)
        await site.world.submit(NoteAdded(at=NOON, by="bob", text="an aside"))
        item = {"text": "Mend it", "owner": "ada", "priority": "high", "due": "2026-04-01"}
        added = await ada.post("/incidents/1/actions", data={**item, "page": "post-mortem"})
        assert added.headers["location"] == f"{PAGE}#actions"
        saved = (await ada.get(API)).json()
        assert "- [ ] Mend it (ada, high, due 2026-04-01) (" in saved["text"]
        assert "Mine." in saved["text"]
        assert "an aside" not in saved["text"]
        assert saved["version"] == 2
        done = {"number": "1", "page": "post-mortem"}
        await ada.post("/incidents/1/actions/done", data=done)
        assert "- [x] Mend it" in await text_of(ada)


async def test_an_open_page_hears_of_a_newer_version(site: Site) -> None:
    async with site.with_session("ada") as ada:
        assert (await ada.get(f"{PAGE}/live")).json() == {"version": 0, "by": "", "review": 0}
        await ada.post(PAGE, data=await form_of(ada, text="# Mine"))
        assert (await ada.get(f"{PAGE}/live")).json() == {"version": 1, "by": "ada", "review": 0}


async def test_no_markup_of_anybody_is_more_than_text(site: Site) -> None:
    await site.world.submit(NoteAdded(at=NOON, by="ada", text=EVIL))
    async with site.with_session("ada") as ada:
        first = (await ada.get(API)).json()
        links = "[x](javascript:alert(1)) ![p](https://evil.example/p.png)"
        text = f"{EVIL}\n\n{links}\n\n" + first["text"]
        form = {"version": "0", "of": str(first["of"]), "began": "", "text": text}
        assert (await ada.post(PAGE, data=form)).status_code == 303
        page = (await ada.get(f"{PAGE}?edit=whole")).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert page.count("</textarea>") == page.count("<textarea") > 0


async def test_a_text_that_is_too_long_or_of_no_incident_is_refused(site: Site) -> None:
    async with site.asking("ada") as ada:
        long = await ada.put(API, json={"text": "\n" * 20_000 + "x", "version": 0})
        assert long.status_code == 422
        other = await ada.put("/api/v1/incidents/7/post-mortem", json={"text": "x", "version": 0})
        assert other.status_code == 404
