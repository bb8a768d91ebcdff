"""Once a day a silent test page goes the whole way, from an alert to the channels of whoever is on
call. One that does not arrive becomes an alert of our own."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import groupby

from playcall.core.alert import Alert, own_alert
from playcall.engine import proving
from playcall.engine.directory import Directory
from playcall.engine.pacing import Pace
from playcall.engine.ports import Clock, Person, Store, Transaction, Unavailable
from playcall.engine.proofs import Beat, Proof

log = logging.getLogger(__name__)

LOST = "PlaycallTestPageLost"
BY = "Playcall"
# Kept as the heartbeats are, so that it is done once a day by any number of servers.
SENT, JUDGED = "playcall test page", "playcall test page judged"
PATIENCE = timedelta(minutes=2)  # for it to arrive
TOO_LATE = timedelta(hours=1)  # a server that was down then waits for the next day
LOOK = timedelta(seconds=5)
LOUD = frozenset({"voice"})  # cannot be silent


@dataclass(slots=True, kw_only=True)
class DailyTest:
    store: Store
    clock: Clock
    directory: Directory
    at: time  # of the day, UTC
    role: str
    post: Callable[[Alert], Awaitable[None]]  # as an Alertmanager would; raises Unavailable
    _pace: Pace = field(default_factory=lambda: Pace(LOOK))

    async def look(self) -> int:
        now = self.clock.now()
        if not self._pace.is_due(now):
            return 0
        await self.store.write(lambda tx: _judge(tx, now))
        for alert in await self.store.write(lambda tx: self._ask(tx, now)):
            try:
                await self.post(alert)
            except Unavailable as error:
                log.error("the daily test page could not be sent: %s", error)
        return 0

    def _ask(self, tx: Transaction, now: datetime) -> list[Alert]:
        """Once for each day, by whichever server comes first."""
        due = datetime.combine(now.date(), self.at, tzinfo=now.tzinfo)
        before = tx.beats().get(SENT)
        if not due <= now < due + TOO_LATE or (before and before.at >= due):
            return []
        tx.beat(SENT, Beat(at=now))
        people = self.directory.behind(self.role, now, tx.overrides(now))
        asked = [(person, _quiet_ways(person)) for person in people]
        return [
            proving.ask(tx, person, channels, BY, now)[1] for person, channels in asked if channels
        ]


def _judge(tx: Transaction, now: datetime) -> None:
    """What came of the latest one, as soon as it has had its time."""
    beats = tx.beats()
    sent, judged = beats.get(SENT), beats.get(JUDGED)
    if sent is None or now - sent.at <= PATIENCE or (judged and judged.at >= sent.at):
        return
    lost = _lost(tx.proofs_by(BY, sent.at))
    since = judged.alert_since if judged else None
    if lost and since is None:
        tx.receive([own_alert(LOST, "; ".join(lost), now)], now)
    elif not lost and since:
        tx.receive([own_alert(LOST, "it arrived again", since, firing=False)], now)
    tx.beat(JUDGED, Beat(at=sent.at, alert_since=(since or now) if lost else None))


def _quiet_ways(person: Person) -> list[str]:
    return [method.channel for method in person.methods if method.channel not in LOUD]


def _lost(asked: Sequence[Proof]) -> list[str]:
    """A sentence for each person whom no method reached."""
    found = [] if asked else ["the daily test page had nobody to go to"]
    for person, group in groupby(asked, key=lambda proof: proof.person):
        proofs = list(group)
        if not any(proof.passed for proof in proofs):
            reasons = "; ".join(f"{p.channel}: {p.failure or 'not sent'}" for p in proofs)
            found.append(f"the daily test page did not reach {person} ({reasons})")
    return found
