"""Carries out one job of the outbox through its port, and records what came of it as an event, in
the same transaction that finishes the job."""

import contextlib
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from playcall.core.access import Access
from playcall.core.approvals import lapsed
from playcall.core.events import (
    ApprovalLapsed,
    CommandFinished,
    CommandInterrupted,
    Event,
    ReportWritten,
    Silenced,
    SilenceEnded,
    SilenceFailed,
)
from playcall.core.finding import find
from playcall.core.incident import RunStatus, SilencePurpose, Status
from playcall.core.measured import PAST, write_answer
from playcall.core.placement import LOCAL
from playcall.core.plan import EffectClass
from playcall.engine import mailing, ticketing
from playcall.engine.commit import Committer
from playcall.engine.delivering import Delivering, Telling
from playcall.engine.monitoring import Metrics, Silencer
from playcall.engine.ports import (
    Archive,
    Channel,
    Clock,
    Delivery,
    Execution,
    Exit,
    Job,
    Prolonging,
    Publisher,
    Publishing,
    Reporting,
    Reviewing,
    Silencing,
    Store,
    Transaction,
    Unavailable,
    Unsilencing,
)
from playcall.engine.proofs import Proving
from playcall.engine.proving import prove
from playcall.engine.retrying import retry_after
from playcall.engine.reviewing import Reviewer
from playcall.engine.running import Lost, Runner, begun
from playcall.engine.subscription import AskSubscriber, Post, TellSubscriber, TellSubscribers
from playcall.engine.tickets import Ticketing, Tickets
from playcall.engine.transcript import Transcript
from playcall.engine.writing import compose

log = logging.getLogger(__name__)

