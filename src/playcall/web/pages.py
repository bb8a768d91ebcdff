"""The pages for people: the incident live, sign-in. Forms work without JavaScript."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from playcall.core.events import Acknowledged, NoteAdded, Resolved
from playcall.engine.ports import Unavailable
from playcall.web import summary, view
from playcall.web.auth import (
    COOKIE,
    SESSION_SECONDS,
    Commander,
    Doorkeeper,
    Identity,
    Responder,
    Viewer,
    refuse_foreign_form,
)
from playcall.web.desk import act, desk, dossier, surroundings
from playcall.web.forms import Flag, Text, back
from playcall.web.proposals import lately as lately_proposed
from playcall.web.regroup import choices
from playcall.web.similar import lately_alike
from playcall.web.templates import render

router = APIRouter()

TICK = 0.4  # seconds between looks for changes while a page is open
HEARTBEAT = 5.0  # seconds after which the page is drawn anew anyway: its durations move on


@router.get("/incidents/{incident}")
async def incident_page(request: Request, incident: int, who: Viewer) -> HTMLResponse:
    return HTMLResponse(await _draw(request, incident, who, "incident.html"))


@router.get("/incidents/{incident}/live")
async def live(request: Request, incident: int, who: Viewer) -> StreamingResponse:
    """Server-Sent Events: the page's body whenever something on it changed."""
    await dossier(request, incident)
    return StreamingResponse(
        _changes(request, incident, who),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _changes(request: Request, incident: int, who: Identity) -> AsyncIterator[str]:
    seen: object = None
    quiet = 0.0
    while not (desk(request).stopping.is_set() or await request.is_disconnected()):
        try:
            stamp = await desk(request).store.read(lambda views: views.stamp(incident))
            if stamp != seen or quiet >= HEARTBEAT:
                body = await _draw(request, incident, who, "incident_body.html")
                yield "event: page\n" + "".join(f"data: {line}\n" for line in body.splitlines())
                yield "\n"
                seen, quiet = stamp, 0.0
        except Unavailable:
            yield ": the database is not available\n\n"
        await asyncio.sleep(TICK)
        quiet += TICK


async def _draw(request: Request, incident: int, who: Identity, template: str) -> str:
    found = await dossier(request, incident)
    around = await surroundings(request, found)
    shown = view.show(found, around, desk(request).clock.now())
    return render(
        template,
        who=who,
        view=shown,
        similar=await lately_alike(request, found),
        proposals=await lately_proposed(request, found),
        summary=await summary.owed(request, found),
        regroup=await choices(request, found.incident, who),
    )


# --- what a person does --------------------------------------------------------------------------


@router.post("/incidents/{incident}/acknowledge")
async def acknowledge(request: Request, incident: int, who: Responder) -> Response:
    await act(request, incident, Acknowledged(at=desk(request).clock.now(), by=who.id))
    return back(incident)


@router.post("/incidents/{incident}/notes")
async def add_note(
    request: Request,
    incident: int,
    who: Responder,
    text: Annotated[str, Form(min_length=1, max_length=20_000)],
) -> Response:
    await act(request, incident, NoteAdded(at=desk(request).clock.now(), by=who.id, text=text))
    return back(incident)


@router.post("/incidents/{incident}/resolve")
async def resolve(
    request: Request,
    incident: int,
    who: Commander,
    cause: Annotated[str, Form(max_length=20_000)] = "",
    unverified: Flag = False,
) -> Response:
    now = desk(request).clock.now()
    event = Resolved(at=now, by=who.id, cause=cause, unverified=unverified)
    await act(request, incident, event)
    return back(incident)


# --- signing in ----------------------------------------------------------------------------------


@router.get("/sign-in")
async def sign_in_page(request: Request, code: str = "", next: str = "/") -> Response:
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    if code and not doorkeeper.links.peek(code):
        return _sign_in_form(next, "This link was used already, or is too old. Ask for another.")
    return HTMLResponse(render("sign_in.html", who=None, code=code, next=_local(next), error=""))


@router.post("/sign-in")
async def sign_in(
    request: Request,
    token: Text = "",
    code: Text = "",
    next: Text = "/",
) -> Response:
    """With a link's code or an API token. Opening a link alone signs nobody in: mail scanners
    follow links."""
    refuse_foreign_form(request)
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    person = doorkeeper.links.use(code) if code else None
    found = doorkeeper.people.get(person) if person else doorkeeper.by_token(token.strip())
    if found is None:
        return _sign_in_form(next, "That is not known here. Check it, or ask for a new link.")
    response = RedirectResponse(_local(next), 303)
    response.set_cookie(
        COOKIE,
        doorkeeper.session_for(found),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/sign-out")
async def sign_out(request: Request, who: Viewer) -> Response:
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE)
    return response


def _sign_in_form(next_path: str, error: str) -> HTMLResponse:
    page = render("sign_in.html", who=None, code="", next=_local(next_path), error=error)
    return HTMLResponse(page, 401)


def _local(path: str) -> str:
    """Only a path of ours: a link must not lead somebody who signs in to another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def refusal(request: Request, error: HTTPException) -> HTMLResponse:
    """A page, or for the page's own requests a fragment, that says why."""
    page = render(
        "refusal.html", who=None, detail=error.detail, back=request.headers.get("referer", "/")
    )
    return HTMLResponse(page, error.status_code)
