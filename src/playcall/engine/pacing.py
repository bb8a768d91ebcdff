"""Looks that are due again and again."""

from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Aside:
    """Incidents that a bug keeps from being looked at, left out for a while: the others go on."""

    lasting: timedelta = timedelta(minutes=1)
    _until: dict[int, datetime] = field(default_factory=dict)

    def put(self, incident: int, now: datetime) -> None:
        self._until[incident] = now + self.lasting

    def has(self, incident: int, now: datetime) -> bool:
        until = self._until.get(incident)
        if until is not None and now < until <= now + self.lasting:
            return True
        self._until.pop(incident, None)
        return False

    def __len__(self) -> int:
        return len(self._until)
