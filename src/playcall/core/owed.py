"""What an incident owes after it is over, as far as it is done: a part of the State."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A duty, or an item of one, that nobody has to do any more."""

    by: str
    at: datetime
    note: str = ""  # or why it was waived
    waived: bool = False
    measured: bool = False  # Playcall has proof


class TicketState(StrEnum):
    WANTED = "wanted"  # it is being opened
    OPEN = "open"
    CLOSED = "closed"
    FAILED = "failed"  # the service would not have it


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An action item in an issue tracker."""

    state: TicketState
    key: str = ""  # as the service writes it
    url: str = ""
    note: str = ""  # what could not be had, or why there is none
    again: bool = False  # it was tried before, and may be there after all


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is to be done so that it does not happen again."""

    text: str
    owner: str
    priority: str
    due: date | None
    done_by: str | None = None
    since: datetime | None = None  # its time counts from then; None: from the resolution
    reminded: bool = False
    overdue: bool = False  # and people were told
    dropped_by: str | None = None
    dropped: str = ""  # why
    ticket: Ticket | None = None  # None: nobody wanted one

    @property
    def open(self) -> bool:
        return self.done_by is None and self.dropped_by is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The version of the post-mortem that stakeholders have."""

    version: int
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    settled: Mapping[str, Settled] = field(default_factory=dict)  # by "1", or "1.2": an item
    reminded: tuple[str, ...] = ()  # duties whose owner was reminded
    overdue: tuple[str, ...] = ()  # duties that are, and that people were told of
    actions: tuple[Action, ...] = ()  # number 1 first
    opened: bool = False  # False: not over, or since before anybody kept count: no clock runs
    stable: bool = False  # the criteria prove that it is over
    reported: bool = False  # the record was put on file since it was resolved
    reviewed: bool = False  # and what the metrics were, all of it
    written: bool = False  # the latest post-mortem leaves nothing to answer
    summary: Settled | None = None  # who sent the initial summary last, and when
    shared: Shared | None = None  # None: not since it was resolved
    owners: Mapping[str, str] = field(default_factory=dict)  # of duties that were given to others

    @property
    def actions_overdue(self) -> int:
        return sum(one.overdue for one in self.actions)

    @property
    def late(self) -> int:
        """Duties and action items that are overdue."""
        return len(self.overdue) + self.actions_overdue

    @property
    def tickets(self) -> int:
        """That are open, as far as is known."""
        known = [one.ticket for one in self.actions if one.ticket]
        return sum(ticket.state is TicketState.OPEN for ticket in known)
