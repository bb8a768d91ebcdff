"""Keeps the incidents of another service as ours are: for teams that keep PagerDuty or Opsgenie.

It goes by levels, not by edges: what is shown there is kept with the version of the incident that
it was last compared with. Whatever is lost, repeated or overtaken, the next look sets it right.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from playcall.core.escalation import only_recorded, wake
from playcall.core.incident import Incident
from playcall.core.plan import Plan, Wake
from playcall.core.ranks import same_rank
from playcall.engine.pacing import Pace
from playcall.engine.ports import Clock, Store, Transaction, Unavailable
from playcall.engine.reflections import Behind, Mirror, Reflection, Shown

log = logging.getLogger(__name__)

BATCH = 20  # incidents in one look
LOOK = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)
RANKS = ("CRITICAL", "HIGH", "WARNING", "INFO")


@dataclass(slots=True, kw_only=True)
class MirrorWatch:
    store: Store
    clock: Clock
    mirror: Mirror
    url: str  # of this Playcall
    _pace: Pace = field(default_factory=lambda: Pace(LOOK))
    _pause_until: datetime | None = None
    _failures: int = 0  # in a row
    _stuck: int | None = None  # the incident of the latest failure: it comes last

    async def look(self) -> int:
        """Returns how many it set right."""
        now = self.clock.now()
        paused = self._pause_until is not None and now < self._pause_until <= now + LONGEST_PAUSE
        if paused or not self._pace.is_due(now):
            return 0
        done = 0
        found = await self.store.write(lambda tx: tx.behind(self.mirror.name, BATCH))
        for one in sorted(found, key=lambda one: one.incident.id == self._stuck):
            try:
                done += await self._set_right(one)
                self._failures = 0
            except Unavailable as error:
                self._stuck = one.incident.id
                self._pause(now, error)
                break
        return done

    async def _set_right(self, one: Behind) -> int:
        shown = next_step(one.shown, wanted(one.incident, one.plan))
        if shown is not None:
            try:
                await self.mirror.show(_reflection(one, self.url), shown)
            except Unavailable as error:
                if not error.permanent:
                    raise
                log.error("incident %d: %s", one.incident.id, error)  # not tried again as it is
                shown = None
        # When another step follows, the version stays behind, so that the next look takes it.
        kept = shown or one.shown
        complete = next_step(kept, wanted(one.incident, one.plan)) is None or shown is None
        version = one.incident.version if complete else one.incident.version - 1

        def keep(tx: Transaction) -> None:
            tx.reflect(one.incident.id, self.mirror.name, version, kept)

        await self.store.write(keep)
        return int(shown is not None)

    def _pause(self, now: datetime, error: Unavailable) -> None:
        self._failures += 1
        usual = timedelta(seconds=1 << min(self._failures, 8))
        pause = min(max(error.retry_after or usual, LOOK), LONGEST_PAUSE)
        self._pause_until = now + pause
        log.error("%s; trying again in %.0f s", error, pause.total_seconds())


def wanted(incident: Incident, plan: Plan) -> Shown | None:
    """None: it is nothing to show, because it may wake nobody."""
    if incident.status.over:
        return Shown.RESOLVED
    play = plan.play(incident.play) if incident.play else None
    if wake(plan, incident.severity) is Wake.NO or only_recorded(plan, play, incident.severity):
        return None
    return Shown.ACKNOWLEDGED if incident.acknowledged_by else Shown.TRIGGERED


def next_step(shown: Shown | None, wish: Shown | None) -> Shown | None:
    """What to show next; None: nothing. What is not there has to be triggered first."""
    if wish is None or wish is shown:
        return None
    absent = shown in (None, Shown.RESOLVED)
    if absent:
        return None if wish is Shown.RESOLVED else Shown.TRIGGERED
    return wish


def _reflection(one: Behind, url: str) -> Reflection:
    incident = one.incident
    levels: Mapping[str, int] = {row.level: n for n, row in enumerate(one.plan.severities)}
    rank = same_rank(incident.severity, RANKS)
    return Reflection(
        key=f"{url}/incidents/{incident.id}",
        title=incident.title,
        severity=incident.severity,
        rank=min(rank if rank is not None else levels.get(incident.severity, 0), 3),
        opened_at=incident.opened_at,
        by=incident.acknowledged_by or "",
        firing=sorted({one.alert.name for one in incident.alerts.values() if one.firing})[:20],
    )
