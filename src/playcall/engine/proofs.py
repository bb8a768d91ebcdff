"""What proves that people would be reached: test pages and heartbeats, as the store keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

TEST_PAGE = "PlaycallTestPage"  # the alert that carries a test page from the intake on
TEST_LABEL = "test_page"  # its label that names the test


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One method of a person, put to the test once."""

    test: str  # the same for all methods that were tested together
    person: str
    channel: str
    by: str  # who asked
    asked_at: datetime
    ended_at: datetime | None = None  # None: under way
    failure: str = ""  # empty: the channel took it

    @property
    def took(self) -> timedelta | None:
        return self.ended_at - self.asked_at if self.ended_at else None

    @property
    def passed(self) -> bool:
        return self.ended_at is not None and not self.failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """A task: send a person's test page by one of their methods."""

    test: str
    person: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """When an Alertmanager's Watchdog was last heard; `alert_since` while its silence is raised."""

    at: datetime
    alert_since: datetime | None = None


class Proofs(Protocol):
    """A part of `ports.Transaction`."""

    def ask_proofs(self, proofs: Sequence[Proof]) -> None: ...

    def begin_proofs(self, test: str) -> int:
        """Put the tasks of a test that was asked for, and whose tasks were not put before, into
        the outbox; returns how many."""
        ...

    def end_proof(self, test: str, channel: str, at: datetime, failure: str) -> None: ...

    def beat(self, source: str, beat: Beat) -> None: ...

    def proofs_by(self, by: str, asked_at: datetime) -> Sequence[Proof]:
        """What somebody asked for at an instant."""
        ...

    def beats(self) -> Mapping[str, Beat]:
        """By source; locked until the transaction ends."""
        ...


class ProofViews(Protocol):
    """A part of `ports.Views`."""

    def proofs(self, test: str) -> Sequence[Proof]:
        """Of one test, in the order of the person's methods."""
        ...

    def latest_proofs(self) -> Sequence[Proof]:
        """The latest that has ended of each person's every method."""
        ...

    def heartbeats(self) -> Mapping[str, Beat]: ...
