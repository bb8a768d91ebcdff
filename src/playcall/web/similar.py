"""Past incidents that are like one, with what fixed them."""

from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from playcall.core.insights import Record
from playcall.core.similar import Similar, rank, words_of
from playcall.engine.ports import Dossier, Views
from playcall.web.auth import Viewer
from playcall.web.desk import desk, dossier

router = APIRouter(prefix="/api/v1")

CANDIDATES = 50
KEPT, KEPT_FOR = 1000, timedelta(minutes=1)


class SimilarView(BaseModel):
    incident: int
    title: str
    fired_at: datetime
    score: float = Field(description="how much they share, up to 1")
    shares: list[str]
    fixed_by: list[str] = Field(description="the changes that succeeded")
    cause: str = Field(description="as people put it; empty: nobody did")


@router.get("/incidents/{incident}/similar")
async def show(request: Request, incident: int, _: Viewer) -> list[SimilarView]:
    """Past incidents by what they share: alert, labels, what failed, words; the most like first."""
    found = await dossier(request, incident)
    return [
        SimilarView(
            incident=one.incident,
            title=one.title,
            fired_at=one.at,
            score=one.score,
            shares=list(one.shares),
            fixed_by=list(one.fixed_by),
            cause=one.cause,
        )
        for one in await alike(request, found)
    ]


async def lately_alike(request: Request, found: Dossier) -> tuple[Similar, ...]:
    """For a page that is drawn over and over: as of a minute ago."""
    known, now = desk(request).alike, desk(request).clock.now()
    at, similar = known.get(found.incident.id, (None, ()))
    if at is None or not at <= now < at + KEPT_FOR:
        similar = await alike(request, found)
        if len(known) >= KEPT:
            known.clear()
        known[found.incident.id] = (now, similar)
    return similar


async def alike(request: Request, found: Dossier) -> tuple[Similar, ...]:
    events = [stored.event for stored in found.events]
    now = Record(incident=found.incident, plan=found.plan, events=events)

    def look(views: Views) -> tuple[Similar, ...]:
        return rank(now, views.alike(found.incident.id, words_of(now), CANDIDATES))

    return await desk(request).store.read(look)
