"""The public page: what it shows and never shows, how it is cached, and what it does while the
database is down."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree

import httpx
import pytest
from starlette.applications import Starlette

from playcall.core.events import UpdatePublished
from playcall.core.status_page import Component, Maintenance, Published, public_id
from playcall.core.status_update import PublicImpact, StatusUpdate, UpdateState
from playcall.engine.ports import Store, Transaction, Unavailable, Views
from playcall.engine.scrub import scrub
from playcall.runner.redaction import Redactor
from playcall.testing import NOON, SetClock, an_alert, minutes
from playcall.web import public
from playcall.web.public import PublicSite, public_routes
from playcall.web.public_render import Look
from playcall.web.server import build_standby
from tests.core.test_status_page import an_update
from tests.engine.world import World
from tests.web.site import site_of

T = TypeVar("T")
ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = '<script>alert(1)</script> & "]]>" \u202e\x00\x1b'
LOOK = Look(
    title="Example status", path="/status", url="https://x.example/status", kinds=("webhook",)
)


@dataclass
class Stored:
    """A store that has some updates, or is down, or hangs."""

    updates: list[StatusUpdate] = field(default_factory=list)
    down: bool = False
    hangs: bool = False
    reads: int = 0

    async def read(self, look: Callable[[Views], T]) -> T:
        self.reads += 1
        if self.down:
            raise Unavailable("down")
        if self.hangs:
            await asyncio.Event().wait()
        return look(self)  # type: ignore[arg-type]

    def published(self, since: object) -> Sequence[Published]:
        return [Published(update=one) for one in self.updates]

    async def write(self, work: Callable[[Transaction], T]) -> T:
        raise NotImplementedError

    async def close(self) -> None: ...


def a_site(folder: Path, store: Store | None, **changes: object) -> PublicSite:
    known: dict[str, object] = {
        "look": LOOK,
        "components": (Component(name="Migrations"), Component(name="Console")),
        "maintenances": (),
        "days": 90,
        "store": store,
        "clock": SetClock(NOON + minutes(20)),
        "copy": folder / "status-page.json",
    }
    return PublicSite(**(known | changes))  # type: ignore[arg-type]


def asking(site: PublicSite) -> httpx.AsyncClient:
    web: Starlette = build_standby(public_routes(site))
    return httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://x.example")


@pytest.fixture(autouse=True)
def every_look_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public, "RENDER_EVERY", 0.0)


async def fresh(client: httpx.AsyncClient, path: str = "/status") -> httpx.Response:
    """What is shown once a look of the background has ended."""
    await client.get(path)
    await asyncio.sleep(0.05)
    return await client.get(path)


async def test_an_incident_is_shown_with_its_updates_newest_first(tmp_path: Path) -> None:
    found = an_update(
        2, state=UpdateState.IDENTIFIED, at=NOON + minutes(9), body="A full link.", next_at=None
    )
    async with asking(a_site(tmp_path, Stored([an_update(), found]))) as client:
        page = (await client.get("/status")).text
        permanent = await client.get(f"/status/incidents/{public_id('incident', 1)}")
        assert (await client.get("/status/incidents/nothing")).status_code == 404
    assert page.index("[2026-03-01 12:09] - IDENTIFIED") < page.index(
        "[2026-03-01 12:00] - INVESTIGATING"
    )
    assert "Degraded performance" in page
    assert "Operational" in page
    assert "A full link." in permanent.text


async def test_the_next_update_is_promised(tmp_path: Path) -> None:
    async with asking(a_site(tmp_path, Stored([an_update()]))) as client:
        assert "Next update by 12:15" in (await client.get("/status")).text


async def test_hostile_text_is_escaped_in_every_form(tmp_path: Path) -> None:
    update = an_update(title=f"t {HOSTILE}", body=f"b {HOSTILE}")
    async with asking(a_site(tmp_path, Stored([update]))) as client:
        for path in ("", "/history", f"/incidents/{public_id('incident', 1)}"):
            page = await client.get(f"/status{path}")
            assert "<script" not in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
        feed = ElementTree.fromstring((await client.get("/status/history.atom")).content)
        told = (await client.get("/status/api/v2/summary.json")).json()
    assert "<script" not in feed.findtext(f"{ATOM}entry/{ATOM}content", "")
    assert told["incidents"][0]["name"] == f"t {HOSTILE}"


async def test_nothing_but_published_words_is_public(tmp_path: Path) -> None:
    async with site_of(World(folder=tmp_path)) as site:
        await site.world.receive(an_alert("SecretAlert", instance="db-7.internal"))
        await site.world.until(lambda one: bool(one.events), "incident")
        event = UpdatePublished(at=NOON, by="ada", update=an_update(components=()))
        await site.world.submit(event)
        own = a_site(
            tmp_path,
            site.world.store,
            components=(Component(name="Migrations", alerts=("Secret*",)),),
        )
        async with asking(own) as client:
            paths = ("", "/history", "/history.atom", "/api/v2/summary.json", "/subscribe")
            everything = [(await client.get(f"/status{path}")).text for path in paths]
    assert "Degraded performance" in everything[0]  # the alert chose the component
    for text in everything:
        for word in ("Secret", "db-7", "ada<", ">ada", '"ada"'):
            assert word not in text
    assert "Secret" not in own.copy.read_text()


def test_a_secret_in_an_update_is_never_public(tmp_path: Path) -> None:
    hide = Redactor(["hunter22"]).hide
    event = UpdatePublished(at=NOON, by="ada", update=an_update(body="The key is hunter22."))
    clean = scrub(event, hide)
    assert isinstance(clean, UpdatePublished)
    assert "hunter22" not in f"{clean}"


async def test_the_same_page_is_answered_with_304(tmp_path: Path) -> None:
    store = Stored([an_update()])
    async with asking(a_site(tmp_path, store)) as client:
        first = await fresh(client)
        assert first.headers["cache-control"] == "public, max-age=15"
        tag = {"if-none-match": first.headers["etag"]}
        again = await client.get("/status", headers=tag)
        assert (again.status_code, again.content) == (304, b"")
        store.updates.append(an_update(2, at=NOON + minutes(1), body="More."))
        await fresh(client)
        assert (await client.get("/status", headers=tag)).status_code == 200


async def test_a_thousand_readers_are_one_look_at_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public, "RENDER_EVERY", 60.0)
    store = Stored([an_update()])
    async with asking(a_site(tmp_path, store)) as client:
        answers = await asyncio.gather(*(client.get("/status") for _ in range(1000)))
    assert {one.status_code for one in answers} == {200}
    assert store.reads == 1


@pytest.mark.parametrize("how", ["down", "hangs"])
async def test_without_a_database_the_last_state_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(public, "PATIENCE", 0.01)
    store = Stored([an_update()])
    async with asking(a_site(tmp_path, store)) as client:
        good = await fresh(client)
        assert "as-of" not in good.text
        setattr(store, how, True)
        last = await fresh(client)
        assert (last.status_code, "As of" in last.text) == (200, True)
        assert "Moves are slow" in last.text
        if how == "down":  # and when it is back
            store.down = False
            assert "as-of" not in (await fresh(client)).text


async def test_a_restart_without_a_database_serves_the_copy(tmp_path: Path) -> None:
    async with asking(a_site(tmp_path, Stored([an_update()]))) as client:
        await client.get("/status")
    async with asking(a_site(tmp_path, None)) as client:
        page = await client.get("/status")
        assert (page.status_code, "Moves are slow" in page.text) == (200, True)
        assert '<time datetime="2026-03-01T12:20:00+00:00">12:20</time>' in page.text
        other = await client.post("/api/v1/alerts/alertmanager", json={})
    assert other.status_code == 503


@pytest.mark.parametrize("copy", [None, b"", b"{", b"[1]"])
async def test_without_a_database_or_a_good_copy_it_says_so(
    tmp_path: Path, copy: bytes | None
) -> None:
    site = a_site(tmp_path, Stored(down=True))
    if copy is not None:
        site.copy.write_bytes(copy)
    async with asking(site) as client:
        page = await client.get("/status")
    assert (page.status_code, "not known" in page.text) == (503, True)


async def test_the_feed_is_atom(tmp_path: Path) -> None:
    over = an_update(2, state=UpdateState.RESOLVED, at=NOON + minutes(9), next_at=None)
    async with asking(a_site(tmp_path, Stored([an_update(), over]))) as client:
        answer = await client.get("/status/history.atom")
    assert answer.headers["content-type"] == "application/atom+xml"
    feed = ElementTree.fromstring(answer.content)
    for required in ("id", "title", "updated", "author"):
        assert len(feed.findall(f"{ATOM}{required}")) == 1, required
    [entry] = feed.findall(f"{ATOM}entry")
    for required in ("id", "title", "updated", "content"):
        assert entry.findtext(f"{ATOM}{required}"), required
    assert entry.findtext(f"{ATOM}updated") == "2026-03-01T12:09:00Z"


# As Statuspage publishes them.
PAGE = {"id", "name", "url", "time_zone", "updated_at"}
COMPONENT = {
    *("id", "name", "status", "created_at", "updated_at", "position", "description", "showcase"),
    *("start_date", "group_id", "page_id", "group", "only_show_if_degraded"),
}
INCIDENT = {
    *("id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at"),
    *("impact", "shortlink", "started_at", "page_id", "incident_updates", "components"),
}
UPDATE = {
    *("id", "status", "body", "incident_id", "created_at", "updated_at", "display_at"),
    *("affected_components", "deliver_notifications", "custom_tweet", "tweet_id"),
}


async def test_the_json_has_the_shape_of_statuspage(tmp_path: Path) -> None:
    window = Maintenance(title="Disks", starts=NOON + minutes(60), ends=NOON + minutes(90))
    updates = [an_update(impact=PublicImpact.MAJOR)]
    site = a_site(tmp_path, Stored(updates), maintenances=(window,))
    async with asking(site) as client:

        async def ask(path: str) -> dict[str, Any]:
            answer = await client.get(f"/status/api/v2/{path}")
            assert answer.headers["access-control-allow-origin"] == "*"
            found: dict[str, Any] = answer.json()
            assert set(found["page"]) == PAGE
            return found

        summary = await ask("summary.json")
        keys = {"page", "components", "incidents", "scheduled_maintenances", "status"}
        assert set(summary) == keys
        status = {"indicator": "major", "description": "Partial System Outage"}
        assert (await ask("status.json"))["status"] == summary["status"] == status
        assert (await ask("components.json"))["components"] == summary["components"]
        assert set(summary["components"][0]) == COMPONENT
        assert summary["components"][0]["status"] == "partial_outage"
        for path in ("incidents.json", "incidents/unresolved.json"):
            assert (await ask(path))["incidents"] == summary["incidents"]
        [incident] = summary["incidents"]
        assert set(incident) == INCIDENT
        [update] = incident["incident_updates"]
        assert set(update) == UPDATE
        assert update["affected_components"] == [
            {
                "code": summary["components"][0]["id"],
                "name": "Migrations",
                "old_status": "operational",
                "new_status": "partial_outage",
            }
        ]
        planned = (await ask("scheduled-maintenances.json"))["scheduled_maintenances"]
        assert set(planned[0]) == INCIDENT | {"scheduled_for", "scheduled_until"}
        assert (planned[0]["status"], planned[0]["impact"]) == ("scheduled", "maintenance")
        assert (await client.get("/status/api/v2/nothing.json")).status_code == 404


async def test_the_look_of_the_page_says_who_to_ask(tmp_path: Path) -> None:
    look = replace(LOOK, contact="javascript:alert(1)", kinds=())
    async with asking(a_site(tmp_path, Stored(), look=look)) as client:
        page = (await client.get("/status")).text
        assert (await client.get("/status/subscribe")).status_code == 404
    assert 'href="javascript' not in page
    assert "All systems operational" in page
