"""The HTTP API for programs and the CLI, version 1. Its description is at /api/v1/openapi.json."""

from datetime import datetime
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from playcall.core import verification
from playcall.core.commands import missing_values
from playcall.core.events import Acknowledged, NoteAdded, Resolved, RunApproved, RunDeclined
from playcall.core.incident import Incident
from playcall.core.report import write_report
from playcall.core.timeline import entry
from playcall.engine.ports import Dossier, StoredRun
from playcall.web.auth import Commander, Responder, Viewer
from playcall.web.desk import act, desk, dossier

router = APIRouter(prefix="/api/v1")


class Summary(BaseModel):
    """An incident in a list."""

    id: int
    title: str
    severity: str
    status: str
    play: str | None
    firing: bool
    fired_at: datetime
    opened_at: datetime
    acknowledged_by: str | None
    alerts: int


class RunView(BaseModel):
    id: str
    status: str
    approved_by: str | None
    as_run: str
    begun_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    summary: str


class CommandView(BaseModel):
    """A command of the play with what became of it here."""

    id: str
    phase: str
    step: str
    title: str
    guard: str | None
    as_written: str
    effect: str
    reasons: list[str]
    line: int
    missing: list[str] = Field(description="placeholders that nothing fills")
    run: RunView | None


class CriterionView(BaseModel):
    id: str
    text: str
    purpose: str
    query: str | None
    threshold: float
    unit: str
    holds_for_seconds: float
    verdict: str
    value: float | None
    since: datetime | None
    read_at: datetime | None


class EntryView(BaseModel):
    at: datetime
    text: str
    by: str | None
    kind: str


class Detail(Summary):
    """Everything about an incident."""

    commands: list[CommandView]
    criteria: list[CriterionView]
    timeline: list[EntryView]
    doubts: list[str] = Field(description="what stands against calling it over")
    alongside: list[int]
    given_up: list[str] = Field(description="messages and tasks that could not be carried out")


class Approval(BaseModel):
    command: str = Field(description='its id in the play, such as "3.1"')
    again: bool = Field(False, description="run it although it ran before")


class Declining(BaseModel):
    command: str
    reason: str = ""


class Note(BaseModel):
    text: str = Field(min_length=1, max_length=20_000)


class Resolution(BaseModel):
    cause: str = Field("", max_length=20_000, description="the root cause, in your words")
    unverified: bool = Field(False, description="although the criteria do not prove it")


class Done(BaseModel):
    status: str


@router.get("/incidents")
async def list_incidents(request: Request, _: Viewer, live: bool = False) -> list[Summary]:
    """Newest first; `live` leaves out what is resolved or closed."""
    found = await desk(request).store.read(lambda views: views.incidents(live_only=live))
    return [Summary(**_summary(incident)) for incident in found]


@router.get("/incidents/{incident}")
async def show_incident(request: Request, incident: int, _: Viewer) -> Detail:
    return _detail(await dossier(request, incident))


@router.post("/incidents/{incident}/acknowledge")
async def acknowledge(request: Request, incident: int, who: Responder) -> Done:
    await act(request, incident, Acknowledged(at=desk(request).clock.now(), by=who.id))
    return Done(status="acknowledged")


@router.post("/incidents/{incident}/approve")
async def approve(request: Request, incident: int, body: Approval, who: Responder) -> Done:
    """Let one command run once."""
    now = desk(request).clock.now()
    event = RunApproved(
        at=now, by=who.id, command=body.command, again=body.again, access=who.access
    )
    await act(request, incident, event)
    return Done(status="approved")


@router.post("/incidents/{incident}/decline")
async def decline(request: Request, incident: int, body: Declining, who: Responder) -> Done:
    now = desk(request).clock.now()
    await act(
        request, incident, RunDeclined(at=now, by=who.id, command=body.command, reason=body.reason)
    )
    return Done(status="declined")


@router.post("/incidents/{incident}/notes")
async def add_note(request: Request, incident: int, body: Note, who: Responder) -> Done:
    await act(request, incident, NoteAdded(at=desk(request).clock.now(), by=who.id, text=body.text))
    return Done(status="noted")


