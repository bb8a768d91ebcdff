"""What Twilio asks and tells: what to say on a call, the key that was pressed, what became of a
message, what people write and whom they call. Nothing is done that Twilio did not sign. Who acts is
whom the message was for, by the signed ticket in the address, or whose number it is that writes.

A key or a reply is the same event as the button on the page, so that one that is sent twice is
refused the second time, and says who has it.
"""

import contextlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from playcall.channels.twilio import Line, Sms, Ticket, Voice
from playcall.core.access import Access
from playcall.core.engagement import next_rung
from playcall.core.events import Acknowledged, PageDelivered, Whom
from playcall.core.incident import Incident, Status
from playcall.core.medium import has_conference
from playcall.engine.directory import addressee
from playcall.engine.ports import Unavailable, Views
from playcall.web import acts, twiml
from playcall.web.auth import Doorkeeper, Identity
from playcall.web.desk import act, desk, directory

log = logging.getLogger(__name__)

router = APIRouter(prefix="/twilio")

LARGEST = 64 * 1024  # bytes of a request
WAITING = 100  # incidents that are looked at for a reply
FAILED = ("busy", "no-answer", "failed", "canceled", "undelivered")
ACKNOWLEDGE = re.compile(r"\s*(?:1|ack|acknowledge)(?:\s+#?(\d{1,15}))?[\s.!]*", re.IGNORECASE)
UNSTORED = "Playcall cannot store that now. Press it on the incident's page, or call somebody."


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A request that Twilio signed."""

    line: Line
    said: Mapping[str, str]


async def heard(request: Request) -> Heard:
    """403 when it is not from Twilio."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > LARGEST:
        raise HTTPException(403, "this is not from Twilio")
    said = {key: str(value) for key, value in (await request.form()).items()}
    line = _line(request)
    query = f"?{request.url.query}" if request.url.query else ""
    signature = request.headers.get("x-twilio-signature", "")
    if line is None or not line.is_from_twilio(request.url.path + query, said, signature):
        log.warning("%s: not signed by Twilio for this address", request.url.path.split("/")[2])
        raise HTTPException(403, "this is not from Twilio")
    return Heard(line=line, said=said)


async def ticket(token: str, heard: "Signed") -> Ticket:
    found = heard.line.read(token)
    if found is None:
        raise HTTPException(403, "this address is not ours, or too old")
    return found


Signed = Annotated[Heard, Depends(heard)]
About = Annotated[Ticket, Depends(ticket)]


def _line(request: Request) -> Line | None:
    channels = desk(request).engine.performer.hands.channels
    found = channels.get("voice") or channels.get("sms")
    return found.line if isinstance(found, Voice | Sms) else None


# --- a call of ours ------------------------------------------------------------------------------


@router.post("/call/{token}")
async def answer(request: Request, heard: Signed, about: About) -> Response:
    """Somebody, or an answering machine, has picked up. A machine is spoken to all the same: it may
    be a person who was taken for one."""
    by = heard.said.get("AnsweredBy", "human")
    machine = by.startswith(("machine", "fax"))
    await _receipt(request, about, arrived=not machine, reason=f"a machine answered ({by})")
    if not about.asks:
        return _xml(twiml.say(f"{about.said}."))
    asked, rung = heard.line.address, None
    with contextlib.suppress(Unavailable):
        found = await _incident(request, about.incident)
        rung = next_rung(found) if found else None
    digits = asked("digits", replace(about, said="", rung=rung))
    return _xml(twiml.page(about.said, digits, conference=about.conference))


@router.post("/digits/{token}")
async def digits(request: Request, heard: Signed, about: About) -> Response:
    who = _person(request, about)
    pressed = heard.said.get("Digits", "")
    if who is None or about.incident is None:
        return _xml(twiml.say("This number may not answer for anybody here any more. Goodbye."))
    await _receipt(request, about, arrived=True)
    if pressed not in ("1", "2"):
        again = heard.line.address("digits", about)
        keys = twiml.JOIN if about.conference else twiml.KEYS
        return _xml(twiml.ask(f"That key means nothing here. {keys}", again))
    said = await (_acknowledge if pressed == "1" else _escalate)(request, about, who)
    if pressed == "1" and about.conference:
        room = _room(heard.line, about.incident)
        return _xml(twiml.join(f"{said} You join the conference now.", room))
    return _xml(twiml.say(f"{said} Goodbye."))


async def _acknowledge(request: Request, about: Ticket, who: Identity) -> str:
    """In words for the ear, as the next one."""
    return await _take(request, about.incident or 0, who)


async def _take(request: Request, incident: int, who: Identity) -> str:
    try:
        await act(request, incident, Acknowledged(at=desk(request).clock.now(), by=who.id))
    except HTTPException as error:
        return f"Not acknowledged: {error.detail}."
    except Unavailable:
        return UNSTORED
    return f"You have incident {incident} now."


async def _escalate(request: Request, about: Ticket, who: Identity) -> str:
    incident = about.incident or 0
    try:
        await acts.escalate(request, incident, who, Whom.NEXT, "", "pressed on a call", about.rung)
    except HTTPException as error:
        return f"Not escalated: {error.detail}."
    except Unavailable:
        return UNSTORED
    return f"Whoever is next for incident {incident} is called now."


