"""What people do about a command's approval, once for the API's routes, the pages' forms and links.

Each submits one event; whether it is accepted is decided by `core.approvals`, with 409.
"""

from datetime import datetime

from fastapi import HTTPException, Request

from playcall.core import approvals
from playcall.core.access import Access
from playcall.core.effects import Moved, Refused
from playcall.core.events import RunApproved, RunDeclined, RunEdited, RunRequested
from playcall.engine.ports import Dossier
from playcall.web.approval_links import Action, Ticket, new_id, sign
from playcall.web.approval_view import AskView, view_ask
from playcall.web.auth import Doorkeeper, Identity
from playcall.web.desk import act, desk, dossier


def now_of(request: Request) -> datetime:
    return desk(request).clock.now()


def doorkeeper(request: Request) -> Doorkeeper:
    found: Doorkeeper = request.app.state.doorkeeper
    return found


async def approve(
    request: Request,
    incident: int,
    who: Identity,
    command: str,
    *,
    digest: str,
    again: bool = False,
    emergency: bool = False,
    reason: str = "",
) -> str:
    """What came of it, in words."""
    event = RunApproved(
        at=now_of(request),
        by=who.id,
        command=command,
        again=again,
        access=who.access,
        digest=digest,
        emergency=emergency,
        reason=reason,
    )
    return _outcome(await act(request, incident, event), command)


async def decline(
    request: Request, incident: int, who: Identity, command: str, reason: str
) -> None:
    event = RunDeclined(at=now_of(request), by=who.id, command=command, reason=reason)
    await act(request, incident, event)


async def ask(
    request: Request, incident: int, who: Identity, command: str, digest: str, again: bool
) -> None:
    event = RunRequested(at=now_of(request), by=who.id, command=command, digest=digest, again=again)
    await act(request, incident, event)


async def edit(
    request: Request, incident: int, who: Identity, command: str, text: str, again: bool
) -> RunEdited:
    found = await dossier(request, incident)
    event = approvals.propose(
        found.incident, found.plan, command, text, who.id, now_of(request), again
    )
    if isinstance(event, Refused):
        raise HTTPException(409, event.reason)
    await act(request, incident, event)
    return event


# --- links ---------------------------------------------------------------------------------------


async def make_link(
    request: Request, incident: int, who: Identity, command: str, person: str, action: Action
) -> tuple[str, Ticket]:
    """The address, and what it is good for. 422 for somebody who is not known."""
    people = doorkeeper(request).people
    if person not in people:
        raise HTTPException(422, f'nobody is called "{person}" here; known: {", ".join(people)}')
    shown, found = await look(request, incident, command)
    if not who.access.allows(shown.access):  # or it would lend them what they do not have
        raise HTTPException(403, f"a link for it is made by a {shown.access}")
    if found.incident.status.over:
        raise HTTPException(409, f"incident {incident} is {found.incident.status}")
    lasting = found.plan.response.approvals.stand_for
    ticket = Ticket(
        id=new_id(),
        person=person,
        made_by=who.id,
        incident=incident,
        command=command,
        digest=shown.digest,
        action=action,
        expires=int((now_of(request) + lasting).timestamp()),
    )
    url = desk(request).engine.performer.committer.url
    return f"{url}/approve/{sign(doorkeeper(request).key, ticket)}", ticket


async def look(request: Request, incident: int, command_id: str) -> tuple[AskView, Dossier]:
    """What is asked about one command now. 404 when there is no such command."""
    found = await dossier(request, incident)
    command = found.plan.command(found.incident.play, command_id)
    if command is None:
        raise HTTPException(404, f"the play has no command {command_id}")
    placement = desk(request).engine.performer.committer.placement
    return view_ask(command, found.incident, found.plan, placement, now_of(request)), found


async def holder(request: Request, ticket: Ticket) -> Identity:
    """Who acts by a link, with the access that they have now. 410 when it is good no more, 403
    when the person may not do it any more."""
    found = await dossier(request, ticket.incident)
    if ticket.id in found.incident.used_links:
        raise HTTPException(410, "This link was used already. Open the incident to see what came.")
    if now_of(request) >= ticket.expires_at:
        raise HTTPException(410, "This link is too old. Open the incident, or ask for another.")
    who = doorkeeper(request).people.get(ticket.person)
    if who is None or not who.access.allows(Access.RESPONDER):
        has = f"is a {who.access} now" if who else "is not known here any more"
        raise HTTPException(403, f"{ticket.person} {has}, and may not decide on commands")
    return who


async def use_link(request: Request, ticket: Ticket, reason: str) -> str:
    """What came of it, in words."""
    who = await holder(request, ticket)
    if ticket.action == "decline":
        declined = RunDeclined(
            at=now_of(request),
            by=who.id,
            command=ticket.command,
            reason=reason,
            link=ticket.id,
            link_by=ticket.made_by,
        )
        await act(request, ticket.incident, declined)
        return "refused"
    approved = RunApproved(
        at=now_of(request),
        by=who.id,
        command=ticket.command,
        access=who.access,
        digest=ticket.digest,
        link=ticket.id,
        link_by=ticket.made_by,
    )
    return _outcome(await act(request, ticket.incident, approved), ticket.command)


def _outcome(moved: Moved, command: str) -> str:
    waits = command in moved.incident.requests
    return "approved; it waits for a second person" if waits else "approved"
