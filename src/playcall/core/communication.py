"""What a playbook says of whom it tells, where and how often: a part of the Plan."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A chat channel and what it is for."""

    name: str  # "#dwcp-v3-alerts"
    purpose: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusText:
    """The wording of one state of the status page."""

    state: str  # "INVESTIGATING"
    body: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """Where status updates go, and how often while an incident is active."""

    url: str
    every: timedelta
    texts: tuple[StatusText, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who is told of incidents of a severity, how soon and how often."""

    name: str  # "Critical Incidents"
    severity: str | None  # "CRITICAL"; None: no level of the table matches the name
    first_within: timedelta | None
    every: timedelta | None
    recipients: tuple[str, ...]  # roles
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """A row of the impact table: what is hit, and how severe that is."""

    text: str  # "All users, no workaround"
    severity: str  # "CRITICAL"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A row of the contact table; a cell that is only a stand-in ('TBD', '+1-XXX') is None."""

    role: str
    name: str | None
    phone: str | None
    email: str | None
    line: int
