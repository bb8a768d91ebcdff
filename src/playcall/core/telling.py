"""How far an incident has been told to the public and to stakeholders: a part of its State."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from playcall.core.status_update import StatusUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One audience of the document."""

    number: int = 0  # summaries it was sent
    since: datetime | None = None  # when its severity began to hold; None: it does not
    next_at: datetime | None = None  # when the next summary is sent
    ended: bool = False  # it had its last one, or is owed none


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    anew_at: datetime | None = None  # when it was opened again: what was done before is no remedy
    since: datetime | None = None  # when it began to belong on the status page; None: it does not
    due_at: datetime | None = None  # of the next status update
    reminded: bool = False  # of that one
    last: StatusUpdate | None = None
    last_by: str = ""
    audiences: Mapping[str, Told] = field(default_factory=dict)  # by name
    unreached: tuple[str, ...] = ()  # summaries that missed their time, each once
