"""What happens to the values of placeholders; part of the closed union in `events`."""

from dataclasses import dataclass
from datetime import datetime

from playcall.core.incident import Whence


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueGiven:
    """A person fills a placeholder; given again, it holds for the runs that begin later."""

    at: datetime
    by: str
    name: str  # of the placeholder
    value: str
    command: str = ""  # for which it was given; empty: for all that have the placeholder
    whence: Whence = Whence.TYPED
    found: str = ""  # "12 times in the output of 1.2"
