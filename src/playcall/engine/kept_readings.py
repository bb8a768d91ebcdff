"""Where readings are kept: what criteria and facts measured last, beside the incidents."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from playcall.core.judge import Judgement


class KeptReadings(Protocol):
    def watch(self, at: datetime, until: datetime, limit: int) -> Sequence[int]:
        """Incidents that are live, or were a little while ago, whose criteria are due to be read,
        claimed until `until`; live ones first."""
        ...

    def keep_reading(self, incident: int, criterion: str, at: datetime, reading: Judgement) -> None:
        """The latest reading, for people to look at; not an event."""
        ...

    def readings(self, incident: int) -> Mapping[str, tuple[datetime, Judgement]]:
        """The latest of each criterion and fact, and when it was read."""
        ...
