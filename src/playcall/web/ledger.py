"""The ledger of commands over HTTP: a row for every run, and a person's word on an unknown one."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from playcall.core.events import Fate, OutcomeDecided
from playcall.core.incident import RunStatus
from playcall.engine.ports import Dossier, StoredRun
from playcall.web.api_views import Done
from playcall.web.auth import Identity, Responder, Viewer
from playcall.web.desk import act, desk, dossier

router = APIRouter(prefix="/api/v1")
forms = APIRouter()


class Decision(BaseModel):
    """What a person said of a run whose outcome is unknown."""

    fate: Fate
    by: str
    at: datetime
    note: str


class Row(BaseModel):
    """One run of one command."""

    run: str
    incident: int
    play: str | None
    phase: str
    step: str
    command: str
    title: str
    line: int = Field(description="of the document")
    as_written: str
    as_run: str
    native: bool = Field(description="`as_run` is PromQL, asked of Prometheus")
    effect: str
    reasons: list[str] = Field(description="why it has that class")
    approved_by: str | None = Field(description="null: it ran by itself")
    begun_at: datetime | None = Field(description="committed before the spawn")
    ended_at: datetime | None
    time_limit_seconds: float
    exit_code: int | None
    outcome: str
    summary: str
    output_bytes: int
    decided: Decision | None


class Word(BaseModel):
    command: str
    fate: Fate
    note: str = Field("", max_length=2000)


@router.get("/incidents/{incident}/runs")
async def list_runs(request: Request, incident: int, _: Viewer) -> list[Row]:
    """Every command of the incident that was run, or is to run, in the order they were begun."""
    found = await dossier(request, incident)
    return list(rows(found, desk(request).engine.performer.hands.time_limit.total_seconds()))


@router.post("/incidents/{incident}/outcome")
async def decide_outcome(request: Request, incident: int, body: Word, who: Responder) -> Done:
    """Say of a command whose outcome is unknown that it ran, or that it did not."""
    await _decide(request, incident, who, body.command, body.fate, body.note)
    return Done(status=body.fate)


@forms.post("/incidents/{incident}/outcome")
async def outcome_form(
    request: Request,
    incident: int,
    who: Responder,
    command: Annotated[str, Form()],
    fate: Annotated[Fate, Form()],
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    await _decide(request, incident, who, command, fate, note)
    return RedirectResponse(f"/incidents/{incident}", 303)


async def _decide(
    request: Request, incident: int, who: Identity, command: str, fate: Fate, note: str
) -> None:
    found = await dossier(request, incident)
    run = found.incident.runs.get(command)
    if run is None:
        raise HTTPException(409, f"command {command} was not run")
    event = OutcomeDecided(
        at=desk(request).clock.now(),
        by=who.id,
        command=command,
        run=run.id,
        fate=fate,
        note=note,
        access=who.access,
    )
    await act(request, incident, event)


def rows(found: Dossier, time_limit: float) -> Iterator[Row]:
    """`time_limit`: the settings', in seconds."""
    decided = {
        stored.event.run: stored.event
        for stored in found.events
        if isinstance(stored.event, OutcomeDecided)
    }
    places = _places(found)
    begun = sorted(found.runs, key=lambda run: (run.begun_at is None, run.begun_at, run.id))
    for run in begun:
        yield _row(found, run, places.get(run.execution.command), decided.get(run.id), time_limit)


def _places(found: Dossier) -> dict[str, tuple[str, str]]:
    play = found.plan.play(found.incident.play or "")
    return {
        command.id: (phase.title, f"{step.number}. {step.title}")
        for phase in (play.phases if play else ())
        for step in phase.steps
        for command in step.commands
    }


def _row(
    found: Dossier,
    run: StoredRun,
    place: tuple[str, str] | None,
    said: OutcomeDecided | None,
    time_limit: float,
) -> Row:
    task = run.execution
    command = found.plan.command(found.incident.play, task.command)
    own_limit = task.time_limit.total_seconds() if task.time_limit else time_limit
    phase, step = place or ("", "")
    return Row(
        run=run.id,
        incident=found.incident.id,
        play=found.incident.play,
        phase=phase,
        step=step,
        command=task.command,
        title=task.title,
        line=task.line,
        as_written=task.written,
        as_run=task.text,
        native=task.native,
        effect=task.effect,
        reasons=list(command.reasons) if command else [],
        approved_by=task.approved_by,
        begun_at=run.begun_at,
        # Of a run that nobody saw end, this would be when Playcall found out.
        ended_at=run.ended_at if run.status is not RunStatus.UNKNOWN else None,
        time_limit_seconds=min(own_limit, time_limit),
        exit_code=run.exit_code,
        outcome=run.status,
        summary=run.summary,
        output_bytes=run.output_size,
        decided=Decision(fate=said.fate, by=said.by, at=said.at, note=said.note) if said else None,
    )
