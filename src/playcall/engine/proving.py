"""Test pages: asked for, carried by an alert through the whole way a page takes, and recorded."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from playcall.core.alert import Alert, own_alert
from playcall.core.message import Message
from playcall.engine.ports import Channel, Clock, Job, Person, Store, Transaction, Unavailable
from playcall.engine.proofs import TEST_LABEL, TEST_PAGE, Proof, Proving

log = logging.getLogger(__name__)


def ask(
    tx: Transaction, person: Person, channels: Sequence[str], by: str, at: datetime
) -> tuple[str, Alert]:
    """Keep what is to be proven; returns the test's name and the alert that sets it going."""
    test = secrets.token_hex(8)
    tx.ask_proofs(
        [Proof(test=test, person=person.id, channel=c, by=by, asked_at=at) for c in channels]
    )
    words = f"test page for {person.name}"
    alert = own_alert(TEST_PAGE, words, at, key=test, labels={TEST_LABEL: test})
    return test, alert


def is_test(alert: Alert) -> bool:
    return alert.name == TEST_PAGE and TEST_LABEL in alert.labels


def begin(tx: Transaction, alert: Alert) -> None:
    """The alert has come in: its messages are due. One that nobody asked for does nothing."""
    if alert.firing and not tx.begin_proofs(alert.labels[TEST_LABEL]):
        log.warning("a test page came in that nobody asked for, or that was begun before")


async def prove(
    job: Job,
    task: Proving,
    store: Store,
    clock: Clock,
    channels: Mapping[str, Channel],
    people: Mapping[str, Person],
) -> None:
    """Send by one method and record what came of it; it is not tried again."""
    failure = await _send(job, task, clock, channels, people)

    def work(tx: Transaction) -> None:
        tx.end_proof(task.test, task.channel, clock.now(), failure)
        tx.finish(job.key)

    await store.write(work)


async def _send(
    job: Job,
    task: Proving,
    clock: Clock,
    channels: Mapping[str, Channel],
    people: Mapping[str, Person],
) -> str:
    channel = channels.get(task.channel)
    person = people.get(task.person)
    ways = {method.channel: method.address for method in person.methods} if person else {}
    if channel is None or task.channel not in ways:
        return f"{task.person} has no {task.channel} any more"
    try:
        await channel.send(_message(task, clock.now()), ways[task.channel], job.key)
    except Unavailable as error:
        return str(error)
    return ""


def _message(task: Proving, at: datetime) -> Message:
    return Message(
        subject="Test page: nothing is wrong",
        body=(
            f"Playcall proves that {task.channel} reaches {task.person}. Nothing is to be done.\n"
            f"Sent {at:%Y-%m-%d %H:%M:%S} UTC."
        ),
        link="",
        thread=f"test-{task.test}",
        urgent=False,
    )
