"""A clock that does not jump. It follows the wall clock as long as that runs as the machine's own
counter does; after a jump it goes on by the counter and is brought back little by little, so that
nothing is sent, or kept from being sent, because somebody set the time."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

log = logging.getLogger(__name__)

JUMP = timedelta(seconds=5)  # what the wall clock may differ by in one step
SLEW = 0.1  # of the time that passes: how fast a difference is made up


def _wall() -> datetime:
    return datetime.now(UTC)


def _counter() -> timedelta:
    """Since boot, the time asleep included: a laptop that wakes up has not jumped."""
    return timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))


class SystemClock:
    """`ports.Clock`. May be asked from several threads."""

    def __init__(
        self,
        wall: Callable[[], datetime] = _wall,
        counter: Callable[[], timedelta] = _counter,
    ) -> None:
        self._wall = wall
        self._counter = counter
        self._lock = threading.Lock()
        self._said = wall()
        self._counted = counter()
        self._apart = timedelta()  # how far the wall clock is ahead of what was said
        self._jumped = False  # that is being made up

    def now(self) -> datetime:
        with self._lock:
            wall, counted = self._wall(), self._counter()
            passed = max(counted - self._counted, timedelta())
            expected = self._said + passed
            apart = wall - expected
            self._counted = counted
            self._said = self._follow(expected, apart, passed)
            self._apart = wall - self._said
            return self._said

    def _follow(self, expected: datetime, apart: timedelta, passed: timedelta) -> datetime:
        """The wall clock's time, or, while it is a jump away, our own, a little nearer to it."""
        step = apart - self._apart
        if abs(step) > JUMP:
            self._jumped = True
            log.warning(
                "the wall clock jumped by %+.0f s; it is followed at %d %% of the time that "
                "passes. A restart follows it at once",
                step.total_seconds(),
                SLEW * 100,
            )
        elif not self._jumped or abs(apart) <= passed * SLEW:
            self._jumped = False
            return max(expected + apart, self._said)
        nearer = min(abs(apart), passed * SLEW)
        return expected + (nearer if apart > timedelta() else -nearer)
