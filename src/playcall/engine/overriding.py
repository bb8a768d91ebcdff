"""Puts overrides and swaps into a schedule, or says why not. Runs inside a transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from playcall.core import rota
from playcall.core.effects import Refused
from playcall.core.hours import Span
from playcall.core.rota import Override, Schedule, StoredOverride, in_force
from playcall.engine.directory import Directory

LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Somebody is to be on call for a while; in a swap, whoever was is on call for another."""

    schedule: str
    person: str
    span: Span
    in_return: Span | None = None


def read_wish(
    wish: Wish,
    directory: Directory,
    stored: Callable[[datetime, datetime], Sequence[StoredOverride]],
    now: datetime,
) -> tuple[Override, ...] | Refused:
    """The overrides that a wish comes to, beside those `stored` between two instants. What has
    passed is not changed: it begins now."""
    schedule = directory.schedules.get(wish.schedule.strip().lower())
    person = _person(wish.person, directory)
    if schedule is None:
        known = ", ".join(directory.schedules) or "none"
        return Refused(reason=f'there is no schedule "{wish.schedule}"; there are: {known}')
    if person is None:
        return Refused(reason=f'nobody is called "{wish.person}"')
    if not directory.people[person].methods:
        return Refused(reason=f"{person} cannot be reached: there is no address in the settings")
    spans = [span for span in (wish.span, wish.in_return) if span]
    for span in spans:
        if span.ends_at <= span.starts_at:
            return Refused(reason="the end is not after the beginning")
        if span.ends_at <= now:
            return Refused(reason="this is over already")
        if span.ends_at - span.starts_at > LONGEST:
            return Refused(reason=f"this is longer than {LONGEST.days} days: change the schedule")
    given = _from(wish.span, now)
    first = _override(schedule, person, given)
    if wish.in_return is None:
        return (first,)
    back = _from(wish.in_return, now)
    overrides = in_force(
        stored(min(given.starts_at, back.starts_at), max(given.ends_at, back.ends_at))
    )
    other = _only(schedule, given, overrides)
    if other is None or other == person:
        return Refused(reason="a swap needs one other person who is on call for all of the time")
    if _only(schedule, back, overrides) != person:
        return Refused(
            reason=f"{person} is not on call for all of the time that is given in return"
        )
    return (first, _override(schedule, other, back))


def _person(name: str, directory: Directory) -> str | None:
    wanted = name.strip().lower()
    return wanted if wanted in directory.people else None


def _from(span: Span, now: datetime) -> Span:
    return Span(starts_at=max(span.starts_at, now), ends_at=span.ends_at)


def _override(schedule: Schedule, person: str, span: Span) -> Override:
    return Override(
        schedule=schedule.name, person=person, starts_at=span.starts_at, ends_at=span.ends_at
    )


def _only(schedule: Schedule, span: Span, overrides: Sequence[Override]) -> str | None:
    """The one person who is on call for a whole span."""
    found = rota.shifts(schedule, span.starts_at, span.ends_at, overrides)
    whole = len(found) == 1 and found[0].ends_at - found[0].starts_at == (
        span.ends_at - span.starts_at
    )
    return found[0].people[0] if whole and len(found[0].people) == 1 else None
