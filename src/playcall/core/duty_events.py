"""What becomes of the duties after an incident: a part of the Events."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMortemSaved:
    """A version of the post-mortem; its text is kept beside the events."""

    at: datetime
    by: str
    version: int
    asks: int  # left for a person to write
    conflicts: int  # left to be decided


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyDone:
    at: datetime
    by: str
    duty: str  # "1", or one of its items: "1.2"
    note: str = ""
    measured: bool = False  # Playcall has proof


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyWaived:
    at: datetime
    by: str
    duty: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyUnproven:
    """What was done, by proof, is no longer so: it is owed again."""

    at: datetime
    duty: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyReminded:
    """Its owner was told that it is due soon."""

    at: datetime
    duty: str
    owner: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyOverdue:
    """It was due, and was neither done nor waived; its owner and the next role were told."""

    at: datetime
    duty: str
    owner: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionAdded:
    """What is to be done so that it does not happen again."""

    at: datetime
    by: str
    text: str
    owner: str = ""
    priority: str = ""
    due: date | None = None
    ticket: bool = False  # one is wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDone:
    at: datetime
    by: str
    action: int  # its number in the incident, from 1
    note: str = ""
    there: bool = False  # where its ticket is


DutyEvent = PostMortemSaved | DutyDone | DutyUnproven | DutyWaived | DutyReminded | DutyOverdue
