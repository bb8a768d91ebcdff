"""What an incident owes after it is over, as far as it is done: a part of the State."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A duty, or an item of one, that nobody has to do any more."""

    by: str
    at: datetime
    note: str = ""  # or why it was waived
    waived: bool = False
    measured: bool = False  # Playcall has proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is to be done so that it does not happen again."""

    text: str
    owner: str
    priority: str
    due: date | None
    done_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    settled: Mapping[str, Settled] = field(default_factory=dict)  # by "1", or "1.2": an item
    reminded: tuple[str, ...] = ()  # duties whose owner was reminded
    overdue: tuple[str, ...] = ()  # duties that are, and that people were told of
    actions: tuple[Action, ...] = ()  # number 1 first
    opened: bool = False  # False: not over, or since before anybody kept count: no clock runs
    stable: bool = False  # it was proven by the criteria when it was resolved
    reported: bool = False  # the record was put on file since it was resolved
    reviewed: bool = False  # and what the metrics were, all of it
    written: bool = False  # the latest post-mortem leaves nothing to answer
