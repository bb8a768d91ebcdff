"""Looks that are due again and again."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(slots=True)
class Pace:
    """Due at once, and `every` so often after that; a clock that leaps back stops nothing."""

    every: timedelta
    _next: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        if self._next is not None and now < self._next <= now + self.every:
            return False
        self._next = now + self.every
        return True
