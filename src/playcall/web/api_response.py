"""The HTTP API of the response: hold it, hand it on, call others, take parts, answer, silence."""

from datetime import timedelta

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, Field

from playcall.core.events import Whom
from playcall.web import acts
from playcall.web.api_views import Done
from playcall.web.auth import Commander, Responder

router = APIRouter(prefix="/api/v1/incidents/{incident}")

_LONGEST = 10_000_000  # minutes; what an incident allows is less, and said by it


class Snooze(BaseModel):
    """Exactly one of the two."""

    minutes: float | None = Field(None, gt=0, le=_LONGEST)
    until: AwareDatetime | None = None


class Assignment(BaseModel):
    to: str = Field(description="a person's id in the settings")


class Call(BaseModel):
    whom: Whom = Field(Whom.NEXT, description="the next rung, or whom `to` names")
    to: str = Field("", description="a role, a person's id, or a team; else empty")
    reason: str = Field("", max_length=2000)
    rung: int | None = Field(
        None,
        ge=0,
        le=10_000,
        description="the next rung as you saw it, an index of `rungs`; refused when it is another",
    )


class Taking(BaseModel):
    part: str = Field(description='"commander", "communications" or "responder"')
    person: str = Field("", description="whoever asks, when empty")


class NewSeverity(BaseModel):
    severity: str = Field(description="a level of the document")
    reason: str = Field(min_length=1, max_length=2000)


class Answering(BaseModel):
    question: str = Field(description='its id: "6", "6.1.0"')
    answer: str = Field(description="one of its labels")


class SilenceWish(BaseModel):
    minutes: float = Field(gt=0, le=_LONGEST)


@router.post("/unacknowledge")
async def unacknowledge(request: Request, incident: int, who: Responder) -> Done:
    """Whoever had it has it no longer; the path goes on as if nobody had heard."""
    await acts.unacknowledge(request, incident, who)
    return Done(status="un-acknowledged")


@router.post("/snooze")
async def snooze(request: Request, incident: int, body: Snooze, who: Responder) -> Done:
    """No pages until then; after that the path starts over."""
    lasting = None if body.minutes is None else timedelta(minutes=body.minutes)
    await acts.snooze(request, incident, who, lasting, body.until)
    return Done(status="snoozed")


@router.post("/assign")
async def assign(request: Request, incident: int, body: Assignment, who: Responder) -> Done:
    """Somebody is paged to take it over."""
    await acts.assign(request, incident, who, body.to)
    return Done(status=f"assigned to {body.to}")


@router.post("/escalate")
async def escalate(request: Request, incident: int, body: Call, who: Responder) -> Done:
    """Call the next rung of the path, a role, a person, a team, or the play's expert."""
    await acts.escalate(request, incident, who, body.whom, body.to, body.reason, body.rung)
    called = {Whom.NEXT: "the next rung", Whom.EXPERT: "the subject-matter expert"}
    return Done(status=f"called {called.get(body.whom) or body.to}")


@router.post("/parts/take")
async def take_part(request: Request, incident: int, body: Taking, who: Responder) -> Done:
    """Take a part, or give it to somebody. One person at a time is commander."""
    await acts.take_part(request, incident, who, body.part, body.person)
    return Done(status=f"{body.person or who.id} is {acts.known_part(body.part)}")


@router.post("/parts/leave")
async def leave_part(request: Request, incident: int, body: Taking, who: Responder) -> Done:
    await acts.leave_part(request, incident, who, body.part, body.person)
    return Done(status=f"{body.person or who.id} is no longer {acts.known_part(body.part)}")


@router.post("/severity")
async def change_severity(
    request: Request, incident: int, body: NewSeverity, who: Commander
) -> Done:
    await acts.change_severity(request, incident, who, body.severity, body.reason)
    return Done(status=f"severity {body.severity.upper()}")


@router.post("/answer")
async def answer(request: Request, incident: int, body: Answering, who: Responder) -> Done:
    """Answer a question of the decision tree; given again, an answer replaces the earlier one."""
    await acts.answer(request, incident, who, body.question, body.answer)
    return Done(status="answered")


@router.post("/silence")
async def silence(request: Request, incident: int, body: SilenceWish, who: Responder) -> Done:
    """Silence the incident's alerts in Alertmanager."""
    await acts.silence(request, incident, who, timedelta(minutes=body.minutes))
    return Done(status="silence asked for")
