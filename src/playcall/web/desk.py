"""What every route needs, and the one way in which a person's act becomes an event."""

import asyncio
from dataclasses import dataclass, field

from fastapi import HTTPException, Request

from playcall.core.effects import Refused
from playcall.core.events import Event
from playcall.engine.loop import Engine
from playcall.engine.ports import Clock, Dossier, Store

LARGEST = 2**63 - 1  # number that a database holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    engine: Engine
    store: Store
    clock: Clock
    stopping: asyncio.Event = field(default_factory=asyncio.Event)  # ends what streams


def desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


async def act(request: Request, incident: int, event: Event) -> None:
    """Submit an event. 404 when there is no such incident, 409 when it is refused. Raises
    Unavailable."""
    _refuse_impossible(incident)
    outcome = await desk(request).engine.submit(incident, event)
    if isinstance(outcome, Refused):
        missing = outcome.reason.startswith("there is no incident")
        raise HTTPException(404 if missing else 409, outcome.reason)


async def dossier(request: Request, incident: int) -> Dossier:
    """404 when there is no such incident. Raises Unavailable."""
    _refuse_impossible(incident)
    found = await desk(request).store.read(lambda views: views.dossier(incident))
    if found is None:
        raise HTTPException(404, f"there is no incident {incident}")
    return found


def _refuse_impossible(incident: int) -> None:
    if abs(incident) > LARGEST:
        raise HTTPException(404, "there is no incident of so large a number")
