"""Once a day a silent test page goes the whole way, from an alert to the channels of whoever is on
call. One that does not arrive becomes an alert of our own."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from playcall.core.alert import Alert, own_alert
from playcall.engine import proving
from playcall.engine.directory import Directory
from playcall.engine.ports import Clock, Person, Store, Transaction, Unavailable, Views
from playcall.engine.proofs import Beat

log = logging.getLogger(__name__)

LOST = "PlaycallTestPageLost"
KEPT_AS = "playcall test page"  # among the heartbeats: when the last one was sent
PATIENCE = timedelta(minutes=2)  # for it to arrive
TOO_LATE = timedelta(hours=1)  # a server that was down then waits for the next day
LOUD = frozenset({"voice"})  # cannot be silent


@dataclass(slots=True, kw_only=True)
class DailyTest:
    store: Store
    clock: Clock
    directory: Directory
    at: time  # of the day, UTC
    role: str
    post: Callable[[Alert], Awaitable[None]]  # as an Alertmanager would; raises Unavailable
    _tests: tuple[str, ...] = ()  # under way
    _sent_at: datetime | None = None

    async def look(self) -> int:
        now = self.clock.now()
        if self._sent_at and now - self._sent_at > PATIENCE:
            await self._judge(now)
        due = datetime.combine(now.date(), self.at, tzinfo=now.tzinfo)
        if self._sent_at is None and due <= now < due + TOO_LATE:
            await self._send(due, now)
        return 0

    async def _send(self, due: datetime, now: datetime) -> None:
        alerts = await self.store.write(lambda tx: self._ask(tx, due, now))
        for _, alert in alerts:
            try:
                await self.post(alert)
            except Unavailable as error:
                log.error("the daily test page could not be sent: %s", error)
        if alerts:
            self._tests = tuple(test for test, _ in alerts)
            self._sent_at = now

    def _ask(self, tx: Transaction, due: datetime, now: datetime) -> list[tuple[str, Alert]]:
        """Once for each day, by whichever server comes first."""
        before = tx.beats().get(KEPT_AS)
        if before and before.at >= due:
            return []
        tx.beat(KEPT_AS, Beat(at=now, alert_since=before.alert_since if before else None))
        people = self.directory.behind(self.role, now, tx.overrides(now))
        asked = [(person, _quiet_ways(person)) for person in people]
        return [
            proving.ask(tx, person, channels, "Playcall", now)
            for person, channels in asked
            if channels
        ]

    async def _judge(self, now: datetime) -> None:
        tests, self._tests, self._sent_at = self._tests, (), None
        troubles = await self.store.read(lambda views: _troubles(views, tests))

        def tell(tx: Transaction) -> None:
            before = tx.beats().get(KEPT_AS) or Beat(at=now)
            if troubles and before.alert_since is None:
                tx.receive([own_alert(LOST, "; ".join(troubles), now)], now)
                tx.beat(KEPT_AS, Beat(at=before.at, alert_since=now))
            elif not troubles and before.alert_since:
                gone = own_alert(LOST, "it arrived again", before.alert_since, firing=False)
                tx.receive([gone], now)
                tx.beat(KEPT_AS, Beat(at=before.at))

        await self.store.write(tell)


def _quiet_ways(person: Person) -> list[str]:
    return [method.channel for method in person.methods if method.channel not in LOUD]


def _troubles(views: Views, tests: tuple[str, ...]) -> list[str]:
    """A sentence for each person whom no method reached."""
    found = []
    for test in tests:
        proofs = views.proofs(test)
        if not any(proof.passed for proof in proofs):
            reasons = "; ".join(f"{p.channel}: {p.failure or 'not sent'}" for p in proofs)
            found.append(f"the daily test page did not reach {proofs[0].person} ({reasons})")
    return found
