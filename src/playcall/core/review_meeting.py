"""When the people of an incident meet about it: proposed from the document's duty, for a person to
move."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playcall.core.duties import Owing, owing
from playcall.core.events import Event
from playcall.core.hours import instant
from playcall.core.incident import Incident
from playcall.core.plan import Plan

LASTS = timedelta(hours=1)
HOUR = 10  # of the day, in the team's zone
AFTER = timedelta(days=2)  # the post-mortem is to be there by then
SATURDAY = 5
_MEETING = re.compile(r"\b(?:meet|meeting|blameless)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    title: str
    starts_at: datetime
    ends_at: datetime
    agenda: tuple[str, ...]
    owner: str
    people: tuple[str, ...]  # everybody who had a hand in it


def propose(incident: Incident, plan: Plan, events: Iterable[Event]) -> Meeting | None:
    """None where the document asks for no meeting, or the incident is not over."""
    duty = next((one for one in owing(incident, plan) if _is_meeting(one)), None)
    if duty is None or incident.resolved_at is None:
        return None
    starts_at = _when(incident.resolved_at, duty.due_at, ZoneInfo(plan.response.zone))
    items = tuple(item.text for _, item, _ in duty.items)
    actions = tuple(f"Action item: {one.text}" for one in incident.owed.actions if one.open)
    return Meeting(
        title=f"{duty.duty.title}: incident {incident.id}, {incident.title}",
        starts_at=starts_at,
        ends_at=starts_at + LASTS,
        agenda=(*items, *actions),
        owner=duty.owner,
        people=_people(incident, events),
    )


def _is_meeting(one: Owing) -> bool:
    return any(
        _MEETING.search(text) for text in (one.duty.title, *(i.text for _, i, _ in one.items))
    )


def _when(resolved_at: datetime, due_at: datetime, zone: ZoneInfo) -> datetime:
    """A working day's morning, two days later; before the deadline where that is sooner."""
    day = (resolved_at + AFTER).astimezone(zone).date()
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    morning = instant(datetime(day.year, day.month, day.day, HOUR), zone)
    return min(morning, due_at - LASTS)


def _people(incident: Incident, events: Iterable[Event]) -> tuple[str, ...]:
    acted = [by for event in events if (by := getattr(event, "by", None)) and by != "Playcall"]
    parts = [person for people in incident.roles.values() for person in people]
    return tuple(sorted({*acted, *parts}))
