"""The link in a page by which its person acknowledges, once, without signing in. It leads to a page
with one button, and only the button does something: mail scanners follow links."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from itsdangerous import BadSignature, URLSafeSerializer

from playcall.core.access import Access
from playcall.core.events import Acknowledged
from playcall.core.incident import Incident
from playcall.engine.delivering import Acknowledging
from playcall.web.approving import doorkeeper, now_of
from playcall.web.auth import Identity
from playcall.web.desk import act, dossier
from playcall.web.templates import render

LASTING = timedelta(hours=24)

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a link is good for."""

    id: str
    incident: int
    person: str
    expires: int  # seconds since 1970


def link_maker(key: bytes, url: str) -> Acknowledging:
    def make(incident: int, person: str, message: str, at: datetime) -> str:
        """The same message has the same link, however often it is tried."""
        ticket = Ticket(
            id=hashlib.blake2b(message.encode(), digest_size=9).hexdigest(),
            incident=incident,
            person=person,
            expires=int((at + LASTING).timestamp()),
        )
        return f"{url}/acknowledge/{sign(key, ticket)}"

    return make


def sign(key: bytes, ticket: Ticket) -> str:
    # As a list: the link is part of an SMS.
    return _signer(key).dumps([ticket.id, ticket.incident, ticket.person, ticket.expires])


def read(key: bytes, token: str) -> Ticket | None:
    """None when it was not signed here, or is damaged."""
    try:
        id, incident, person, expires = _signer(key).loads(token)
    except BadSignature:
        return None
    return Ticket(id=id, incident=incident, person=person, expires=expires)


def _signer(key: bytes) -> URLSafeSerializer:
    """HMAC with SHA-256; signatures are compared in constant time."""
    return URLSafeSerializer(
        key,
        salt="acknowledge link",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


@router.get("/acknowledge/{token}")
async def show(request: Request, token: str) -> HTMLResponse:
    _, who, incident = await _holder(request, token)
    page = render("acknowledge.html", who=None, person=who, incident=incident, done=False)
    return HTMLResponse(page)


@router.post("/acknowledge/{token}")
async def use(request: Request, token: str) -> HTMLResponse:
    ticket, who, incident = await _holder(request, token)
    event = Acknowledged(at=now_of(request), by=who.id, link=ticket.id)
    await act(request, ticket.incident, event)
    page = render("acknowledge.html", who=None, person=who, incident=incident, done=True)
    return HTMLResponse(page)


async def _holder(request: Request, token: str) -> tuple[Ticket, Identity, Incident]:
    """Who acts by the link, with the access that they have now. 403 for a link that is not ours and
    a person who may not, 410 when it is good no more, 409 when there is nothing to acknowledge."""
    ticket = read(doorkeeper(request).key, token)
    if ticket is None:
        raise HTTPException(403, "This is no link of ours, or a part of it is missing.")
    incident = (await dossier(request, ticket.incident)).incident
    if ticket.id in incident.used_links:
        raise HTTPException(410, "This link was used already. Open the incident to see who has it.")
    if now_of(request) >= datetime.fromtimestamp(ticket.expires, UTC):
        raise HTTPException(410, "This link is too old. Open the incident, and acknowledge there.")
    who = doorkeeper(request).people.get(ticket.person)
    if who is None or not who.access.allows(Access.RESPONDER):
        has = f"is a {who.access} now" if who else "is not known here any more"
        raise HTTPException(403, f"{ticket.person} {has}, and may not acknowledge.")
    if incident.status.over:
        raise HTTPException(409, f"Incident {incident.id} is {incident.status}: nothing is to do.")
    if incident.acknowledged_by:
        raise HTTPException(409, f"{incident.acknowledged_by} has incident {incident.id} already.")
    return ticket, who, incident
