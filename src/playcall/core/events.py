"""What happens to an incident: its Events, a closed union of frozen values.

Every event carries its own time; events are kept for ever, so a field once added stays readable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from playcall.core.access import Access
from playcall.core.alert import Alert
from playcall.core.incident import RunStatus
from playcall.core.judge import Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    at: datetime
    incident: int
    plan: str
    group: str
    play: str | None
    title: str
    severity: str
    alerts: tuple[Alert, ...]
    values: Mapping[str, str]  # what placeholders may be bound to
    alongside: tuple[int, ...]  # other incidents open at this moment


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsJoined:
    """Alerts that fire: new ones, repeated ones, or ones that had cleared."""

    at: datetime
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsCleared:
    at: datetime
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnotherOpened:
    """Another incident opened while this one is: perhaps one cause."""

    at: datetime
    incident: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded:
    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunApproved:
    """A person lets one command run once; `again` says that an earlier run is known of."""

    at: datetime
    by: str
    command: str
    again: bool = False
    access: Access = Access.RESPONDER  # of the person


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDeclined:
    at: datetime
    by: str
    command: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandBegun:
    """Committed before the command is spawned."""

    at: datetime
    command: str
    run: str


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
    """The process that ran it died: the outcome of a change is unknown."""

    at: datetime
    command: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRead:
    """What a criterion was judged to be; recorded when the verdict changes, not each time."""

    at: datetime
    criterion: str
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDelivered:
    at: datetime
    role: str
    person: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFailed:
    at: datetime
    role: str
    person: str | None  # None: nobody is bound to the role
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """A timer: the incident's `wake_at` has come."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A person says it is over; `unverified` when the criteria do not prove it."""

    at: datetime
    by: str
    cause: str  # the root cause as the person puts it; may be empty
    unverified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    at: datetime
    silence: str  # Alertmanager's id
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceFailed:
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWritten:
    at: datetime
    path: str


Event = (
    Opened
    | AlertsJoined
    | AlertsCleared
    | AnotherOpened
    | Acknowledged
    | NoteAdded
    | RunApproved
    | RunDeclined
    | CommandBegun
    | CommandFinished
    | CommandInterrupted
    | MetricRead
    | PageDelivered
    | PageFailed
    | Woken
    | Resolved
    | Silenced
    | SilenceFailed
    | ReportWritten
)

EVENTS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
