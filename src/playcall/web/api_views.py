"""What the HTTP API tells of incidents, and how it is made from a dossier."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from playcall.core import verification
from playcall.core.bound import judged, used
from playcall.core.commands import missing_values
from playcall.core.incident import Incident, Quiet
from playcall.core.placement import Placement
from playcall.core.standing import say_standing
from playcall.core.timeline import entry
from playcall.core.wording import say_unreached
from playcall.engine.ports import Dossier, StoredRun
from playcall.web.approval_view import AskView, view_ask
from playcall.web.response import (
    BoxView,
    NextRung,
    PlanView,
    ResponseView,
    RungView,
    SilenceView,
    Surroundings,
    TreeView,
    parts,
    respond,
)
from playcall.web.values import preview


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
    round: int = Field(description="of the path, which starts over until somebody acknowledges")
    quiet: Quiet | None = Field(description="pages are held")
    assigned_to: str | None
    parts: dict[str, tuple[str, ...]] = Field(description="who does what, by the part's name")
    respond_by: datetime | None = Field(description="null: no target, or met, or missed")
    reopened: int = Field(description="times")
    merged_into: int | None = Field(description="the incident that goes on with its alerts")
    unreached: str = Field(
        description="the page that did not arrive; empty: none, or one did since"
    )


class RunView(BaseModel):
    id: str
    status: str
    approved_by: str | None
    as_run: str
    where: str = Field(description="empty: nobody said")
    whom: str = Field(description="as whom it ran")
    values: dict[str, str] = Field(description="that stood in its placeholders")
    begun_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    summary: str
    after: str = Field(description="the change whose end made it look again; empty: none")


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
    values: dict[str, str] = Field(description="what stands, or would stand, in its placeholders")
    would_run: str = Field(
        description="with its values; empty: it has no placeholder, or lacks one"
    )
    run: RunView | None
    ask: AskView = Field(description="what is asked of who approves it, and how that stands")


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
    n: int = Field(description="its event's number in the incident")
    pin: str | None = Field(description="what it is pinned as for the post-mortem")


class ReadinessView(BaseModel):
    """GO, CAUTION, NO-GO or UNKNOWN, and since when."""

    state: str
    since: datetime
    value: float | None = Field(description="the latest share of what complies, 0 to 1")


class Detail(Summary):
    """Everything about an incident."""

    commands: list[CommandView]
    criteria: list[CriterionView]
    timeline: list[EntryView]
    doubts: list[str] = Field(description="what stands against calling it over")
    alongside: list[int]
    absorbed: list[int] = Field(description="incidents that were merged into it")
    split_from: int | None = Field(description="the incident that its alerts were taken out of")
    split_off: list[int] = Field(description="incidents that were made of alerts of it")
    fingerprints: dict[str, str] = Field(description="of its alerts, with their names")
    notes: list[str] = Field(description="no play for the alert, a severity that wakes nobody")
    given_up: list[str] = Field(description="messages and tasks that could not be carried out")
    target_missed: bool = Field(description="nobody acknowledged within the response time")
    rungs: tuple[RungView, ...]
    next: NextRung | None = Field(description="what is climbed next if nothing changes")
    boxes: tuple[BoxView, ...]
    trees: tuple[TreeView, ...]
    silences: tuple[SilenceView, ...]
    unbound: tuple[str, ...] = Field(
        description="roles that its plan pages and nobody is behind: the first rung stands in"
    )
    war_room: str = Field(description="where people meet; empty: nowhere in particular")
    plan: PlanView


class Done(BaseModel):
    status: str


def summary(incident: Incident) -> dict[str, Any]:
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
        "round": incident.round,
        "quiet": incident.quiet,
        "assigned_to": incident.assigned_to,
        "parts": parts(incident),
        "respond_by": incident.respond_by,
        "reopened": incident.reopened,
        "merged_into": incident.kin.into,
        "unreached": say_unreached(incident),
    }


def detail(found: Dossier, around: Surroundings, now: datetime) -> Detail:
    incident = found.incident
    standing = respond(found, around, now)
    return Detail(
        **{**summary(incident), **_fields(standing)},
        commands=_commands(found, around.placement, now),
        criteria=_criteria(found),
        timeline=timeline(found),
        doubts=list(verification.doubts(incident, found.plan)),
        alongside=list(incident.alongside),
        absorbed=list(incident.kin.absorbed),
        split_from=incident.kin.split_from,
        split_off=list(incident.kin.split_off),
        fingerprints={key: one.alert.name for key, one in incident.alerts.items()},
        notes=list(say_standing(incident, found.plan, now)),
        given_up=[f"{buried.kind}: {buried.reason}" for buried in found.buried],
    )


def _fields(standing: ResponseView) -> dict[str, Any]:
    return {field.name: getattr(standing, field.name) for field in fields(standing)}


def _commands(found: Dossier, placement: Placement, now: datetime) -> list[CommandView]:
    incident = found.incident
    play = found.plan.play(incident.play or "")
    stored = {run.id: run for run in found.runs}
    return [
        CommandView(
            id=command.id,
            phase=phase.title,
            step=f"{step.key}. {step.title}",
            title=command.title,
            guard=command.guard.text if command.guard else None,
            as_written=command.text,
            effect=bound.effect,
            reasons=list(bound.reasons),
            line=command.line,
            missing=list(missing_values(incident, command)),
            values=used(command, incident.values),
            would_run=preview(command, incident).text,
            run=_run(incident, command.id, stored),
            ask=view_ask(command, incident, found.plan, placement, now),
        )
        for phase in (play.phases if play else ())
        for step in phase.steps
        for command in step.commands
        for bound in [judged(command, incident.values)]
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
        where=row.execution.where if row else "",
        whom=row.execution.whom if row else "",
        values=dict(row.execution.values) if row else {},
        begun_at=row.begun_at if row else None,
        ended_at=row.ended_at if row else None,
        exit_code=run.exit_code,
        summary=run.summary,
        after=run.after,
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


def timeline(found: Dossier) -> list[EntryView]:
    play = found.plan.play(found.incident.play or "")
    lines = []
    for stored in found.events:
        line = entry(stored.event, found.plan, play)
        if line:
            kind = type(stored.event).__name__
            n, pin = stored.n, found.incident.pins.get(stored.n)
            lines.append(EntryView(at=line.at, text=line.text, by=line.by, kind=kind, n=n, pin=pin))
    return lines
