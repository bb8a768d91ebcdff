"""Alerts on disk before anybody looks at them: what a store promises about them. See `ports`.

Whether an alert that has cleared fires again by the same start, or its old message was sent anew,
no message can tell: Alertmanager writes the same bytes both times. So a clearing stands, such a
message is called doubtful, and Alertmanager is asked at once which it is (`reconcile`). What it
says is proven, and makes the alert fire again. A clearing, on the other hand, says when it was: one
that is no later than the last is an old one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from playcall.core.alert import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An alert's news that no incident has taken in yet."""

    id: int
    alert: Alert
    unheard: bool = False  # it has cleared, and was never taken in as firing


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of the alerts of one webhook."""

    news: int  # new, or changed from firing to cleared
    repeated: int
    doubtful: frozenset[str] = frozenset()  # fingerprints: said to fire by a start that has cleared


@dataclass(slots=True)
class Doubts:
    """Fingerprints that are doubtful until Alertmanager is asked, shared by who hears and asks."""

    open: set[str] = field(default_factory=set)


class Inbox(Protocol):
    def receive(self, alerts: Sequence[Alert], at: datetime, *, taken: bool = False) -> Receipt:
        """Idempotent on fingerprint, start and status; a clearing is undone by no message, but by
        alerts that were all found in Alertmanager. What an incident has `taken` is no news."""
        ...

    def arrivals(self, limit: int) -> Sequence[Arrival]:
        """News in the order received, claimed until the transaction ends."""
        ...

    def take_in(self, arrivals: Sequence[Arrival], unheard: Collection[int] = ()) -> None:
        """No news any more; `unheard` are those that came and went before anybody heard."""
        ...
