"""What is owed after an incident, over HTTP, on the page, on the board and in the metrics."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import icalendar
import pytest

from playcall.core.action_events import (
    ActionAdded,
    ActionDone,
    ActionOverdue,
    TicketFailed,
    TicketOpened,
)
from playcall.core.duty_events import DutyDone, DutyOverdue
from playcall.core.events import Acknowledged, Resolved
from playcall.core.plan import ChecklistItem, Duty
from playcall.engine.ticketing import TicketWatch
from playcall.testing import NOON, a_plan, an_alert
from tests.engine.world import World
from tests.ports.test_tickets import served as tracker_served
from tests.ports.test_tickets import tickets as tickets_of
from tests.web.site import INTAKE, Site, site_of

API = "/api/v1/incidents/1"
EVIL = "<script>alert(1)</script>"


def a_duty(title: str, hours: int, *items: str) -> Duty:
    return Duty(
        title=title,
        within=timedelta(hours=hours),
        items=tuple(ChecklistItem(text=text, line=1) for text in items),
        template=None,
        line=1,
    )


DUTIES = (
    a_duty("Close", 1, "Silence the alert", "Note what is open"),
    a_duty("Post-Mortem Meeting", 168, "Blameless review"),
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """With one incident, acknowledged, resolved and silenced."""
    plan = replace(a_plan(), duties=DUTIES)
    async with site_of(World(folder=tmp_path, plan=plan)) as site:
        await site.world.receive(an_alert())
        await site.world.until(lambda found: True, "there")
        await site.world.submit(Acknowledged(at=NOON, by="ada"))
        await site.world.submit(Resolved(at=NOON, by="ada", cause="", unverified=True))
        await site.world.until_event(DutyDone)
        yield site


async def test_a_duty_is_proven_done_and_waived_over_http(site: Site) -> None:
    async with site.asking("ada") as ada, site.asking("vic") as vic:
        owed = (await vic.get(f"{API}/duties")).json()
        close, _meet = owed["duties"]
        assert (close["owner"], close["state"]) == ("ada", "open")
        assert [(one["state"], one["proven"]) for one in close["items"]] == [
            ("done", True),
            ("open", False),
        ]
        assert (await vic.post(f"{API}/duties/1.2/done", json={})).status_code == 403
        assert (await ada.post(f"{API}/duties/1.2/done", json={"note": EVIL})).status_code == 200
        assert (await ada.post(f"{API}/duties/1/done", json={})).status_code == 409
        assert (await ada.post(f"{API}/duties/2/waive", json={"reason": ""})).status_code == 422
        waived = await ada.post(f"{API}/duties/2/waive", json={"reason": "a drill"})
        assert waived.json() == {"status": "duty 2 is waived"}
        states = [one["state"] for one in (await ada.get(f"{API}/duties")).json()["duties"]]
        assert states == ["done", "waived"]
        page = (await ada.get("/incidents/1")).text
        assert EVIL not in page


async def test_what_is_overdue_is_in_plain_sight(site: Site) -> None:
    site.world.clock.move(timedelta(hours=1))
    await site.world.until_event(DutyOverdue)
    async with site.asking("ada") as ada, site.asking(token=INTAKE) as prometheus:
        assert (await ada.get("/api/v1/duties")).json() == [
            {"incident": 1, "title": "LatencyHigh: requests are slow", "overdue": 1}
        ]
        assert "Overdue after an incident" in (await ada.get("/")).text
        text = (await prometheus.get("/metrics")).text
        assert "playcall_duties_overdue 1" in text
        assert 'playcall_duties_total{result="overdue"} 1' in text
        await ada.post(f"{API}/duties/1/done", json={})
        assert (await ada.get("/api/v1/duties")).json() == []
        assert "playcall_duties_overdue 0" in (await prometheus.get("/metrics")).text
    sent = site.world.mail.sent
    told = "overdue since 13:00 UTC"
    await site.world.until(lambda _: any(told in one.body for _, one, _ in sent), "message sent")


async def test_action_items_and_duties_on_the_page_without_javascript(site: Site) -> None:
    async with site.with_session("ada") as ada:
        form = {"text": f"rotate {EVIL}", "owner": "bob", "priority": "high", "due": "2026-02-01"}
        assert (await ada.post("/incidents/1/actions", data=form)).status_code == 303
        bad = await ada.post("/incidents/1/actions", data={**form, "due": "soon"})
        assert bad.status_code == 422
        page = (await ada.get("/incidents/1")).text
        assert "overdue since 2026-02-01" in page
        assert EVIL not in page
        await ada.post("/incidents/1/actions/done", data={"number": "1"})
        await ada.post("/incidents/1/duties/done", data={"key": "1"})
        await ada.post("/incidents/1/duties/waive", data={"key": "2", "reason": "a drill"})
        owed = (await ada.get(f"{API}/duties")).json()
    assert owed["actions"][0]["done_by"] == "ada"
    assert [one["state"] for one in owed["duties"]] == ["done", "waived"]


async def test_the_meeting_comes_as_an_invitation(site: Site) -> None:
    async with site.asking("ada") as ada:
        await ada.post(f"{API}/actions", json={"text": "rotate, logs; now"})
        answer = await ada.get(f"{API}/meeting.ics")
        assert (await ada.get("/api/v1/incidents/7/meeting.ics")).status_code == 404
    calendar = icalendar.Calendar.from_ical(answer.content)
    event: Any
    (event,) = calendar.walk("VEVENT")
    assert calendar["method"] == "REQUEST"
    assert event["organizer"] == "mailto:ada@example.org"
    assert event["dtstart"].dt.isoformat() == "2026-03-03T10:00:00+00:00"
    assert "- Action item: rotate, logs; now" in event["description"]
    assert event["url"].endswith("/incidents/1/post-mortem")


async def test_an_action_item_is_a_ticket_and_ends_when_that_is_closed(tmp_path: Path) -> None:
    with tracker_served("github") as tracker:
        async with httpx.AsyncClient() as client:
            tickets = tickets_of("github", tracker, client)
            world = World(folder=tmp_path, plan=replace(a_plan(), duties=DUTIES), tickets=tickets)
            async with site_of(world) as site:
                await world.receive(an_alert())
                await world.until(lambda found: True, "there")
                await world.submit(Resolved(at=NOON, by="ada", cause="", unverified=True))
                async with site.with_session("ada") as ada:
                    tracker.refuse = (410, {}, b"Issues are disabled")
                    form = {"text": "rotate", "owner": "zoe", "ticket": "true"}
                    await ada.post("/incidents/1/actions", data=form)
                    await world.until_event(TicketFailed)
                    page = (await ada.get("/incidents/1")).text
                    assert "Issues are disabled" in page
                    assert "zoe is no longer in the settings: give it to somebody." in page
                    tracker.refuse = None
                    await ada.post("/incidents/1/actions/ticket", data={"number": "1"})
                    await world.until_event(TicketOpened)
                    page = (await ada.get("/incidents/1")).text
                    assert 'href="https://github.example/o/r/issues/1"' in page
                tracker.issues[0] |= {"state": "closed", "closed_by": {"login": "octo"}}
                performer = world.engine.performer
                watch = TicketWatch(performer=performer, tickets=tickets, every=tickets.every)
                assert await watch.look() == 1
                assert await watch.look() == 0, "not before its time"
                (done,) = await world.until_event(ActionDone)
    assert isinstance(done, ActionDone)
    assert (done.by, done.note) == ("GitHub", "#1 was closed there by octo")
    assert len(tracker.issues) == 1


async def test_an_item_is_changed_dropped_and_a_duty_given_over_http(site: Site) -> None:
    async with site.asking("ada") as ada:
        await ada.post(f"{API}/actions", json={"text": "rotate", "priority": "low"})
        assert (
            await ada.post(f"{API}/actions", json={"text": "x", "ticket": True})
        ).status_code == 409
        assert (await ada.post(f"{API}/actions/9", json={"owner": "bob"})).status_code == 409
        assert (await ada.post(f"{API}/actions/1", json={"owner": "bob"})).status_code == 200
        assert (await ada.post(f"{API}/duties/1/owner", json={"owner": "zoe"})).status_code == 422
        assert (await ada.post(f"{API}/duties/1/owner", json={"owner": "bob"})).status_code == 200
        owed = (await ada.get(f"{API}/duties")).json()
        (item,) = owed["actions"]
        assert (item["owner"], item["priority"], item["state"]) == ("bob", "low", "open")
        assert (owed["duties"][0]["owner"], owed["duties"][0]["gone"]) == ("bob", False)
        site.world.clock.move(timedelta(days=7))
        await site.world.until_event(ActionAdded)
        assert (await ada.post(f"{API}/actions/1/drop", json={"reason": "moot"})).status_code == 200
        (item,) = (await ada.get(f"{API}/duties")).json()["actions"]
        assert (item["state"], item["dropped"]) == ("dropped", "ada: moot")


async def test_an_overdue_item_is_counted_and_in_plain_sight(site: Site) -> None:
    async with site.asking("ada") as ada, site.asking(token=INTAKE) as prometheus:
        await ada.post(f"{API}/actions", json={"text": "rotate", "due": "2026-03-01"})
        await ada.post(f"{API}/duties/1/done", json={})
        site.world.clock.move(timedelta(hours=12))
        await site.world.until_event(ActionOverdue)
        assert [one["overdue"] for one in (await ada.get("/api/v1/duties")).json()] == [1]
        text = (await prometheus.get("/metrics")).text
        assert "playcall_actions_overdue 1" in text
        assert "playcall_duties_overdue 0" in text
        assert "1 overdue" in (await ada.get("/")).text
