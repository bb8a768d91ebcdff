"""What the engine and the faces need of the audit log: where acts come from, and reads of it."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from playcall.core.audit import Entry, Head, Verdict

# Set by a face for the request it serves, read when work is handed to the store. Empty: Playcall.
acting_from: ContextVar[str] = ContextVar("acting_from", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which entries; what is None does not matter."""

    actor: str | None = None  # empty: Playcall itself
    incident: int | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Audit(Protocol):
    """The part of a transaction that puts on the record what is no event of an incident."""

    def note(self, at: datetime, kind: str, actor: str, body: str) -> None: ...


class AuditViews(Protocol):
    def audit(self, asked: Asked, before: int | None, limit: int) -> Sequence[Entry]:
        """Newest first, those with a smaller number than `before`."""
        ...

    def audit_words(self, entries: Sequence[Entry]) -> Mapping[int, str]:
        """What they say to a person, by number; those that say nothing are left out."""
        ...

    def audit_kinds(self) -> Sequence[str]:
        """Every kind that the log has."""
        ...

    def audit_verdict(self, noted: Head | None = None) -> Verdict:
        """Look at the whole chain: a second for some hundred thousand entries."""
        ...
