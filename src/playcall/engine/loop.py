"""The engine: takes alerts in, wakes incidents, carries out jobs, measures criteria; until stopped.

Each loop looks for what is due, does it, and sleeps until something changes or falls due. All of
them may be killed at any moment: what is not committed did not happen.
"""

import asyncio
import contextlib
import functools
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from playcall.core.alert import WATCHDOG, Alert
from playcall.core.effects import Moved, Refused
from playcall.core.events import Event, Woken
from playcall.engine import watchdog
from playcall.engine.arrivals import Intake, take_in
from playcall.engine.delivering import channel_of
from playcall.engine.inbox import Doubts, Receipt
from playcall.engine.perform import Performer
from playcall.engine.ports import (
    Delivery,
    Execution,
    Job,
    Prolonging,
    Publishing,
    Reporting,
    Reviewing,
    Silencing,
    Task,
    Transaction,
    Unavailable,
    Unsilencing,
)
from playcall.engine.proofs import Proving
from playcall.engine.readings import Reader
from playcall.engine.receipts import Receipts
from playcall.engine.regroup import Regrouper
from playcall.engine.retrying import retry_after
from playcall.engine.scrub import scrub_alert
from playcall.engine.subscription import AskSubscriber, TellSubscriber, TellSubscribers
from playcall.engine.tally import DOUBTFUL
from playcall.engine.tickets import Ticketing
from playcall.engine.turns import Limits, lane

log = logging.getLogger(__name__)
T = TypeVar("T")

LEASE = timedelta(seconds=15)
IDLE = 0.5  # seconds between looks when nothing is known to be due
ARRIVALS = 100  # alerts in one transaction
REMEMBERED = 1000  # incidents that had a turn lately
# How many jobs at once, in pools of their own: a slow command must never hold up a page.
POOLS: Mapping[tuple[type[Task], ...], int] = {
    (Delivery,): 128,
    (Execution,): 8,  # that a person approved; for the others see `turns`
    (Silencing, Prolonging, Unsilencing, Reporting): 4,
    (Publishing,): 4,
    (Reviewing,): 2,
    (TellSubscribers,): 1,
    (AskSubscriber, TellSubscriber): 16,
    (Proving,): 4,
    (Ticketing,): 2,
}
# Of the messages under way as many for one channel: one that hangs must not hold up the others.
PER_CHANNEL = 32


