"""Telling people over HTTP: drafts, publishing, templates; who may, and what is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from playcall.core import events as ev
from playcall.core.response import UpdatePolicy
from playcall.testing import NOON, an_alert, minutes
from tests.core.telling import telling_plan
from tests.engine.world import World
from tests.web.site import Site, site_of

API = "/api/v1/incidents/1"
PAGE = "/incidents/1/update"
TEMPLATE = "For [DURATION]\nETA: [TIME]\nHurt: [NUMBER] moves"
PLAN = telling_plan(UpdatePolicy(title="Moves are <slow>"), template=TEMPLATE)
HOSTILE = '<img src=x onerror="document.title=1"> <!channel>'


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_of(World(folder=tmp_path, plan=PLAN)) as site:
        await site.world.receive(an_alert(host=HOSTILE))
        await site.world.until_event(ev.PageDelivered)
        site.world.clock.at = NOON + minutes(1)
        yield site


async def get(site: Site, path: str, by: str = "vic") -> Any:
    async with site.asking(by) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json() if path.startswith("/api") else answer.text


async def post(site: Site, path: str, body: dict[str, Any], by: str = "ada") -> tuple[int, str]:
    async with site.asking(by) as client:
        answer = await client.post(f"{API}/{path}", json=body)
    return answer.status_code, answer.text


async def form(site: Site, path: str, data: dict[str, str], by: str = "ada") -> tuple[int, str]:
    async with site.with_session(by) as client:
        answer = await client.post(path, data=data)
    return answer.status_code, answer.text


async def test_the_draft_is_published_in_one_tap(site: Site) -> None:
    drafted = (await get(site, f"{API}/updates"))["draft"]
    assert drafted["state"] == "investigating"
    status, _ = await form(site, PAGE, {"number": "1", "body": drafted["body"], "title": ""})
    assert status == 303
    found = await get(site, f"{API}/updates")
    ((update, by),) = [(one["update"], one["by"]) for one in found["published"]]
    assert (update["title"], update["body"], by) == ("Moves are <slow>", drafted["body"], "Ada")
    assert found["due_at"].startswith("2026-03-01T12:16")
    page = await get(site, "/incidents/1")
    assert "Next status update" in page
    assert 'id="due-update"' in page
    assert f'href="{PAGE}"' in page


async def test_state_and_text_are_for_a_person_to_choose(site: Site) -> None:
    status, said = await post(site, "updates", {"state": "identified", "text": "It is the disk."})
    assert (status, "update 1 published, identified" in said) == (200, True)
    async with site.asking("vic") as client:
        found = (await client.get(f"{API}/updates", params={"state": "monitoring"})).json()
    assert found["draft"]["body"].startswith("A remedy is in place.")
    assert found["published"][0]["update"]["body"] == "It is the disk."


async def test_what_was_typed_is_not_lost_when_it_is_refused(site: Site) -> None:
    typed = {"number": "1", "body": "It is [BRIEF DESCRIPTION] <b>", "title": "Slow <moves>"}
    status, page = await form(site, PAGE, typed)
    assert (status, "Not published: fill in [BRIEF DESCRIPTION] first" in page) == (409, True)
    assert "It is [BRIEF DESCRIPTION] &lt;b&gt;</textarea>" in page
    assert 'value="Slow &lt;moves&gt;"' in page


async def test_the_incidents_page_says_who_was_told_and_who_is_next(site: Site) -> None:
    await form(site, PAGE, {"number": "1", "body": HOSTILE, "title": ""})
    site.world.clock.at = NOON + minutes(4)
    await site.world.until_event(ev.StakeholdersTold)
    page = await get(site, "/incidents/1")
    told = page[page.index('id="told"') :].partition("</section>")[0]
    lines = [
        "next at",
        "summary 1 to ",
        "Status page, investigating: &lt;img src=x",
        "Paged ada",
    ]
    places = [told.find(line) for line in lines]
    assert -1 not in places, told
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"text": "We [BRIEF DESCRIPTION]"}, 409, "[BRIEF DESCRIPTION]"),
        ({"text": " "}, 409, "needs a title and a text"),
        ({"number": 2}, 409, "meanwhile"),
        ({"state": "resolved"}, 409, "not resolved"),
        ({"state": "fine"}, 422, "state"),
        ({"text": "x" * 6000}, 422, "text"),
    ],
)
async def test_what_is_not_fit_is_refused(
    site: Site, body: dict[str, Any], status: int, reason: str
) -> None:
    code, said = await post(site, "updates", body)
    assert (code, reason in said) == (status, True), said
    assert (await get(site, f"{API}/updates"))["published"] == []


async def test_viewers_look_and_do_not_publish(site: Site) -> None:
    assert (await post(site, "updates", {}, by="vic"))[0] == 403
    assert (await post(site, "templates", {"template": 1, "role": "CTO"}, by="vic"))[0] == 403
    assert (await form(site, PAGE, {}, by="vic"))[0] == 403
    page = await get(site, PAGE)
    assert "Publishing needs a responder" in page
    assert '<form method="post" action="/incidents/1/update"' not in page


async def test_what_was_typed_is_previewed_and_escaped(site: Site) -> None:
    typed = {"state": "identified", "title": "Slow", "body": HOSTILE}
    status, page = await form(site, f"{PAGE}/preview", typed)
    assert status == 200
    assert "- IDENTIFIED\n&lt;img src=x" in page
    assert "<img" not in page
    assert "Moves are &lt;slow&gt;" in await get(site, PAGE)
    status, page = await form(site, f"{PAGE}/preview", {"body": "It is [TBD]"})
    assert "Not fit to publish: fill in [TBD] first" in page


async def test_a_template_is_filled_asked_for_and_sent_to_a_role(site: Site) -> None:
    (text,) = await get(site, f"{API}/templates")
    assert [blank["name"] for blank in text["blanks"] if not blank["value"]] == ["TIME", "NUMBER"]
    status, said = await post(site, "templates", {"template": 1, "role": "CTO"})
    assert (status, "[TIME], [NUMBER]" in said) == (409, True), said
    status, page = await form(site, f"{PAGE}/templates/1/preview", {"2": "14:00"})
    assert "ETA: 14:00" in page
    assert "1 blank to fill" in page
    fields = {"2": "14:00", "3": "5"}
    status, _ = await post(site, "templates", {"template": 1, "role": "CTO", "fields": fields})
    assert status == 200
    mail = site.world.mail
    await site.world.until(
        lambda _: any(m.subject == "[CRITICAL] Halted" for _, m, _ in mail.sent), "sent"
    )
    (message,) = [m for _, m, _ in mail.sent if m.subject == "[CRITICAL] Halted"]
    assert message.body == "For 1 min\nETA: 14:00\nHurt: 5 moves"
    assert not message.urgent
    assert "Communication Template to CTO" in await get(site, PAGE)


async def test_a_role_nobody_fills_and_a_template_that_is_none(site: Site) -> None:
    status, said = await post(site, "templates", {"template": 1, "role": "Nobody"})
    assert (status, "Nobody" in said) == (422, True)
    assert (await post(site, "templates", {"template": 2, "role": "CTO"}))[0] == 404
    assert (await form(site, f"{PAGE}/templates/9", {}))[0] == 404


async def test_a_missed_update_is_told_on_the_page(site: Site) -> None:
    for minute, kind in ((3, ev.UpdateReminded), (6, ev.UpdateMissed)):
        site.world.clock.at = NOON + minutes(minute)
        await site.world.submit(ev.NoteAdded(at=site.world.clock.at, by="ada", text="hm"))
        await site.world.until_event(kind)
    sent = site.world.mail.sent
    await site.world.until(lambda _: any("update is due" in m.subject for _, m, _ in sent), "told")
    reminded = [m for _, m, _ in sent if "update is due" in m.subject]
    assert [(m.link, m.urgent) for m in reminded] == [
        ("http://playcall.example/incidents/1/update", False)
    ]
    assert "Status update overdue since 12:05 UTC" in await get(site, "/incidents/1")
    page = await get(site, PAGE)
    assert "Missed: 12:05:00 UTC" in page
    assert "summaries sent" in page or "summary sent" in page
