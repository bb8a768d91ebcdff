"""An incident as values: its State, the Events that move it, the Effects that follow.

All three are closed unions of frozen values; `decide` is the only place that moves a State.
Nothing here knows a clock: every event carries its own time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import get_args

from playcall.core.access import Access
from playcall.core.alert import Alert
from playcall.core.judge import Judgement


class Status(StrEnum):
    """The life of an incident; a relapse leads from recovered back to open or acknowledged."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RECOVERED = "recovered"  # alerts cleared, and the recovery criteria held for their whole window
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def over(self) -> bool:
        return self in (Status.RESOLVED, Status.CLOSED)


class RunStatus(StrEnum):
    """What became of a command in this incident."""

    PENDING = "pending"  # decided on, not begun
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # begun, and nobody saw its end: a person decides
    DECLINED = "declined"  # a person said no

    @property
    def active(self) -> bool:
        return self in (RunStatus.PENDING, RunStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The latest run of one command; `id` is unique for ever."""

    id: str
    status: RunStatus
    attempt: int  # counts from 1; one approval is worth one attempt
    approved_by: str | None  # None: ran by itself
    at: datetime  # of the latest change
    exit_code: int | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An alert of the incident."""

    alert: Alert
    firing: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """The State: everything a decision may depend on."""

    id: int
    plan: str  # digest of the plan it opened with
    group: str
    play: str | None  # None: the plan has no play for the alert
    title: str
    severity: str
    status: Status
    opened_at: datetime
    fired_at: datetime  # the earliest start among its alerts; the ladder counts from `ladder_from`
    ladder_from: datetime
    alerts: Mapping[str, Member]  # by fingerprint
    values: Mapping[str, str]  # for placeholders
    alongside: tuple[int, ...] = ()  # incidents that were open when this one, or since then, opened
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    climbed: tuple[int, ...] = ()  # rungs, by index in the plan
    runs: Mapping[str, Run] = field(default_factory=dict)  # by command id
    readings: Mapping[str, Judgement] = field(default_factory=dict)  # by criterion id
    resolved_at: datetime | None = None
    wake_at: datetime | None = None  # when `Woken` is due
    version: int = 0  # events so far

    @property
    def firing(self) -> bool:
        return any(member.firing for member in self.alerts.values())


# --- Events: what happened ---------------------------------------------------------------------


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


# --- Effects: what is to be done, named by role, never by address -------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Knock until somebody hears: retried, and moved to the person's next method."""

    role: str
    rung: int | None  # None: the play's own escalation
    reason: str  # "fired", "not acknowledged after 5 min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Let a role know, without waking anybody."""

    role: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """`approved_by` is None only for an observe command."""

    command: str
    run: str
    approved_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Silence the incident's alerts in Alertmanager, one matcher set for each label set."""

    label_sets: tuple[Mapping[str, str], ...]
    lasting: timedelta
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport:
    pass


Effect = Page | Tell | RunCommand | Silence | WriteReport

EVENTS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
EFFECTS: Mapping[str, type[Effect]] = {kind.__name__: kind for kind in get_args(Effect)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The event was accepted."""

    incident: Incident
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The event was not accepted, and nothing changed."""

    reason: str
