"""The outbox: jobs from their decision to their end, and what was sent of them, kept for ever: what
a store promises about them. See `ports`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from playcall.engine.ports import Job, Task
    from playcall.engine.turns import Limits


class Fate(StrEnum):
    """What became of a message that was handed to a channel."""

    ACCEPTED = "accepted"  # the channel took it
    ARRIVED = "arrived"  # and a receipt says that it came
    FAILED = "failed"  # it was refused, or a receipt says that it did not come
    UNKNOWN = "unknown"  # no answer in time: it may have been taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message to one person by one channel, in the words in which it went out."""

    key: str  # the job's; with the channel, it names the message
    incident: int
    role: str
    person: str
    channel: str
    page: bool
    at: datetime
    subject: str
    body: str
    fate: Fate
    reason: str = ""  # of the fate


@dataclass(frozen=True, slots=True, kw_only=True)
class Buried:
    """A job that was given up."""

    key: str
    incident: int
    kind: str
    reason: str


class Outbox(Protocol):
    def claimable(self, at: datetime) -> "frozenset[type[Task]]":
        """The kinds of jobs of which some are due, or left behind, and wait for no turn."""
        ...

    def claim(
        self,
        owner: str,
        kinds: "Sequence[type[Task]]",
        at: datetime,
        lease: timedelta,
        limit: int,
        busy: Collection[str] = (),
    ) -> "Sequence[Job]":
        """Jobs of these kinds that are due, or whose owner's lease ran out: now `owner`'s; none for
        a channel that is `busy`. Those that wait for their turn are claimed by `claim_turns`; see
        `engine.turns`."""
        ...

    def claim_turns(
        self, owner: str, at: datetime, lease: timedelta, limits: "Limits"
    ) -> "Sequence[Job]": ...

    def renew(self, owner: str, keys: Sequence[str], until: datetime) -> None: ...

    def finish(self, key: str) -> None: ...

    def postpone(self, key: str, until: datetime, reason: str) -> None:
        """Give the lease back; the job is due again at `until`."""
        ...

    def bury(self, key: str, reason: str) -> None:
        """Give up on a job, in plain sight."""
        ...

    # what people and receipts say later
    def job(self, key: str) -> "Job | None":
        """Whatever became of it."""
        ...

    def add_job(self, job: "Job", at: datetime) -> None:
        """One that follows from no event, due at once."""
        ...

    def revive(self, key: str, at: datetime) -> "Job | None":
        """Have a job that was given up carried out again; None when it is not given up."""
        ...

    # storms
    def hold(self, key: str, group: str, until: datetime) -> None:
        """Postpone a job so that others of the group may be put together with it."""
        ...

    def held(self, group: str) -> "Sequence[Job]":
        """What is held in a group, the oldest first, also what was claimed and is not on its way;
        locked."""
        ...

    def claimed(self, key: str) -> bool:
        """False: it went into another message, or is done, since it was claimed."""
        ...

    def merge(self, key: str, task: "Task", others: Sequence[str]) -> None:
        """The job carries the task from now on, and so the others are done."""
        ...

    # what was sent
    def keep_sent(self, sent: Sent) -> None:
        """In place of an earlier attempt by the same channel."""
        ...

    def sent(self, key: str) -> Sequence[Sent]:
        """The attempts at one message, the latest last; locked."""
        ...

    def sent_lately(self, person: str, since: datetime, limit: int) -> int:
        """How many messages a person was sent since then; no more than `limit` are counted."""
        ...

    def first_paged_at(self, incident: int) -> datetime | None: ...
