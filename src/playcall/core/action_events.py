"""What becomes of action items, of their tickets, and of duties that change hands: a part of the
Events."""

from dataclasses import dataclass
from datetime import date, datetime

from playcall.core.duty_events import ActionAdded as ActionAdded
from playcall.core.duty_events import ActionDone as ActionDone


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionChanged:
    """How it is from now on, as a whole."""

    at: datetime
    by: str
    action: int
    text: str
    owner: str = ""
    priority: str = ""
    due: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDropped:
    """It will not be done."""

    at: datetime
    by: str
    action: int
    reason: str
    there: bool = False  # where its ticket is


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReminded:
    """Its owner was told that it is due soon."""

    at: datetime
    action: int
    owner: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOverdue:
    """It was due, and was neither done nor dropped; its owner and the next role were told."""

    at: datetime
    action: int
    owner: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketAsked:
    """A person wants a ticket for it, or has it tried again."""

    at: datetime
    by: str
    action: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketOpened:
    at: datetime
    action: int
    url: str
    key: str  # as the service writes it: "#12", "OPS-7"
    note: str = ""  # what of it could not be had there


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFailed:
    """The service would not have it; nothing is tried again before somebody asks."""

    at: datetime
    action: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyGiven:
    """A duty changes hands."""

    at: datetime
    by: str
    duty: str  # "1"
    owner: str


ActionEvent = (
    ActionAdded
    | ActionDone
    | ActionChanged
    | ActionDropped
    | ActionReminded
    | ActionOverdue
    | TicketAsked
    | TicketOpened
    | TicketFailed
    | DutyGiven
)
