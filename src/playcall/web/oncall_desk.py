"""What the pages about being on call share: whose clock, whose names, which schedule."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import HTTPException, Request

from playcall.core.rota import Rotation, Schedule, StoredOverride
from playcall.engine.directory import Directory
from playcall.engine.ports import Views
from playcall.web.auth import Identity
from playcall.web.desk import desk, directory
from playcall.web.oncall_clock import ReadersClock


def find_schedule(request: Request, name: str) -> Schedule:
    """404 when there is none."""
    found = directory(request).schedules.get(name.lower())
    if found is None:
        known = ", ".join(directory(request).schedules) or "none"
        raise HTTPException(404, f'there is no schedule "{name[:80]}"; there are: {known}')
    return found


def clock_of(request: Request, who: Identity, schedule: Schedule | None = None) -> ReadersClock:
    """The person's own; for whoever is not among the people, the schedule's."""
    person = directory(request).people.get(who.id)
    if person:
        return ReadersClock(zone=ZoneInfo(person.zone), own=True)
    return ReadersClock(zone=schedule.zone if schedule else ZoneInfo("UTC"), own=False)


async def overrides_of(
    request: Request, start: datetime, end: datetime
) -> tuple[StoredOverride, ...]:
    """Those of people who are known, as everybody is asked."""

    def look(views: Views) -> Sequence[StoredOverride]:
        return views.overrides(start, end)

    stored = await desk(request).store.read(look)
    return known_only(stored, directory(request))


def known_only(
    stored: Sequence[StoredOverride], directory: Directory
) -> tuple[StoredOverride, ...]:
    return tuple(one for one in stored if one.asked.person in directory.people)


def call(directory: Directory, people: Sequence[str]) -> str:
    """By their names; nobody is 'nobody'."""
    known = directory.people
    named = [known[one].name if one in known else f"{one} (not known)" for one in people]
    return " and ".join(named) or "nobody"


def zones(directory: Directory) -> Mapping[str, ZoneInfo]:
    return {key: ZoneInfo(person.zone) for key, person in directory.people.items()}


def members(schedule: Schedule) -> tuple[str, ...]:
    """Who takes turns in it."""
    found = [
        person
        for layer in schedule.layers
        if isinstance(layer, Rotation)
        for person in layer.people
    ]
    return tuple(dict.fromkeys(found))
