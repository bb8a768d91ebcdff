"""What people do about messages that were given up: a part of the Events."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRetried:
    """Somebody had what was given up carried out once more."""

    at: datetime
    by: str
    what: str  # "the message to ada"
    key: str  # in the outbox
