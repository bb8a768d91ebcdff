"""The initial summary and the post-mortem on their way: to whom the document wants them sent, and
that each is sent once, unless somebody says again."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from playcall.core.chat import Place, places
from playcall.core.effects import Effect, Moved, Refused, SendText
from playcall.core.events import Event
from playcall.core.incident import Incident, Status
from playcall.core.owed import Settled, Shared
from playcall.core.people import first_roles
from playcall.core.plan import Plan
from playcall.core.sending_events import PostMortemShared, SummarySent

LONGEST_SUBJECT = 300  # characters
LONGEST_BODY = 20_000

ACCEPTED: Mapping[type[Event], frozenset[Status]] = {
    SummarySent: frozenset({Status.RESOLVED, Status.CLOSED}),
    PostMortemShared: frozenset({Status.RESOLVED, Status.CLOSED}),
}


def recipients(incident: Incident, plan: Plan) -> tuple[str, ...]:
    """The roles of every audience that the severity concerns, or that was told of this incident;
    the first roles of the path, where the document names no audience for it."""
    if incident.about_us:
        return first_roles(plan)
    named: list[str] = []
    for audience in plan.audiences:
        row = plan.severity(audience.severity) if audience.severity else None
        told = incident.telling.audiences.get(audience.name)
        if (row and row.level == incident.severity) or (told and told.number):
            named += audience.recipients
    return tuple(dict.fromkeys(named)) or first_roles(plan)


def channel(plan: Plan) -> str:
    """Where the document has incidents worked on; empty: it names no such channel."""
    found = places(plan.channels).get(Place.INCIDENTS)
    return found.name if found else ""


def send_summary(incident: Incident, event: SummarySent, plan: Plan) -> Moved | Refused:
    sent = incident.owed.summary
    if sent and not event.again:
        said = f"the summary was sent already at {sent.at:%Y-%m-%d %H:%M} UTC by {sent.by}"
        return Refused(reason=f"{said}; send it again, if you mean to")
    if why := _why_not(event):
        return Refused(reason=why)
    owed = replace(incident.owed, summary=Settled(by=event.by, at=event.at))
    return Moved(incident=replace(incident, owed=owed), effects=_messages(event, 0))


def share(incident: Incident, event: PostMortemShared, plan: Plan) -> Moved | Refused:
    shared = incident.owed.shared
    if shared and shared.version == event.version and not event.again:
        said = f"version {event.version} was shared already at {shared.at:%Y-%m-%d %H:%M} UTC"
        return Refused(reason=f"{said} by {shared.by}; share it again, if you mean to")
    if (event.asks or event.conflicts) and not event.unfinished:
        return Refused(reason=f"{unfinished(event.asks, event.conflicts)}; say so, to share it so")
    if why := _why_not(event):
        return Refused(reason=why)
    now = Shared(version=event.version, by=event.by, at=event.at)
    owed = replace(incident.owed, shared=now)
    return Moved(incident=replace(incident, owed=owed), effects=_messages(event, event.version))


def unfinished(asks: int, conflicts: int) -> str:
    """What is left in a post-mortem, in words; empty: nothing."""
    answers = f"{asks} answer{'s are' if asks != 1 else ' is'} missing" if asks else ""
    clash = f"{conflicts} conflict{'s are' if conflicts != 1 else ' is'} left" if conflicts else ""
    return " and ".join(part for part in (answers, clash) if part)


def _why_not(event: SummarySent | PostMortemShared) -> str:
    if not event.subject.strip() or not event.body.strip():
        return "a text needs a subject and a body"
    if len(event.subject) > LONGEST_SUBJECT or len(event.body) > LONGEST_BODY:
        return f"it has at most {LONGEST_BODY} characters, and its subject {LONGEST_SUBJECT}"
    return "" if event.to or event.channel else "there is nobody to send it to"


def _messages(event: SummarySent | PostMortemShared, paper: int) -> tuple[Effect, ...]:
    return tuple(
        SendText(role=role, subject=event.subject, body=event.body, paper=paper)
        for role in event.to
    )


HANDLERS: Mapping[type[Event], Callable[[Incident, Any, Plan], Moved | Refused]] = {
    SummarySent: send_summary,
    PostMortemShared: share,
}
