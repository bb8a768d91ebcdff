"""The initial summary of an incident over HTTP and on its page: prepared, and sent by one tap.

It is sent once; again only when whoever sends it says so. What was shown is what is sent.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from playcall.core.duty_proofs import asks_summary
from playcall.core.initial_summary import digest, summarize
from playcall.core.sending import LONGEST_BODY, LONGEST_SUBJECT
from playcall.core.sending_events import SummarySent
from playcall.engine.ports import Dossier
from playcall.web.api_views import Done
from playcall.web.auth import Identity, Responder, Viewer
from playcall.web.desk import act, desk, directory, dossier
from playcall.web.forms import Flag, Text, back
from playcall.web.recipients import Recipients, recipients
from playcall.web.templates import render

router = APIRouter(prefix="/api/v1/incidents/{incident}/summary")
forms = APIRouter(prefix="/incidents/{incident}/summary")

_TYPED = 2 * LONGEST_BODY  # characters of a form: a line break may be two


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """As it would go out now."""

    subject: str
    text: str
    markdown: str  # with links to its events
    to: Recipients
    seen: str  # names it exactly
    sent_by: str | None
    sent_at: datetime | None


class Sending(BaseModel):
    """What is left out is as it was prepared."""

    subject: str | None = Field(None, max_length=LONGEST_SUBJECT)
    text: str | None = Field(None, max_length=LONGEST_BODY)
    seen: str | None = Field(None, description="as you got it; refused when it is another by now")
    again: bool = Field(False, description="although it was sent before")


AS_PREPARED = Sending(subject=None, text=None, seen=None, again=False)


@router.get("")
async def read_summary(request: Request, incident: int, _: Viewer) -> Prepared:
    """The summary as it would go out now, and to whom."""
    return await prepare(request, await dossier(request, incident))


@router.post("")
async def send_summary(request: Request, incident: int, body: Sending, who: Responder) -> Done:
    """Send it to the stakeholders and the team's channel."""
    to = await send(request, incident, who, body)
    return Done(status=f"the summary is sent to {to}")


@forms.get("")
async def summary_page(request: Request, incident: int, who: Viewer) -> HTMLResponse:
    return await _draw(request, incident, who)


@forms.post("")
async def send_here(
    request: Request,
    incident: int,
    who: Responder,
    seen: Text = "",
    subject: Annotated[str, Form(max_length=LONGEST_SUBJECT)] = "",
    text: Annotated[str, Form(max_length=_TYPED)] = "",
    again: Flag = False,
) -> Response:
    """With a text: as somebody edited it. Without: as it was shown beside the button."""
    body = " ".join(subject.split()), text.replace("\r\n", "\n")
    try:
        if len(body[1]) > LONGEST_BODY:
            raise HTTPException(409, f"a summary has at most {LONGEST_BODY} characters")
        wish = Sending(
            subject=body[0] or None,
            text=body[1] or None,
            seen=None if text else seen,
            again=again,
        )
        await send(request, incident, who, wish)
    except HTTPException as error:
        if error.status_code != 409:
            raise
        return await _draw(request, incident, who, body, str(error.detail))
    return back(incident, "duties")


async def prepare(request: Request, found: Dossier) -> Prepared:
    incident = found.incident
    url = desk(request).engine.performer.committer.url
    names = {key: person.name for key, person in directory(request).people.items()}
    events = [stored.event for stored in found.events]
    made = summarize(incident, events, found.plan, url, names)
    to = await recipients(request, found)
    sent = incident.owed.summary
    return Prepared(
        subject=made.subject,
        text=made.plain[:LONGEST_BODY],
        markdown=made.markdown(f"{url}/incidents/{incident.id}"),
        to=to,
        seen=digest(made.subject, made.plain, to.channel, *to.names),
        sent_by=sent.by if sent else None,
        sent_at=sent.at if sent else None,
    )


async def owed(request: Request, found: Dossier) -> Prepared | None:
    """For the incident's page; None where the document asks for none, or the time has not come."""
    asked = any(asks_summary(duty) for duty in found.plan.duties)
    return await prepare(request, found) if asked and found.incident.owed.opened else None


async def send(request: Request, incident: int, who: Identity, wish: Sending) -> str:
    """To whom it is sent, in words. Raises HTTPException, Unavailable."""
    made = await prepare(request, await dossier(request, incident))
    if wish.seen is not None and wish.seen != made.seen:
        raise HTTPException(409, "the summary changed since you looked at it; read it again")
    event = SummarySent(
        at=desk(request).clock.now(),
        by=who.id,
        subject=made.subject if wish.subject is None else wish.subject,
        body=made.text if wish.text is None else wish.text,
        to=made.to.names,
        channel=made.to.channel,
        again=wish.again,
    )
    await act(request, incident, event)
    return ", ".join([*event.to, *([event.channel] if event.channel else [])])


async def _draw(
    request: Request,
    incident: int,
    who: Identity,
    typed: tuple[str, str] = ("", ""),
    refused: str = "",
) -> HTMLResponse:
    """`typed`: the subject and the text as somebody left them; not lost when it is `refused`."""
    found = await dossier(request, incident)
    page = render(
        "summary.html",
        who=who,
        incident=found.incident,
        made=await prepare(request, found),
        subject=typed[0],
        text=typed[1],
        refused=refused,
    )
    return HTMLResponse(page, 409 if refused else 200)
