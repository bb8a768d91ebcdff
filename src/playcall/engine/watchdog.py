"""Notices silence: an Alertmanager whose Watchdog stops, another Playcall that does not answer, a
test page that did not arrive. Each becomes an alert of our own, and so takes the way of any page."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from playcall.core.alert import own_alert
from playcall.engine.ports import Clock, Store, Transaction
from playcall.engine.proofs import Beat

log = logging.getLogger(__name__)

SILENT = "PlaycallWatchdogSilent"
ANY = ""  # stands for whichever Alertmanager is heard


@dataclass(slots=True, kw_only=True)
class Watchdog:
    """Expects a heartbeat from each of `sources` (their external URLs), or from any."""

    store: Store
    clock: Clock
    sources: Sequence[str]
    within: timedelta
    _next: datetime | None = None

    async def look(self) -> int:
        now = self.clock.now()
        if self._next is None or not now < self._next <= now + self.within / 4:
            self._next = now + self.within / 4
            await self.store.write(lambda tx: self._look(tx, now))
        return 0

    def _look(self, tx: Transaction, now: datetime) -> None:
        heard = tx.beats()
        for source in self.sources or (ANY,):
            beat = heard.get(source)
            if beat is None:  # the time counts from the first look
                tx.beat(source, Beat(at=now))
            elif now - beat.at > self.within and beat.alert_since is None:
                log.error("no Watchdog from %s since %s", source or "any Alertmanager", beat.at)
                tx.beat(source, Beat(at=beat.at, alert_since=now))
                tx.receive([own_alert(SILENT, self._words(source, beat), now, key=source)], now)

    def _words(self, source: str, beat: Beat) -> str:
        whom = source or "any Alertmanager"
        return (
            f"no Watchdog from {whom} since {beat.at:%H:%M:%S} UTC: alerts may no longer reach "
            "Playcall. Look whether Prometheus and Alertmanager run and can post here"
        )


def hear(tx: Transaction, source: str, at: datetime) -> None:
    """A Watchdog has come; the alert of its silence clears."""
    heard = tx.beats()
    for name in dict.fromkeys((source, ANY)):
        before = heard.get(name)
        tx.beat(name, Beat(at=at))
        if before and before.alert_since:
            gone = own_alert(SILENT, "heard again", before.alert_since, firing=False, key=name)
            tx.receive([gone], at)
