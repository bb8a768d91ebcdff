"""Action items: what becomes of each, its deadline, reminder and escalation, and its ticket."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from playcall.core import duties
from playcall.core.action_events import (
    ActionAdded,
    ActionChanged,
    ActionDone,
    ActionDropped,
    ActionOverdue,
    ActionReminded,
    DutyGiven,
    TicketAsked,
    TicketFailed,
    TicketOpened,
)
from playcall.core.effects import CloseTicket, Effect, Moved, OpenTicket, Refused, Tell
from playcall.core.events import Event
from playcall.core.incident import Incident
from playcall.core.owed import Action, Ticket, TicketState
from playcall.core.plan import Plan

BEFORE = timedelta(hours=36)  # at noon of the day before
_ABOUT = re.compile(
    r"\baction items?\b|\b(?:every|each) action\b|\bactions?\b.*\bowners?\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An open action item that has a deadline."""

    number: int
    action: Action
    owner: str  # whoever has it, else whoever has the duties
    remind_at: datetime
    due_at: datetime


def open_items(incident: Incident, plan: Plan) -> Iterator[Due]:
    for number, action in enumerate(incident.owed.actions, 1):
        due_at = deadline(incident, plan, action)
        if not action.open or due_at is None:
            continue
        since = action.since or incident.resolved_at or due_at
        quarters = since + (due_at - since) * duties.REMIND_AT
        yield Due(
            number=number,
            action=action,
            owner=action.owner or duties.owner(incident, plan),
            remind_at=max(quarters, due_at - BEFORE),
            due_at=due_at,
        )


def deadline(incident: Incident, plan: Plan, action: Action) -> datetime | None:
    """The end of its day where the team is. Without a day: that of the document's duty that speaks
    of action items, counted from the resolution, if there is one."""
    if action.due is not None:
        zone = ZoneInfo(plan.response.zone)
        following = action.due + timedelta(days=1)
        return datetime.combine(following, time(), zone).astimezone(UTC)
    within = [duty.within for duty in plan.duties if _speaks(duty.title, duty.items)]
    if incident.resolved_at is None or not within:
        return None
    return incident.resolved_at + max(within)


def _speaks(title: str, items: tuple[Any, ...]) -> bool:
    return any(_ABOUT.search(text) for text in (title, *(item.text for item in items)))


def next_at(incident: Incident, plan: Plan) -> datetime | None:
    """When the next reminder or deadline is."""
    if not incident.owed.opened:
        return None
    times = [
        one.due_at if one.action.reminded else one.remind_at
        for one in open_items(incident, plan)
        if not one.action.overdue
    ]
    return min(times, default=None)


def pass_(incident: Incident, plan: Plan, at: datetime) -> Moved:
    """Every reminder and deadline that has passed, each once."""
    if not incident.owed.opened:
        return Moved(incident=incident)
    waiting = [one for one in open_items(incident, plan) if not one.action.overdue]
    late = [one for one in waiting if at >= one.due_at]
    soon = [one for one in waiting if one.remind_at <= at < one.due_at and not one.action.reminded]
    follows = [
        kind(at=at, action=one.number, owner=one.owner, due_at=one.due_at)
        for kind, some in ((ActionOverdue, late), (ActionReminded, soon))
        for one in some
    ]
    for one in late:
        incident = _put(incident, one.number, replace(one.action, overdue=True))
    for one in soon:
        incident = _put(incident, one.number, replace(one.action, reminded=True))
    return Moved(incident=incident, effects=_tell(plan, late, soon), follows=tuple(follows))


def _tell(plan: Plan, late: list[Due], soon: list[Due]) -> tuple[Effect, ...]:
    """One message to each owner with all of theirs, one to the next role with what is overdue."""
    words: dict[str, list[str]] = {}
    for one in late:
        words.setdefault(one.owner, []).append(f"{_name(one)}, overdue since {_day(one)} UTC")
    overdue = {owner: "; ".join(some) for owner, some in words.items()}
    for one in soon:
        words.setdefault(one.owner, []).append(f"{_name(one)}, due {_day(one)} UTC")
    effects: list[Effect] = []
    for owner, some in words.items():
        following, about = duties.next_roles(plan, owner), f"action items of {owner}"
        said = duties.OWED + "; ".join(some)
        effects.append(Tell(role=owner, reason=said, instead=following, about=about))
        if owner in overdue:
            reason = f"{duties.OWED}{overdue[owner]} ({owner} has it)"
            effects += [Tell(role=role, reason=reason, about=about) for role in following]
    return tuple(effects)


def _name(one: Due) -> str:
    return f"action item {one.number} ({one.action.text[:100]})"


def _day(one: Due) -> str:
    return f"{one.due_at:%Y-%m-%d %H:%M}"


# --- what people and hands do --------------------------------------------------------------------


