"""The pages for people: the incident live, sign-in. Forms work without JavaScript."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from playcall.core.events import Acknowledged, Resolved
from playcall.web import live
from playcall.web.auth import (
    COOKIE,
    SESSION_SECONDS,
    Commander,
    Doorkeeper,
    Responder,
    Viewer,
    refuse_foreign_form,
)
from playcall.web.desk import act, desk
from playcall.web.forms import Flag, Text, back
from playcall.web.templates import render
from playcall.web.timeline_view import Part, Show

router = APIRouter()


@router.get("/incidents/{incident}")
async def incident_page(
    request: Request, incident: int, who: Viewer, show: Show = Show.ALL, before: int = 0
) -> HTMLResponse:
    return HTMLResponse(await live.page(request, incident, who, Part(show=show, before=before)))


# --- what a person does --------------------------------------------------------------------------


@router.post("/incidents/{incident}/acknowledge")
async def acknowledge(request: Request, incident: int, who: Responder) -> Response:
    await act(request, incident, Acknowledged(at=desk(request).clock.now(), by=who.id))
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
