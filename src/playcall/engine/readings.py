"""Measures the criteria of live incidents. A reading becomes an event only when the verdict
changes; the latest one is kept beside the incident for people to watch."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from playcall.core import rollback
from playcall.core.events import MetricRead
from playcall.core.incident import Incident
from playcall.core.judge import Judgement, Verdict, judge
from playcall.core.plan import Criterion, Plan
from playcall.core.verification import measurable
from playcall.engine.commit import Committer
from playcall.engine.monitoring import Metrics
from playcall.engine.ports import (
    Clock,
    Store,
    Transaction,
    Unavailable,
)

AT_ONCE = 50  # incidents in one round


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    store: Store
    committer: Committer
    clock: Clock
    metrics: Metrics
    every: timedelta

    async def read_due(self) -> int:
        """Measure every incident that is due; returns how many were."""
        now = self.clock.now()

        def claim(tx: Transaction) -> list[tuple[Incident, tuple[Criterion, ...]]]:
            found = []
            for number in tx.watch(now, now + self.every, AT_ONCE):
                incident = tx.incident(number)
                if incident:
                    found.append((incident, _criteria(incident, tx.plan(incident.plan))))
            return found

        due = await self.store.write(claim)
        for incident, criteria in due:
            for criterion in criteria:
                await self._read(incident, criterion)
        return len(due)

    async def _read(self, incident: Incident, criterion: Criterion) -> None:
        at = self.clock.now()
        judgement = await self._measure(criterion, at)

        def keep(tx: Transaction) -> None:
            tx.keep_reading(incident.id, criterion.id, at, judgement)
            current = tx.incident(incident.id)
            previous = current.readings.get(criterion.id) if current else None
            if previous is None or previous.verdict is not judgement.verdict:
                event = MetricRead(at=at, criterion=criterion.id, judgement=judgement)
                self.committer.apply(tx, event, incident.id)

        await self.store.write(keep)

    async def _measure(self, criterion: Criterion, at: datetime) -> Judgement:
        start = at - criterion.holds_for - self.every * 2
        try:
            series = await self.metrics.query_range(criterion.query or "", start, at, self.every)
        except Unavailable as error:
            return Judgement(verdict=Verdict.UNKNOWN, value=None, since=None, reason=str(error))
        return judge(criterion, series, at, self.every)


def _criteria(incident: Incident, plan: Plan) -> tuple[Criterion, ...]:
    play = plan.play(incident.play) if incident.play else None
    return (*(measurable(play) if play else ()), *rollback.criteria(incident, plan))
