"""What is sent once an incident is over, in the words that went out: a part of the Events."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarySent:
    """The initial summary."""

    at: datetime
    by: str
    subject: str
    body: str
    to: tuple[str, ...]  # roles
    channel: str = ""  # of the document, that it is posted to; empty: none
    again: bool = False  # whoever sent it knew that it had been sent


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMortemShared:
    at: datetime
    by: str
    version: int
    subject: str
    body: str  # of the message; the post-mortem itself goes with it
    to: tuple[str, ...]  # roles
    channel: str = ""
    asks: int = 0  # left for a person to write
    conflicts: int = 0  # left to be decided
    unfinished: bool = False  # whoever shared it knew that something is left
    again: bool = False  # and that this version had been shared


SendingEvent = SummarySent | PostMortemShared
