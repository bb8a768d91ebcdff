"""Who is on call, over HTTP: the API for it, overrides, and calendars under secret addresses."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from playcall.calendars import write_calendar
from playcall.core import rota
from playcall.core.effects import Refused
from playcall.core.hours import Span, instant
from playcall.core.rota import Override, Schedule, Shift, StoredOverride, in_force
from playcall.engine.directory import Directory
from playcall.engine.overriding import Wish, read_wish
from playcall.engine.ports import Person, Transaction
from playcall.engine.proofs import Proof
from playcall.web.auth import Doorkeeper, Responder, Viewer
from playcall.web.desk import LARGEST, desk

router = APIRouter(prefix="/api/v1")
feeds = APIRouter()

YEARS = range(1971, 2200)
LONGEST = 366  # days of one answer
SHOWN_BACK, SHOWN_AHEAD = timedelta(days=30), timedelta(days=180)  # in a calendar
LOOKED_AHEAD = rota.LOOK_AHEAD[-1]


class ShiftView(BaseModel):
    people: list[str]
    starts_at: datetime
    ends_at: datetime


class SpanView(BaseModel):
    starts_at: datetime
    ends_at: datetime


class ScheduleView(BaseModel):
    """A schedule at a moment, and for some days after it."""

    name: str
    zone: str
    on_call: list[str] = Field(description="ids; nobody is a gap")
    until: datetime | None = Field(description="when that ends; null: not within two years")
    following: ShiftView | None = Field(description="the next shift")
    fallback: list[str] = Field(description="who stands in when nobody is on call")
    part_time: bool = Field(description="its gaps are meant")
    shifts: list[ShiftView]
    gaps: list[SpanView]
    overlaps: list[ShiftView]
    trouble: str = Field(description="what is wrong with its calendar; empty when nothing is")
    calendar: str = Field(description="its secret address, for calendar programs")


class RoleView(BaseModel):
    role: str
    people: list[str] = Field(description="who would be paged")


class MethodView(BaseModel):
    channel: str
    tested_at: datetime | None = Field(description="by a test page, the last time; null: never")
    failure: str = Field(description="empty: the channel took it")


class PersonView(BaseModel):
    id: str
    name: str
    calendar: str
    methods: list[MethodView] = Field(description="in the order to try them")


class OnCall(BaseModel):
    at: datetime
    roles: list[RoleView]
    schedules: list[ScheduleView]
    people: list[PersonView]


class SpanOfTime(BaseModel):
    """A time without an offset is of the schedule's zone."""

    model_config = ConfigDict(populate_by_name=True)

    starts_at: datetime = Field(alias="from")
    ends_at: datetime = Field(alias="until")


class Overriding(SpanOfTime):
    schedule: str
    person: str = Field(description="who is to be on call")
    in_return: SpanOfTime | None = Field(
        None, description="a swap: whoever is on call then is on call in this time"
    )
    reason: str = Field("", max_length=2000)


class OverrideView(BaseModel):
    id: int
    schedule: str
    zone: str = Field(description="of the schedule; the times are in UTC")
    person: str
    starts_at: datetime
    ends_at: datetime
    made_by: str
    made_at: datetime
    removed_by: str | None
    removed_at: datetime | None
    reason: str


@router.get("/on-call")
async def show_on_call(
    request: Request,
    who: Viewer,
    at: datetime | None = None,
    days: int = Query(7, ge=1, le=LONGEST),
) -> OnCall:
    """Who is on call at a moment, past or future, default now; shifts, gaps and overlaps of the
    days after it. A time without an offset is UTC."""
    at = _checked(at or _now(request))
    end = at + timedelta(days=days)
    stored = await _stored(request, at, at + LOOKED_AHEAD)
    overrides = in_force(stored)
    directory = _directory(request)
    proofs = await desk(request).store.read(lambda views: views.latest_proofs())
    return OnCall(
        at=at,
        roles=[
            RoleView(role=role, people=[p.id for p in directory.behind(role, at, overrides)])
            for role in directory.roles
        ],
        schedules=[
            _schedule(request, schedule, at, end, overrides)
            for schedule in directory.schedules.values()
        ],
        people=[
            PersonView(
                id=p.id,
                name=p.name,
                calendar=calendar_address(request, "person", p.id),
                methods=_methods(p, proofs),
            )
            for p in directory.people.values()
        ],
    )


