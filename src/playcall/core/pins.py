"""Pins: a person says what an entry of the timeline is: the cause, the mitigation, a question."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from playcall.core.effects import Moved, Refused
from playcall.core.events import Event
from playcall.core.incident import Incident, Status
from playcall.core.pin_events import EntryPinned, EntryUnpinned, Pin
from playcall.core.plan import Plan

MOST = 200  # in one incident

ACCEPTED: Mapping[type[Event], frozenset[Status]] = {
    EntryPinned: frozenset(Status),
    EntryUnpinned: frozenset(Status),
}


def pin(incident: Incident, event: EntryPinned, plan: Plan) -> Moved | Refused:
    if not 1 <= event.n <= incident.version:
        return Refused(reason=f"there is no entry {event.n}; the latest is {incident.version}")
    if incident.pins.get(event.n) is event.pin:
        return Refused(reason=f"entry {event.n} is pinned as {event.pin} already")
    pins = {**incident.pins, event.n: event.pin}
    if len(pins) > MOST:
        return Refused(reason=f"{MOST} entries are pinned already; take one off first")
    return Moved(incident=replace(incident, pins=pins))


def unpin(incident: Incident, event: EntryUnpinned, plan: Plan) -> Moved | Refused:
    if event.n not in incident.pins:
        return Refused(reason=f"entry {event.n} is not pinned")
    left = {n: pin for n, pin in incident.pins.items() if n != event.n}
    return Moved(incident=replace(incident, pins=left))


HANDLERS: Mapping[type[Event], Callable[[Incident, Any, Plan], Moved | Refused]] = {
    EntryPinned: pin,
    EntryUnpinned: unpin,
}


def standing(events: Iterable[Event]) -> dict[int, Pin]:
    """What is pinned, by the event's number."""
    found: dict[int, Pin] = {}
    for event in events:
        if isinstance(event, EntryPinned):
            found[event.n] = event.pin
        elif isinstance(event, EntryUnpinned):
            found.pop(event.n, None)
    return found