SILENCE_ATTEMPTS = 5
LOST_ATTEMPTS = 3  # of a command that changes nothing, on hosts that vanish


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """The ports that jobs are carried out through."""

    channels: Mapping[str, Channel]
    runner: Runner
    metrics: Metrics
    silencer: Silencer
    archive: Archive
    time_limit: timedelta  # of one command
    targets: Mapping[str, Runner] = field(default_factory=dict)  # beside `runner`, by name
    publishers: Mapping[str, Publisher] = field(default_factory=dict)  # status pages elsewhere
    post: Post | None = None  # to subscribers of ours
    tickets: Tickets | None = None  # where action items may be issues


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    store: Store
    committer: Committer
    clock: Clock
    hands: Hands
    owner: str
    access: Mapping[str, Access] | None = None  # what people may do now; None: not known here
    telling: Telling = field(default_factory=Telling)
    delivering: Delivering = field(init=False)

    def __post_init__(self) -> None:
        delivering = Delivering(
            store=self.store,
            committer=self.committer,
            clock=self.clock,
            channels=self.hands.channels,
            telling=self.telling,
        )
        object.__setattr__(self, "delivering", delivering)

    async def perform(self, job: Job) -> None:
        match job.task:
            case Delivery():
                await self.delivering.deliver(job, job.task)
            case Execution():
                await self._execute(job, job.task)
            case Silencing():
                await self._silence(job, job.task)
            case Prolonging():
                await self._prolong(job, job.task)
            case Unsilencing():
                await self._unsilence(job, job.task)
            case Reporting():
                await self._report(job)
            case Reviewing():
                await self._reviewer().review(job, job.task)
            case Publishing():
                await self._publish(job, job.task)
            case AskSubscriber() | TellSubscribers() | TellSubscriber():
                await mailing.carry_out(self, job, job.task)
            case Ticketing():
                await ticketing.carry_out(self, job, job.task)
            case Proving():
                people = self.committer.directory.people
                await prove(job, job.task, self.store, self.clock, self.hands.channels, people)
            case _:
                assert_never(job.task)

    async def _finish(self, job: Job, event: Event | None = None) -> None:
        def work(tx: Transaction) -> None:
            tx.finish(job.key)
            if event:
                self.committer.apply(tx, event, job.incident)

        await self.store.write(work)

    # --- commands

    async def _execute(self, job: Job, task: Execution) -> None:
        if not await self.store.write(lambda tx: self._begin(tx, job, task)):
            return
        transcript = Transcript(self.store, task)
        try:
            async with transcript:
                end = await (self._ask if task.native else self._spawn)(task, transcript)
        except Lost as error:
            await self._lose(job, task, str(error))
            return
        except Unavailable as error:
            end = Exit(status=RunStatus.FAILED, exit_code=None, summary=str(error))

        def work(tx: Transaction) -> None:
            if rest := transcript.rest():
                tx.append_output(task.run, rest)
            self._end(tx, job, task, self._with_finding(tx, job, task, end, transcript))

        await self.store.write(work)

    def _end(self, tx: Transaction, job: Job, task: Execution, end: Exit) -> None:
        now = self.clock.now()
        tx.end_run(task.run, end, now)
        tx.finish(job.key)
        finished = CommandFinished(
            at=now,
            command=task.command,
            run=task.run,
            status=end.status,
            exit_code=end.exit_code,
            summary=end.summary,
        )
        self.committer.apply(tx, finished, job.incident)

    async def _lose(self, job: Job, task: Execution, reason: str) -> None:
        """What changes nothing is tried again; else nobody knows, and a person decides."""
        again_at = self.clock.now() + retry_after(job.attempts, job.key)

        def work(tx: Transaction) -> None:
            if not task.repeatable:
                self._interrupt(tx, job, task, reason)
            elif job.attempts < LOST_ATTEMPTS:
                tx.postpone(job.key, again_at, reason)
            else:
                end = Exit(status=RunStatus.FAILED, exit_code=None, summary=reason)
                self._end(tx, job, task, end)

        await self.store.write(work)

    def _interrupt(self, tx: Transaction, job: Job, task: Execution, reason: str = "") -> None:
        now = self.clock.now()
        summary = reason or "it was running when Playcall stopped: nobody saw its end"
        tx.end_run(task.run, Exit(status=RunStatus.UNKNOWN, exit_code=None, summary=summary), now)
        tx.finish(job.key)
        interrupted = CommandInterrupted(at=now, command=task.command, run=task.run, reason=reason)
        self.committer.apply(tx, interrupted, job.incident)

    def _begin(self, tx: Transaction, job: Job, task: Execution) -> bool:
        """Commit the start before the spawn. False: it must not be spawned, and why is recorded."""
        now = self.clock.now()
        state = tx.incident(job.incident)
        if state is not None and state.status.over and task.approved_by:
            done = "merged" if state.status is Status.MERGED else "resolved"
            self._cancel(tx, job, task, f"the incident was {done} first")
            return False
        run = state.runs.get(task.command) if state is not None else None
        if run is None or run.id != task.run or not run.status.active:
            tx.finish(job.key)  # another worker has carried it out
            return False
        if why := lapsed(run, now, self.access):
            self._let_lapse(tx, job, task, why)
            return False
        if not tx.begin_run(task.run, self.owner, now):
            if not task.repeatable:
                self._interrupt(tx, job, task)
                return False
            tx.restart_run(task.run, self.owner, now)
        self.committer.apply(tx, begun(task, run, now), job.incident)
        return True

    def _cancel(self, tx: Transaction, job: Job, task: Execution, reason: str) -> None:
        now = self.clock.now()
        if not tx.begin_run(task.run, self.owner, now):
            return
        end = Exit(status=RunStatus.CANCELLED, exit_code=None, summary=f"not run: {reason}")
        self._end(tx, job, task, end)

    def _let_lapse(self, tx: Transaction, job: Job, task: Execution, reason: str) -> None:
        now = self.clock.now()
        if not tx.begin_run(task.run, self.owner, now):
            return
        end = Exit(status=RunStatus.LAPSED, exit_code=None, summary=f"not run: {reason}")
        tx.end_run(task.run, end, now)
        tx.finish(job.key)
        event = ApprovalLapsed(at=now, command=task.command, run=task.run, reason=reason)
        self.committer.apply(tx, event, job.incident)

    def _with_finding(
        self, tx: Transaction, job: Job, task: Execution, end: Exit, transcript: Transcript
    ) -> Exit:
        state = tx.incident(job.incident)
        if end.status is not RunStatus.SUCCEEDED or state is None:
            return end
        play = tx.plan(state.plan).play(state.play) if state.play else None
        found = find(task.text, native=task.native, output=transcript.beginning, play=play)
        return replace(end, summary=found) if found else end

    async def _spawn(self, task: Execution, transcript: Transcript) -> Exit:
        limit = min(task.time_limit or self.hands.time_limit, self.hands.time_limit)
        running = self._runner(task).run(
            task.text, time_limit=limit, effect=EffectClass(task.effect)
        )
        async with contextlib.aclosing(running) as pieces:
            async for piece in pieces:
                if isinstance(piece, Exit):
                    return piece
                await transcript.take(piece.data)
        raise Unavailable("the runner ended without saying how")

    def _runner(self, task: Execution) -> Runner:
        if task.target == LOCAL:
            return self.hands.runner
        runner = self.hands.targets.get(task.target)
        if runner is None:
            raise Unavailable(
                f"[targets.{task.target}] is not in the settings any more", permanent=True
            )
        return runner

    async def _ask(self, task: Execution, transcript: Transcript) -> Exit:
        now = self.clock.now()
        vectors = await self.hands.metrics.query(task.text, now)
        rows = [(vector.labels, vector.sample.value) for vector in vectors]
        past = await self._past(task.text, now) if len(rows) == 1 else ()
        await transcript.take(self.committer.hide(write_answer(rows, past)).encode())
        return Exit(status=RunStatus.SUCCEEDED, exit_code=None, summary="no data")

    async def _past(self, promql: str, now: datetime) -> Sequence[float]:
        """How it came to be so; nothing when that cannot be told in one line."""
        try:
            series = await self.hands.metrics.query_range(promql, now - PAST, now, PAST / 60)
        except Unavailable:
            return ()
        return [s.value for s in series[0] if math.isfinite(s.value)] if len(series) == 1 else ()

    # --- the end of an incident

    async def _silence(self, job: Job, task: Silencing) -> None:
        now = self.clock.now()
        until = now + task.lasting
        try:
            silences = [
                await self.hands.silencer.silence(labels, now, until, task.comment)
                for labels in task.label_sets
            ]
        except Unavailable as error:
            failed = SilenceFailed(at=now, reason=str(error), purpose=task.purpose)
            await self._retry_silence(job, error, failed)
            return
        silenced = Silenced(
            at=now,
            silence=", ".join(silences),
            until=until,
            purpose=task.purpose,
            by=task.by,
        )
        await self._finish(job, silenced)

    async def _prolong(self, job: Job, task: Prolonging) -> None:
        now = self.clock.now()
        until = now + task.lasting
        purpose = SilencePurpose.ACKNOWLEDGED
        try:
            silence = await self.hands.silencer.prolong(task.silence, until)
        except Unavailable as error:
            failed = SilenceFailed(at=now, reason=str(error), purpose=purpose)
            await self._retry_silence(job, error, failed)
            return
        longer = Silenced(at=now, silence=silence, until=until, purpose=purpose)
        await self._finish(job, longer)

    async def _unsilence(self, job: Job, task: Unsilencing) -> None:
        now = self.clock.now()
        try:
            await self.hands.silencer.end(task.silence)
        except Unavailable as error:
            await self._retry_silence(job, error, None)
            return
        await self._finish(job, SilenceEnded(at=now, silence=task.silence))

    async def _retry_silence(
        self, job: Job, error: Unavailable, failed: SilenceFailed | None
    ) -> None:
        """Later, or, when that cannot help, never: then it is on record, or in plain sight."""
        reason = str(error)
        last = error.permanent or job.attempts >= SILENCE_ATTEMPTS
        if last and failed:
            await self._finish(job, failed)
        elif last:
            await self.store.write(lambda tx: tx.bury(job.key, reason))
        else:
            later = self.clock.now() + retry_after(job.attempts, job.key)
            await self.store.write(lambda tx: tx.postpone(job.key, later, reason))

    async def _publish(self, job: Job, task: Publishing) -> None:
        publisher = self.hands.publishers.get(task.publisher)
        try:
            if publisher is None:
                raise Unavailable(f"{task.publisher} is not in the settings", permanent=True)
            await publisher.publish(task.update, job.key)
        except Unavailable as error:
            await self._retry(job, error)
            return
        await self._finish(job)

    async def _retry(self, job: Job, error: Unavailable) -> None:
        """Later, or, when that cannot help, never: in plain sight."""
        if error.permanent:
            await self.store.write(lambda tx: tx.bury(job.key, str(error)))
            return
        later = self.clock.now() + (error.retry_after or retry_after(job.attempts, job.key))
        await self.store.write(lambda tx: tx.postpone(job.key, later, str(error)))

    def _reviewer(self) -> Reviewer:
        return Reviewer(
            store=self.store,
            committer=self.committer,
            clock=self.clock,
            metrics=self.hands.metrics,
        )

    async def _report(self, job: Job) -> None:
        now = self.clock.now()
        text, saved = await self.store.write(
            lambda tx: compose(tx, self.committer, job.incident, now)
        )
        path = self.hands.archive.keep(f"incident-{job.incident}.md", text)
        await self._finish(job, None if saved else ReportWritten(at=self.clock.now(), path=path))
