"""Keeps open incident pages up to date, by Server-Sent Events: the parts that changed, and the
whole page only where that does not do.

An event's id says what its reader has then: when the page was drawn, and a digest of it. Drawn once
more as of that moment, a page that gives the same digest is what the reader still has, and is not
sent again to whoever loads a page, or comes back after a restart.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from markupsafe import Markup

from playcall.engine.ports import Dossier, Unavailable
from playcall.web import now_chart, parts, summary, view
from playcall.web.auth import Identity, Viewer
from playcall.web.desk import desk, dossier, surroundings
from playcall.web.drawn import TICK
from playcall.web.next_act import next_act
from playcall.web.parts import Parts
from playcall.web.proposals import lately as lately_proposed
from playcall.web.regroup import choices
from playcall.web.similar import lately_alike
from playcall.web.templates import render
from playcall.web.timeline_view import Part, Show

router = APIRouter(prefix="/incidents/{incident}")

HEARTBEAT = 5.0  # seconds after which the page is drawn anew anyway: its durations move on
_LINE_ENDS = re.compile(r"\r\n|\r|\n")  # those of a stream: what a person sent may hold each
LONGEST = 900.0  # seconds of one stream; the browser comes back, and proves again who it is


@router.get("/live")
async def live(
    request: Request,
    incident: int,
    who: Viewer,
    show: Show = Show.ALL,
    before: int = 0,
    seen: str = "",
) -> StreamingResponse:
    """What changes on the page, as it changes."""
    await dossier(request, incident)
    seen = request.headers.get("last-event-id", seen)
    return StreamingResponse(
        _changes(request, incident, who, Part(show=show, before=before), seen),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def page(request: Request, incident: int, who: Identity, part: Part) -> str:
    at = desk(request).clock.now()
    found = await dossier(request, incident)
    drawn = await _draw(request, found, who, part, at)
    return render(
        "incident.html",
        who=who,
        at=at,
        incident=found.incident,
        body=Markup(drawn),
        part=part,
        seen=mark(parts.split(drawn), at),
    )


async def _draw(request: Request, found: Dossier, who: Identity, part: Part, at: datetime) -> str:
    """The page's body, as of a moment."""
    around = await surroundings(request, found)
    shown = view.show(found, around, at, part)
    return render(
        "incident_body.html",
        who=who,
        shows=Show,
        view=shown,
        next_act=next_act(shown, who),
        chart=now_chart.frame(found, shown, at),
        similar=await lately_alike(request, found),
        proposals=await lately_proposed(request, found),
        summary=await summary.owed(request, found),
        regroup=await choices(request, found.incident, who),
    )


def mark(drawn: Parts, at: datetime) -> str:
    """What the reader of a page has."""
    return f"{drawn.digest}@{at.isoformat()}"


async def _changes(
    request: Request, incident: int, who: Identity, part: Part, seen: str
) -> AsyncIterator[str]:
    known = await _known(request, incident, who, part, seen)
    stamp: object = None
    quiet = lasted = 0.0
    while not (desk(request).stopping.is_set() or await request.is_disconnected()):
        try:
            fresh = await desk(request).store.read(lambda views: views.stamp(incident))
            if fresh != stamp or quiet >= HEARTBEAT:
                at = desk(request).clock.now()
                found = await dossier(request, incident)
                html = await _draw(request, found, who, part, at)
                drawn = parts.split(html)
                if event := _event(known, drawn, html, at):
                    yield event
                known, stamp, quiet = drawn, fresh, 0.0
        except Unavailable:
            yield ": the database is not available\n\n"
        if lasted >= LONGEST:
            return
        await asyncio.sleep(TICK)
        quiet, lasted = quiet + TICK, lasted + TICK


async def _known(
    request: Request, incident: int, who: Identity, part: Part, seen: str
) -> Parts | None:
    """What the reader has; None: nobody knows."""
    digest, _, said = seen.partition("@")
    try:
        at = datetime.fromisoformat(said)
        found = await dossier(request, incident)
        drawn = parts.split(await _draw(request, found, who, part, at))
    except (ValueError, TypeError, OverflowError, Unavailable):
        return None
    return drawn if drawn.digest == digest else None


def _event(known: Parts | None, drawn: Parts, html: str, at: datetime) -> str:
    """Empty when nothing changed."""
    changed = parts.changes(known, drawn) if known else None
    if changed == "[]":
        return ""
    name, data = ("page", html) if changed is None else ("parts", changed)
    lines = "".join(f"data: {line}\n" for line in _LINE_ENDS.split(data))
    return f"event: {name}\nid: {mark(drawn, at)}\n{lines}\n"
