"""Action items as the record has them, for the post-mortem."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from playcall.core.action_events import (
    ActionAdded,
    ActionChanged,
    ActionDone,
    ActionDropped,
    TicketOpened,
)
from playcall.core.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFacts:
    n: int  # the event that it began with
    text: str
    owner: str
    priority: str
    due: date | None
    done: bool = False
    dropped: str = ""  # why
    key: str = ""  # of its ticket
    url: str = ""

    def line(self, plain: Callable[[str], str]) -> str:
        """In Markdown; `plain` keeps a text from being any."""
        due = f"due {self.due}" if self.due else ""
        about = ", ".join(plain(part) for part in (self.owner, self.priority, due) if part)
        said = f" ({about})" if about else ""
        dropped = f"; dropped: {plain(self.dropped)}" if self.dropped else ""
        ticket = plain(self.key)
        if ticket and self.url:
            ticket = f"[{ticket}](<{self.url}>)"
        return f"{plain(self.text)}{said}{dropped}{f', ticket {ticket}' if ticket else ''}"


def action_facts(events: Iterable[Event]) -> list[ActionFacts]:
    found: list[ActionFacts] = []
    for n, event in enumerate(events, 1):
        match event:
            case ActionAdded():
                found.append(
                    ActionFacts(
                        n=n,
                        text=event.text,
                        owner=event.owner,
                        priority=event.priority,
                        due=event.due,
                    )
                )
            case ActionChanged() | ActionDone() | ActionDropped() | TicketOpened():
                found[event.action - 1] = _with(found[event.action - 1], event)
            case _:
                pass
    return found


def _with(
    item: ActionFacts, event: ActionChanged | ActionDone | ActionDropped | TicketOpened
) -> ActionFacts:
    match event:
        case ActionChanged():
            return replace(
                item, text=event.text, owner=event.owner, priority=event.priority, due=event.due
            )
        case ActionDone():
            return replace(item, done=True)
        case ActionDropped():
            return replace(item, dropped=event.reason)
        case TicketOpened():
            return replace(item, key=event.key, url=event.url)
