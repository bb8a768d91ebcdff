"""An incident's State, as frozen values. `decide` is the only place that moves it; what moves it is
in `events`, what follows in `effects`. Nothing here knows a clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from playcall.core.alert import Alert, is_about_us
from playcall.core.judge import Judgement
from playcall.core.kin import Kin
from playcall.core.owed import Owed
from playcall.core.pin_events import Pin
from playcall.core.request import Request
from playcall.core.telling import Telling


class Status(StrEnum):
    """The life of an incident; a relapse leads from recovered back to open or acknowledged."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RECOVERED = "recovered"  # alerts cleared, and the recovery criteria held for their whole window
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"  # into another one, which goes on

    @property
    def over(self) -> bool:
        return self in (Status.RESOLVED, Status.CLOSED, Status.MERGED)


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
    LAPSED = "lapsed"  # approved, and not begun while the approval was good: it did not run

    @property
    def active(self) -> bool:
        return self in (RunStatus.PENDING, RunStatus.RUNNING)

    @property
    def never_ran(self) -> bool:
        return self in (RunStatus.DECLINED, RunStatus.LAPSED)


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
    request: Request | None = None  # what was approved; None: it ran by itself
    after: str = ""  # the change whose end made it look again
    overtaken_by: str = ""  # a change that ended while it ran: it looks again when it ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An alert of the incident."""

    alert: Alert
    firing: bool
    changed_at: datetime


class Part(StrEnum):
    """What somebody does in an incident, taken and handed over by name."""

    COMMANDER = "incident commander"
    COMMUNICATIONS = "communications lead"
    RESPONDER = "responder"  # the only one that several people may have


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Pages are held: snoozed by a person, or maintenance was announced."""

    until: datetime
    reason: str  # "snoozed by ada", "maintenance: new switches"
    snoozed: bool  # a snooze ends by the clock; maintenance also waits for an alert that fires


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An answer to a question of the decision tree."""

    answer: str  # the label: "YES"
    by: str
    at: datetime
    measured: bool = False  # answered by a measurement, not by a person


class Whence(StrEnum):
    """Where the value of a placeholder is from."""

    LABEL = "a label of the alert"
    SETTINGS = "the settings"
    OUTPUT = "output"  # of an earlier command; a person chose it
    TYPED = "typed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who gave a value, and whence."""

    whence: Whence
    by: str | None  # None: known when the incident opened
    at: datetime
    found: str = ""  # "12 times in the output of 1.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """The latest rung climbed, by the clock or by hand."""

    rung: int
    at: datetime
    by: str | None  # None: by the clock


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOff:
    """The first rung is to be paged again, a little later than it was asked for."""

    due: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """A page that was not delivered, and none was since."""

    role: str
    person: str | None  # None: nobody is behind the role
    reason: str
    at: datetime


class SilencePurpose(StrEnum):
    """Why a silence stands in Alertmanager."""

    ACKNOWLEDGED = "acknowledged"  # renewed while the incident is open, ended when it resolves
    RESOLVED = "resolved"  # the document asks for it; the incident is closed with it
    BY_HAND = "by hand"  # somebody asked Playcall for it
    FOREIGN = "foreign"  # made in Alertmanager, by somebody else


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A silence in Alertmanager that covers an alert of the incident."""

    until: datetime
    by: str
    purpose: SilencePurpose
    renew_at: datetime | None = None  # None: it is left to end


class RollbackStage(StrEnum):
    """How far the document's automated rollback is."""

    ASKED = "asked for"  # waits for a second person
    RUNNING = "running"
    HALTED = "halted"  # a step failed, or nobody saw its end: a person decides
    STOPPED = "stopped"  # by a person; what was begun ends, and nothing more is begun
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackState:
    stage: RollbackStage
    asked_by: str
    asked_at: datetime
    reason: str
    commander_asked: bool  # so that anybody else may be the second
    begin: str  # the command that it begins with, or began with
    approved_by: tuple[str, ...] = ()
    emergency: bool = False  # one person sufficed
    at_command: str | None = None  # that runs, or that it stands at: a step, or its proof
    done: tuple[str, ...] = ()  # steps that took hold
    by_hand: tuple[str, ...] = ()  # of those, what a person said to be so
    trouble: str = ""  # why it halted


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """An item of the rollback's checklist is done."""

    by: str
    at: datetime
    note: str = ""
    measured: bool = False  # Playcall saw it


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
    unheard_from: datetime  # the 'not acknowledged' rungs count from here
    alerts: Mapping[str, Member]  # by fingerprint
    values: Mapping[str, str]  # for placeholders
    origins: Mapping[str, Origin] = field(default_factory=dict)  # of the values, by placeholder
    alongside: tuple[int, ...] = ()  # incidents that were open when this one, or since then, opened
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    climbed: tuple[int, ...] = ()  # rungs of this round, by index in the plan
    round: int = 1  # of the path, which starts over until somebody acknowledges
    quiet: Quiet | None = None
    assigned_to: str | None = None
    roles: Mapping[Part, tuple[str, ...]] = field(default_factory=dict)  # their people
    respond_by: datetime | None = None  # None: no target, or it was met or missed already
    ended_boxes: tuple[int, ...] = ()  # phases whose time box ran out, by index in the play
    answers: Mapping[str, Given] = field(default_factory=dict)  # by question id
    silences: Mapping[str, Standing] = field(default_factory=dict)  # by Alertmanager's id
    reopened: int = 0  # times
    page_lost_in: int = 0  # the latest round whose pages reached nobody and were sent again
    runs: Mapping[str, Run] = field(default_factory=dict)  # by command id
    requests: Mapping[str, Request] = field(default_factory=dict)  # by command id; they wait
    used_links: tuple[str, ...] = ()  # single-use links to approve, refuse or acknowledge
    readings: Mapping[str, Judgement] = field(default_factory=dict)  # by criterion id
    rollback: RollbackState | None = None
    ticks: Mapping[int, Tick] = field(default_factory=dict)  # by the item's number, from 1
    resolved_at: datetime | None = None
    wake_at: datetime | None = None  # when `Woken` is due
    version: int = 0  # events so far
    last_climb: Climb | None = None  # of this round
    given_back_at: datetime | None = None  # when the first rung was last paged for that
    put_off: PutOff | None = None
    unreached: Unreached | None = None
    owed: Owed = field(default_factory=Owed)  # after it is over
    telling: Telling = field(default_factory=Telling)
    war_room: str = ""  # a channel that was made for it
    redirected: tuple[str, ...] = ()  # pages whose person is gone, and that others were sent
    joined: int = 0  # alerts since whoever is on it was last told
    joined_told_at: datetime | None = None
    pins: Mapping[int, Pin] = field(default_factory=dict)  # by the event's number
    kin: Kin = field(default_factory=Kin)  # what it was merged into, or split off from

    @property
    def firing(self) -> bool:
        return any(member.firing for member in self.alerts.values())

    @property
    def ended_at(self) -> datetime | None:
        """When it was resolved, or merged into another one."""
        return self.resolved_at or self.kin.into_at

    @property
    def about_us(self) -> bool:
        """Only Playcall's own alerting is in trouble: nothing to tell outside."""
        return bool(self.alerts) and all(is_about_us(one.alert) for one in self.alerts.values())
