"""What the engine needs from outside, each as narrow as the engine uses it.

Adapters implement these and never meet one another. Two things may go wrong in them:

    Unavailable   the world's fault: a channel is down, a query failed. `permanent` says whether
                  trying again can help. The text is for a person.
    anything else a bug.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from playcall.core.alert import Alert
from playcall.core.delivery import Origin, Owed
from playcall.core.events import Event
from playcall.core.incident import Incident, RunStatus, SilencePurpose
from playcall.core.judge import Judgement
from playcall.core.message import Message
from playcall.core.placement import LOCAL
from playcall.core.plan import Plan
from playcall.core.readiness import Readiness
from playcall.core.rota import Override, StoredOverride
from playcall.core.status_update import StatusUpdate
from playcall.engine.audit import Audit, AuditViews
from playcall.engine.chat import Posts
from playcall.engine.devices import Devices
from playcall.engine.failing import Unavailable as Unavailable
from playcall.engine.homes import Homes
from playcall.engine.inbox import Inbox
from playcall.engine.kept_readings import KeptReadings
from playcall.engine.listing import ListingView
from playcall.engine.outbox import Buried as Buried
from playcall.engine.outbox import Outbox, Sent
from playcall.engine.papers import Papers, PapersView
from playcall.engine.person import Method as Method
from playcall.engine.person import Person as Person
from playcall.engine.person import Rule as Rule
from playcall.engine.pictures import Pictures, PicturesView
from playcall.engine.playbooks import Playbooks, PlaybooksView
from playcall.engine.proofs import Proofs, ProofViews, Proving
from playcall.engine.reflections import Mirrors
from playcall.engine.subscription import Letter, PublicViews, Subscriptions
from playcall.engine.tickets import Ticketing

T = TypeVar("T")


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...


# --- Hands ---------------------------------------------------------------------------------------


class Channel(Protocol):
    async def send(self, message: Message, address: str, key: str) -> None:
        """Hand the message over; returning means that the receiver took it. `key` is the same for
        every repetition of one message. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A piece of what a command printed."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a command ended; always the last thing a run yields."""

    status: RunStatus
    exit_code: int | None
    summary: str  # one line for a person


class Publisher(Protocol):
    async def publish(self, update: StatusUpdate, key: str) -> None:
        """Show the update on a status page elsewhere; again under the same key changes nothing.
        Raises Unavailable."""
        ...


class Archive(Protocol):
    def keep(self, name: str, text: str) -> str:
        """Write a document in one piece, replacing an earlier one; returns where it is."""
        ...


# --- Storage -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """When a message is due that is sent only if nobody acknowledged the incident meanwhile."""

    due_at: datetime
    decided_at: datetime
    repeats: bool = True  # False: nothing was sent before it, so that it is the page itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """A message that went into another one."""

    key: str  # the job's
    incident: int
    role: str
    later: Later | None
    origin: Origin | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message to one person, whom it was resolved to when it was decided."""

    role: str
    person: Person
    message: Message
    page: bool  # whether delivery is an event of the incident
    later: Later | None = None  # None: now
    origin: Origin | None = None  # None: of a version that did not keep it
    owed: Owed | None = None  # None: it has no deadline
    covers: tuple["Covered", ...] = ()  # other messages that it was put together from


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A command to be run, exactly as it will be run."""

    command: str  # its id in the play
    run: str
    title: str
    written: str  # as the document has it
    text: str  # as it runs: shell text, or PromQL
    native: bool  # True: `text` is PromQL, asked of Prometheus
    effect: str  # its class
    repeatable: bool  # may be run again after a crash, because it changes nothing
    line: int
    approved_by: str | None
    time_limit: timedelta | None = None  # None: the settings'
    target: str = LOCAL  # the runner's name
    where: str = ""  # for people; empty: nobody said
    whom: str = ""
    values: Mapping[str, str] = field(default_factory=dict)  # that stand in `text`


@dataclass(frozen=True, slots=True, kw_only=True)
class Silencing:
    label_sets: tuple[Mapping[str, str], ...]
    lasting: timedelta
    comment: str
    purpose: SilencePurpose = SilencePurpose.RESOLVED
    by: str = "Playcall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prolonging:
    """Let a silence last longer."""

    silence: str
    lasting: timedelta  # from when it is done


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsilencing:
    """End a silence."""

    silence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """Write the incident's report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewing:
    """Measure what Prometheus knows of the incident."""

    by_hand: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """An update of the status page, for one publisher."""

    publisher: str  # its name in the settings
    update: StatusUpdate


Task = (
    Delivery
    | Execution
    | Silencing
    | Prolonging
    | Unsilencing
    | Reporting
    | Reviewing
    | Publishing
    | Proving
    | Letter
    | Ticketing
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A task in the outbox: at least once, under a key that never changes."""

    key: str
    incident: int
    task: Task
    attempts: int = 0

    @property
    def due_at(self) -> datetime | None:
        """None: as soon as it is decided."""
        later = self.task.later if isinstance(self.task, Delivery) else None
        return later.due_at if later else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as it was committed; `n` counts from 1 in its incident."""

    n: int
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A row of the ledger of commands."""

    id: str
    execution: Execution
    status: RunStatus
    begun_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    summary: str
    output: bytes = b""
    output_size: int = 0  # bytes kept; `output` may be only the end of them


