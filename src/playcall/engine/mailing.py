"""Tells subscribers of the status page: each update once to each of them, by jobs of their own, so
that one who cannot be reached holds up nobody else."""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from playcall.core.events import Event, UpdatePublished
from playcall.core.incident import Incident
from playcall.engine.ports import Job, Transaction, Unavailable
from playcall.engine.subscription import (
    AskSubscriber,
    Letter,
    SubscriberState,
    TellSubscriber,
    TellSubscribers,
)

if TYPE_CHECKING:
    from playcall.engine.perform import Performer

log = logging.getLogger(__name__)

BATCH = 200  # subscribers in one transaction
ATTEMPTS = 6  # at one update, over some eight minutes
FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(hours=1)  # whatever the other side asks for
DEAD_AFTER = 3  # updates in a row that did not arrive


class Undeliverable(Unavailable):
    """It is the subscriber's address that does not take it, and nothing of ours."""


def keep_published(tx: Transaction, incident: Incident, event: Event) -> None:
    """Note an update for the status page and its subscribers, once its event is on record."""
    if isinstance(event, UpdatePublished):
        names = {member.alert.name for member in incident.alerts.values()}
        tx.keep_update(event.update, sorted(names - {""}))


async def carry_out(performer: "Performer", job: Job, task: Letter) -> None:
    match task:
        case TellSubscribers():
            await performer.store.write(lambda tx: _spread(performer, tx, job, task))
        case AskSubscriber():
            await _ask(performer, job, task)
        case TellSubscriber():
            await _tell(performer, job, task)
        case _:
            assert_never(task)


def _spread(performer: "Performer", tx: Transaction, job: Job, task: TellSubscribers) -> None:
    tx.spread(task.update, task.after, BATCH, performer.clock.now())
    tx.finish(job.key)


async def _ask(performer: "Performer", job: Job, task: AskSubscriber) -> None:
    post = performer.hands.post
    found = await performer.store.write(lambda tx: tx.subscriber(task.subscriber))
    if found is None or post is None or found.state is not SubscriberState.PENDING:
        await performer.store.write(lambda tx: tx.finish(job.key))
        return
    try:
        agreed = await post.ask(found, job.key)
    except Unavailable as error:
        reason, again = str(error), performer.clock.now() + _patience(job, error)
        if not error.permanent and job.attempts < ATTEMPTS:
            await performer.store.write(lambda tx: tx.postpone(job.key, again, reason))
            return
        log.warning("a subscriber of the status page was not asked: %s", reason)
        agreed = False

    def work(tx: Transaction) -> None:
        if agreed:
            tx.confirm(task.subscriber, performer.clock.now())
        tx.finish(job.key)

    await performer.store.write(work)


async def _tell(performer: "Performer", job: Job, task: TellSubscriber) -> None:
    found = await performer.store.write(lambda tx: tx.subscriber(task.subscriber))
    if found is None or found.state is not SubscriberState.CONFIRMED:
        await performer.store.write(lambda tx: tx.finish(job.key))
        return
    try:
        if performer.hands.post is None:
            raise Unavailable("the status page is not served any more", permanent=True)
        await performer.hands.post.tell(found, task.update, job.key)
    except Unavailable as error:
        await _not_told(performer, job, task, error)
        return

    def work(tx: Transaction) -> None:
        tx.reached(task.subscriber)
        tx.finish(job.key)

    await performer.store.write(work)


async def _not_told(
    performer: "Performer", job: Job, task: TellSubscriber, error: Unavailable
) -> None:
    again = performer.clock.now() + _patience(job, error)

    def work(tx: Transaction) -> SubscriberState | None:
        if not error.permanent and job.attempts < ATTEMPTS:
            tx.postpone(job.key, again, str(error))
            return None
        tx.bury(job.key, f"Subscriber of the status page: {error}")
        if isinstance(error, Undeliverable):
            return tx.missed(task.subscriber, str(error), DEAD_AFTER)
        return None

    if await performer.store.write(work) is SubscriberState.DEAD:
        log.warning("a subscriber of the status page is told no more: %s", error)


def _patience(job: Job, error: Unavailable) -> timedelta:
    usual = FIRST_RETRY * (1 << min(job.attempts - 1, 10))
    return min(error.retry_after or usual, LONGEST_RETRY)
