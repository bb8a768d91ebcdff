"""A circuit breaker as a value: every transition is here, and time is an argument. It calls nothing
and counts nothing but failures.

CLOSED -- too many failures in a row --> OPEN -- pause over, one trial --> HALF_OPEN
HALF_OPEN -- failure --> OPEN; any -- success --> CLOSED
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class Phase(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    most: int = 5  # failures in a row that open it
    pause: float = 5.0  # seconds before a trial
    phase: Phase = Phase.CLOSED
    failures: int = 0  # in a row
    since: float = 0.0  # monotonic seconds of the last failure or trial that counts

    def failed(self, now: float) -> Self:
        failures = min(self.failures + 1, self.most)
        if self.phase is Phase.CLOSED and failures < self.most:
            return replace(self, failures=failures)
        if self.phase is Phase.OPEN:
            return self
        return replace(self, phase=Phase.OPEN, failures=failures, since=now)

    def succeeded(self) -> Self:
        return replace(self, phase=Phase.CLOSED, failures=0)

    def tried(self, now: float) -> Self | None:
        """The breaker with its one trial taken; None while no trial is due. A trial of which
        nothing is heard for a pause is given up for lost."""
        if self.phase is Phase.CLOSED:
            return self
        if now - self.since < self.pause:
            return None
        return replace(self, phase=Phase.HALF_OPEN, since=now)
