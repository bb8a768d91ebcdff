"""Overrides and swaps by form: looked at first, then made, and refused as a whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from playcall.core import rota
from playcall.core.effects import Refused
from playcall.core.hours import Span
from playcall.core.rota import Override, Schedule, Shift, StoredOverride, in_force
from playcall.engine.directory import Directory
from playcall.engine.overriding import Wish, read_wish
from playcall.engine.ports import Transaction, Views
from playcall.web.auth import Responder
from playcall.web.desk import LARGEST, desk, directory
from playcall.web.forms import Reason, Text
from playcall.web.oncall_clock import ReadersClock
from playcall.web.oncall_desk import call, clock_of, find_schedule, known_only
from playcall.web.templates import render

router = APIRouter(prefix="/on-call")

AHEAD = timedelta(days=90)  # shifts to choose from
AROUND = timedelta(days=32)  # of a span, to tell whole shifts from parts
Stored = Callable[[datetime, datetime], Sequence[StoredOverride]]
CHANGED = "This has changed since you looked. Look at it again, then press."


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What was typed into a form."""

    person: str = ""
    begins: str = ""
    ends: str = ""
    reason: str = ""
    give: str = ""  # of a swap: `person|start|end`
    take: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would be made, and what it covers."""

    overrides: tuple[Override, ...]
    covers: tuple[str, ...]
    seen: str  # changes when other people's time is covered


# --- an override ---------------------------------------------------------------------------------


@router.get("/{name}/override")
async def override_form(
    request: Request,
    name: str,
    who: Responder,
    person: str = "",
    begins: Annotated[str, Query(alias="from")] = "",
    ends: Annotated[str, Query(alias="until")] = "",
    reason: Annotated[str, Query(max_length=2000)] = "",
) -> HTMLResponse:
    """Filled in, it says what it would cover."""
    schedule = find_schedule(request, name)
    clock = clock_of(request, who, schedule)
    begins, ends = clock.as_field(begins), clock.as_field(ends)
    typed = Typed(person=person, begins=begins, ends=ends, reason=reason)
    return await _look(request, who, schedule, typed)


@router.post("/{name}/override")
async def make_override(
    request: Request,
    name: str,
    who: Responder,
    person: Text = "",
    begins: Text = "",
    ends: Text = "",
    reason: Reason = "",
    seen: Text = "",
) -> Response:
    typed = Typed(person=person, begins=begins, ends=ends, reason=reason)
    return await _make(request, who, find_schedule(request, name), typed, seen)


@router.post("/{name}/overrides/{override}/remove")
async def remove_override(
    request: Request, name: str, override: int, who: Responder
) -> RedirectResponse:
    schedule, now = find_schedule(request, name), desk(request).clock.now()
    if abs(override) > LARGEST:
        raise HTTPException(404, "there is no override of so large a number")
    removed = await desk(request).store.write(lambda tx: tx.remove_override(override, who.id, now))
    if removed is None:
        raise HTTPException(404, f"there is no override {override} that is not removed or over")
    return _to_calendar(request, who, schedule, removed.asked.starts_at)


# --- a swap --------------------------------------------------------------------------------------


@router.get("/{name}/swap")
async def swap_form(
    request: Request, name: str, who: Responder, give: str = "", take: str = "", reason: str = ""
) -> HTMLResponse:
    typed = Typed(give=give, take=take, reason=reason)
    return await _look(request, who, find_schedule(request, name), typed, swap=True)


@router.post("/{name}/swap")
async def make_swap(
    request: Request,
    name: str,
    who: Responder,
    give: Text = "",
    take: Text = "",
    reason: Reason = "",
    seen: Text = "",
) -> Response:
    """Both overrides, or none."""
    typed = Typed(give=give, take=take, reason=reason)
    return await _make(request, who, find_schedule(request, name), typed, seen, swap=True)


# --- both ----------------------------------------------------------------------------------------


async def _look(
    request: Request, who: Responder, schedule: Schedule, typed: Typed, *, swap: bool = False
) -> HTMLResponse:
    known, now = directory(request), desk(request).clock.now()
    clock = clock_of(request, who, schedule)
    complete = (typed.give and typed.take) if swap else (typed.person and typed.ends)
    wish = _read(schedule, typed, clock, now) if complete else ()

    def look(views: Views) -> Preview | Refused | None:
        if not isinstance(wish, Wish):
            return None
        return _preview(wish, schedule, known, views.overrides, clock, now)

    found = await desk(request).store.read(look)
    problems = wish if isinstance(wish, tuple) else ()
    if isinstance(found, Refused):
        problems, found = (found.reason,), None
    return await _draw(request, who, schedule, typed, problems, found, swap=swap)


async def _make(
    request: Request,
    who: Responder,
    schedule: Schedule,
    typed: Typed,
    seen: str,
    *,
    swap: bool = False,
) -> Response:
    known, now = directory(request), desk(request).clock.now()
    clock = clock_of(request, who, schedule)
    wish = _read(schedule, typed, clock, now)
    if not isinstance(wish, Wish):
        return await _draw(request, who, schedule, typed, wish, None, swap=swap)

    def work(tx: Transaction) -> Preview | Refused | None:
        found = _preview(wish, schedule, known, tx.overrides_between, clock, now)
        if isinstance(found, Refused) or found.seen != seen:
            return found
        for override in found.overrides:
            tx.add_override(override, who.id, now, typed.reason.strip())
        return None

    refused = await desk(request).store.write(work)
    if refused is None:
        return _to_calendar(request, who, schedule, wish.span.starts_at)
    if isinstance(refused, Refused):
        return await _draw(request, who, schedule, typed, (refused.reason,), None, swap=swap)
    return await _draw(request, who, schedule, typed, (CHANGED,), refused, swap=swap)


def _read(
    schedule: Schedule, typed: Typed, clock: ReadersClock, now: datetime
) -> Wish | tuple[str, ...]:
    """What is wished, or everything that is wrong with it."""
    if typed.give or typed.take:
        give, take = _read_shift(typed.give), _read_shift(typed.take)
        if give is None or take is None:
            return ("Choose a shift to give and a shift to take.",)
        return Wish(
            schedule=schedule.name,
            person=give.people[0],
            span=Span(starts_at=take.starts_at, ends_at=take.ends_at),
            in_return=Span(starts_at=give.starts_at, ends_at=give.ends_at),
        )
    begins = clock.read(typed.begins) if typed.begins else now
    ends = clock.read(typed.ends)
    problems = [] if typed.person else ["Choose who is to be on call."]
    for word, at, said in (("From", begins, typed.begins), ("Until", ends, typed.ends)):
        if at is None:
            problems.append(f'{word}: "{said[:40]}" is no time. Write one as 2026-11-28T09:00.')
    if problems or begins is None or ends is None:
        return tuple(problems)
    span = Span(starts_at=begins, ends_at=ends)
    return Wish(schedule=schedule.name, person=typed.person, span=span)


def _read_shift(text: str) -> Shift | None:
    person, _, span = text.partition("|")
    try:
        begins, ends = (datetime.fromisoformat(one) for one in span.split("|"))
    except ValueError:
        return None
    whole = person and begins.tzinfo and ends.tzinfo
    return Shift(people=(person,), starts_at=begins, ends_at=ends) if whole else None


def _preview(
    wish: Wish,
    schedule: Schedule,
    known: Directory,
    stored: Stored,
    clock: ReadersClock,
    now: datetime,
) -> Preview | Refused:
    overrides = read_wish(
        wish, known, lambda start, end: known_only(stored(start, end), known), now
    )
    if isinstance(overrides, Refused):
        return overrides
    lines: list[tuple[datetime, str]] = []
    seen: list[str] = []
    for one in overrides:
        there = in_force(known_only(stored(one.starts_at - AROUND, one.ends_at + AROUND), known))
        for shift in rota.shifts(schedule, one.starts_at - AROUND, one.ends_at + AROUND, there):
            if shift.starts_at < one.ends_at and shift.ends_at > one.starts_at:
                lines.append((shift.starts_at, _covered(one, shift, known, clock)))
                seen.append(
                    f"{'+'.join(shift.people)}|{min(shift.ends_at, one.ends_at):%Y%m%dT%H%M%z}"
                )
        for gap in rota.gaps(schedule, one.starts_at, one.ends_at, there):
            lines.append((gap.starts_at, f"fills a gap {clock.span(gap.starts_at, gap.ends_at)}"))
            seen.append(f"|{gap.ends_at:%Y%m%dT%H%M%z}")
    covers = tuple(line for _, line in sorted(lines))
    return Preview(overrides=overrides, covers=covers, seen=" ".join(seen))


def _covered(one: Override, shift: Shift, known: Directory, clock: ReadersClock) -> str:
    begins, ends = max(shift.starts_at, one.starts_at), min(shift.ends_at, one.ends_at)
    whole = (begins, ends) == (shift.starts_at, shift.ends_at)
    span = clock.span(begins, ends)
    if shift.people == (one.person,):
        return f"{call(known, shift.people)} is on call anyway {span}"
    return f"covers {'' if whole else 'a part of '}{call(known, shift.people)}'s shift {span}"


async def _draw(
    request: Request,
    who: Responder,
    schedule: Schedule,
    typed: Typed,
    problems: Sequence[str],
    preview: Preview | None,
    *,
    swap: bool,
) -> HTMLResponse:
    known, now = directory(request), desk(request).clock.now()
    clock = clock_of(request, who, schedule)

    def look(views: Views) -> tuple[Shift, ...]:
        overrides = in_force(known_only(views.overrides(now, now + AHEAD), known))
        return rota.shifts(schedule, now, now + AHEAD, overrides)

    shifts = await desk(request).store.read(look) if swap else ()
    alone = [one for one in shifts if len(one.people) == 1 and one.ends_at < now + AHEAD]
    page = render(
        "oncall_swap.html" if swap else "oncall_override.html",
        who=who,
        at=now,
        clock=clock,
        call=lambda people: call(known, people),
        schedule=schedule,
        typed=typed,
        problems=problems,
        preview=preview,
        people=list(known.people.values()),
        mine=[one for one in alone if one.people == (who.id,)],
        others=[one for one in alone if one.people != (who.id,)],
        cover=_cover_link(request, typed, clock),
    )
    return HTMLResponse(page, 409 if problems else 200)


def _cover_link(request: Request, typed: Typed, clock: ReadersClock) -> str:
    """For somebody else, whose clock may be another: in UTC. Empty unless only the person lacks."""
    begins, ends = clock.read(typed.begins), clock.read(typed.ends)
    if typed.person or begins is None or ends is None:
        return ""
    url = f"{desk(request).engine.performer.committer.url}{request.url.path}"
    begins, ends = begins.astimezone(UTC), ends.astimezone(UTC)
    return f"{url}?from={begins:%Y-%m-%dT%H:%MZ}&until={ends:%Y-%m-%dT%H:%MZ}"


def _to_calendar(
    request: Request, who: Responder, schedule: Schedule, at: datetime
) -> RedirectResponse:
    day = clock_of(request, who, schedule).day(at)
    return RedirectResponse(f"/on-call/{schedule.name}?from={day}#calendar", 303)
