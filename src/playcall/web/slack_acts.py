"""What a person does from Slack: the buttons and `/playcall`. Each is the act that the pages and
the API have, with the same checks; the answer is a card for that person alone."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import HTTPException, Request

from playcall.core import timeline
from playcall.core.access import Access
from playcall.core.cards import MILESTONES, Story, buttons, state_of, title_of
from playcall.core.chat import Card, Press
from playcall.core.events import Acknowledged, NoteAdded, Whom
from playcall.core.rota import in_force
from playcall.core.wording import say_duration, say_instant
from playcall.engine.ports import Dossier, Unavailable
from playcall.web import acts, approving, summary
from playcall.web.auth import Identity
from playcall.web.desk import LARGEST, act, desk, directory, dossier, surroundings
from playcall.web.response import respond

MOST = 20  # incidents in a list
LATEST = 6  # lines of the timeline
LONGEST_NOTE = 20_000
REASON = "called from Slack"
HELP = (
    "/playcall: the open incidents",
    "/playcall show N: what happened, and what may be pressed",
    "/playcall status N: how it stands, and what is due next",
    "/playcall ack N: you have it",
    "/playcall escalate N: call the next rung of the path",
    "/playcall note N TEXT: put a note on the timeline",
    "/playcall oncall: who is on call now",
)

Answer = Callable[[Request, Identity, str], Awaitable[Card]]


async def answered(work: Awaitable[Card]) -> Card:
    """What came of it, or why it was refused."""
    try:
        return await work
    except HTTPException as error:
        return Card(title="Not done", lines=(str(error.detail),))
    except Unavailable as error:
        return Card(title="Not done: try again", lines=(str(error),))


async def press(request: Request, who: Identity, pressed: Press, value: str) -> Card:
    """A button. Raises HTTPException, Unavailable."""
    _need(who, Access.RESPONDER)
    number, _, rest = value.partition("|")
    incident = _number(number)
    match pressed:
        case Press.ACKNOWLEDGE:
            return await _acknowledge(request, who, incident)
        case Press.ESCALATE:
            return await _escalate(request, who, incident, int(rest) if rest.isdecimal() else None)
        case Press.TAKE_COMMAND:
            await acts.take_part(request, incident, who, "commander")
            return Card(title=f"You are the incident commander of #{incident}")
        case Press.APPROVE:
            command, _, digest = rest.partition("|")
            said = await approving.approve(request, incident, who, command, digest=digest)
            return Card(title=f"{command} of #{incident}: {said}")
        case Press.SEND_SUMMARY:
            to = await summary.send(request, incident, who, summary.AS_PREPARED)
            return Card(title=f"The summary of #{incident} is sent to {to}")
        case Press.REFUSE:
            raise HTTPException(422, "say why: the reason is for the record")


async def refuse(request: Request, who: Identity, value: str, reason: str) -> None:
    """With the reason that the window asked for. Raises HTTPException, Unavailable."""
    _need(who, Access.RESPONDER)
    number, command = (*value.split("|"), "")[:2]
    if not reason.strip():
        raise HTTPException(422, "say why: the reason is for the record")
    await approving.decline(request, _number(number), who, command, reason.strip())


async def command(request: Request, who: Identity, text: str) -> Card:
    """`/playcall TEXT`. Raises HTTPException, Unavailable."""
    word, _, rest = text.strip().partition(" ")
    answer = _COMMANDS.get(word.lower())
    if answer is None:
        return Card(title=f"/playcall does not know {word[:40]!r}", lines=HELP)
    return await answer(request, who, rest.strip())


# --- The commands --------------------------------------------------------------------------------


async def _open(request: Request, who: Identity, rest: str) -> Card:
    found = await desk(request).store.read(
        lambda views: views.incidents(live_only=True, limit=MOST + 1)
    )
    if not found:
        return Card(title="No incident is open", link=_url(request))
    more = "; there are more" if len(found) > MOST else ""
    lines = tuple(title_of(incident) for incident in found[:MOST])
    return Card(title=f"Open incidents{more}", lines=lines, link=_url(request))


async def _show(request: Request, who: Identity, rest: str) -> Card:
    found = await dossier(request, _number(rest))
    incident, plan = found.incident, found.plan
    play = plan.play(incident.play) if incident.play else None
    told = [stored.event for stored in found.events if isinstance(stored.event, MILESTONES)]
    lines = [
        f"{entry.at:%H:%M:%S} {entry.text}"
        for entry in timeline.entries(told, plan, play)[-LATEST:]
    ]
    may = who.access.allows(Access.RESPONDER) and not incident.status.over
    return Card(
        title=title_of(incident),
        lines=(state_of(_story(request, found)), *lines),
        link=_url(request, incident.id),
        buttons=buttons(incident) if may else (),
    )


async def _status(request: Request, who: Identity, rest: str) -> Card:
    found = await dossier(request, _number(rest))
    now = desk(request).clock.now()
    state = respond(found, await surroundings(request, found), now)
    firing = sum(member.firing for member in found.incident.alerts.values())
    lines = [
        state_of(_story(request, found)),
        f"{firing} of {len(found.incident.alerts)} alerts firing, "
        f"for {say_duration(now - found.incident.fired_at)}",
    ]
    if state.next:
        roles = " and ".join(state.next.roles)
        lines.append(f"Next: {roles} at {say_instant(state.next.at)}, {state.next.condition}")
    lines += [f"Pages are held: {state.quiet.reason}"] if state.quiet else []
    lines += [f"Approval wanted: {one}" for one in found.incident.requests]
    lines += [f"War room: {state.war_room}"] if state.war_room else []
    link = _url(request, found.incident.id)
    return Card(title=title_of(found.incident), lines=tuple(lines), link=link)


async def _ack(request: Request, who: Identity, rest: str) -> Card:
    _need(who, Access.RESPONDER)
    return await _acknowledge(request, who, _number(rest))


async def _call(request: Request, who: Identity, rest: str) -> Card:
    _need(who, Access.RESPONDER)
    return await _escalate(request, who, _number(rest), None)


async def _note(request: Request, who: Identity, rest: str) -> Card:
    _need(who, Access.RESPONDER)
    number, _, text = rest.partition(" ")
    incident = _number(number)
    if not text.strip():
        raise HTTPException(422, "say what to note: /playcall note N TEXT")
    if len(text) > LONGEST_NOTE:
        raise HTTPException(422, f"a note has at most {LONGEST_NOTE} characters")
    note = NoteAdded(at=desk(request).clock.now(), by=who.id, text=text.strip())
    await act(request, incident, note)
    return Card(title=f"Noted on #{incident}", link=_url(request, incident))


async def _on_call(request: Request, who: Identity, rest: str) -> Card:
    now = desk(request).clock.now()
    stored = await desk(request).store.read(lambda views: views.overrides(now, now))
    known, overrides = directory(request), in_force(stored)
    lines = []
    for role in known.roles:
        there = ", ".join(person.name for person in known.behind(role, now, overrides))
        lines.append(f"{role}: {there or 'nobody'}")
    return Card(title="On call now", lines=tuple(lines), link=_url(request))


async def _help(request: Request, who: Identity, rest: str) -> Card:
    return Card(title="What /playcall does", lines=HELP)


_COMMANDS: Mapping[str, Answer] = {
    "": _open,
    "show": _show,
    "status": _status,
    "ack": _ack,
    "escalate": _call,
    "note": _note,
    "oncall": _on_call,
    "help": _help,
}


# --- What several need ---------------------------------------------------------------------------


async def _acknowledge(request: Request, who: Identity, incident: int) -> Card:
    await act(request, incident, Acknowledged(at=desk(request).clock.now(), by=who.id))
    return Card(title=f"You have #{incident}", link=_url(request, incident))


async def _escalate(request: Request, who: Identity, incident: int, rung: int | None) -> Card:
    await acts.escalate(request, incident, who, Whom.NEXT, "", REASON, rung)
    return Card(title=f"The next rung is called for #{incident}", link=_url(request, incident))


def _need(who: Identity, access: Access) -> None:
    if not who.access.allows(access):
        raise HTTPException(403, f"{who.name} is a {who.access}; this needs a {access}")


def _number(text: str) -> int:
    bare = text.strip().removeprefix("#")
    if not (bare.isascii() and bare.isdecimal() and len(bare) < 20 and int(bare) <= LARGEST):
        raise HTTPException(422, f"{text[:40]!r} is not an incident's number; /playcall lists them")
    return int(bare)


def _story(request: Request, found: Dossier) -> Story:
    people = directory(request).people
    return Story(
        incident=found.incident,
        plan=found.plan,
        events=(),
        url=_url(request, found.incident.id),
        names={key: person.name for key, person in people.items()},
    )


def _url(request: Request, incident: int | None = None) -> str:
    url = desk(request).engine.performer.committer.url
    return url if incident is None else f"{url}/incidents/{incident}"
