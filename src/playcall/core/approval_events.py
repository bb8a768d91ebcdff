"""What happens to the request for a run: Events, of which the whole union is in `events`."""

from dataclasses import dataclass
from datetime import datetime

from playcall.core.access import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class RunApproved:
    """A person lets one command run once; `again` says that an earlier run is known of."""

    at: datetime
    by: str
    command: str
    again: bool = False
    access: Access = Access.RESPONDER  # of the person
    digest: str = ""  # of what the person saw; empty: not told
    emergency: bool = False  # one person is enough, for this reason
    reason: str = ""
    link: str = ""  # the single-use link it was pressed by
    link_by: str = ""  # who made that link


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDeclined:
    at: datetime
    by: str
    command: str
    reason: str
    link: str = ""
    link_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequested:
    """A person asks others to let one command run once."""

    at: datetime
    by: str
    command: str
    digest: str = ""  # of what the person saw; empty: not told
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEdited:
    """A person asks for one run of a command with another text."""

    at: datetime
    by: str
    command: str
    original: str
    text: str
    diff: str  # unified
    effect: str  # the class of the new text
    reasons: tuple[str, ...]
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLapsed:
    """A run that was approved is not begun any more: its approval no longer stands."""

    at: datetime
    command: str
    run: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestExpired:
    """Not enough people agreed in time."""

    at: datetime
    command: str
    asked_by: str = ""  # empty: the record is older than this field
