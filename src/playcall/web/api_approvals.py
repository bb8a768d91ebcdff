"""The HTTP API about letting commands run: approve, refuse, ask, edit, and links for others."""

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from playcall.web import approving
from playcall.web.api_views import Done
from playcall.web.approval_links import Action
from playcall.web.auth import Commander, Responder

router = APIRouter(prefix="/api/v1/incidents/{incident}")

ID = Field(description='its id in the play, such as "3.1"')
AGAIN = Field(False, description="run it although it ran before")
DIGEST = Field("", description="`ask.digest` of what you saw; anything else is refused")


class Approval(BaseModel):
    command: str = ID
    again: bool = AGAIN
    digest: str = DIGEST
    emergency: bool = Field(False, description="one person is enough; needs a reason")
    reason: str = Field("", max_length=2000)


class Declining(BaseModel):
    command: str = ID
    reason: str = Field("", max_length=2000)


class Asking(BaseModel):
    command: str = ID
    again: bool = AGAIN
    digest: str = DIGEST


class Editing(BaseModel):
    command: str = ID
    text: str = Field(min_length=1, max_length=20_000, description="for this one run")
    again: bool = AGAIN


class Edited(BaseModel):
    """What the new text may do; an approval has to name the digest."""

    status: str
    effect: str
    reasons: tuple[str, ...]
    diff: str
    digest: str


class LinkFor(BaseModel):
    command: str = ID
    person: str
    action: Action = "approve"


class Link(BaseModel):
    link: str
    expires_at: datetime


@router.post("/approve")
async def approve(request: Request, incident: int, body: Approval, who: Responder) -> Done:
    """Let one command run once; one that needs two people waits for the other."""
    status = await approving.approve(
        request,
        incident,
        who,
        body.command,
        digest=body.digest,
        again=body.again,
        emergency=body.emergency,
        reason=body.reason,
    )
    return Done(status=status)


@router.post("/decline")
async def decline(request: Request, incident: int, body: Declining, who: Responder) -> Done:
    await approving.decline(request, incident, who, body.command, body.reason)
    return Done(status="declined")


@router.post("/ask")
async def ask(request: Request, incident: int, body: Asking, who: Responder) -> Done:
    """Ask others to approve."""
    await approving.ask(request, incident, who, body.command, body.digest, body.again)
    return Done(status="asked for")


@router.post("/edit")
async def edit(request: Request, incident: int, body: Editing, who: Responder) -> Edited:
    """Ask for one run with another text. It is read and classed again, and waits for approval."""
    event = await approving.edit(request, incident, who, body.command, body.text, body.again)
    shown, _ = await approving.look(request, incident, body.command)
    return Edited(
        status="edited",
        effect=shown.effect,
        reasons=shown.reasons,
        diff=event.diff,
        digest=shown.digest,
    )


@router.post("/links")
async def make_link(request: Request, incident: int, body: LinkFor, who: Commander) -> Link:
    """A link by which a person decides on this run once, without signing in."""
    link, ticket = await approving.make_link(
        request, incident, who, body.command, body.person, body.action
    )
    return Link(link=link, expires_at=ticket.expires_at)
