"""Pictures in notes: what a store promises about them. See `ports`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    kind: str  # "image/png"
    data: bytes
    by: str
    at: datetime


class Pictures(Protocol):
    def keep_picture(self, incident: int, picture: Picture) -> int:
        """Returns its number, which counts from 1 in its incident. Raises Unavailable when it has
        too many."""
        ...


class PicturesView(Protocol):
    def picture(self, incident: int, number: int) -> Picture | None: ...
