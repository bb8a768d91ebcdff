"""A wish to run one command once, as frozen values: what exactly, who asked, who agreed."""

from dataclasses import dataclass
from datetime import datetime

from playcall.core.access import Access
from playcall.core.plan import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's yes."""

    by: str
    at: datetime
    link_by: str = ""  # who made the link that it was given by; empty: none

    @property
    def hands(self) -> frozenset[str]:
        """Everybody who could have pressed: whoever makes a link has held it."""
        return frozenset({self.by, self.link_by} - {""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Another text, for this one run; `command` is the document's, with that text read anew."""

    by: str
    at: datetime
    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Waits until enough people agree, somebody refuses, or its time is over."""

    by: str  # who asked: explicitly, by an edit, or by the first approval
    at: datetime
    digest: str  # of exactly what would run
    access: Access  # the least that an approver has
    people: int  # how many have to agree
    expires_at: datetime
    again: bool = False  # although it ran before
    approvals: tuple[Approval, ...] = ()
    edit: Edit | None = None
    emergency: str = ""  # why one person was enough; empty: it was none

    @property
    def approved_by(self) -> str:
        return " and ".join(approval.by for approval in self.approvals)
