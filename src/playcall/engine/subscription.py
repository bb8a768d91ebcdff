"""What the public was told, and who asked to be told: what a store keeps of both, the jobs of the
outbox that tell subscribers, and the hand that reaches them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from playcall.core.status_page import Published
from playcall.core.status_update import StatusUpdate

ASK_AGAIN_AFTER = timedelta(minutes=10)  # the same address
ASKED_AT_MOST = 5  # times, until somebody confirms
FORGOTTEN_AFTER = timedelta(days=7)  # an address that nobody confirmed


class SubscriberKind(StrEnum):
    MAIL = "mail"
    WEBHOOK = "webhook"


class SubscriberState(StrEnum):
    PENDING = "pending"  # asked, and has not said yes
    CONFIRMED = "confirmed"
    DEAD = "dead"  # could not be reached too often; told no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    id: str  # cannot be guessed
    kind: SubscriberKind
    address: str
    state: SubscriberState
    asked_at: datetime
    failures: int = 0  # updates in a row that did not arrive
    reason: str = ""  # of the last failure


# --- Tasks of the outbox -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSubscriber:
    """Ask an address whether it is really wanted."""

    subscriber: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellSubscribers:
    """Make a job for each of the next subscribers, and one of this kind for those after them."""

    update: StatusUpdate
    after: str = ""  # the id of the last one who has a job


@dataclass(frozen=True, slots=True, kw_only=True)
class TellSubscriber:
    """An update, to one of them."""

    subscriber: str
    update: StatusUpdate


Letter = AskSubscriber | TellSubscribers | TellSubscriber


class Post(Protocol):
    """Reaches subscribers; both raise Unavailable."""

    async def ask(self, subscriber: Subscriber, key: str) -> bool:
        """True: it confirmed at once. False: somebody has to follow a link."""
        ...

    async def tell(self, subscriber: Subscriber, update: StatusUpdate, key: str) -> None: ...


# --- What a store keeps --------------------------------------------------------------------------


class Subscriptions(Protocol):
    """A part of the Transaction."""

    def keep_update(self, update: StatusUpdate, alerts: Sequence[str]) -> None:
        """Beside the event, for quick reading; and see that subscribers are told. `alerts` are
        those of its incident."""
        ...

    def subscribe(self, kind: SubscriberKind, address: str, at: datetime) -> bool:
        """Have an address asked. False: not now, because it is subscribed, or was asked lately."""
        ...

    def confirm(self, subscriber: str, at: datetime) -> bool:
        """Again, too. False: there is no such subscriber any more."""
        ...

    def unsubscribe(self, subscriber: str) -> None:
        """Forget the address; again, too."""
        ...

    def subscriber(self, subscriber: str) -> Subscriber | None: ...

    def spread(self, update: StatusUpdate, after: str, limit: int, at: datetime) -> int:
        """Jobs for the next confirmed subscribers, and for the rest; returns how many there were.
        A job that is there stays as it is."""
        ...

    def reached(self, subscriber: str) -> None:
        """An update arrived."""
        ...

    def missed(self, subscriber: str, reason: str, at_most: int) -> SubscriberState | None:
        """One did not arrive; dead after so many in a row. None: the subscriber is gone."""
        ...


class PublicViews(Protocol):
    """A part of the Views."""

    def published(self, since: datetime) -> Sequence[Published]:
        """Every update of the incidents that are not resolved, or had one since then."""
        ...

    def subscribers(self, limit: int = 1000) -> Sequence[Subscriber]:
        """The dead ones first."""
        ...
