"""Measures GO / CAUTION / NO-GO all the time, incident or none; a NO-GO opens its play."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from playcall.core.alert import Alert, is_own, own_alert
from playcall.core.judge import Judgement, Verdict, judge
from playcall.core.readiness import Gauge, Readiness, State, advance
from playcall.engine.monitoring import Metrics
from playcall.engine.ports import (
    Clock,
    Store,
    Transaction,
    Unavailable,
)

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class ReadinessWatch:
    store: Store
    clock: Clock
    metrics: Metrics
    gauge: Gauge | None  # None: the document has none, and nothing is measured
    every: timedelta
    _next: datetime | None = None

    async def read_due(self) -> int:
        """Measure, if it is time; never asks to be called again at once."""
        now = self.clock.now()
        waiting = self._next is not None and now < self._next <= now + self.every
        if self.gauge is not None and not waiting:
            self._next = now + self.every
            await self._read(self.gauge, now)
        return 0

    async def _read(self, gauge: Gauge, at: datetime) -> None:
        judgement = await self._measure(gauge, at)

        def keep(tx: Transaction) -> None:
            before = tx.readiness()
            after = advance(before, judgement, at)
            if before is None or before.state is not after.state:
                log.warning("%s since %s", after.state, after.since)
                after = _tell(tx, gauge, after)
            elif after.alert_since and _is_taken_over(tx, gauge.play):
                after = _withdraw(tx, gauge, after, after.alert_since)
            changed = before is None or before.state is not after.state
            tx.keep_readiness(after, change=changed)

        await self.store.write(keep)

    async def _measure(self, gauge: Gauge, at: datetime) -> Judgement:
        criterion = gauge.criterion
        start = at - criterion.holds_for - self.every * 2
        try:
            series = await self.metrics.query_range(criterion.query or "", start, at, self.every)
        except Unavailable as error:
            return Judgement(verdict=Verdict.UNKNOWN, value=None, since=None, reason=str(error))
        return judge(criterion, series, at, self.every)


def _tell(tx: Transaction, gauge: Gauge, reading: Readiness) -> Readiness:
    """Raise an alert of our own with a NO-GO, unless an incident of its play is open; clear it once
    data say that the NO-GO is over, or Alertmanager has sent its own: then that one counts."""
    raised = reading.alert_since
    if reading.state is State.NO_GO and raised is None and not _is_open(tx, gauge.play):
        tx.receive([_alert(gauge, reading.since, firing=True)], reading.read_at)
        return replace(reading, alert_since=reading.since)
    if reading.state in (State.GO, State.CAUTION) and raised is not None:
        return _withdraw(tx, gauge, reading, raised)
    return reading


def _withdraw(tx: Transaction, gauge: Gauge, reading: Readiness, since: datetime) -> Readiness:
    tx.receive([_alert(gauge, since, firing=False)], reading.read_at)
    return replace(reading, alert_since=None)


def _alert(gauge: Gauge, since: datetime, *, firing: bool) -> Alert:
    summary = f"NO-GO: {gauge.criterion.text}"
    return own_alert(gauge.play, summary, since, firing=firing)


def _is_open(tx: Transaction, play: str) -> bool:
    return any(
        incident is not None and incident.play == play for incident in map(tx.incident, tx.live())
    )


def _is_taken_over(tx: Transaction, play: str) -> bool:
    """Whether Alertmanager has sent its own alert meanwhile: then that one counts."""
    return any(
        member.firing and not is_own(member.alert)
        for incident in map(tx.incident, tx.live())
        if incident is not None and incident.play == play
        for member in incident.alerts.values()
    )
