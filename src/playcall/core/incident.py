"""An incident's State, as frozen values. `decide` is the only place that moves it; what moves it is
in `events`, what follows in `effects`. Nothing here knows a clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

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
