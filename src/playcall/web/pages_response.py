"""The incident page's forms about the response. They work without JavaScript."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response

from playcall.core.events import Whom
from playcall.web import acts
from playcall.web.auth import Commander, Responder
from playcall.web.desk import dossier
from playcall.web.forms import Reason, Text, back

router = APIRouter(prefix="/incidents/{incident}")

Minutes = Annotated[float, Form(gt=0, le=10_000_000)]


@router.post("/unacknowledge")
async def unacknowledge(request: Request, incident: int, who: Responder) -> Response:
    await acts.unacknowledge(request, incident, who)
    return back(incident)


@router.post("/snooze")
async def snooze(request: Request, incident: int, who: Responder, minutes: Minutes) -> Response:
    await acts.snooze(request, incident, who, timedelta(minutes=minutes))
    return back(incident)


@router.post("/assign")
async def assign(request: Request, incident: int, who: Responder, to: Text) -> Response:
    await acts.assign(request, incident, who, to)
    return back(incident)


@router.post("/escalate")
async def escalate(
    request: Request,
    incident: int,
    who: Responder,
    call: Text = "next",
    reason: Reason = "",
    rung: Annotated[int | None, Form(ge=0, le=10_000)] = None,
) -> Response:
    """`call` is one choice out of all: 'next', 'expert', 'team:network', 'person:ada'."""
    kind, _, to = call.partition(":")
    if kind not in list(Whom):
        raise HTTPException(422, f"whom to call? {', '.join(Whom)} can be")
    await acts.escalate(request, incident, who, Whom(kind), to, reason, rung)
    return back(incident)


@router.post("/parts/take")
async def take_part(
    request: Request, incident: int, who: Responder, part: Text, person: Text = ""
) -> Response:
    await acts.take_part(request, incident, who, part, person)
    return back(incident)


@router.post("/parts/leave")
async def leave_part(
    request: Request, incident: int, who: Responder, part: Text, person: Text = ""
) -> Response:
    await acts.leave_part(request, incident, who, part, person)
    return back(incident)


@router.post("/severity")
async def change_severity(
    request: Request,
    incident: int,
    who: Commander,
    severity: Text,
    reason: Annotated[str, Form(min_length=1, max_length=2000)],
) -> Response:
    await acts.change_severity(request, incident, who, severity, reason)
    return back(incident)


@router.post("/answer")
async def answer(
    request: Request, incident: int, who: Responder, question: Text, answer: Text
) -> Response:
    await acts.answer(request, incident, who, question, answer)
    return back(incident)


@router.post("/silence")
async def silence(request: Request, incident: int, who: Responder, minutes: Minutes) -> Response:
    await acts.silence(request, incident, who, timedelta(minutes=minutes))
    return back(incident)


@router.post("/values")
async def give_values(
    request: Request,
    incident: int,
    who: Responder,
    command: Text,
    name: Annotated[list[str], Form()],
    value: Annotated[list[str], Form()],
) -> Response:
    """The fields of one command's form, by pairs; what was left empty or as it was is not given."""
    typed = [given.strip() for given in value]
    known = (await dossier(request, incident)).incident.values
    fresh = [(one, given) for one, given in zip(name, typed, strict=False) if given]
    if not fresh:
        raise HTTPException(422, f"write a value for {' or '.join(name)} first")
    for one, given in fresh:
        if known.get(one) != given:
            await acts.give_value(request, incident, who, one, given, command)
    return back(incident)
