"""The pages about being on call: who is, who follows, gaps, one's own shifts; the calendar of one
schedule by week and month; what it asks of each person."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from playcall.core import hours, rota
from playcall.core.access import Access
from playcall.core.load import Load, loads
from playcall.core.roster import DAY, Outlook, days, local_day, midnight, outlook, pieces, week_of
from playcall.core.rota import Imported, Layer, Schedule, Shift, StoredOverride, in_force
from playcall.core.wording import say_duration
from playcall.engine.directory import Directory
from playcall.web.auth import Identity, Viewer
from playcall.web.desk import desk, directory
from playcall.web.oncall import YEARS, calendar_address
from playcall.web.oncall_desk import (
    call,
    clock_of,
    find_schedule,
    known_only,
    members,
    overrides_of,
    zones,
)
from playcall.web.templates import render

router = APIRouter(prefix="/on-call")

SHOWN_SHIFTS = 20  # of the person who looks
SOON = timedelta(days=14)  # a gap within it is an alarm
LOOKED_AHEAD = rota.LOOK_AHEAD[-1]
Span = Literal["shown", "30", "90"]
Back = Literal["30", "90"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The days of a calendar page: whole weeks, and those in them that were asked for."""

    first: date
    count: int
    begins: date
    ends: date  # the first one after
    earlier: date
    later: date


@router.get("")
async def overview(request: Request, who: Viewer, load: Back = "30") -> HTMLResponse:
    now, known = desk(request).clock.now(), directory(request)
    clock = clock_of(request, who)
    stored = await overrides_of(request, now, now + LOOKED_AHEAD)
    overrides = in_force(stored)
    found = {name: outlook(schedule, now, overrides) for name, schedule in known.schedules.items()}
    since = now - timedelta(days=int(load))
    everybody = [person for one in known.schedules.values() for person in members(one)]
    text = render(
        "oncall.html",
        who=who,
        at=now,
        clock=clock,
        call=lambda people: call(known, people),
        schedules=[(known.schedules[name], looked) for name, looked in found.items()],
        fallbacks=known.fallbacks,
        troubles={name: known.trouble(name) for name in known.schedules},
        alarms=list(_alarms(known, found, now)),
        roles=[
            (role, known.behind(role, now, overrides), known.bound(role)) for role in known.roles
        ],
        mine=_mine(found, who.id)[:SHOWN_SHIFTS],
        member=who.id in known.people,
        may=who.access.allows(Access.RESPONDER),
        feeds=_feeds(request, who, tuple(known.schedules)),
        load=await _loads(request, tuple(known.schedules.values()), since, now, everybody),
        load_of=load,
    )
    return HTMLResponse(text)


@router.get("/{name}")
async def calendar(
    request: Request,
    name: str,
    who: Viewer,
    view: Literal["week", "month"] = "week",
    start: Annotated[date | None, Query(alias="from")] = None,
    load: Span = "shown",
) -> HTMLResponse:
    """Without `from` it shows today."""
    schedule = find_schedule(request, name)
    return HTMLResponse(await _draw(request, schedule, who, view, start, load))


async def _draw(
    request: Request, schedule: Schedule, who: Identity, view: str, start: date | None, load: str
) -> str:
    now, known = desk(request).clock.now(), directory(request)
    clock = clock_of(request, who, schedule)
    today = local_day(now, clock.zone)
    period = _period(view, start or today)
    begins = midnight(period.first, clock.zone)
    ends = midnight(period.first + period.count * DAY, clock.zone)
    stored = await overrides_of(request, begins, ends)
    whole = pieces(schedule, begins, ends, stored)
    if load == "shown":
        span = midnight(period.begins, clock.zone), midnight(period.ends, clock.zone)
    else:
        span = now - timedelta(days=int(load)), now
    return render(
        "oncall_calendar.html",
        who=who,
        at=now,
        clock=clock,
        call=lambda people: call(known, people),
        schedule=schedule,
        layers=[_say_layer(layer, known) for layer in schedule.layers],
        fallback=known.fallbacks.get(schedule.name, ()),
        trouble=known.trouble(schedule.name),
        view=view,
        period=period,
        today=today,
        days=days(whole, clock.zone, period.first, period.count),
        gaps=[one for one in whole if not one.people],
        overrides=_live(stored, schedule),
        may=who.access.allows(Access.RESPONDER),
        people=list(known.people.values()),
        feeds=_feeds(request, who, (schedule.name,)),
        load=await _loads(request, (schedule,), *span, members(schedule)),
        load_of=load,
    )


def _period(view: str, start: date) -> Period:
    """422 for a year that no schedule is about."""
    if start.year not in YEARS:
        raise HTTPException(422, f"{start.year} is not a year of these times")
    if view == "week":
        first = week_of(start)
        after = first + 7 * DAY
        return Period(
            first=first, count=7, begins=first, ends=after, earlier=first - 7 * DAY, later=after
        )
    begins = start.replace(day=1)
    ends = (begins + 31 * DAY).replace(day=1)
    first = week_of(begins)
    count = (week_of(ends - DAY) + 7 * DAY - first).days
    earlier = (begins - DAY).replace(day=1)
    return Period(first=first, count=count, begins=begins, ends=ends, earlier=earlier, later=ends)


def _live(stored: Sequence[StoredOverride], schedule: Schedule) -> list[StoredOverride]:
    """Those of a schedule that nobody removed, by their beginning."""
    found = [
        one
        for one in stored
        if one.removed_at is None and one.asked.schedule.lower() == schedule.name.lower()
    ]
    return sorted(found, key=lambda one: one.asked.starts_at)


def _alarms(
    known: Directory, found: Mapping[str, Outlook], now: datetime
) -> Iterator[tuple[str, hours.Span]]:
    """Gaps that are near and not meant."""
    for name, looked in found.items():
        if not known.schedules[name].part_time:
            yield from ((name, gap) for gap in looked.gaps if gap.starts_at < now + SOON)


def _mine(found: Mapping[str, Outlook], person: str) -> list[tuple[str, Shift]]:
    shifts = [
        (name, shift)
        for name, looked in found.items()
        for shift in looked.shifts
        if person in shift.people
    ]
    return sorted(shifts, key=lambda one: one[1].starts_at)


def _say_layer(layer: Layer, known: Directory) -> str:
    if isinstance(layer, Imported):
        return "a calendar that is kept elsewhere"
    names = ", ".join(call(known, (person,)) for person in layer.people)
    hours = ", in hours of its own" if layer.windows else ""
    return f"{names}; turns of {say_duration(layer.turn)}, hand-off {layer.hand_off:%H:%M}{hours}"


def _feeds(request: Request, who: Identity, schedules: Sequence[str]) -> list[tuple[str, str, str]]:
    """What each is, an id, its address."""
    mine = who.id in directory(request).people
    found = (
        [("My shifts", "feed-mine", calendar_address(request, "person", who.id))] if mine else []
    )
    for n, name in enumerate(schedules):
        address = calendar_address(request, "schedule", name)
        found.append((f"Schedule {name}", f"feed-{n}", address))
    return found


async def _loads(
    request: Request,
    schedules: Sequence[Schedule],
    start: datetime,
    end: datetime,
    everybody: Sequence[str],
) -> tuple[Load, ...]:
    known = directory(request)

    def look(views: Any) -> tuple[Load, ...]:
        overrides = in_force(known_only(views.overrides(start, end), known))
        shifts = [
            shift
            for schedule in schedules
            for shift in rota.shifts(schedule, start, end, overrides)
        ]
        pages = views.pages_between(start, end)
        return loads(shifts, pages, zones(known), everybody)

    return await desk(request).store.read(look)
