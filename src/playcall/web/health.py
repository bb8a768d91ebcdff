"""`/api/v1/health`: whether pages would go out, for whatever watches this server."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from playcall.engine.loop import Engine
from playcall.engine.ports import Unavailable, Views
from playcall.web.auth import Doorkeeper
from playcall.web.desk import desk

STALE = timedelta(seconds=60)  # since timers were looked at
UNREACHED = timedelta(minutes=2)  # since a page reached nobody


async def tell_health(request: Request) -> Response:
    """`GET /api/v1/health` with a bearer token, of the intake or of a person. 503 when something is
    wrong; `troubles` says what, and names neither alerts nor people."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    token = said.strip()
    admitted = doorkeeper.admits_intake(token) or doorkeeper.by_token(token) is not None
    if scheme.lower() != "bearer" or not admitted:
        return JSONResponse({"detail": "/api/v1/health needs a token; see intake.tokens"}, 401)
    here = desk(request)
    now = here.clock.now()
    try:
        await here.store.write(lambda tx: None)
        lost = await here.store.read(lambda views: _unreached(views, now))
    except Unavailable as error:
        return _answer([f"the database: {error}"])
    return _answer([*stalled(here.engine, now), *lost])


def stalled(engine: Engine, now: datetime) -> Iterator[str]:
    looked = engine.looked_at
    if looked is None:
        yield "it has only begun: timers were not looked at yet"
    elif now - looked > STALE:
        yield f"timers were last looked at {(now - looked).total_seconds():.0f} s ago"


def _unreached(views: Views, now: datetime) -> list[str]:
    live = views.incidents(live_only=True, limit=1000)
    lost = [one for one in live if one.unreached and now - one.unreached.at > UNREACHED]
    numbers = ", ".join(str(incident.id) for incident in lost[:5])
    return [f"pages of {len(lost)} incidents reached nobody ({numbers})"] if lost else []


def _answer(troubles: list[str]) -> Response:
    body = {"healthy": not troubles, "troubles": troubles}
    return JSONResponse(body, 503 if troubles else 200)
