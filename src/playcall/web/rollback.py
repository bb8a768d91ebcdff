"""The document's rollback over HTTP and on the page: asked for, approved, watched, checked off."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from playcall.core.incident import Incident, RollbackStage, RollbackState, Tick
from playcall.core.plan import Command, Plan
from playcall.core.rollback import APPROVED_WITHIN, left
from playcall.core.rollback_events import (
    ItemTicked,
    RollbackApproved,
    RollbackAsked,
    RollbackStopped,
)
from playcall.engine.ports import Dossier
from playcall.web.api_views import Done
from playcall.web.auth import Identity, Responder, Viewer
from playcall.web.desk import act, desk, dossier
from playcall.web.forms import Flag, Reason, Text, back

router = APIRouter(prefix="/api/v1/incidents/{incident}/rollback")
forms = APIRouter(prefix="/incidents/{incident}/rollback")


class StepView(BaseModel):
    id: str
    title: str
    as_written: str
    line: int
    effect: str
    reasons: list[str]
    proof: str = Field(description="what only looks whether it took hold; empty: its exit code")
    state: str = Field(description='"", "running", "done", "by hand", or how it ended')
    summary: str = Field(description="how its run, or its proof's, ended")
    run: str | None
    proof_run: str | None


class ItemView(BaseModel):
    number: int
    text: str
    query: str = Field(description="what ticks it by itself; empty: a person does")
    ticked_by: str | None
    ticked_at: datetime | None
    measured: bool
    note: str


class RollbackView(BaseModel):
    """Empty `stage`: nobody has asked for it."""

    stage: str
    asked_by: str | None
    asked_at: datetime | None
    asked_until: datetime | None = Field(description="when the asking lapses")
    reason: str
    approved_by: list[str]
    emergency: bool
    trouble: str = Field(description="why it halted, or by whom it was stopped")
    left: list[str] = Field(description="what it leaves as it stands, step by step")
    ways_out: list[str] = Field(description="what can be done now")
    steps: list[StepView]
    checklist: list[ItemView]


class Asking(BaseModel):
    reason: str = Field(min_length=1, max_length=2000)
    begin: str = Field("", description="a step's id; empty: the first, or where it stands")
    emergency: bool = Field(False, description="nobody else is there: the commander alone")


class Stopping(BaseModel):
    reason: str = Field(min_length=1, max_length=2000)


class Ticking(BaseModel):
    item: int
    note: str = Field("", max_length=2000)


def view(found: Dossier) -> RollbackView | None:
    """None: the document has no rollback."""
    incident, plan = found.incident, found.plan
    if plan.rollback is None:
        return None
    now = incident.rollback
    halted = now is not None and now.stage in (RollbackStage.HALTED, RollbackStage.STOPPED)
    return RollbackView(
        stage=now.stage if now else "",
        asked_by=now.asked_by if now else None,
        asked_at=now.asked_at if now else None,
        asked_until=now.asked_at + APPROVED_WITHIN if now else None,
        reason=now.reason if now else "",
        approved_by=list(now.approved_by) if now else [],
        emergency=now.emergency if now else False,
        trouble=now.trouble if now else "",
        left=list(left(incident, plan)) if halted else [],
        ways_out=_ways_out(now, plan) if now and halted else [],
        steps=[_step(step, incident, plan, now) for step in plan.rollback.commands],
        checklist=[
            _item(number, item.text, item.criterion.query if item.criterion else None, incident)
            for number, item in enumerate(plan.rollback.checklist, 1)
        ],
    )


def _ways_out(now: RollbackState, plan: Plan) -> list[str]:
    """Forward, in both of its forms, or not at all."""
    at = (now.at_command or "").removesuffix(".proof")
    ids = [step.id for step in plan.rollback.commands] if plan.rollback else []
    after = ids[ids.index(at) + 1 :] if at in ids else []
    ways = [f"Forward: mend the cause and ask for the rollback again from {at}"]
    if after:
        ways[0] += f", or do {at} by hand and ask for it from {after[0]}"
    undo = ", ".join(reversed(now.done)) or "nothing"
    ways.append(f"Back: leave it here, and undo by hand what was done ({undo})")
    return ways


def _step(step: Command, incident: Incident, plan: Plan, now: RollbackState | None) -> StepView:
    proof = plan.command(None, f"{step.id}.proof")
    run, proved = incident.runs.get(step.id), incident.runs.get(f"{step.id}.proof")
    last = proved if proved and run and proved.at >= run.at else run
    return StepView(
        id=step.id,
        title=step.title,
        as_written=step.text,
        line=step.line,
        effect=step.effect,
        reasons=list(step.reasons),
        proof=proof.text if proof else "",
        state=_state(step, now, last.status if last else ""),
        summary=last.summary if last else "",
        run=run.id if run else None,
        proof_run=proved.id if proved else None,
    )


def _state(step: Command, now: RollbackState | None, status: str) -> str:
    if now is None:
        return ""
    if step.id in now.by_hand:
        return "by hand"
    if step.id in now.done:
        return "done"
    if (now.at_command or "").removesuffix(".proof") != step.id:
        return ""
    if now.stage is RollbackStage.RUNNING:
        return "running"
    return "" if now.stage is RollbackStage.ASKED else status


def _item(number: int, text: str, query: str | None, incident: Incident) -> ItemView:
    tick: Tick | None = incident.ticks.get(number)
    return ItemView(
        number=number,
        text=text,
        query=query or "",
        ticked_by=tick.by if tick else None,
        ticked_at=tick.at if tick else None,
        measured=tick.measured if tick else False,
        note=tick.note if tick else "",
    )


# --- for programs --------------------------------------------------------------------------------


@router.get("")
async def show(request: Request, incident: int, _: Viewer) -> RollbackView | None:
    """What the document's rollback is, and how far; null when it has none. It touches nothing."""
    return view(await dossier(request, incident))


