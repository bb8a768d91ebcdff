"""How incidents stand in another service, as the store keeps it and as the service is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from playcall.core.incident import Incident
from playcall.core.plan import Plan


class Shown(StrEnum):
    """How an incident stands in the other service."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflection:
    """An incident as the other service is to show it."""

    key: str  # the same for ever; its link
    title: str
    severity: str
    rank: int  # 0 is the worst, 3 the least
    opened_at: datetime
    by: str  # who acknowledged; empty: nobody
    firing: Sequence[str]  # names of its alerts


class Mirror(Protocol):
    @property
    def name(self) -> str: ...

    async def show(self, reflection: Reflection, state: Shown) -> None:
        """Again changes nothing. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """An incident that has changed since a mirror was compared with it."""

    incident: Incident
    plan: Plan
    shown: Shown | None  # None: it is not there


class Mirrors(Protocol):
    """A part of `ports.Transaction`."""

    def behind(self, mirror: str, limit: int) -> Sequence[Behind]:
        """Live incidents, and those that are over and still shown as if they were not."""
        ...

    def reflect(self, incident: int, mirror: str, version: int, shown: Shown | None) -> None: ...
