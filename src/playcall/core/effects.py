"""What is to be done because of an event: Effects, named by role and never by address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from playcall.core.events import Event
from playcall.core.incident import Incident, SilencePurpose
from playcall.core.status_update import StatusUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Knock until somebody hears: retried, and moved to the person's next method."""

    role: str
    rung: int | None  # None: the play's own escalation
    reason: str  # "fired", "not acknowledged after 5 min"
    until_acknowledged: bool = False  # it is moot as soon as somebody has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Let a role know, without waking anybody."""

    role: str
    reason: str
    command: str = ""  # an approval of it is wanted
    instead: tuple[str, ...] = ()  # roles that are told where nobody is behind it any more
    about: str = ""  # one person hears of one thing once, and of each


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
    purpose: SilencePurpose
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendSilence:
    """Let a silence of ours that is about to end last longer."""

    silence: str
    lasting: timedelta  # from now


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSilence:
    silence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureMetrics:
    """Ask Prometheus what it knows of the incident, and keep it."""

    by_hand: bool = False  # somebody wants it, also while the incident is not over


@dataclass(frozen=True, slots=True, kw_only=True)
class Inform:
    """Send a stakeholder a summary; it wakes nobody."""

    role: str
    audience: str
    number: int  # of this audience, from 1
    due_at: datetime  # by when it has to be there
    next_at: datetime | None  # None: it is the last one


@dataclass(frozen=True, slots=True, kw_only=True)
class SendText:
    """Send a role what somebody wrote or filled."""

    role: str
    subject: str
    body: str
    paper: int = 0  # the version of the post-mortem that goes with it; 0: none


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishUpdate:
    """Show an update on every status page that is configured."""

    update: StatusUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """Open an issue for an action item, in the tracker of the settings."""

    action: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTicket:
    action: int


Effect = (
    Page
    | Tell
    | RunCommand
    | Silence
    | ExtendSilence
    | EndSilence
    | WriteReport
    | MeasureMetrics
    | Inform
    | SendText
    | PublishUpdate
    | OpenTicket
    | CloseTicket
)

EFFECTS: Mapping[str, type[Effect]] = {kind.__name__: kind for kind in get_args(Effect)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The event was accepted."""

    incident: Incident
    effects: tuple[Effect, ...] = ()
    follows: tuple[Event, ...] = ()  # what the event implies, to be committed right after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The event was not accepted, and nothing changed."""

    reason: str