@router.post("/ask")
async def ask(request: Request, incident: int, body: Asking, who: Responder) -> Done:
    """The first of two people; in an emergency the incident commander alone."""
    await _ask(request, incident, who, body)
    return Done(status="the rollback runs" if body.emergency else "the rollback is asked for")


@router.post("/approve")
async def approve(request: Request, incident: int, who: Responder) -> Done:
    """The second of two people, one of whom is the incident commander. It runs from then on."""
    await _approve(request, incident, who)
    return Done(status="the rollback runs")


@router.post("/stop")
async def stop(request: Request, incident: int, body: Stopping, who: Responder) -> Done:
    """What was begun ends; no further step is begun."""
    event = RollbackStopped(at=desk(request).clock.now(), by=who.id, reason=body.reason)
    await act(request, incident, event)
    return Done(status="the rollback is stopped")


@router.post("/tick")
async def tick(request: Request, incident: int, body: Ticking, who: Responder) -> Done:
    """An item of the checklist is done."""
    await _tick(request, incident, who, body)
    return Done(status=f"item {body.item} is checked off")


async def _ask(request: Request, incident: int, who: Identity, body: Asking) -> None:
    event = RollbackAsked(
        at=desk(request).clock.now(),
        by=who.id,
        reason=body.reason,
        access=who.access,
        begin=body.begin,
        emergency=body.emergency,
    )
    await act(request, incident, event)


async def _approve(request: Request, incident: int, who: Identity) -> None:
    event = RollbackApproved(at=desk(request).clock.now(), by=who.id, access=who.access)
    await act(request, incident, event)


async def _tick(request: Request, incident: int, who: Identity, body: Ticking) -> None:
    event = ItemTicked(
        at=desk(request).clock.now(),
        by=who.id,
        item=body.item,
        access=who.access,
        note=body.note,
    )
    await act(request, incident, event)


# --- for the page --------------------------------------------------------------------------------


@forms.post("/ask")
async def ask_form(
    request: Request,
    incident: int,
    who: Responder,
    reason: Annotated[str, Form(min_length=1, max_length=2000)],
    begin: Text = "",
    emergency: Flag = False,
) -> Response:
    body = Asking(reason=reason, begin=begin, emergency=emergency)
    await _ask(request, incident, who, body)
    return back(incident, "rollback")


@forms.post("/approve")
async def approve_form(request: Request, incident: int, who: Responder) -> Response:
    await _approve(request, incident, who)
    return back(incident, "rollback")


@forms.post("/stop")
async def stop_form(
    request: Request,
    incident: int,
    who: Responder,
    reason: Annotated[str, Form(min_length=1, max_length=2000)],
) -> Response:
    await stop(request, incident, Stopping(reason=reason), who)
    return back(incident, "rollback")


@forms.post("/tick")
async def tick_form(
    request: Request,
    incident: int,
    who: Responder,
    item: Annotated[int, Form()],
    note: Reason = "",
) -> Response:
    await _tick(request, incident, who, Ticking(item=item, note=note))
    return back(incident, "rollback")
