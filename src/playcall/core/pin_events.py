"""Entries of the timeline that people pin for the post-mortem: a part of the Events."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Pin(StrEnum):
    """What a pinned entry is for the post-mortem."""

    CAUSE = "cause"
    MITIGATION = "mitigation"
    INVESTIGATION = "investigation"
    QUESTION = "question"
    IMPORTANT = "important"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPinned:
    """Pinned again, an entry is what it was pinned as last."""

    at: datetime
    by: str
    n: int  # the event's number in its incident
    pin: Pin


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryUnpinned:
    at: datetime
    by: str
    n: int


PinEvent = EntryPinned | EntryUnpinned
