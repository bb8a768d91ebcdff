"""Measures the criteria of live incidents, and for a while of those that are over and owe proof of
it. A reading becomes an event only when the verdict
changes; the latest one is kept beside the incident for people to watch."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from playcall.core import duty_proofs, rollback
from playcall.core.events import MetricRead
from playcall.core.facts import READING
from playcall.core.incident import Incident
from playcall.core.judge import Judgement, Verdict, judge
from playcall.core.plan import Criterion, Plan
from playcall.core.response import FactQuery
from playcall.core.verification import measurable
from playcall.engine.commit import Committer
from playcall.engine.monitoring import Metrics
from playcall.engine.ports import Clock, Store, Transaction, Unavailable

AT_ONCE = 50  # incidents in one round
ASKED_AT_ONCE = 8  # queries: a slow answer holds up none but its own


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

        def claim(tx: Transaction) -> list[tuple[Incident, tuple[Criterion, ...], Plan]]:
            found = []
            for number in tx.watch(now, now + self.every, AT_ONCE):
                incident = tx.incident(number)
                if incident:
                    plan = tx.plan(incident.plan)
                    if not _is_watched(incident, plan, now):
                        continue
                    found.append((incident, _criteria(incident, plan), plan))
            return found

        due = await self.store.write(claim)
        room = asyncio.Semaphore(ASKED_AT_ONCE)
        reads = [
            self._read(incident, criterion, room)
            for incident, criteria, _ in due
            for criterion in criteria
        ]
        reads += [
            self._count(incident, fact, room)
            for incident, _, plan in due
            for fact in plan.response.updates.facts
        ]
        for failed in await asyncio.gather(*reads, return_exceptions=True):
            if failed is not None:
                raise failed
        return len(due)

    async def _read(
        self, incident: Incident, criterion: Criterion, room: asyncio.Semaphore
    ) -> None:
        async with room:
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

    async def _count(self, incident: Incident, fact: FactQuery, room: asyncio.Semaphore) -> None:
        """A number for texts. It decides nothing, and so is no event."""
        async with room:
            at = self.clock.now()
            judgement = await self._ask(fact, at)
        key = f"{READING}{fact.name}"
        await self.store.write(lambda tx: tx.keep_reading(incident.id, key, at, judgement))

    async def _ask(self, fact: FactQuery, at: datetime) -> Judgement:
        """Of one series; several are no number, and a text does without it."""
        try:
            vectors = await self.metrics.query(fact.promql, at)
        except Unavailable as error:
            return Judgement(verdict=Verdict.UNKNOWN, value=None, since=None, reason=str(error))
        if len(vectors) != 1:
            reason = f"{len(vectors)} series, where one is wanted"
            return Judgement(verdict=Verdict.UNKNOWN, value=None, since=None, reason=reason)
        return Judgement(verdict=Verdict.HOLDS, value=vectors[0].sample.value, since=None)

    async def _measure(self, criterion: Criterion, at: datetime) -> Judgement:
        start = at - criterion.holds_for - self.every * 2
        try:
            series = await self.metrics.query_range(criterion.query or "", start, at, self.every)
        except Unavailable as error:
            return Judgement(verdict=Verdict.UNKNOWN, value=None, since=None, reason=str(error))
        return judge(criterion, series, at, self.every)


def _is_watched(incident: Incident, plan: Plan, at: datetime) -> bool:
    if not incident.status.over:
        return True
    until = duty_proofs.looked_at_until(incident, plan)
    return until is not None and at <= until


def _criteria(incident: Incident, plan: Plan) -> tuple[Criterion, ...]:
    play = plan.play(incident.play) if incident.play else None
    return (*(measurable(play) if play else ()), *rollback.criteria(incident, plan))