def _add(incident: Incident, event: ActionAdded, plan: Plan) -> Moved | Refused:
    if not event.text.strip():
        return Refused(reason="say what is to be done")
    added = Action(
        text=event.text,
        owner=event.owner,
        priority=event.priority,
        due=event.due,
        since=event.at,
        ticket=Ticket(state=TicketState.WANTED) if event.ticket else None,
    )
    owed = replace(incident.owed, actions=(*incident.owed.actions, added))
    effects = (OpenTicket(action=len(owed.actions)),) if event.ticket else ()
    return Moved(incident=replace(incident, owed=owed), effects=effects)


def _change(incident: Incident, event: ActionChanged, plan: Plan) -> Moved | Refused:
    """With another deadline its clock starts anew; another owner is told again of what is late."""
    action = _open(incident, event.action)
    if isinstance(action, Refused):
        return action
    if not event.text.strip():
        return Refused(reason="say what is to be done")
    changed = replace(
        action, text=event.text, owner=event.owner, priority=event.priority, due=event.due
    )
    if changed == action:
        return Refused(reason="nothing of it would be changed")
    if (changed.due, changed.owner) != (action.due, action.owner):
        since = event.at if changed.due != action.due else action.since
        changed = replace(changed, since=since, reminded=False, overdue=False)
    return Moved(incident=_put(incident, event.action, changed))


def _do(incident: Incident, event: ActionDone, plan: Plan) -> Moved | Refused:
    action = _open(incident, event.action)
    if isinstance(action, Refused):
        return action
    done = replace(action, done_by=event.by, overdue=False)
    return _end(incident, event.action, done, there=event.there)


def _drop(incident: Incident, event: ActionDropped, plan: Plan) -> Moved | Refused:
    action = _open(incident, event.action)
    if isinstance(action, Refused):
        return action
    if not event.reason.strip():
        return Refused(reason="say why it will not be done")
    dropped = replace(action, dropped_by=event.by, dropped=event.reason, overdue=False)
    return _end(incident, event.action, dropped, there=event.there)


def _end(incident: Incident, number: int, action: Action, *, there: bool) -> Moved:
    """Its ticket ends with it, where it is open still."""
    opened = action.ticket is not None and action.ticket.state is TicketState.OPEN
    if action.ticket and opened:
        action = replace(action, ticket=replace(action.ticket, state=TicketState.CLOSED))
    effects = (CloseTicket(action=number),) if opened and not there else ()
    return Moved(incident=_put(incident, number, action), effects=effects)


def _ask(incident: Incident, event: TicketAsked, plan: Plan) -> Moved | Refused:
    action = _open(incident, event.action)
    if isinstance(action, Refused):
        return action
    if action.ticket and action.ticket.state is not TicketState.FAILED:
        return Refused(reason=f"action item {event.action} has a ticket, or is about to have one")
    ticket = Ticket(state=TicketState.WANTED, again=action.ticket is not None)
    wanted = replace(action, ticket=ticket)
    effects = (OpenTicket(action=event.action),)
    return Moved(incident=_put(incident, event.action, wanted), effects=effects)


def _opened(incident: Incident, event: TicketOpened, plan: Plan) -> Moved | Refused:
    action = _known(incident, event.action)
    if isinstance(action, Refused):
        return action
    state = TicketState.OPEN if action.open else TicketState.CLOSED
    ticket = Ticket(state=state, key=event.key, url=event.url, note=event.note)
    effects = () if action.open else (CloseTicket(action=event.action),)
    ticketed = replace(action, ticket=ticket)
    return Moved(incident=_put(incident, event.action, ticketed), effects=effects)


def _failed(incident: Incident, event: TicketFailed, plan: Plan) -> Moved | Refused:
    action = _known(incident, event.action)
    if isinstance(action, Refused):
        return action
    ticket = action.ticket or Ticket(state=TicketState.FAILED)
    if ticket.state is TicketState.WANTED:
        ticket = replace(ticket, state=TicketState.FAILED)
    ticketed = replace(action, ticket=replace(ticket, note=event.reason))
    return Moved(incident=_put(incident, event.action, ticketed))


def _known(incident: Incident, number: int) -> Action | Refused:
    actions = incident.owed.actions
    if not 1 <= number <= len(actions):
        return Refused(reason=f"there is no action item {number}; there are {len(actions)}")
    return actions[number - 1]


def _open(incident: Incident, number: int) -> Action | Refused:
    action = _known(incident, number)
    if isinstance(action, Action) and not action.open:
        how = "done" if action.done_by is not None else "dropped"
        return Refused(reason=f"action item {number} is {how} already")
    return action


def _put(incident: Incident, number: int, action: Action) -> Incident:
    known = incident.owed.actions
    actions = (*known[: number - 1], action, *known[number:])
    return replace(incident, owed=replace(incident.owed, actions=actions))


def _record(incident: Incident, event: Event, plan: Plan) -> Moved:
    return Moved(incident=incident)


HANDLERS: Mapping[type[Event], Callable[[Incident, Any, Plan], Moved | Refused]] = {
    ActionAdded: _add,
    ActionDone: _do,
    ActionChanged: _change,
    ActionDropped: _drop,
    ActionReminded: _record,
    ActionOverdue: _record,
    TicketAsked: _ask,
    TicketOpened: _opened,
    TicketFailed: _failed,
    DutyGiven: duties.give,
}