@router.post("/incidents/{incident}/resolve")
async def resolve(request: Request, incident: int, body: Resolution, who: Commander) -> Done:
    """Call it over. Refused while the criteria do not prove it, unless `unverified`."""
    now = desk(request).clock.now()
    event = Resolved(at=now, by=who.id, cause=body.cause, unverified=body.unverified)
    await act(request, incident, event)
    return Done(status="resolved")


@router.get("/incidents/{incident}/report", response_class=PlainTextResponse)
async def report(request: Request, incident: int, _: Viewer) -> PlainTextResponse:
    """The post-mortem as Markdown, from the events so far."""
    found = await dossier(request, incident)
    text = write_report([stored.event for stored in found.events], found.plan).markdown
    return PlainTextResponse(text, media_type="text/markdown; charset=utf-8")


@router.get("/incidents/{incident}/events")
async def events(request: Request, incident: int, _: Viewer) -> list[dict[str, Any]]:
    """The event log as it was committed."""
    found = await dossier(request, incident)
    return [
        {"n": stored.n, "kind": type(stored.event).__name__, **msgspec.to_builtins(stored.event)}
        for stored in found.events
    ]


@router.get("/runs/{run:path}/output")
async def run_output(request: Request, run: str, _: Viewer) -> Response:
    """What a command printed, as kept."""
    found = await desk(request).store.read(lambda views: views.run(run))
    if found is None:
        return PlainTextResponse(f"there is no run {run}", 404)
    return Response(found.output, media_type="text/plain; charset=utf-8")


def _summary(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "title": incident.title,
        "severity": incident.severity,
        "status": incident.status,
        "play": incident.play,
        "firing": incident.firing,
        "fired_at": incident.fired_at,
        "opened_at": incident.opened_at,
        "acknowledged_by": incident.acknowledged_by,
        "alerts": len(incident.alerts),
    }


def _detail(found: Dossier) -> Detail:
    incident = found.incident
    return Detail(
        **_summary(incident),
        commands=_commands(found),
        criteria=_criteria(found),
        timeline=_timeline(found),
        doubts=list(verification.doubts(incident, found.plan)),
        alongside=list(incident.alongside),
        given_up=[f"{buried.kind}: {buried.reason}" for buried in found.buried],
    )


def _commands(found: Dossier) -> list[CommandView]:
    incident = found.incident
    play = found.plan.play(incident.play or "")
    stored = {run.id: run for run in found.runs}
    return [
        CommandView(
            id=command.id,
            phase=phase.title,
            step=f"{step.number}. {step.title}",
            title=command.title,
            guard=command.guard.text if command.guard else None,
            as_written=command.text,
            effect=command.effect,
            reasons=list(command.reasons),
            line=command.line,
            missing=list(missing_values(incident, command)),
            run=_run(incident, command.id, stored),
        )
        for phase in (play.phases if play else ())
        for step in phase.steps
        for command in step.commands
    ]


def _run(incident: Incident, command: str, stored: dict[str, StoredRun]) -> RunView | None:
    run = incident.runs.get(command)
    if run is None:
        return None
    row = stored.get(run.id)
    return RunView(
        id=run.id,
        status=run.status,
        approved_by=run.approved_by,
        as_run=row.execution.text if row else "",
        begun_at=row.begun_at if row else None,
        ended_at=row.ended_at if row else None,
        exit_code=run.exit_code,
        summary=run.summary,
    )


def _criteria(found: Dossier) -> list[CriterionView]:
    play = found.plan.play(found.incident.play or "")
    views = []
    for criterion in play.criteria if play else ():
        at, reading = found.readings.get(criterion.id, (None, None))
        views.append(
            CriterionView(
                id=criterion.id,
                text=criterion.text,
                purpose=criterion.purpose,
                query=criterion.query,
                threshold=criterion.threshold,
                unit=criterion.unit,
                holds_for_seconds=criterion.holds_for.total_seconds(),
                verdict=reading.verdict if reading else "unknown",
                value=reading.value if reading else None,
                since=reading.since if reading else None,
                read_at=at,
            )
        )
    return views


def _timeline(found: Dossier) -> list[EntryView]:
    play = found.plan.play(found.incident.play or "")
    lines = []
    for stored in found.events:
        line = entry(stored.event, found.plan, play)
        if line:
            kind = type(stored.event).__name__
            lines.append(EntryView(at=line.at, text=line.text, by=line.by, kind=kind))
    return lines
