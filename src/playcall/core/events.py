"""What happens to an incident: its Events, a closed union of frozen values.

Every event carries its own time; events are kept for ever, so a field once added stays readable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import get_args

from playcall.core.action_events import ActionEvent as ActionEvent
from playcall.core.alert import Alert
from playcall.core.approval_events import ApprovalLapsed as ApprovalLapsed
from playcall.core.approval_events import RequestExpired as RequestExpired
from playcall.core.approval_events import RunApproved as RunApproved
from playcall.core.approval_events import RunDeclined as RunDeclined
from playcall.core.approval_events import RunEdited as RunEdited
from playcall.core.approval_events import RunRequested as RunRequested
from playcall.core.delivery_events import TaskRetried as TaskRetried
from playcall.core.duty_events import ActionAdded as ActionAdded
from playcall.core.duty_events import ActionDone as ActionDone
from playcall.core.duty_events import DutyDone as DutyDone
from playcall.core.duty_events import DutyEvent as DutyEvent
from playcall.core.duty_events import DutyOverdue as DutyOverdue
from playcall.core.duty_events import DutyReminded as DutyReminded
from playcall.core.duty_events import DutyWaived as DutyWaived
from playcall.core.duty_events import PostMortemSaved as PostMortemSaved
from playcall.core.incident import Part, SilencePurpose, Whence
from playcall.core.judge import Judgement
from playcall.core.pin_events import PinEvent as PinEvent
from playcall.core.regroup_events import Absorbed as Absorbed
from playcall.core.regroup_events import AlertsSplit as AlertsSplit
from playcall.core.regroup_events import MergedInto as MergedInto
from playcall.core.regroup_events import Regrouped as Regrouped
from playcall.core.regroup_events import SplitOff as SplitOff
from playcall.core.review_events import MetricsReviewed as MetricsReviewed
from playcall.core.review_events import ReviewAsked as ReviewAsked
from playcall.core.review_events import ReviewEvent as ReviewEvent
from playcall.core.rollback_events import RollbackEvent
from playcall.core.room_events import WarRoomOpened as WarRoomOpened
from playcall.core.run_events import CommandBegun as CommandBegun
from playcall.core.run_events import CommandFinished as CommandFinished
from playcall.core.run_events import CommandInterrupted as CommandInterrupted
from playcall.core.run_events import Fate as Fate
from playcall.core.run_events import OutcomeDecided as OutcomeDecided
from playcall.core.sending_events import SendingEvent as SendingEvent
from playcall.core.update_events import StakeholdersMissed as StakeholdersMissed
from playcall.core.update_events import StakeholdersTold as StakeholdersTold
from playcall.core.update_events import TellingEvent as TellingEvent
from playcall.core.update_events import TextSent as TextSent
from playcall.core.update_events import UpdateMissed as UpdateMissed
from playcall.core.update_events import UpdatePublished as UpdatePublished
from playcall.core.update_events import UpdateReminded as UpdateReminded
from playcall.core.value_events import ValueGiven as ValueGiven


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
    quiet_until: datetime | None = None  # maintenance was announced; pages are held
    quiet_reason: str = ""
    whence: Mapping[str, Whence] = field(default_factory=dict)  # each of the values is
    split: SplitOff | None = None  # None: its alerts came by themselves


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
    link: str = ""  # the single-use link that it was done by


@dataclass(frozen=True, slots=True, kw_only=True)
class Unacknowledged:
    """Whoever had it has it no longer: the path goes on as if nobody had heard."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snoozed:
    """No pages until then; after that the path starts over."""

    at: datetime
    by: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """Somebody is made to have it, and is paged for that."""

    at: datetime
    by: str
    to: str