def _person(request: Request, about: Ticket) -> Identity | None:
    """Whom the message was for, if the number is theirs still, and they may answer."""
    person = directory(request).people.get(addressee(about.key))
    if person is None or about.number not in {one.address for one in person.methods}:
        return None
    return _responder(request, person.id)


def _responder(request: Request, person: str) -> Identity | None:
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    found = doorkeeper.people.get(person)
    return found if found and found.access.allows(Access.RESPONDER) else None


# --- what became of a message --------------------------------------------------------------------


@router.post("/status/{token}")
async def status(request: Request, heard: Signed, about: About) -> Response:
    """Of a call, only that it failed: who answered it was said when they did."""
    became = heard.said.get("CallStatus") or heard.said.get("MessageStatus") or ""
    if became == "delivered":
        await _receipt(request, about, arrived=True)
    elif became in FAILED:
        what = "the call" if "CallStatus" in heard.said else "the message"
        code = heard.said.get("ErrorCode", "")
        shown = f" (error {code})" if code.isdecimal() else ""
        await _receipt(request, about, arrived=False, reason=f"{what}: {became}{shown}")
    return Response(status_code=204)


async def _receipt(request: Request, about: Ticket, *, arrived: bool, reason: str = "") -> None:
    """A call goes on whether or not this can be stored."""
    said = "" if arrived else reason
    try:
        await desk(request).engine.receipt(
            about.key, arrived=arrived, reason=said, channel=about.channel
        )
    except Unavailable as error:
        log.error("the receipt of %s is lost: %s", about.key, error)


# --- what people write ---------------------------------------------------------------------------


@router.post("/sms")
async def receive(request: Request, heard: Signed) -> Response:
    """'1', 'ack', 'ack 7'. A number that is nobody's gets no answer."""
    people = _behind(request, heard.said.get("From", ""))
    if not people:
        log.warning("an SMS of a number that is nobody's")
        return _xml(twiml.reply(""))
    found = ACKNOWLEDGE.fullmatch(heard.said.get("Body", "")[:200])
    return _xml(twiml.reply(await _reply(request, people, found)))


async def _reply(request: Request, people: Sequence[Identity], found: re.Match[str] | None) -> str:
    try:
        waiting = await desk(request).store.read(lambda views: _waiting(views, people))
    except Unavailable:
        return UNSTORED
    fits = [
        (who, incident) for who, incident in waiting if found and found[1] in (None, str(incident))
    ]
    if len(fits) == 1:
        who, incident = fits[0]
        return await _take(request, incident, who)
    numbers = sorted({incident for _, incident in waiting})
    if not numbers:
        return "No page of yours waits for an answer."
    if len(people) > 1 and len({incident for _, incident in fits}) == 1:
        return "This number is that of several people. Acknowledge on the incident's page."
    wanted = " or ".join(f"ACK {number}" for number in numbers[:5])
    return f"To acknowledge, write {wanted}."


def _waiting(views: Views, people: Sequence[Identity]) -> list[tuple[Identity, int]]:
    """The open incidents of which somebody was paged, and nobody has them yet."""
    found = []
    for incident in views.incidents(live_only=True, limit=WAITING):
        if incident.status is not Status.OPEN or incident.acknowledged_by:
            continue
        known = views.dossier(incident.id)
        events = [stored.event for stored in known.events] if known else []
        paged = {event.person for event in events if isinstance(event, PageDelivered)}
        found += [(who, incident.id) for who in people if who.id in paged]
    return found


def _behind(request: Request, number: str) -> list[Identity]:
    """Everybody who is reached at a number, and may answer."""
    named = [
        _responder(request, person.id)
        for person in directory(request).people.values()
        if any(m.address == number and m.channel in ("sms", "voice") for m in person.methods)
    ]
    return [who for who in named if who]


# --- whom people call ----------------------------------------------------------------------------


@router.post("/calls")
async def called(request: Request, heard: Signed) -> Response:
    """Somebody of ours calls our number: into the conference of an incident that has one."""
    if not _behind(request, heard.said.get("From", "")):
        return _xml(twiml.say("This is Playcall. It does not know your number. Goodbye."))
    open_now = await desk(request).store.read(_conferences)
    chosen = [n for n in open_now if heard.said.get("Digits", str(n)) == str(n)]
    if len(chosen) == 1:
        said = f"You join the conference about incident {chosen[0]} now."
        return _xml(twiml.join(said, _room(heard.line, chosen[0])))
    if not open_now:
        return _xml(twiml.say("This is Playcall. There is no conference now. Goodbye."))
    said = "Enter the number of an incident, then the hash key."
    return _xml(twiml.ask(said, f"{heard.line.url}/twilio/calls", end="#"))


def _conferences(views: Views) -> list[int]:
    live = views.incidents(live_only=True, limit=WAITING)
    return [one.id for one in live if has_conference(one, views.plan(one.plan))]


def _room(line: Line, incident: int) -> str:
    """One account may serve several Playcalls."""
    return f"{httpx.URL(line.url).host} incident {incident}"


async def _incident(request: Request, incident: int | None) -> Incident | None:
    if incident is None:
        return None
    found = await desk(request).store.read(lambda views: views.dossier(incident))
    return found.incident if found else None


def _xml(text: str) -> Response:
    return Response(text, media_type="text/xml")
