"""What the engine needs of the monitoring, each as narrow as the engine uses it. See `ports`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from playcall.core.judge import Sample
from playcall.core.reconciliation import FoundSilence, WatchedAlert


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One series of an instant query's answer."""

    labels: Mapping[str, str]
    sample: Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeVector:
    """One series of a range query's answer, oldest sample first."""

    labels: Mapping[str, str]
    samples: Sequence[Sample]


class Metrics(Protocol):
    async def query(self, promql: str, at: datetime) -> Sequence[Vector]:
        """An instant query. Raises Unavailable."""
        ...

    async def query_range(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[Sequence[Sample]]:
        """One sequence of samples for each series, oldest first. Raises Unavailable."""
        ...

    async def query_series(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[RangeVector]:
        """As `query_range`, with what tells the series apart."""
        ...


class Silencer(Protocol):
    async def silence(
        self, labels: Mapping[str, str], starts_at: datetime, ends_at: datetime, comment: str
    ) -> str:
        """Silence exactly these labels; the same silence asked for twice is made once. Returns
        Alertmanager's id. Raises Unavailable."""
        ...

    async def prolong(self, silence: str, ends_at: datetime) -> str:
        """Let it end later; returns its id, which may be a new one. Raises Unavailable."""
        ...

    async def end(self, silence: str) -> None:
        """End it now; one that has ended, or is not there, is left alone. Raises Unavailable."""
        ...


class Watcher(Protocol):
    """What Alertmanager holds at this moment. Each raises Unavailable."""

    async def watched(self) -> Sequence[WatchedAlert]:
        """Every alert that it holds to be firing, suppressed or not."""
        ...

    async def standing(self) -> Sequence[FoundSilence]:
        """Every silence that has not ended."""
        ...

    async def up_since(self) -> datetime: ...
