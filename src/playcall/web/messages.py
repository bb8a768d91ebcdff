"""What people were sent about an incident, in the words in which it went out; and another try for
what was given up."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from playcall.engine.outbox import Fate
from playcall.web.api_views import Done
from playcall.web.auth import Identity, Responder, Viewer
from playcall.web.desk import desk, dossier

router = APIRouter(prefix="/api/v1/incidents/{incident}")
forms = APIRouter(prefix="/incidents/{incident}")


class MessageView(BaseModel):
    """A message to one person by one channel; several attempts at one have the same key."""

    key: str
    at: datetime
    person: str
    role: str
    channel: str
    page: bool = Field(description="false: a notice")
    subject: str
    body: str
    fate: Fate = Field(
        description="accepted by the channel; arrived, says a receipt; failed; or unknown: the "
        "channel did not answer in time, and may have taken it"
    )
    reason: str = Field(description="of the fate")


class GivenUp(BaseModel):
    """What could not be carried out, and is not tried again by itself."""

    key: str
    kind: str
    reason: str


class Messages(BaseModel):
    sent: list[MessageView] = Field(description="the latest last")
    given_up: list[GivenUp]


class Retry(BaseModel):
    key: str = Field(description="of what was given up", max_length=500)


@router.get("/messages")
async def list_messages(request: Request, incident: int, _: Viewer) -> Messages:
    """Every message about the incident, and every task that was given up."""
    found = await dossier(request, incident)
    names = MessageView.model_fields
    return Messages(
        sent=[MessageView(**{name: getattr(one, name) for name in names}) for one in found.sent],
        given_up=[GivenUp(key=one.key, kind=one.kind, reason=one.reason) for one in found.buried],
    )


@router.post("/retry")
async def retry(request: Request, incident: int, body: Retry, who: Responder) -> Done:
    """Have what was given up carried out again."""
    await _retry(request, incident, body.key, who)
    return Done(status="tried again")


@forms.post("/retry")
async def retry_form(
    request: Request, incident: int, who: Responder, key: Annotated[str, Form(max_length=500)]
) -> Response:
    await _retry(request, incident, key, who)
    return RedirectResponse(f"/incidents/{incident}", 303)


async def _retry(request: Request, incident: int, key: str, who: Identity) -> None:
    refused = await desk(request).engine.retry(incident, key, who.id)
    if refused is not None:
        raise HTTPException(409, refused.reason)
