"""What the public is told of an incident: one update of the status page, as a value.

States and impacts go by the names that status pages share (Statuspage's published API).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class UpdateState(StrEnum):
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"


class PublicImpact(StrEnum):
    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUpdate:
    """As it is published; every one of an incident has the same title and components."""

    incident: int
    number: int  # of this incident, from 1
    state: UpdateState
    title: str  # for the public: no host, no alert's name
    body: str  # plain text
    at: datetime
    impact: PublicImpact
    components: tuple[str, ...] = ()
    next_at: datetime | None = None  # when the next one is due; None: it is the last
