"""Timelines over HTTP as they grow: what is new after what a reader has, waited for if need be."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, Field

from playcall.engine.ports import Dossier, Views
from playcall.web.api_views import EntryView, timeline
from playcall.web.auth import Viewer
from playcall.web.desk import desk, dossier

router = APIRouter(prefix="/api/v1")

TICK = 0.4  # seconds between looks
LONGEST = 30.0  # seconds that an answer may be waited for

Cursors = dict[int, int]  # the last event a reader has, by incident


class News(BaseModel):
    """What is new of one incident."""

    incident: int
    title: str
    severity: str
    status: str
    over: bool = Field(description="resolved or closed")
    last: int = Field(description="the event to ask `after` next time")
    entries: list[EntryView]


@router.get("/timeline")
async def follow(
    request: Request,
    _: Viewer,
    incident: int | None = None,
    after: Annotated[list[str] | None, Query(max_length=1000)] = None,
    wait: Annotated[float, Query(ge=0, le=LONGEST)] = 0,
) -> list[News]:
    """New entries of one incident, or of all open ones and those in `after`: "3:17" for each, with
    the last event you have. Waits up to `wait` seconds until there is something."""
    if incident is not None:
        await dossier(request, incident)  # 404 where there is none
    had = _cursors(after or [])
    seen: object = None
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    while True:
        stamps = await desk(request).store.read(lambda views: _stamps(views, incident, had))
        if stamps != seen:
            found = await desk(request).store.read(
                lambda views: [views.dossier(one) for one in stamps]
            )
            news = [_news(one, had) for one in found if one and _is_new(one, had)]
            seen = stamps
            if news:
                return news
        ended = desk(request).stopping.is_set() or await request.is_disconnected()
        if ended or loop.time() >= until:
            return []
        await asyncio.sleep(TICK)


def _cursors(after: list[str]) -> Cursors:
    try:
        pairs = [one.split(":") for one in after]
        return {int(incident): int(n) for incident, n in pairs}
    except ValueError:
        raise HTTPException(422, 'after: write "INCIDENT:EVENT", as "3:17"') from None


def _stamps(views: Views, incident: int | None, had: Cursors) -> dict[int, tuple[int, int, int]]:
    if incident is not None:
        return {incident: views.stamp(incident)}
    live = (one.id for one in views.incidents(live_only=True))
    return {one: views.stamp(one) for one in sorted({*live, *had})}


def _is_new(found: Dossier, had: Cursors) -> bool:
    return len(found.events) > had.get(found.incident.id, 0)


def _news(found: Dossier, had: Cursors) -> News:
    incident = found.incident
    after = had.get(incident.id, 0)
    return News(
        incident=incident.id,
        title=incident.title,
        severity=incident.severity,
        status=incident.status,
        over=incident.status.over,
        last=found.events[-1].n,
        entries=[one for one in timeline(found) if one.n > after],
    )
