"""What was drawn last for everybody, so that many who look cost one drawing."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

TICK = 0.4  # seconds between looks for changes while a page is open
HEARTBEAT = timedelta(seconds=5)  # after which it is drawn anew: its durations move on


@dataclass(slots=True, kw_only=True)
class Drawn:
    stamp: tuple[int, ...] = ()
    at: datetime | None = None
    body: str = ""
    looked: float = float("-inf")  # when it was compared last, by the process's own clock
    drawing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_settled(self) -> bool:
        """Somebody else looked just now."""
        return time.monotonic() < self.looked + TICK / 2

    def settle(self) -> None:
        self.looked = time.monotonic()

    def is_good(self, stamp: tuple[int, ...], now: datetime) -> bool:
        fresh = self.at is not None and self.at <= now < self.at + HEARTBEAT
        return fresh and self.stamp == stamp