class Whom(StrEnum):
    """Whom an escalation by hand is for."""

    NEXT = "next"  # the next rung of the path
    ROLE = "role"
    PERSON = "person"
    TEAM = "team"  # by its label's value
    EXPERT = "expert"  # the subject-matter expert of the play's team


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated:
    """A person calls for somebody; `to` is empty for the next rung and the expert."""

    at: datetime
    by: str
    whom: Whom
    to: str = ""
    reason: str = ""
    expected: int | None = None  # the rung that whoever asks took for the next one


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTaken:
    """`person` takes a part, or is given it by somebody else."""

    at: datetime
    by: str
    part: Part
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLeft:
    at: datetime
    by: str
    part: Part
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityChanged:
    at: datetime
    by: str
    severity: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAnswered:
    """An answer in the decision tree; given again, it replaces the earlier one."""

    at: datetime
    by: str
    question: str  # its id: "6", "6.1.0"
    answer: str  # a label of the question
    measured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded:
    at: datetime
    by: str
    text: str  # may be empty beside a picture
    picture: int = 0  # its number in the incident; 0: it has none


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
    silence: str  # Alertmanager's id; several are joined by ", "
    until: datetime
    purpose: SilencePurpose = SilencePurpose.RESOLVED
    by: str = "Playcall"
    renew_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceFailed:
    at: datetime
    reason: str
    purpose: SilencePurpose = SilencePurpose.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceEnded:
    """It expired, or was ended, here or in Alertmanager."""

    at: datetime
    silence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceAsked:
    """A person wants the incident's alerts silenced in Alertmanager."""

    at: datetime
    by: str
    lasting: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWritten:
    at: datetime
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """Its alerts fire again soon after it was resolved."""

    at: datetime
    alerts: tuple[Alert, ...]
    quiet_until: datetime | None = None  # maintenance was announced; pages are held
    quiet_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLost:
    """Somebody should have been woken, no page was delivered, and none is under way."""

    at: datetime
    round: int  # of the path


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonGone:
    """A message was on its way to somebody whom the settings do not know any more."""

    at: datetime
    role: str
    person: str
    reason: str  # of the message
    message: str  # what its deliveries have in common
    page: bool
    rung: int | None = None
    until_acknowledged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietShortened:
    """Maintenance was called off in the settings, or ends sooner than it was announced."""

    at: datetime
    until: datetime


# --- Events that follow from others: decided by `decide` itself, kept for the record --------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RungClimbed:
    at: datetime
    rung: int
    round: int
    roles: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMissed:
    """Nobody acknowledged within the response time."""

    at: datetime
    target: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBoxEnded:
    at: datetime
    phase: str  # its title


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietEnded:
    """Pages are no longer held."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoodIn:
    """Nobody is behind a role or a name; whoever is behind others gets the message instead."""

    at: datetime
    role: str
    to: tuple[str, ...]  # roles; empty: there is nobody at all
    page: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Proven: its alerts cleared, and every recovery criterion held for its whole window."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Relapsed:
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The decision tree led to an outcome."""

    at: datetime
    outcome: str  # as written: "ROLLBACK"
    commands: tuple[str, ...]  # what it leads to, waiting for approval or run again


Event = (
    Opened
    | AlertsJoined
    | AlertsCleared
    | AnotherOpened
    | Acknowledged
    | Unacknowledged
    | Snoozed
    | Assigned
    | Escalated
    | PartTaken
    | PartLeft
    | SeverityChanged
    | QuestionAnswered
    | NoteAdded
    | ValueGiven
    | RunApproved
    | RunDeclined
    | RunRequested
    | RunEdited
    | ApprovalLapsed
    | CommandBegun
    | CommandFinished
    | CommandInterrupted
    | OutcomeDecided
    | MetricRead
    | PageDelivered
    | PageFailed
    | Woken
    | Resolved
    | Silenced
    | SilenceFailed
    | SilenceEnded
    | SilenceAsked
    | ReportWritten
    | WarRoomOpened
    | Reopened
    | PageLost
    | PersonGone
    | TaskRetried
    | QuietShortened
    | RungClimbed
    | TargetMissed
    | TimeBoxEnded
    | QuietEnded
    | StoodIn
    | RequestExpired
    | Recovered
    | Relapsed
    | RollbackEvent
    | Decided
    | TellingEvent
    | ActionEvent
    | ReviewEvent
    | DutyEvent
    | PinEvent
    | SendingEvent
    | Regrouped
)

EVENTS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
