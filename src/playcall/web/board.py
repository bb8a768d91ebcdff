"""The board: everything that is open at one look, live. The same for everybody who looks, so it is
drawn once for all of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from playcall.core import rota
from playcall.core.incident import Incident
from playcall.core.overview import Group, first, groups, say_counts
from playcall.core.plan import Plan
from playcall.core.readiness import Readiness
from playcall.core.readiness_history import Stretch, say_shares, stretches
from playcall.engine.directory import Directory
from playcall.engine.older_plans import unbound_roles
from playcall.engine.ports import Unavailable, Views
from playcall.web.auth import Viewer
from playcall.web.desk import desk, directory
from playcall.web.drawn import TICK
from playcall.web.health import stalled
from playcall.web.templates import render
from playcall.web.unheard import Unheard, lately

router = APIRouter()

MOST_OPEN = 1000  # that are looked at
MOST_SHOWN = 100  # the most urgent of them
MOST_OVER = 10
MOST_CHANGES, MOST_LISTED = 500, 50  # of GO and NO-GO: read, and shown as a list
STRIP = timedelta(days=1)
EVER = datetime(1971, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """Who is on call now in a schedule."""

    schedule: str
    people: tuple[str, ...]  # nobody: a gap
    stands_in: tuple[str, ...]
    meant: bool  # that nobody is
    until: datetime | None
    following: rota.Shift | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    at: datetime
    groups: tuple[Group, ...]
    counts: str
    open: int
    more: int  # are open and not shown
    over: Sequence[Incident]
    owing: Sequence[Incident]
    unbound: Mapping[int, tuple[str, ...]]
    unheard: Sequence[Unheard]
    readiness: Sequence[Readiness]  # newest first; empty: it is not measured
    strip: tuple[Stretch, ...]
    shares: str
    troubles: tuple[str, ...]  # of Playcall itself

    @property
    def late(self) -> list[tuple[Incident, str]]:
        return [(one.incident, said) for g in self.groups for one in g.cards for said in one.late]

    @property
    def begins(self) -> datetime:
        return self.at - STRIP


@router.get("/")
async def board(request: Request, who: Viewer) -> HTMLResponse:
    looked = await _look(request)
    page = render("board.html", who=who, body=await _draw(request, looked), board=looked)
    return HTMLResponse(page)


@router.get("/board/live")
async def live(request: Request, who: Viewer) -> StreamingResponse:
    """Server-Sent Events: the board's body whenever something on it changed."""
    await _latest(request)  # where the database is away, this says so
    return StreamingResponse(
        _changes(request),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _changes(request: Request) -> AsyncIterator[str]:
    seen = ""
    while not (desk(request).stopping.is_set() or await request.is_disconnected()):
        try:
            body = await _latest(request)
            if body != seen:
                yield "event: page\n" + "".join(f"data: {line}\n" for line in body.splitlines())
                yield "\n"
                seen = body
        except Unavailable:
            yield ": the database is not available\n\n"
        await asyncio.sleep(TICK)


async def _latest(request: Request) -> str:
    """The body as it is now, drawn by whoever comes first."""
    drawn = desk(request).board
    async with drawn.drawing:
        if drawn.is_settled():
            return drawn.body
        stamp = await desk(request).store.read(lambda views: views.board_stamp())
        now = desk(request).clock.now()
        if not drawn.is_good(stamp, now):
            drawn.body = await _draw(request, await _look(request))
            drawn.stamp, drawn.at = stamp, now
        drawn.settle()
        return drawn.body


async def _look(request: Request) -> Board:
    known, now = directory(request), desk(request).clock.now()
    troubles = tuple(stalled(desk(request).engine, now))

    def look(views: Views) -> Board:
        found = views.incidents(live_only=True, limit=MOST_OPEN)
        plans: dict[str, Plan] = {one: views.plan(one) for one in {i.plan for i in found}}
        grouped = groups(found, plans, now)
        changes = views.readiness(limit=MOST_CHANGES)
        strip = stretches(changes, now - STRIP, now)
        return Board(
            at=now,
            groups=first(grouped, MOST_SHOWN),
            counts=say_counts(grouped),
            open=len(found),
            more=max(0, len(found) - MOST_SHOWN),
            over=views.lately_over(EVER, MOST_OVER),
            owing=views.owing(limit=50),
            unbound=unbound_roles(views, found, known),
            unheard=lately(views, now),
            readiness=_lately(changes, now),
            strip=strip,
            shares=say_shares(strip),
            troubles=troubles,
        )

    return await desk(request).store.read(look)


def _lately(changes: Sequence[Readiness], now: datetime) -> Sequence[Readiness]:
    """Those of the strip's time, and some before."""
    recent = sum(one.since >= now - STRIP for one in changes)
    return changes[: min(recent + 5, MOST_LISTED)]


async def _draw(request: Request, board: Board) -> str:
    known = directory(request)
    stored = await desk(request).store.read(
        lambda views: views.overrides(board.at, board.at + rota.LOOK_AHEAD[-1])
    )
    in_force = [one for one in rota.in_force(stored) if one.person in known.people]
    schedules = [_on_call(known, name, board.at, in_force) for name in known.schedules]
    hand_offs = [(one.following, one.schedule) for one in schedules if one.following]
    return render(
        "board_body.html",
        board=board,
        schedules=schedules,
        people=_bound_people(known),
        hand_off=min(hand_offs, key=lambda pair: pair[0].starts_at, default=None),
        called=lambda person: known.people[person].name if person in known.people else person,
    )


def _on_call(
    known: Directory, name: str, at: datetime, overrides: Sequence[rota.Override]
) -> OnCall:
    schedule = known.schedules[name]
    people = rota.on_call(schedule, at, overrides)
    return OnCall(
        schedule=schedule.name,
        people=people,
        stands_in=() if people else tuple(known.fallbacks.get(name, ())),
        meant=schedule.part_time,
        until=rota.until(schedule, at, overrides),
        following=rota.next_shift(schedule, at, overrides),
    )


def _bound_people(known: Directory) -> list[tuple[str, tuple[str, ...]]]:
    """Roles that are people's whatever the hour."""
    found = []
    for role, bound in known.roles.items():
        people = tuple(one for one in bound if one in known.people)
        if people:
            found.append((known.written.get(role, role.capitalize()), people))
    return found
