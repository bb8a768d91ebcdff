"""What every route needs, and the one way in which a person's act becomes an event."""

from dataclasses import dataclass

from fastapi import HTTPException, Request

from playcall.core.incident import Event, Refused
from playcall.engine.loop import Engine
from playcall.engine.ports import Clock, Dossier, Store, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    engine: Engine
    store: Store
    clock: Clock


def desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


async def act(request: Request, incident: int, event: Event) -> None:
    """Submit an event. 404 when there is no such incident, 409 when it is refused, 503 when it
    cannot be stored."""
    try:
        outcome = await desk(request).engine.submit(incident, event)
    except Unavailable as error:
        raise HTTPException(503, str(error)) from error
    if isinstance(outcome, Refused):
        missing = outcome.reason.startswith("there is no incident")
        raise HTTPException(404 if missing else 409, outcome.reason)


async def dossier(request: Request, incident: int) -> Dossier:
    try:
        found = await desk(request).store.read(lambda views: views.dossier(incident))
    except Unavailable as error:
        raise HTTPException(503, str(error)) from error
    if found is None:
        raise HTTPException(404, f"there is no incident {incident}")
    return found
