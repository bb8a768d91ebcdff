"""How the events about action items are said in a timeline."""

from typing import assert_never

from playcall.core.action_events import (
    ActionAdded,
    ActionChanged,
    ActionDone,
    ActionDropped,
    ActionEvent,
    ActionOverdue,
    ActionReminded,
    DutyGiven,
    TicketAsked,
    TicketFailed,
    TicketOpened,
)


def say_action_event(event: ActionEvent, duty: str) -> str:
    """`duty`: the title of the one that it is about, if it is about one."""
    if isinstance(event, TicketAsked | TicketOpened | TicketFailed):
        return _ticket(event)
    match event:
        case ActionAdded():
            return f"Action item: {event.text}{_about(event)}"
        case ActionChanged():
            said = f"Action item {event.action}, changed by {event.by}: {event.text}"
            return said + _about(event)
        case ActionDone():
            note = f" ({event.note})" if event.note else ""
            return f"{event.by} did action item {event.action}{note}"
        case ActionDropped():
            return f"{event.by} dropped action item {event.action}: {event.reason}"
        case ActionReminded():
            due = f"{event.due_at:%Y-%m-%d %H:%M} UTC"
            return f"{event.owner} was reminded: action item {event.action}, due {due}"
        case ActionOverdue():
            due = f"{event.due_at:%Y-%m-%d %H:%M} UTC"
            return f"ACTION ITEM OVERDUE, {event.owner}: number {event.action} was due {due}"
        case DutyGiven():
            return f"{event.by} gave the duty {duty} to {event.owner}"
    assert_never(event)


def _about(event: ActionAdded | ActionChanged) -> str:
    about = (event.owner, event.priority, event.due.isoformat() if event.due else "")
    said = ", ".join(part for part in about if part)
    return f" ({said})" if said else ""


def _ticket(event: TicketAsked | TicketOpened | TicketFailed) -> str:
    match event:
        case TicketAsked():
            return f"{event.by} wants a ticket for action item {event.action}"
        case TicketOpened():
            note = f"; {event.note}" if event.note else ""
            return f"Ticket {event.key} for action item {event.action}: {event.url}{note}"
        case TicketFailed():
            return f"NO TICKET for action item {event.action}: {event.reason}"
    assert_never(event)
