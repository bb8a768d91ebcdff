"""The incident page's forms about approvals, and the page of a single-use link."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from playcall.web import approving
from playcall.web.approval_links import Ticket, read
from playcall.web.auth import Responder
from playcall.web.forms import Flag, Reason, Text, back
from playcall.web.templates import render

router = APIRouter(prefix="/incidents/{incident}")
links = APIRouter()


@router.post("/approve")
async def approve(
    request: Request,
    incident: int,
    who: Responder,
    command: Text,
    digest: Text = "",
    again: Flag = False,
    emergency: Flag = False,
    reason: Reason = "",
) -> Response:
    await approving.approve(
        request,
        incident,
        who,
        command,
        digest=digest,
        again=again,
        emergency=emergency,
        reason=reason,
    )
    return back(incident)


@router.post("/decline")
async def decline(
    request: Request, incident: int, who: Responder, command: Text, reason: Reason = ""
) -> Response:
    await approving.decline(request, incident, who, command, reason)
    return back(incident)


@router.post("/ask")
async def ask(
    request: Request,
    incident: int,
    who: Responder,
    command: Text,
    digest: Text = "",
    again: Flag = False,
) -> Response:
    await approving.ask(request, incident, who, command, digest, again)
    return back(incident)


@router.post("/edit")
async def edit(
    request: Request,
    incident: int,
    who: Responder,
    command: Text,
    text: Annotated[str, Form(min_length=1, max_length=20_000)],
    again: Flag = False,
) -> Response:
    await approving.edit(request, incident, who, command, text, again)
    return back(incident)


# --- links: whoever holds one acts, signed in or not ---------------------------------------------


@links.get("/approve/{token}")
async def show_link(request: Request, token: str) -> HTMLResponse:
    """Only shows: mail scanners follow links."""
    ticket = _ticket(request, token)
    who = await approving.holder(request, ticket)
    shown, found = await approving.look(request, ticket.incident, ticket.command)
    if shown.digest != ticket.digest:
        raise HTTPException(409, "The command has changed since this link was made. Look again.")
    page = render(
        "link.html", who=None, person=who, ticket=ticket, ask=shown, incident=found.incident
    )
    return HTMLResponse(page)


@links.post("/approve/{token}")
async def use_link(request: Request, token: str, reason: Reason = "") -> HTMLResponse:
    ticket = _ticket(request, token)
    done = await approving.use_link(request, ticket, reason)
    return HTMLResponse(render("link_used.html", who=None, ticket=ticket, done=done))


def _ticket(request: Request, token: str) -> Ticket:
    ticket = read(approving.doorkeeper(request).key, token)
    if ticket is None:
        raise HTTPException(403, "This is no link of ours, or a part of it is missing.")
    return ticket
