"""What was drawn last for everybody, so that many who look cost one drawing."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HEARTBEAT = timedelta(seconds=5)  # after which it is drawn anew: its durations move on


@dataclass(slots=True, kw_only=True)
class Drawn:
    stamp: tuple[int, ...] = ()
    at: datetime | None = None
    body: str = ""
    drawing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_good(self, stamp: tuple[int, ...], now: datetime) -> bool:
        fresh = self.at is not None and self.at <= now < self.at + HEARTBEAT
        return fresh and self.stamp == stamp