class Transaction(
    Audit,
    Inbox,
    Homes,
    Papers,
    Playbooks,
    KeptReadings,
    Outbox,
    Posts,
    Devices,
    Subscriptions,
    Proofs,
    Mirrors,
    Pictures,
    Protocol,
):
    """One unit of work. Everything in it is committed together, or not at all."""

    # incidents
    def next_incident(self) -> int: ...

    def incident(self, incident: int) -> Incident | None:
        """The state, locked until the transaction ends."""
        ...

    def live_in_group(self, group: str) -> Incident | None:
        """The incident of the group that is not over, locked."""
        ...

    def lately_over(self, group: str) -> Incident | None:
        """The latest incident of the group that is over, however long ago; locked."""
        ...

    def live(self) -> Sequence[int]:
        """Every incident that is not over."""
        ...

    def due(self, at: datetime, limit: int) -> Sequence[int]:
        """Incidents whose `wake_at` has come, soonest first."""
        ...

    def next_wake(self) -> datetime | None: ...

    def record(self, incident: Incident, event: Event, jobs: Sequence[Job]) -> None:
        """The event, the state it led to, and what follows from it. `incident.version` is the
        event's number."""
        ...

    def events(self, incident: int, after: int = 0) -> Sequence[StoredEvent]: ...

    # ledger
    def begin_run(self, run: str, owner: str, at: datetime) -> bool:
        """Mark a pending run as begun. False: it had begun, and only a repeatable one may go on."""
        ...

    def append_output(self, run: str, data: bytes) -> None: ...

    def restart_run(self, run: str, owner: str, at: datetime) -> None:
        """Begin a repeatable run once more, its earlier output dropped."""
        ...

    def end_run(self, run: str, end: Exit, at: datetime) -> None: ...

    def run(self, run: str) -> StoredRun | None: ...

    # overrides
    def add_override(
        self, override: Override, by: str, at: datetime, reason: str = ""
    ) -> StoredOverride: ...

    def remove_override(self, override: int, by: str, at: datetime) -> StoredOverride | None:
        """From `at` on it does nothing; its row stays. None when there is no such override, when it
        was removed before, or is over."""
        ...

    def overrides(self, at: datetime) -> Sequence[Override]:
        """What is in force at an instant, the last one made last."""
        ...

    def overrides_between(self, start: datetime, end: datetime) -> Sequence[StoredOverride]:
        """As `Views.overrides`."""
        ...

    # readiness
    def readiness(self) -> Readiness | None:
        """The latest, locked; None: never measured."""
        ...

    def keep_readiness(self, reading: Readiness, *, change: bool) -> None:
        """Beside the earlier ones when it is a change, else in place of the latest."""
        ...

    # counters
    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter that is kept for ever."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything a face shows of one incident, read in one snapshot."""

    incident: Incident
    plan: Plan
    events: tuple[StoredEvent, ...]
    runs: tuple[StoredRun, ...]
    readings: Mapping[str, tuple[datetime, Judgement]] = field(default_factory=dict)
    buried: tuple[Buried, ...] = ()
    sent: tuple[Sent, ...] = ()  # the latest last


class Views(
    PublicViews,
    ProofViews,
    PapersView,
    PicturesView,
    PlaybooksView,
    ListingView,
    AuditViews,
    Protocol,
):
    """Reads for faces. They never wait for a write."""

    def incidents(self, *, live_only: bool = False, limit: int = 100) -> Sequence[Incident]:
        """Newest first."""
        ...

    def lately_over(self, since: datetime, limit: int) -> Sequence[Incident]:
        """Resolved since then, the latest first."""
        ...

    def unpaged(self, limit: int) -> Sequence[Incident]:
        """Live incidents of which no page was delivered, and with none to be delivered either."""
        ...

    def unheard(self, since: datetime, limit: int) -> Sequence[Alert]:
        """Alerts received since then that came and went before anybody heard, newest first."""
        ...

    def readiness(self, limit: int = 100) -> Sequence[Readiness]:
        """Its changes, newest first: the first one is how it stands."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Every counter by its name."""
        ...

    def dossier(self, incident: int) -> Dossier | None: ...

    def run(self, run: str) -> StoredRun | None: ...

    def overrides(self, start: datetime, end: datetime) -> Sequence[StoredOverride]:
        """Those that were asked for some time between two instants, the last one made last;
        removed ones too."""
        ...

    def pages_between(self, start: datetime, end: datetime) -> Sequence[tuple[str, datetime]]:
        """Who was paged, and when."""
        ...

    def stamp(self, incident: int) -> tuple[int, int, int]:
        """Changes whenever anything shown of the incident does: events, readings, output."""
        ...


class Store(Protocol):
    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction and return once it is committed to disk. Work of many
        callers is committed together; what `work` raises undoes that work alone and is raised
        here. Raises Unavailable when nothing can be stored."""
        ...

    async def read(self, look: Callable[[Views], T]) -> T:
        """Run `look` in a read-only snapshot. Raises Unavailable."""
        ...

    async def close(self) -> None: ...
