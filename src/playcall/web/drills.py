"""Drills over HTTP and on their pages: what was proven of each play, when, and the reports. None is
begun from here: a drill breaks something on purpose, at the terminal of whoever wants that."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from markupsafe import escape
from pydantic import BaseModel, Field

from playcall.core.drilled import Drilled, Kept, standing
from playcall.paper.markdown import to_html
from playcall.web.auth import Viewer
from playcall.web.desk import desk
from playcall.web.templates import render

router = APIRouter(prefix="/api/v1/drills")
page = APIRouter(prefix="/drills")

SHOWN = 100  # reports that are listed


class DrillView(BaseModel):
    id: str
    drill: str
    alert: str
    document: str
    outcome: str
    why: str
    at: datetime
    factor: float = Field(description="its clock was so many times as fast")
    detected: float | None = Field(description="seconds after the fault")
    paged: float | None
    recovered: float | None


class PlayDrills(BaseModel):
    alert: str
    runs: int
    last: DrillView | None = Field(description="null: never drilled")
    proven_at: datetime | None = Field(description="when a drill passed, the latest time")
    stale: bool = Field(description="drilled, and not passed for 30 days")


class DrillsView(BaseModel):
    plays: list[PlayDrills]
    drills: list[DrillView] = Field(description="the newest first, at most 100")


@router.get("")
async def show(request: Request, _: Viewer) -> DrillsView:
    """What was proven of each play, and the reports that were kept."""
    plays, reports = await _look(request)
    return DrillsView(plays=plays, drills=[_view(one) for one in reports[:SHOWN]])


@router.get("/{drill}")
async def report(request: Request, drill: str, _: Viewer) -> PlainTextResponse:
    """One report, as Markdown."""
    return PlainTextResponse(await _report(request, drill), media_type="text/markdown")


@page.get("")
async def draw(request: Request, who: Viewer) -> HTMLResponse:
    plays, reports = await _look(request)
    never = [play for play in plays if play.last is None]
    stale = [play for play in plays if play.stale]
    text = render(
        "drills.html",
        who=who,
        plays=plays,
        never=never,
        stale=stale,
        drills=[_view(one) for one in reports[:SHOWN]],
    )
    return HTMLResponse(text)


@page.get("/{drill}")
async def draw_report(request: Request, who: Viewer, drill: str) -> HTMLResponse:
    url = desk(request).engine.performer.committer.url
    found = await _report(request, drill)
    drawn = await asyncio.to_thread(to_html, found, url, lambda _picture, alt: escape(alt))
    return HTMLResponse(render("drill.html", who=who, drawn=drawn, drill=drill))


async def _look(request: Request) -> tuple[list[PlayDrills], Sequence[Kept]]:
    here = desk(request)
    reports = await asyncio.to_thread(here.library.drills.kept) if here.library else ()
    plan = await here.store.read(lambda views: views.plan(here.engine.intake.plan))
    return [_play(one) for one in standing(plan, reports, here.clock.now())], reports


async def _report(request: Request, drill: str) -> str:
    served = desk(request).library
    found = await asyncio.to_thread(served.drills.report, drill) if served else None
    if found is None:
        raise HTTPException(404, "there is no such report of a drill")
    return found


def _play(one: Drilled) -> PlayDrills:
    return PlayDrills(
        alert=one.alert,
        runs=one.runs,
        last=_view(one.last) if one.last else None,
        proven_at=one.proven_at,
        stale=one.stale,
    )


def _view(one: Kept) -> DrillView:
    return DrillView(
        id=one.path.name,
        drill=one.drill,
        alert=one.alert,
        document=one.document,
        outcome=one.outcome,
        why=one.why,
        at=one.at,
        factor=one.factor,
        detected=one.detected,
        paged=one.paged,
        recovered=one.recovered,
    )
