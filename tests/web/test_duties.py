"""What is owed after an incident, over HTTP, on the page, on the board and in the metrics."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest

from playcall.core.duty_events import DutyDone, DutyOverdue
from playcall.core.events import Acknowledged, Resolved
from playcall.core.plan import ChecklistItem, Duty
from playcall.testing import NOON, a_plan, an_alert
from tests.engine.world import World
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
