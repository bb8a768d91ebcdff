"""Ends on record what a person's own process was doing when the person stopped it. What only looks
was cancelled; of a change that had begun nobody knows how far it came, so a person decides."""

from dataclasses import dataclass
from datetime import timedelta

from playcall.core.events import CommandFinished, CommandInterrupted
from playcall.core.incident import RunStatus
from playcall.engine.perform import Performer
from playcall.engine.ports import Execution, Exit, Job, Transaction

_LATER = timedelta(days=1)  # by when every lease has run out
_LIMIT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """A command that was not seen to its end, and what that leaves."""

    execution: Execution
    status: RunStatus
    summary: str


async def abandon(performer: Performer) -> tuple[Abandoned, ...]:
    """To be called once no job is worked on any more."""

    def work(tx: Transaction) -> tuple[Abandoned, ...]:
        later = performer.clock.now() + _LATER
        jobs = tx.claim(performer.owner, (Execution,), later, timedelta(), _LIMIT)
        return tuple(
            _abandon(tx, performer, job, job.task)
            for job in jobs
            if isinstance(job.task, Execution)
        )

    return await performer.store.write(work)


def _abandon(tx: Transaction, performer: Performer, job: Job, task: Execution) -> Abandoned:
    now = performer.clock.now()
    begun = not tx.begin_run(task.run, performer.owner, now)
    status, summary = _left(task, begun)
    tx.end_run(task.run, Exit(status=status, exit_code=None, summary=summary), now)
    tx.finish(job.key)
    event = (
        CommandInterrupted(at=now, command=task.command, run=task.run)
        if status is RunStatus.UNKNOWN
        else CommandFinished(
            at=now,
            command=task.command,
            run=task.run,
            status=status,
            exit_code=None,
            summary=summary,
        )
    )
    performer.committer.apply(tx, event, job.incident)
    return Abandoned(execution=task, status=status, summary=summary)


def _left(task: Execution, begun: bool) -> tuple[RunStatus, str]:
    if not begun:
        return RunStatus.CANCELLED, "not run: stopped before it began"
    if task.repeatable:
        return RunStatus.CANCELLED, "ended before it was done; it changes nothing"
    return RunStatus.UNKNOWN, "ended while it ran: nobody knows how far it came"
