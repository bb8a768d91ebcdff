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
    written: bool = False  # the latest post-mortem leaves nothing to answer
    summary: Settled | None = None  # who sent the initial summary last, and when
    shared: Shared | None = None  # None: not since it was resolved
