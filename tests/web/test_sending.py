"""The summary and the post-mortem on their way, and pins: over HTTP, and by forms that need no
JavaScript."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from playcall.core.communication import Channel
from playcall.core.events import Acknowledged, NoteAdded, Resolved, SilenceAsked, SilenceFailed
from playcall.core.pin_events import EntryPinned
from playcall.core.plan import ChecklistItem, Duty
from playcall.core.sending_events import PostMortemShared, SummarySent
from playcall.engine.ports import Unavailable
from playcall.testing import NOON, RememberingSilencer, an_alert
from playcall.web.slack import SlackDoor
from tests.core.telling import telling_plan
from tests.engine.world import ROLES, World, of
from tests.web.site import Site, site_of

API = "/api/v1/incidents/1"
PAGE = "/incidents/1"
EVIL = "</textarea><script>alert(1)</script>"


def a_duty(title: str, *items: str) -> Duty:
    return Duty(
        title=title,
        within=timedelta(hours=1),
        items=tuple(ChecklistItem(text=text, line=1) for text in items),
        template=None,
        line=1,
    )


@dataclass(slots=True)
class Stubborn(RememberingSilencer):
    """Takes no silence while it says no."""

    says_no: bool = True

    async def silence(
        self, labels: Mapping[str, str], starts_at: datetime, ends_at: datetime, comment: str
    ) -> str:
        if self.says_no:
            raise Unavailable("it says no", permanent=True)
        self.silenced.append(labels)
        return "silence-1"


PLAN = replace(
    telling_plan(),
    duties=(
        a_duty("Close", "Silence the alert"),
        a_duty("Initial Summary", "Document timeline", "Note outstanding questions"),
        a_duty("Metrics Review", "Share with stakeholders"),
    ),
    channels=(Channel(name="#incidents", purpose="Active incidents", line=1),),
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """With one incident that is over, whose alert still fires and could not be silenced."""
    roles = {**ROLES, "cto": ()}
    world = World(folder=tmp_path, plan=PLAN, roles=roles, silencer=Stubborn())
    async with site_of(world) as site:
        await site.world.receive(an_alert())
        await site.world.until(lambda found: True, "there")
        await site.world.submit(Acknowledged(at=NOON, by="ada"))
        await site.world.submit(NoteAdded(at=NOON, by="ada", text=f"a full disk {EVIL}"))
        await site.world.submit(Resolved(at=NOON, by="ada", cause="", unverified=True))
        await site.world.until_event(SilenceFailed)
        yield site


def sent(site: Site, word: str) -> list[str]:
    return [to for to, message, _ in site.world.mail.sent if word in message.subject]


async def states(site: Site) -> dict[str, str]:
    async with site.asking("ada") as ada:
        duties = (await ada.get(f"{API}/duties")).json()["duties"]
    return {one["title"]: one["state"] for one in duties}


async def test_the_summary_is_sent_by_one_tap_without_javascript(site: Site) -> None:
    async with site.with_session("ada") as ada, site.with_session("vic") as vic:
        page = (await ada.get(PAGE)).text
        assert "Goes to VP Engineering, CTO." in page
        assert EVIL not in page
        assert "send-summary" not in (await vic.get(PAGE)).text
        seen = page.split('name="seen" value="')[1].split('"')[0]
        assert (await vic.post(f"{PAGE}/summary", data={"seen": seen})).status_code == 403
        whom = (await ada.get(f"{PAGE}/summary")).text
        assert "Bob by mail" in whom
        assert "nobody is behind it; instead: Ada by mail" in whom

        tapped = await ada.post(f"{PAGE}/summary", data={"seen": seen})
        assert (tapped.status_code, tapped.headers["location"]) == (303, f"{PAGE}#duties")
        again = await ada.post(f"{PAGE}/summary", data={"seen": seen})
        assert again.status_code == 409
        assert "sent already at 2026-03-01 12:00 UTC by ada" in again.text
        text = {"subject": "Once more", "text": f"mine {EVIL}\r\n"}
        refused = await ada.post(f"{PAGE}/summary", data=text)
        assert "What you wrote is still here" in refused.text
        assert refused.text.count("</textarea>") == 1
        assert (await ada.post(f"{PAGE}/summary", data={**text, "again": "true"})).is_redirect
        assert "ada sent the summary again to VP Engineering, CTO" in (await ada.get(PAGE)).text
    assert (await states(site))["Initial Summary"] == "done"
    await site.world.until(lambda _: len(sent(site, "Once more")) == 2, "sent again")
    assert sorted(sent(site, "Summary of incident 1")) == ["ada@example.org", "bob@example.org"]
    found = await site.world.until(lambda one: len(one.sent) > 3, "receipts")
    assert {one.person for one in found.sent if "Summary of" in one.subject} == {"ada", "bob"}


async def test_what_was_shown_is_what_is_sent(site: Site) -> None:
    async with site.asking("ada") as ada:
        assert (await ada.get(f"{API}/summary")).json()["to"]["channel"] == "", "there is no chat"
        site.web.state.slack = SlackDoor(token="t", url="", people={})
        shown = (await ada.get(f"{API}/summary")).json()
        assert shown["text"].endswith("/incidents/1/post-mortem")
        assert "#event-1" in shown["markdown"]
        await site.world.submit(NoteAdded(at=NOON, by="bob", text="Question: why?"))
        late = await ada.post(f"{API}/summary", json={"seen": shown["seen"]})
        assert (late.status_code, "changed since" in late.text) == (409, True)
        fresh = (await ada.get(f"{API}/summary")).json()
        assert "- why?" in fresh["text"]
        done = await ada.post(f"{API}/summary", json={"seen": fresh["seen"]})
        assert done.json() == {"status": "the summary is sent to VP Engineering, CTO, #incidents"}
    (event,) = of(await site.world.until(lambda _: True, "there"), SummarySent)
    assert isinstance(event, SummarySent)
    assert event.body == fresh["text"]


async def test_the_post_mortem_is_shared_with_the_file(site: Site) -> None:
    share = f"{PAGE}/post-mortem/share"
    async with site.with_session("ada") as ada, site.with_session("vic") as vic:
        assert 'id="to-share"' in (await ada.get(f"{PAGE}/post-mortem")).text
        assert 'id="share"' not in (await vic.get(share)).text
        page = (await ada.get(share)).text
        assert "it becomes version 1" in page
        assert EVIL not in page
        form = {"version": "0"}
        assert (await vic.post(share, data=form)).status_code == 403
        refused = await ada.post(share, data=form)
        assert refused.status_code == 409
        assert "say so, to share it so" in refused.text
        assert (await ada.get(f"{API}/post-mortem")).json()["version"] == 0, "nothing was saved"
        shared = await ada.post(share, data={**form, "unfinished": "true"})
        assert shared.headers["location"] == f"{PAGE}/post-mortem"
        assert (await states(site))["Metrics Review"] == "done"

        stale = await ada.post(f"{API}/post-mortem/share", json={"version": 0})
        assert "another version" in stale.json()["detail"]
        paper = (await ada.get(f"{API}/post-mortem")).json()
        body = {"text": "# T\n\n## Root Cause\nA full disk.\n", "version": 1}
        assert (await ada.put(f"{API}/post-mortem", json=body)).status_code == 200
        now = (await ada.get(f"{API}/post-mortem/share")).json()
        assert (now["unfinished"], now["shared_version"]) == ("", 1)
        assert "Since version 1, which was shared before, " in now["changed"]
        assert "A full disk." in now["text"]
        done = await ada.post(f"{API}/post-mortem/share", json={"version": 2})
        assert done.json() == {"status": "version 2 is shared with VP Engineering, CTO"}
    await site.world.until(lambda _: len(sent(site, "Post-mortem of")) == 4, "sent")
    files = [
        (one.name, one.data.decode())
        for _, message, _ in site.world.mail.sent
        for one in message.attachments
    ]
    assert sorted(set(files)) == [
        ("post-mortem-1-version-1.md", paper["text"]),
        ("post-mortem-1-version-2.md", body["text"]),
    ]
    found = of(await site.world.until(lambda _: True, "there"), PostMortemShared)
    assert len(found) == 2


async def test_a_silence_that_is_missing_is_one_tap(site: Site) -> None:
    async with site.with_session("ada") as ada:
        page = (await ada.get(PAGE)).text
        assert page.count("Silence in Alertmanager</button>") == 1
        minutes = page.split('name="minutes" value="')[1].split('"')[0]
        silencer = site.world.silencer
        assert isinstance(silencer, Stubborn)
        silencer.says_no = False
        assert (await ada.post(f"{PAGE}/silence", data={"minutes": minutes})).is_redirect
        (asked,) = await site.world.until_event(SilenceAsked)
        assert isinstance(asked, SilenceAsked)
        assert asked.lasting == timedelta(hours=1)
        await site.world.until(lambda one: "1.1" in one.incident.owed.settled, "proven")
        assert "Silence in Alertmanager</button>" not in (await ada.get(PAGE)).text


async def test_an_entry_is_pinned_on_its_own_page(site: Site) -> None:
    found = await site.world.until(lambda _: True, "there")
    n = next(one.n for one in found.events if isinstance(one.event, NoteAdded))
    entry = f"{PAGE}/events/{n}"
    async with site.with_session("ada") as ada, site.with_session("vic") as vic:
        assert f'href="{entry}"' in (await ada.get(PAGE)).text
        page = (await ada.get(entry)).text
        assert "a full disk" in page
        assert EVIL not in page
        assert 'id="pinning"' not in (await vic.get(entry)).text
        assert (await vic.post(f"{entry}/pin", data={"pin": "cause"})).status_code == 403
        pinned = await ada.post(f"{entry}/pin", data={"pin": "cause"})
        assert pinned.headers["location"] == f"{PAGE}#event-{n}"
        assert '<b class="tag pin">cause</b>' in (await ada.get(PAGE)).text
        assert "The cause: a full disk" in (await ada.get(f"{API}/summary")).json()["text"]
        line = next(one for one in (await ada.get(API)).json()["timeline"] if one["n"] == n)
        assert line["pin"] == "cause"
        assert (await ada.post(f"{entry}/unpin")).is_redirect
        gone = await ada.delete(f"{API}/events/{n}/pin")
        assert gone.json()["detail"] == f"entry {n} is not pinned"
        assert (await ada.post(f"{API}/events/{n}/pin", json={"pin": "x"})).status_code == 422
        assert (await ada.get(f"{PAGE}/events/9999")).status_code == 404
        none = await ada.post(f"{API}/events/9999/pin", json={"pin": "cause"})
        assert none.status_code == 404
    assert len(of(await site.world.until(lambda _: True, "there"), EntryPinned)) == 1
