"""What people do in an incident's response, once for the API's routes and for the pages' forms.

Each submits one event. A person, a role or a part that is not known is refused with 422 and those
that are; what the incident's state does not allow is refused by `decide`, with 409.
"""

from datetime import datetime, timedelta

from fastapi import HTTPException, Request

from playcall.core.events import (
    Assigned,
    Escalated,
    PartLeft,
    PartTaken,
    QuestionAnswered,
    SeverityChanged,
    SilenceAsked,
    Snoozed,
    Unacknowledged,
    ValueGiven,
    Whom,
)
from playcall.core.incident import Part, Whence
from playcall.web.auth import Identity
from playcall.web.desk import act, desk, directory, dossier, surroundings
from playcall.web.response import short
from playcall.web.values import offered


def _now(request: Request) -> datetime:
    return desk(request).clock.now()


async def unacknowledge(request: Request, incident: int, who: Identity) -> None:
    await act(request, incident, Unacknowledged(at=_now(request), by=who.id))


async def snooze(
    request: Request,
    incident: int,
    who: Identity,
    lasting: timedelta | None,
    until: datetime | None = None,
) -> None:
    """For a while, or until a moment: one of the two."""
    now = _now(request)
    if (lasting is None) == (until is None):
        raise HTTPException(422, "say either for how many minutes, or until when")
    ends = until or now + (lasting or timedelta())
    await act(request, incident, Snoozed(at=now, by=who.id, until=ends))


async def assign(request: Request, incident: int, who: Identity, to: str) -> None:
    known_person(request, to)
    await act(request, incident, Assigned(at=_now(request), by=who.id, to=to))


async def escalate(
    request: Request,
    incident: int,
    who: Identity,
    whom: Whom,
    to: str,
    reason: str,
    rung: int | None = None,
) -> None:
    """`rung` is what whoever asks took for the next one: another may have called it meanwhile."""
    if whom is Whom.PERSON:
        known_person(request, to)
    if whom is Whom.ROLE:
        await known_role(request, incident, to)
    named = "" if whom in (Whom.NEXT, Whom.EXPERT) else to
    event = Escalated(
        at=_now(request), by=who.id, whom=whom, to=named, reason=reason, expected=rung
    )
    await act(request, incident, event)


async def take_part(
    request: Request, incident: int, who: Identity, part: str, person: str = ""
) -> None:
    """Taken by oneself, or given to somebody."""
    found = known_part(part)
    if person and person != who.id:
        known_person(request, person)
    event = PartTaken(at=_now(request), by=who.id, part=found, person=person or who.id)
    await act(request, incident, event)


async def leave_part(
    request: Request, incident: int, who: Identity, part: str, person: str = ""
) -> None:
    found = known_part(part)
    event = PartLeft(at=_now(request), by=who.id, part=found, person=person or who.id)
    await act(request, incident, event)


async def change_severity(
    request: Request, incident: int, who: Identity, severity: str, reason: str
) -> None:
    event = SeverityChanged(at=_now(request), by=who.id, severity=severity, reason=reason)
    await act(request, incident, event)


async def answer(request: Request, incident: int, who: Identity, question: str, label: str) -> None:
    event = QuestionAnswered(at=_now(request), by=who.id, question=question, answer=label)
    await act(request, incident, event)


async def silence(request: Request, incident: int, who: Identity, lasting: timedelta) -> None:
    await act(request, incident, SilenceAsked(at=_now(request), by=who.id, lasting=lasting))


async def give_value(
    request: Request, incident: int, who: Identity, name: str, value: str, command: str = ""
) -> None:
    """One that was offered is recorded with where it was found."""
    found = offered(await dossier(request, incident), name, value)
    event = ValueGiven(
        at=_now(request),
        by=who.id,
        name=name,
        value=value,
        command=command,
        whence=Whence.OUTPUT if found else Whence.TYPED,
        found=found,
    )
    await act(request, incident, event)


# --- who and what is known -----------------------------------------------------------------------


def known_person(request: Request, person: str) -> None:
    """Raises 422 with those who are known."""
    people = directory(request).people
    if person not in people:
        known = ", ".join(sorted(people)) or "nobody: add [people.NAME] to the settings"
        raise HTTPException(422, f'nobody is called "{person}" here; known: {known}')


def known_part(name: str) -> Part:
    """By its short name or its whole one. Raises 422 with those that are there."""
    wanted = name.strip().lower()
    for part in Part:
        if wanted in (short(part), part.value):
            return part
    known = ", ".join(short(part) for part in Part)
    raise HTTPException(422, f'there is no part "{name}"; there are {known}')


async def known_role(request: Request, incident: int, role: str) -> None:
    """Raises 422 with those that somebody fills."""
    if not directory(request).unbound((role,)):
        return
    found = await dossier(request, incident)
    known = ", ".join((await surroundings(request, found)).roles)
    raise HTTPException(422, f'nobody is bound to the role "{role}"; known: {known}')
