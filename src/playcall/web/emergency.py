"""The HTTP API of the emergency message: one text to everybody who plans around the service."""

import logging
import secrets
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from playcall.core.events import NoteAdded
from playcall.core.message import Message
from playcall.core.plan import Plan
from playcall.core.rota import Override
from playcall.engine.emergency import Reached, tell_all
from playcall.engine.ports import Person, Transaction
from playcall.web.auth import Identity, Responder
from playcall.web.desk import desk, directory

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1")

LONGEST = 2000  # characters
OPEN = 100  # incidents that get a note


class Emergency(BaseModel):
    message: str = Field(max_length=LONGEST)
    roles: list[str] = Field(
        default_factory=list,
        max_length=50,
        description="who is told; empty: the stakeholders of the document",
    )


class RecipientView(BaseModel):
    person: str
    name: str
    channel: str = Field(description="that took it; empty: none did")
    failures: list[str] = Field(description="of the methods that were tried before")


class Told(BaseModel):
    told: list[RecipientView]
    unbound: list[str] = Field(description="roles behind which there is nobody")
    incidents: list[int] = Field(description="open ones that have it as a note")


@router.post("/emergencies")
async def tell(request: Request, body: Emergency, who: Responder) -> Told:
    """Sends it now and answers when it is sent; with or without an open incident. A second request
    sends it again."""
    here = desk(request)
    now = here.clock.now()
    text = here.engine.performer.committer.hide(body.message.strip())
    if not text:
        raise HTTPException(422, "an emergency message needs words")
    plan, overrides = await here.store.write(lambda tx: _known(tx, here.engine.intake.plan, now))
    roles = body.roles or [role for one in plan.audiences for role in one.recipients]
    if not roles:
        raise HTTPException(409, "the document names no stakeholders; name roles or people")
    people: dict[str, Person] = {}
    unbound = []
    for role in dict.fromkeys(roles):
        found = directory(request).behind(role, now, overrides)
        people |= {person.id: person for person in found}
        unbound += [] if found else [role]
    channels = here.engine.performer.hands.channels
    message = _message(text, who, here.engine.performer.committer.url)
    reached = await tell_all(message, list(people.values()), channels, message.thread)
    log.warning("emergency message by %s: %s; %s", who.id, text, _say(reached))
    return Told(
        told=[
            RecipientView(
                person=one.person,
                name=people[one.person].name,
                channel=one.channel,
                failures=list(one.failures),
            )
            for one in reached
        ],
        unbound=unbound,
        incidents=await _note(request, who, f"Emergency message: {text} ({_say(reached)})"),
    )


def _known(tx: Transaction, plan: str, at: datetime) -> tuple[Plan, list[Override]]:
    return tx.plan(plan), list(tx.overrides(at))


def _message(text: str, who: Identity, url: str) -> Message:
    subject = f"[EMERGENCY] {' '.join(text.split())}"
    return Message(
        subject=subject if len(subject) <= 150 else f"{subject[:149]}…",
        body=f"{text}\n\nSent by {who.name}.",
        link=url,
        thread=f"emergency-{secrets.token_hex(8)}",
        urgent=True,
    )


def _say(reached: tuple[Reached, ...]) -> str:
    told = [f"{one.person} by {one.channel}" for one in reached if one.channel]
    missed = [one.person for one in reached if not one.channel]
    said = f"told {', '.join(told) or 'nobody'}"
    return f"{said}; NOT told {', '.join(missed)}" if missed else said


async def _note(request: Request, who: Identity, text: str) -> list[int]:
    """On record in each open incident. It was sent: nothing that goes wrong here may hide that."""
    here = desk(request)
    noted = []
    open_ones = await here.store.read(lambda views: views.incidents(live_only=True, limit=OPEN))
    for incident in open_ones:
        note = NoteAdded(at=here.clock.now(), by=who.id, text=text)
        await here.engine.submit(incident.id, note)
        noted.append(incident.id)
    return noted
