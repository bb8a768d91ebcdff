"""What becomes of a command that runs: a part of the Events."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from playcall.core.access import Access
from playcall.core.incident import RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandBegun:
    """Committed before the command is spawned."""

    at: datetime
    command: str
    run: str
    where: str = ""  # empty: nobody said
    whom: str = ""
    after: str = ""  # the change that it looks at, by its id


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFinished:
    at: datetime
    command: str
    run: str
    status: RunStatus  # succeeded, failed, timed out or cancelled
    exit_code: int | None
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandInterrupted:
    """The process that ran it died, or its host vanished: the outcome of a change is unknown."""

    at: datetime
    command: str
    run: str
    reason: str = ""  # empty: Playcall stopped


class Fate(StrEnum):
    """What became of a command whose end nobody saw."""

    RAN = "ran"
    NOT_RUN = "not-run"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeDecided:
    """A person says what became of a run whose outcome was unknown."""

    at: datetime
    by: str
    command: str
    run: str
    fate: Fate
    note: str = ""
    access: Access = Access.RESPONDER  # of the person
