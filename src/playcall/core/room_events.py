"""What becomes of the place where people meet about an incident: a part of the Events."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WarRoomOpened:
    """A channel of its own was made for the incident."""

    at: datetime
    name: str
    url: str
