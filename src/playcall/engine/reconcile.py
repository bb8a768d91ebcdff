"""Looks at Alertmanager every minute, and repairs what the record does not have: alerts whose
message never came, clearings that were lost, silences made elsewhere, pages that reached nobody,
and pages that are held for a maintenance that was called off."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from playcall.core.alert import Alert
from playcall.core.effects import Moved
from playcall.core.events import Reopened, Silenced
from playcall.core.incident import Incident
from playcall.core.reconciliation import (
    Look,
    Missed,
    Patience,
    Record,
    Repair,
    compare,
    lost_pages,
    over_announced,
)
from playcall.engine.arrivals import Intake, take_found
from playcall.engine.commit import Committer
from playcall.engine.monitoring import Watcher
from playcall.engine.ports import (
    Clock,
    Store,
    Transaction,
    Unavailable,
    Views,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST = 100_000  # incidents that one look takes notice of
AT_ONCE = 100  # repairs in one transaction
COUNTED = "reconciled:"  # begins the names of the counters


@dataclass(slots=True, kw_only=True)
class Reconciler:
    store: Store
    committer: Committer
    clock: Clock
    watcher: Watcher | None  # None: Alertmanager is not asked
    intake: Intake
    created_by: str  # the author of our silences
    every: timedelta
    patience: Patience
    _missed: Missed = frozenset()
    _next: datetime | None = None
    _deaf: bool = False

    async def look_due(self) -> int:
        """Look, if it is time; never asks to be called again at once."""
        now = self.clock.now()
        waiting = self._next is not None and now < self._next <= now + self.every
        if not waiting:
            self._next = now + self.every
            await self._end_maintenance(now)
            if self.watcher is not None:
                await self._send_lost_pages(now)
                await self._reconcile(now, self.watcher)
        return 0

    async def _reconcile(self, now: datetime, watcher: Watcher) -> None:
        # What is on record is read first: whatever comes meanwhile is then no difference.
        record = await self.store.read(lambda views: self._record(views, now))
        before, self._missed = self._missed, frozenset()  # a failed look breaks the row of two
        look = await self._look(now, watcher)
        if look is None:
            return
        found = compare(look, record, before, self.patience, self.created_by)
        self._missed = found.missed
        await self._each(found.found, self._take)
        await self._each(found.repairs, self._repair)

    def _record(self, views: Views, now: datetime) -> Record:
        within = views.plan(self.intake.plan).response.reopen_within
        live = views.incidents(live_only=True, limit=MOST)
        over = views.lately_over(now - within, MOST)
        digests = {incident.plan for incident in (*live, *over)}
        return Record(live=live, over=over, plans={key: views.plan(key) for key in digests})

    async def _look(self, now: datetime, watcher: Watcher) -> Look | None:
        try:
            look = Look(
                at=now,
                up_since=await watcher.up_since(),
                silences=await watcher.standing(),
                alerts=await watcher.watched(),
            )
        except Unavailable as error:
            if not self._deaf:
                log.error("%s Nothing is taken for over until it answers.", error)
            self._deaf = True
            return None
        if self._deaf:
            log.warning("Alertmanager answers again")
        self._deaf = False
        return look

    async def _each(
        self, things: Sequence[T], work: Callable[[Transaction, Sequence[T]], None]
    ) -> None:
        """In transactions of a bounded size; where one fails, each of its things by itself."""
        for start in range(0, len(things), AT_ONCE):
            chunk = things[start : start + AT_ONCE]
            try:
                await self.store.write(lambda tx, chunk=chunk: work(tx, chunk))  # type: ignore[misc]
            except Unavailable:
                raise
            except Exception:  # a bug: one repair must not keep the others from being made
                log.exception("a repair failed")
                if len(chunk) > 1:
                    await self._one_by_one(chunk, work)

    async def _one_by_one(
        self, things: Sequence[T], work: Callable[[Transaction, Sequence[T]], None]
    ) -> None:
        for thing in things:
            await self._each([thing], work)

    def _take(self, tx: Transaction, alerts: Sequence[Alert]) -> None:
        now = self.clock.now()
        taken = take_found(tx, alerts, self.intake, self.committer, now)
        if taken:
            log.warning("%d alerts found whose message never came", taken)
            tx.count(f"{COUNTED}found", taken)

    def _repair(self, tx: Transaction, repairs: Sequence[Repair]) -> None:
        for repair in repairs:
            incident = tx.incident(repair.incident)
            if incident is None or _is_stale(tx, incident, repair):
                continue
            if isinstance(self.committer.apply(tx, repair.event, incident.id), Moved):
                log.warning("incident %d repaired: %s", incident.id, type(repair.event).__name__)
                tx.count(f"{COUNTED}{repair.kind}")

    async def _end_maintenance(self, now: datetime) -> None:
        """What holds pages for maintenance that the settings of today do not announce."""

        def look(views: Views) -> tuple[Repair, ...]:
            live = views.incidents(live_only=True, limit=MOST)
            return over_announced(live, self.intake.windows, now)

        await self._each(await self.store.read(look), self._repair)

    async def _send_lost_pages(self, now: datetime) -> None:
        def look(views: Views) -> tuple[Repair, ...]:
            unpaged = views.unpaged(MOST)
            plans = {incident.plan: views.plan(incident.plan) for incident in unpaged}
            return lost_pages(unpaged, plans, now, self.patience)

        await self._each(await self.store.read(look), self._repair)


def _is_stale(tx: Transaction, incident: Incident, repair: Repair) -> bool:
    """Whether the record changed since it was read, so that the repair is none any more."""
    event = repair.event
    if isinstance(event, Reopened):
        return tx.live_in_group(incident.group) is not None
    if isinstance(event, Silenced):
        known = incident.silences.get(event.silence)
        return known is not None and known.until == event.until
    return False
