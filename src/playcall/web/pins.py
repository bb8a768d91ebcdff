"""One entry of the timeline, on a page of its own, and its pin for the post-mortem."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from playcall.core import timeline
from playcall.core.pin_events import EntryPinned, EntryUnpinned, Pin
from playcall.engine.ports import Dossier
from playcall.web.api_views import Done
from playcall.web.auth import Identity, Responder, Viewer
from playcall.web.desk import act, desk, dossier
from playcall.web.templates import render

router = APIRouter(prefix="/api/v1/incidents/{incident}/events/{n}/pin")
forms = APIRouter(prefix="/incidents/{incident}/events/{n}")

WORDS = {
    Pin.CAUSE: "This is the cause",
    Pin.MITIGATION: "This is the mitigation",
    Pin.INVESTIGATION: "Here the investigation began",
    Pin.QUESTION: "A question still open",
    Pin.IMPORTANT: "Important",
}


class Pinning(BaseModel):
    pin: Pin


@router.post("")
async def pin(request: Request, incident: int, n: int, body: Pinning, who: Responder) -> Done:
    """Say what an entry of the timeline is for the post-mortem."""
    await _pin(request, incident, n, who, body.pin)
    return Done(status=f"entry {n} is pinned as {body.pin}")


@router.delete("")
async def unpin(request: Request, incident: int, n: int, who: Responder) -> Done:
    await _unpin(request, incident, n, who)
    return Done(status=f"entry {n} is not pinned any more")


@forms.get("")
async def entry_page(request: Request, incident: int, n: int, who: Viewer) -> HTMLResponse:
    found = await dossier(request, incident)
    page = render(
        "entry.html",
        who=who,
        incident=found.incident,
        entry=_entry(found, n),
        n=n,
        pin=found.incident.pins.get(n),
        words=WORDS,
    )
    return HTMLResponse(page)


@forms.post("/pin")
async def pin_here(
    request: Request, incident: int, n: int, who: Responder, pin: Annotated[Pin, Form()]
) -> Response:
    await _pin(request, incident, n, who, pin)
    return _back(incident, n)


@forms.post("/unpin")
async def unpin_here(request: Request, incident: int, n: int, who: Responder) -> Response:
    await _unpin(request, incident, n, who)
    return _back(incident, n)


def _back(incident: int, n: int) -> Response:
    return RedirectResponse(f"/incidents/{incident}#event-{n}", 303)


async def _pin(request: Request, incident: int, n: int, who: Identity, pin: Pin) -> None:
    _entry(await dossier(request, incident), n)
    await act(request, incident, EntryPinned(at=desk(request).clock.now(), by=who.id, n=n, pin=pin))


async def _unpin(request: Request, incident: int, n: int, who: Identity) -> None:
    await act(request, incident, EntryUnpinned(at=desk(request).clock.now(), by=who.id, n=n))


def _entry(found: Dossier, n: int) -> timeline.Entry:
    """Raises 404."""
    incident, plan = found.incident, found.plan
    play = plan.play(incident.play) if incident.play else None
    event = next((stored.event for stored in found.events if stored.n == n), None)
    entry = timeline.entry(event, plan, play) if event else None
    if entry is None:
        raise HTTPException(404, f"incident {incident.id} has no entry {n} in its timeline")
    return entry
