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
    watched = _Watched(incident, had)
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    while True:
        news = await desk(request).store.read(watched.look)
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


class _Watched:
    """What one reader waits for. Only what changed since the last look is read."""

    def __init__(self, incident: int | None, had: Cursors) -> None:
        self._incident = incident
        self._had = had
        self._stamps: dict[int, object] = {}

    def look(self, views: Views) -> list[News]:
        news = []
        for one in self._numbers(views):
            stamp = views.stamp(one)
            if stamp == self._stamps.get(one):
                continue
            self._stamps[one] = stamp
            found, after = views.dossier(one), self._had.get(one, 0)
            if found and len(found.events) > after:
                news.append(_news(found, after))
        return news

    def _numbers(self, views: Views) -> list[int]:
        if self._incident is not None:
            return [self._incident]
        live = (one.id for one in views.incidents(live_only=True))
        return sorted({*live, *self._had})


def _news(found: Dossier, after: int) -> News:
    incident = found.incident
    return News(
        incident=incident.id,
        title=incident.title,
        severity=incident.severity,
        status=incident.status,
        over=incident.status.over,
        last=found.events[-1].n,
        entries=[one for one in timeline(found) if one.n > after],
    )
