"""What every route needs, and the one way in which a person's act becomes an event."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import HTTPException, Request

from playcall.channels.twilio import Voice
from playcall.core.audit import Verdict
from playcall.core.chart import Chart
from playcall.core.effects import Moved, Refused
from playcall.core.events import Event
from playcall.core.people import roles
from playcall.core.plan import Plan
from playcall.core.shown_settings import ShownSettings
from playcall.core.similar import Similar
from playcall.engine.directory import Directory
from playcall.engine.loop import Engine
from playcall.engine.playbooks import Served
from playcall.engine.ports import Clock, Dossier, Store
from playcall.engine.source import Sources
from playcall.web.drawn import Drawn
from playcall.web.response import Surroundings
from playcall.web.shared import Shared

LARGEST = 2**63 - 1  # number that a database holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    engine: Engine
    store: Store
    clock: Clock
    stopping: asyncio.Event = field(default_factory=asyncio.Event)  # ends what streams
    status_page: str = ""  # its path, where we serve one
    plans: dict[str, Plan] = field(default_factory=dict)  # read already, by digest
    board: Drawn = field(default_factory=Drawn)
    alike: dict[int, tuple[datetime, tuple[Similar, ...]]] = field(default_factory=dict)  # and when
    verified: list[tuple[datetime, Verdict]] = field(default_factory=list)  # the audit log, lately
    sources: Sources | None = None  # None: where the document lies is not known
    measured: Shared[Chart] = field(default_factory=lambda: Shared(100))
    drawn: Shared[bytes] = field(default_factory=lambda: Shared(200))
    library: Served | None = None  # None: no document is served
    settings: ShownSettings | None = None  # None: they were not read from a file
    proposed: dict[int, tuple[datetime, int]] = field(default_factory=dict)  # when, and how many


def desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


def directory(request: Request) -> Directory:
    return desk(request).engine.performer.committer.directory


async def surroundings(request: Request, found: Dossier) -> Surroundings:
    """Who can be called, and the plan of today. Raises Unavailable."""
    known = directory(request)
    current = desk(request).engine.intake.plan
    tickets = desk(request).engine.performer.hands.tickets
    return Surroundings(
        people=tuple((key, person.name) for key, person in known.people.items()),
        roles=tuple(role for role in _roles(found.plan) if not known.unbound((role,))),
        current=current,
        unbound=known.unbound(roles(found.plan)),
        placement=desk(request).engine.performer.committer.placement,
        time_limit=desk(request).engine.performer.hands.time_limit,
        number=_number(desk(request).engine),
        names=known.names(),
        tracker=tickets.name if tickets else "",
        ticket_always=tickets is not None and tickets.always,
        newer=None if current == found.incident.plan else await _plan(desk(request), current),
    )


def _number(engine: Engine) -> str:
    voice = engine.performer.hands.channels.get("voice")
    return voice.line.sender if isinstance(voice, Voice) else ""


def _roles(plan: Plan) -> tuple[str, ...]:
    teams = [role for team in plan.teams for role in (team.primary, team.secondary)]
    return tuple(dict.fromkeys(role for role in (*roles(plan), *teams) if role))


async def _plan(desk: Desk, digest: str) -> Plan:
    """A plan never changes under its digest: it is read once."""
    if digest not in desk.plans:
        desk.plans[digest] = await desk.store.write(lambda tx: tx.plan(digest))
    return desk.plans[digest]


async def act(request: Request, incident: int, event: Event) -> Moved:
    """Submit an event. 404 when there is no such incident, 409 when it is refused. Raises
    Unavailable."""
    refuse_impossible(incident)
    outcome = await desk(request).engine.submit(incident, event)
    if isinstance(outcome, Refused):
        missing = outcome.reason.startswith("there is no incident")
        raise HTTPException(404 if missing else 409, outcome.reason)
    return outcome


async def dossier(request: Request, incident: int) -> Dossier:
    """404 when there is no such incident. Raises Unavailable."""
    refuse_impossible(incident)
    found = await desk(request).store.read(lambda views: views.dossier(incident))
    if found is None:
        raise HTTPException(404, f"there is no incident {incident}")
    return found


def refuse_impossible(incident: int) -> None:
    if abs(incident) > LARGEST:
        raise HTTPException(404, "there is no incident of so large a number")
