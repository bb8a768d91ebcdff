"""What happens to the document's rollback in an incident: a part of the Events."""

from dataclasses import dataclass
from datetime import datetime

from playcall.core.access import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackAsked:
    """A person wants the document's rollback: from its first step, or from the one named."""

    at: datetime
    by: str
    reason: str
    access: Access  # of the person
    begin: str = ""  # a command's id
    emergency: bool = False  # nobody else is there to approve it


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackApproved:
    """The second person lets it run."""

    at: datetime
    by: str
    access: Access


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackStopped:
    """No further step is begun; or what was asked for is taken back."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTicked:
    """Of the rollback's checklist, by its number from 1."""

    at: datetime
    by: str
    item: int
    access: Access = Access.RESPONDER
    note: str = ""
    measured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackHalted:
    at: datetime
    command: str  # the step
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackDone:
    at: datetime


RollbackEvent = (
    RollbackAsked | RollbackApproved | RollbackStopped | ItemTicked | RollbackHalted | RollbackDone
)
