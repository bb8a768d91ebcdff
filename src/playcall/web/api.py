"""The HTTP API for programs and the CLI, version 1. Its description is at /api/v1/openapi.json."""

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from playcall.core.events import Acknowledged, NoteAdded, Resolved
from playcall.web.api_views import Detail, Done, ReadinessView, Summary, detail, summary
from playcall.web.auth import Commander, Responder, Viewer
from playcall.web.desk import act, desk, dossier, surroundings
from playcall.web.post_mortem import latest

router = APIRouter(prefix="/api/v1")


class Note(BaseModel):
    text: str = Field(min_length=1, max_length=20_000)


class Resolution(BaseModel):
    cause: str = Field("", max_length=20_000, description="the root cause, in your words")
    unverified: bool = Field(False, description="although the criteria do not prove it")


@router.get("/incidents")
async def list_incidents(request: Request, _: Viewer, live: bool = False) -> list[Summary]:
    """Newest first; `live` leaves out what is resolved or closed."""
    found = await desk(request).store.read(lambda views: views.incidents(live_only=live))
    return [Summary(**summary(incident)) for incident in found]


@router.get("/readiness")
async def readiness(request: Request, _: Viewer) -> list[ReadinessView]:
    """GO, CAUTION or NO-GO: how it stands, and how it stood before; empty when the document
    measures no such thing, or nothing was measured yet."""
    found = await desk(request).store.read(lambda views: views.readiness(limit=100))
    return [ReadinessView(state=one.state, since=one.since, value=one.value) for one in found]


@router.get("/incidents/{incident}")
async def show_incident(request: Request, incident: int, _: Viewer) -> Detail:
    found = await dossier(request, incident)
    return detail(found, await surroundings(request, found), desk(request).clock.now())


@router.post("/incidents/{incident}/acknowledge")
async def acknowledge(request: Request, incident: int, who: Responder) -> Done:
    await act(request, incident, Acknowledged(at=desk(request).clock.now(), by=who.id))
    return Done(status="acknowledged")


@router.post("/incidents/{incident}/notes")
async def add_note(request: Request, incident: int, body: Note, who: Responder) -> Done:
    await act(request, incident, NoteAdded(at=desk(request).clock.now(), by=who.id, text=body.text))
    return Done(status="noted")


@router.post("/incidents/{incident}/resolve")
async def resolve(request: Request, incident: int, body: Resolution, who: Commander) -> Done:
    """Call it over. Refused while the criteria do not prove it, unless `unverified`."""
    now = desk(request).clock.now()
    event = Resolved(at=now, by=who.id, cause=body.cause, unverified=body.unverified)
    await act(request, incident, event)
    return Done(status="resolved")


@router.get("/incidents/{incident}/report", response_class=PlainTextResponse)
async def report(request: Request, incident: int, _: Viewer) -> PlainTextResponse:
    """The post-mortem as Markdown: as it was saved, or from the events so far."""
    _found, paper, _fresh = await latest(request, incident)
    return PlainTextResponse(paper.text, media_type="text/markdown; charset=utf-8")


@router.get("/incidents/{incident}/events")
async def events(request: Request, incident: int, _: Viewer) -> list[dict[str, Any]]:
    """The event log as it was committed."""
    found = await dossier(request, incident)
    return [
        {"n": stored.n, "kind": type(stored.event).__name__, **msgspec.to_builtins(stored.event)}
        for stored in found.events
    ]


@router.get("/runs/{run:path}/output")
async def run_output(request: Request, run: str, _: Viewer) -> Response:
    """What a command printed, as kept."""
    found = await desk(request).store.read(lambda views: views.run(run))
    if found is None:
        return PlainTextResponse(f"there is no run {run}", 404)
    return Response(found.output, media_type="text/plain; charset=utf-8")
