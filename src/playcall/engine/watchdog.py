"""Notices an Alertmanager that falls silent: its Watchdog, which fires always, no longer comes. The
silence becomes an alert of our own, and so takes the way of any page."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from playcall.core.alert import own_alert
from playcall.engine.pacing import Pace
from playcall.engine.ports import Clock, Store, Transaction
from playcall.engine.proofs import Beat

log = logging.getLogger(__name__)

SILENT = "PlaycallWatchdogSilent"
ANY = ""  # stands for whichever Alertmanager is heard
LOOK = timedelta(seconds=10)


@dataclass(slots=True, kw_only=True)
class Watchdog:
    """Expects a heartbeat from each of `sources` (their external URLs), or from any."""

    store: Store
    clock: Clock
    sources: Sequence[str]
    within: timedelta
    _begun_at: datetime | None = None  # nothing could be heard before
    _pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self._pace = Pace(min(LOOK, self.within / 4))

    async def look(self) -> int:
        now = self.clock.now()
        begun_at = self._begun_at = self._begun_at or now
        if self._pace.is_due(now):
            await self.store.write(lambda tx: self._look(tx, begun_at, now))
        return 0

    def _look(self, tx: Transaction, begun_at: datetime, now: datetime) -> None:
        heard = tx.beats()
        for source in self.sources or (ANY,):
            beat = heard.get(source) or Beat(at=begun_at)
            silent = now - max(beat.at, begun_at) > self.within
            if silent and beat.alert_since is None:
                log.error("no Watchdog from %s since %s", source or "any Alertmanager", beat.at)
                tx.beat(source, Beat(at=beat.at, alert_since=now))
                tx.receive([own_alert(SILENT, _words(source, beat), now, key=source)], now)


def hear(tx: Transaction, source: str, at: datetime) -> None:
    """A Watchdog has come; the alert of its silence clears."""
    heard = tx.beats()
    for name in dict.fromkeys((source, ANY)):
        before = heard.get(name)
        tx.beat(name, Beat(at=at))
        if before and before.alert_since:
            gone = own_alert(SILENT, "heard again", before.alert_since, firing=False, key=name)
            tx.receive([gone], at)


def _words(source: str, beat: Beat) -> str:
    return (
        f"no Watchdog from {source or 'any Alertmanager'} since {beat.at:%H:%M:%S} UTC: alerts may "
        "no longer reach Playcall. Look whether Prometheus and Alertmanager run and can post here"
    )