@router.get("/overrides")
async def list_overrides(
    request: Request, who: Viewer, days: int = Query(LONGEST, ge=1, le=LONGEST), past: bool = False
) -> list[OverrideView]:
    """Those of the days to come that nobody removed; with `past` those of as many days before too,
    and removed ones."""
    now, span = _now(request), timedelta(days=days)
    found = await _stored(request, now - span if past else now, now + span)
    return [_override(one, _directory(request)) for one in found if past or one.removed_at is None]


@router.post("/overrides")
async def add_override(request: Request, body: Overriding, who: Responder) -> list[OverrideView]:
    """Put somebody on call for a while; `in_return` makes it a swap, which is two overrides. What
    has passed is not changed: an override begins now at the earliest."""
    directory, now = _directory(request), _now(request)
    schedule = directory.schedules.get(body.schedule.strip().lower())
    zone = schedule.zone if schedule else ZoneInfo("UTC")
    wish = Wish(
        schedule=body.schedule,
        person=body.person,
        span=_span(body, zone),
        in_return=_span(body.in_return, zone) if body.in_return else None,
    )

    def work(tx: Transaction) -> list[StoredOverride] | Refused:
        overrides = read_wish(wish, directory, tx.overrides_between, now)
        if isinstance(overrides, Refused):
            return overrides
        return [tx.add_override(one, who.id, now, body.reason.strip()) for one in overrides]

    made = await desk(request).store.write(work)
    if isinstance(made, Refused):
        raise HTTPException(409, made.reason)
    return [_override(one, directory) for one in made]


@router.delete("/overrides/{override}")
async def remove_override(request: Request, override: int, who: Responder) -> OverrideView:
    """From now on it does nothing. It stays on record, with who removed it."""
    now = _now(request)
    if abs(override) > LARGEST:
        raise HTTPException(404, "there is no override of so large a number")
    removed = await desk(request).store.write(lambda tx: tx.remove_override(override, who.id, now))
    if removed is None:
        raise HTTPException(404, f"there is no override {override} that is not removed or over")
    return _override(removed, _directory(request))


@feeds.get("/calendars/{secret}.ics")
async def calendar(request: Request, secret: str) -> Response:
    """The shifts of whatever has this secret. The database is asked before the secret is looked
    at, so that a wrong one takes as long as a right one."""
    now = _now(request)
    start, end = now - SHOWN_BACK, now + SHOWN_AHEAD
    overrides = in_force(await _stored(request, start, end))
    directory = _directory(request)
    for kind, name in _calendars(directory):
        if hmac.compare_digest(secret.encode(), _secret(request, kind, name).encode()):
            entries = _entries(directory, kind, name, (start, end), overrides)
            data = write_calendar(f"On call: {name}", entries, now)
            return Response(data, media_type="text/calendar; charset=utf-8")
    raise HTTPException(401, "no calendar has this address")


# --- Calendars -----------------------------------------------------------------------------------


def _calendars(directory: Directory) -> Iterator[tuple[str, str]]:
    yield from (("schedule", name) for name in directory.schedules)
    yield from (("person", name) for name in directory.people)


def _entries(
    directory: Directory,
    kind: str,
    name: str,
    span: tuple[datetime, datetime],
    overrides: Sequence[Override],
) -> Iterator[tuple[str, Shift]]:
    for schedule in directory.schedules.values():
        if kind == "schedule" and schedule.name != name:
            continue
        for shift in rota.shifts(schedule, *span, overrides):
            if kind == "schedule":
                yield ", ".join(_called(directory, person) for person in shift.people), shift
            elif name in shift.people:
                yield f"On call: {schedule.name}", shift


