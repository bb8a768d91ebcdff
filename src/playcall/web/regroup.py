"""Merging incidents and splitting one, over HTTP and by the page's forms.

Merging ends an incident, so it is for whoever may resolve; splitting takes a part of one on, so it
is for whoever may respond.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from playcall.core.access import Access
from playcall.core.alert import Alert
from playcall.core.effects import Refused
from playcall.core.incident import Incident
from playcall.web.auth import Commander, Identity, Responder
from playcall.web.desk import desk, refuse_impossible
from playcall.web.forms import Reason, back

router = APIRouter(prefix="/api/v1/incidents/{incident}")
forms = APIRouter(prefix="/incidents/{incident}")

MOST = 1000  # alerts that are taken out at once
OFFERED = 50  # incidents, and alerts, on the page


class Merging(BaseModel):
    into: int = Field(description="the incident that goes on")
    reason: str = Field("", max_length=2000)


class Splitting(BaseModel):
    alerts: list[str] = Field(description="fingerprints", max_length=MOST)
    reason: str = Field("", max_length=2000)


class Merged(BaseModel):
    status: str
    into: int


class Parted(BaseModel):
    status: str
    incident: int = Field(description="the new one")


@router.post("/merge")
async def merge(request: Request, incident: int, body: Merging, who: Commander) -> Merged:
    """It is a part of another incident, which has its alerts from now on; this one is over."""
    await _merge(request, incident, who, body.into, body.reason)
    return Merged(status=f"merged into incident {body.into}", into=body.into)


@router.post("/split")
async def split(request: Request, incident: int, body: Splitting, who: Responder) -> Parted:
    """Some of its alerts become an incident of their own, which whoever asks has."""
    number = await _split(request, incident, who, body.alerts, body.reason)
    return Parted(status=f"incident {number} is split off, and {who.id} has it", incident=number)


@forms.post("/merge")
async def merge_here(
    request: Request,
    incident: int,
    who: Commander,
    into: Annotated[int, Form()],
    reason: Reason = "",
) -> Response:
    await _merge(request, incident, who, into, reason)
    return back(into)


@forms.post("/split")
async def split_here(
    request: Request,
    incident: int,
    who: Responder,
    alert: Annotated[list[str] | None, Form(max_length=MOST)] = None,
    reason: Reason = "",
) -> Response:
    return back(await _split(request, incident, who, alert or [], reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the page offers."""

    others: tuple[Incident, ...]  # that it may be merged into, those beside it first
    alerts: tuple[tuple[str, str, bool], ...]  # that it may be split by: each, in words, and firing


async def choices(request: Request, incident: Incident, who: Identity) -> Choices:
    if incident.status.over or not who.access.allows(Access.RESPONDER):
        return Choices(others=(), alerts=())
    alerts = tuple(
        (key, _in_words(one.alert), one.firing)
        for key, one in list(incident.alerts.items())[:OFFERED]
        if len(incident.alerts) > 1
    )
    if not who.access.allows(Access.COMMANDER):
        return Choices(others=(), alerts=alerts)
    live = await desk(request).store.read(
        lambda views: views.incidents(live_only=True, limit=OFFERED)
    )
    beside = sorted(live, key=lambda one: (one.id not in incident.alongside, -one.id))
    others = tuple(one for one in beside if one.id != incident.id)
    return Choices(others=others, alerts=alerts)


def _in_words(alert: Alert) -> str:
    """By what tells it from others of its name."""
    labels = {k: v for k, v in alert.labels.items() if k not in ("alertname", "severity")}
    told = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))
    return f"{alert.name}: {told}" if told else alert.name


async def _merge(request: Request, incident: int, who: Identity, into: int, reason: str) -> None:
    refuse_impossible(incident)
    refuse_impossible(into)
    outcome = await desk(request).engine.regroup(
        lambda tx, both, at: both.merge(tx, incident, into, who.id, reason.strip(), at)
    )
    if outcome is not None:
        raise _refusal(outcome)


async def _split(
    request: Request, incident: int, who: Identity, alerts: list[str], reason: str
) -> int:
    refuse_impossible(incident)
    outcome = await desk(request).engine.regroup(
        lambda tx, both, at: both.split(tx, incident, alerts, who.id, reason.strip(), at)
    )
    if isinstance(outcome, Refused):
        raise _refusal(outcome)
    return outcome


def _refusal(refused: Refused) -> HTTPException:
    missing = refused.reason.startswith("there is no incident")
    return HTTPException(404 if missing else 409, refused.reason)
