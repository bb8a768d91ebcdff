"""The documents that were served, their plans, and how they did: what a store promises about them
(see `ports`), and what the pages are handed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from playcall.core.place import Problem
from playcall.core.plan import Plan
from playcall.core.track_record import Brief, Ran
from playcall.engine.drilling import DrillHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Another plan of a document began to be served."""

    name: str  # the document's
    plan: str  # its digest, as incidents name it
    at: datetime


class Playbooks(Protocol):
    def keep_plan(self, plan: Plan) -> str:
        """Store a plan once; returns its digest."""
        ...

    def keep_document(self, data: bytes, plan: Plan, at: datetime) -> str:
        """The plan, the bytes that it was read from, and that it is served from now on, unless it
        was before; returns the plan's digest."""
        ...

    def plan(self, digest: str) -> Plan: ...


class PlaybooksView(Protocol):
    def plan(self, digest: str) -> Plan: ...

    def plans(self) -> Sequence[str]:
        """The digests of all that were ever stored."""
        ...

    def uses(self) -> Sequence[Use]:
        """The earliest first. A database of an earlier version has those since then."""
        ...

    def document(self, digest: str) -> bytes | None:
        """By the digest of its bytes; None: it was not kept."""
        ...

    def briefs(self, limit: int) -> Sequence[Brief]:
        """Incidents, the newest first."""
        ...

    def ran(self, of_incidents: int, limit: int) -> Sequence[Ran]:
        """Runs that have ended, of so many of the newest incidents; the newest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The document that is served, as its pages show it."""

    name: str
    data: bytes
    plan: Plan
    problems: tuple[Problem, ...]  # that the settings do not ignore
    rules: int  # alerts of the rule file beside it
    drills: DrillHistory