@dataclass(slots=True, kw_only=True)
class Engine:
    performer: Performer
    reader: Reader
    intake: Intake
    limits: Limits = field(default_factory=Limits)
    watches: Sequence[Callable[[], Awaitable[int]]] = ()  # what else is looked at over and over
    doubts: Doubts | None = None  # None: nobody asks Alertmanager, and a clearing stands
    looked_at: datetime | None = None  # when timers were last looked at: whether it works
    _bells: list[asyncio.Event] = field(default_factory=list)  # one for each loop
    _to_do: tuple[asyncio.Event, ...] = field(  # of the loops that begin jobs
        default_factory=lambda: (asyncio.Event(), asyncio.Event())
    )
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _working: dict[str, Job] = field(default_factory=dict)
    _served: dict[int, int] = field(default_factory=dict)  # see `turns.Limits`
    _batch: int = ARRIVALS
    _draining: bool = False
    _job_ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, alerts: Sequence[Alert], source: str = "") -> Receipt:
        """Put alerts on disk. Once this returns they cannot be lost. `source` is the Alertmanager
        that sent them. Raises Unavailable."""
        now = self.performer.clock.now()
        hide = self.performer.committer.hide
        said = [scrub_alert(alert, hide) for alert in alerts]

        def work(tx: Transaction) -> Receipt:
            receipt = tx.receive(said, now)
            if any(alert.name == WATCHDOG and alert.firing for alert in alerts):
                watchdog.hear(tx, source, now)
            if receipt.doubtful:
                tx.count(DOUBTFUL, len(receipt.doubtful))
            return receipt

        receipt = await self.performer.store.write(work)
        if receipt.doubtful:
            self._doubt(receipt.doubtful)
        self._arrived.set()  # nothing else has anything to do yet
        return receipt

    def _doubt(self, fingerprints: frozenset[str]) -> None:
        if self.doubts is not None:
            self.doubts.open |= fingerprints
        log.warning(
            "%d alerts are said to fire by a start that has cleared: again, or an old message? %s",
            len(fingerprints),
            "They stay cleared: Alertmanager is not looked at."
            if self.doubts is None
            else "Alertmanager is asked.",
        )

    async def submit(self, incident: int, event: Event) -> Moved | Refused:
        """Apply one event, as a person or a hand reports it. Raises Unavailable."""
        committer = self.performer.committer

        def work(tx: Transaction) -> Moved | Refused:
            if tx.incident(incident) is None:
                return Refused(reason=f"there is no incident {incident}")
            return committer.apply(tx, event, incident)

        outcome = await self.performer.store.write(work)
        self._ring()
        return outcome

    async def regroup(self, work: Callable[[Transaction, Regrouper, datetime], T]) -> T:
        """Merge or split incidents. Raises Unavailable."""
        both = Regrouper(committer=self.performer.committer, intake=self.intake)
        now = self.performer.clock.now()
        outcome = await self.performer.store.write(lambda tx: work(tx, both, now))
        self._ring()
        return outcome

    async def receipt(
        self, key: str, *, arrived: bool, reason: str = "", channel: str = ""
    ) -> bool:
        """What a channel heard later of the message that it was given under `key`; the channel's
        name tells it from others that were tried under it. One that did not arrive moves to the
        person's next method at once. False: no such message was sent. Raises Unavailable."""
        while key in self._working:  # it came before the sending was recorded
            await self._next_end()
        take = self._receipts().take
        known = await self.performer.store.write(lambda tx: take(tx, key, channel, arrived, reason))
        self._ring()
        return known

    async def retry(self, incident: int, key: str, by: str) -> Refused | None:
        """Have what was given up carried out again, because a person wants it. None: it is. Raises
        Unavailable."""
        retry = self._receipts().retry
        outcome = await self.performer.store.write(lambda tx: retry(tx, incident, key, by))
        self._ring()
        return outcome

    def _receipts(self) -> Receipts:
        return Receipts(committer=self.performer.committer, clock=self.performer.clock)

    async def run(self) -> None:
        """Work until cancelled; jobs under way are given up and taken up at the next start."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self._take_arrivals, self._arrived))
            begin = (self._start_jobs, self._take_turns)
            for start, bell in zip(begin, self._to_do, strict=True):
                group.create_task(self._repeat(functools.partial(start, group), bell))
            for look in (self._wake_incidents, self.reader.read_due, *self.watches):
                group.create_task(self._repeat(look))
            group.create_task(self._renew_leases())

    async def drain(self, patience: timedelta) -> None:
        """Begin no more jobs, and wait for those under way as long as `patience` lasts."""
        self._draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience.total_seconds()):
                while self._working:
                    await self._next_end()

    async def _next_end(self) -> None:
        self._job_ended.clear()
        await self._job_ended.wait()

    async def _repeat(
        self, look: Callable[[], Awaitable[int]], bell: asyncio.Event | None = None
    ) -> None:
        """Look again at once while there was something to do, else when something changes."""
        bell = bell or asyncio.Event()
        self._bells.append(bell)
        while True:
            bell.clear()
            try:
                busy = await look() > 0
            except Unavailable as error:
                log.error("%s; trying again", error)
                busy = False
            except Exception:  # a bug: the other loops, and the next look, must go on
                log.exception("a look failed; trying again")
                busy = False
            if not busy:
                # Not wait_for: it forgets a cancellation that meets the bell.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._idle()):
                        await bell.wait()

    def _ring(self) -> None:
        for bell in self._bells:
            bell.set()

    def _idle(self) -> float:
        return min(IDLE, self.reader.every.total_seconds() / 2)

    # --- alerts

    async def _take_arrivals(self) -> int:
        limit = self._batch
        try:
            taken = await self.performer.store.write(lambda tx: self._take(tx, limit))
        except Unavailable:
            raise
        except Exception:  # a bug: one alert must not keep the others from being heard
            log.exception("taking in %d alerts failed", limit)
            if limit == 1:
                await self.performer.store.write(self._set_aside)
            self._batch = 1  # find the one that cannot be taken in
            return 1
        if taken:
            self._ring()
        elif self._batch != ARRIVALS:
            self._batch = ARRIVALS
        return taken

    def _take(self, tx: Transaction, limit: int) -> int:
        arrivals = tx.arrivals(limit)
        if arrivals:
            now = self.performer.clock.now()
            take_in(tx, arrivals, self.intake, self.performer.committer, now)
        return len(arrivals)

    def _set_aside(self, tx: Transaction) -> None:
        arrivals = tx.arrivals(1)
        log.error("alert set aside, nobody was paged for it: %s", arrivals)
        tx.take_in(arrivals)

    # --- timers

    async def _wake_incidents(self) -> int:
        now = self.performer.clock.now()
        try:
            woken = await self.performer.store.write(lambda tx: self._wake(tx, now))
        except Unavailable:
            raise
        except Exception:  # a bug: one incident must not keep the others from their timers
            log.exception("waking what is due failed; one by one")
            woken = await self._wake_one_by_one(now)
        self.looked_at = now
        if woken:
            self._ring()
        return woken

    def _wake(self, tx: Transaction, now: datetime) -> int:
        due = tx.due(now, ARRIVALS)
        for incident in due:
            self.performer.committer.apply(tx, Woken(at=now), incident)
        return len(due)

    async def _wake_one_by_one(self, now: datetime) -> int:
        woken = 0
        for incident in await self.performer.store.write(lambda tx: tx.due(now, ARRIVALS)):
            try:
                await self.submit(incident, Woken(at=now))
                woken += 1
            except Unavailable:
                raise
            except Exception:  # a bug, for which its log is there; the next look tries again
                log.exception("incident %d could not be woken", incident)
        return woken

    # --- jobs

    async def _start_jobs(self, group: asyncio.TaskGroup) -> int:
        if self._draining:
            return 0
        now = self.performer.clock.now()
        jobs = await self.performer.store.write(lambda tx: self._claim(tx, now))
        return self._start(group, jobs)

    def _claim(self, tx: Transaction, now: datetime) -> list[Job]:
        """What each pool has room for, in one transaction; first of all, messages."""
        there = tx.claimable(now)
        owner = self.performer.owner
        working = [job.task for job in self._working.values() if lane(job.task) is None]
        jobs: list[Job] = []
        for kinds, slots in POOLS.items():
            free = slots - sum(isinstance(task, kinds) for task in working)
            if free > 0 and not there.isdisjoint(kinds):
                limit = min(free, PER_CHANNEL)
                jobs += tx.claim(owner, kinds, now, LEASE, limit, self._busy())
        return jobs

    def _busy(self) -> list[str]:
        """The channels that have all that they may have under way."""
        under_way = Counter(channel_of(job.task) for job in self._working.values())
        return [name for name, n in under_way.items() if name is not None and n >= PER_CHANNEL]

    async def _take_turns(self, group: asyncio.TaskGroup) -> int:
        """Begin commands that run by themselves, as many as may run at once."""
        if self._draining:
            return 0
        now = self.performer.clock.now()
        owner = self.performer.owner
        limits = replace(self.limits, served=dict(self._served))
        jobs = await self.performer.store.write(
            lambda tx: tx.claim_turns(owner, now, LEASE, limits)
        )
        for job in jobs:
            turn = max(self._served.values(), default=0) + 1
            self._served[job.incident] = turn
        for incident in sorted(self._served, key=self._served.__getitem__)[:-REMEMBERED]:
            del self._served[incident]
        return self._start(group, jobs)

    def _start(self, group: asyncio.TaskGroup, jobs: Sequence[Job]) -> int:
        # A job of our own whose lease ran out, because the clock leapt, is under way already.
        fresh = [job for job in jobs if job.key not in self._working]
        for job in fresh:
            self._working[job.key] = job
            group.create_task(self._work(job))
        return len(fresh)

    async def _work(self, job: Job) -> None:
        try:
            await self.performer.perform(job)
        except Unavailable as error:
            log.error("%s: %s; trying again", job.key, error)
            await self._postpone(job, str(error))
        except Exception as error:  # a bug: it must stop neither the engine nor other jobs
            log.exception("%s failed", job.key)
            await self._postpone(job, ascii(error))
        finally:
            del self._working[job.key]
            self._job_ended.set()
            for bell in self._to_do:
                bell.set()

    async def _postpone(self, job: Job, reason: str) -> None:
        later = self.performer.clock.now() + retry_after(job.attempts, job.key)
        try:
            await self.performer.store.write(lambda tx: tx.postpone(job.key, later, reason))
        except Exception:  # then the lease runs out
            log.exception("%s could not be postponed", job.key)

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            keys = tuple(self._working)
            until = self.performer.clock.now() + LEASE
            renew = functools.partial(self._renew, keys, until)
            try:
                await self.performer.store.write(renew)
            except Exception:  # whatever it is, what is under way goes on
                log.exception("cannot renew leases")

    def _renew(self, keys: Sequence[str], until: datetime, tx: Transaction) -> None:
        if keys:
            tx.renew(self.performer.owner, keys, until)