def _called(directory: Directory, person: str) -> str:
    found = directory.people.get(person)
    return found.name if found else person


def _secret(request: Request, kind: str, name: str) -> str:
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    signed = hmac.new(doorkeeper.key, f"calendar:{kind}:{name}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(signed.digest()).decode().rstrip("=")


def calendar_address(request: Request, kind: str, name: str) -> str:
    url = desk(request).engine.performer.committer.url
    return f"{url}/calendars/{_secret(request, kind, name)}.ics"


# --- Views ---------------------------------------------------------------------------------------


def _methods(person: Person, proofs: Sequence[Proof]) -> list[MethodView]:
    latest = {proof.channel: proof for proof in proofs if proof.person == person.id}
    return [
        MethodView(
            channel=method.channel,
            tested_at=latest[method.channel].ended_at if method.channel in latest else None,
            failure=latest[method.channel].failure if method.channel in latest else "",
        )
        for method in person.methods
    ]


def _schedule(
    request: Request,
    schedule: Schedule,
    at: datetime,
    end: datetime,
    overrides: Sequence[Override],
) -> ScheduleView:
    directory = _directory(request)
    overrides = [one for one in overrides if one.person in directory.people]
    following = rota.next_shift(schedule, at, overrides)
    return ScheduleView(
        name=schedule.name,
        zone=schedule.zone.key,
        on_call=list(rota.on_call(schedule, at, overrides)),
        until=rota.until(schedule, at, overrides),
        following=_shift(following) if following else None,
        fallback=list(directory.fallbacks.get(schedule.name, ())),
        part_time=schedule.part_time,
        shifts=[_shift(shift) for shift in rota.shifts(schedule, at, end, overrides)],
        gaps=[
            SpanView(starts_at=gap.starts_at, ends_at=gap.ends_at)
            for gap in rota.gaps(schedule, at, end, overrides)
        ],
        overlaps=[_shift(shift) for shift in rota.overlaps(schedule, at, end, overrides)],
        trouble=directory.trouble(schedule.name),
        calendar=calendar_address(request, "schedule", schedule.name),
    )


def _shift(shift: Shift) -> ShiftView:
    return ShiftView(people=list(shift.people), starts_at=shift.starts_at, ends_at=shift.ends_at)


def _override(stored: StoredOverride, directory: Directory) -> OverrideView:
    schedule = directory.schedules.get(stored.asked.schedule)
    return OverrideView(
        zone=schedule.zone.key if schedule else "UTC",
        id=stored.id,
        schedule=stored.asked.schedule,
        person=stored.asked.person,
        starts_at=stored.asked.starts_at,
        ends_at=stored.asked.ends_at,
        made_by=stored.made_by,
        made_at=stored.made_at,
        removed_by=stored.removed_by,
        removed_at=stored.removed_at,
        reason=stored.reason,
    )


async def _stored(request: Request, start: datetime, end: datetime) -> Sequence[StoredOverride]:
    return await desk(request).store.read(lambda views: views.overrides(start, end))


def _directory(request: Request) -> Directory:
    return desk(request).engine.performer.committer.directory


def _now(request: Request) -> datetime:
    return desk(request).clock.now()


def _span(body: SpanOfTime, zone: ZoneInfo) -> Span:
    begins, ends = (
        _checked(instant(at, zone) if at.tzinfo is None and at.year in YEARS else at)
        for at in (body.starts_at, body.ends_at)
    )
    return Span(starts_at=begins, ends_at=ends)


def _checked(at: datetime) -> datetime:
    """In UTC. 422 for a time that no schedule is about."""
    if at.year not in YEARS:
        raise HTTPException(422, f"{at.year} is not a year of these times")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
