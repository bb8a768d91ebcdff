"""Carries out a Delivery: a message to a person, by the first of their methods that takes it.

At least once: when a channel does not answer in time, nobody knows whether it took the message, and
the person's next method is tried. Every attempt at a message carries the same key, so that a
receiver that can tell repeats apart does. The send that is given up is cancelled, and goes no
further.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from playcall.core import notices, storm
from playcall.core.delivery import Origin, is_moot
from playcall.core.events import PageDelivered, PageFailed, PersonGone
from playcall.core.incident import Incident
from playcall.core.message import Message
from playcall.core.post_mortem import PostMortem
from playcall.engine.attaching import Attaching, as_markdown
from playcall.engine.commit import Committer
from playcall.engine.directory import as_of_now
from playcall.engine.outbox import Fate, Sent
from playcall.engine.ports import (
    Channel,
    Clock,
    Covered,
    Delivery,
    Job,
    Method,
    Person,
    Store,
    Task,
    Transaction,
    Unavailable,
)
from playcall.engine.resting import Rests, server_of
from playcall.engine.retrying import retry_after
from playcall.engine.saying import missed

log = logging.getLogger(__name__)

APPROVAL_WANTED = "approval wanted by "  # how the reason of such a notice begins
LATE = timedelta(minutes=1)  # a message that is older says so

# Makes a link for an incident and a person, good once; the key names the message it goes with.
Acknowledging = Callable[[int, str, str, datetime], str]


def no_link(incident: int, person: str, key: str, at: datetime) -> str:
    return ""


def channel_of(task: Task) -> str | None:
    """What a message burdens first, for the limits of the loop."""
    if not isinstance(task, Delivery) or not task.person.methods:
        return None
    return server_of(task.person.methods[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How this installation tells people."""

    patience: timedelta = timedelta(seconds=8)  # with one method, before the next is tried
    rate: storm.Rate = field(default_factory=storm.Rate)
    acknowledging: Acknowledging = no_link
    attaching: Attaching = as_markdown
    rests: Rests = field(default_factory=Rests)
    under_way: dict[str, str] = field(default_factory=dict)  # a message's key -> its person


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message that is to be handed over now."""

    task: Delivery
    person: Person  # by today's addresses
    message: Message
    paper: PostMortem | None = None  # that goes with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of one method."""

    channel: str
    fate: Fate
    reason: str = ""
    permanent: bool = False
    again_after: timedelta | None = None  # what the channel asks for
    tried: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivering:
    store: Store
    committer: Committer
    clock: Clock
    channels: Mapping[str, Channel]
    telling: Telling = field(default_factory=Telling)

    async def deliver(self, job: Job, task: Delivery) -> None:
        try:
            letter = await self.store.write(lambda tx: self._open(tx, job, task))
            if letter is None:
                return
            if letter.paper:
                files = await self.telling.attaching(job.incident, letter.paper)
                letter = replace(letter, message=replace(letter.message, attachments=files))
            attempts = await self._send(letter, job.key)
            await self._conclude(job, letter, attempts)
        finally:
            self.telling.under_way.pop(job.key, None)

    async def _conclude(self, job: Job, letter: Letter, attempts: list[Attempt]) -> None:
        try:
            await self.store.write(lambda tx: self._close(tx, job, letter, attempts))
        except Unavailable:
            raise
        except Exception:  # a bug: what was taken must not be sent again because of it
            if not attempts or attempts[-1].fate is not Fate.ACCEPTED:
                raise
            log.exception("%s was sent, and its delivery cannot be recorded", job.key)
            await self.store.write(lambda tx: tx.finish(job.key))

    # --- before it is sent

    def _open(self, tx: Transaction, job: Job, task: Delivery) -> Letter | None:
        """None: nothing is to be sent now, and why is recorded."""
        now = self.clock.now()
        if task.page and all(_is_moot(tx, part, task.person.id) for part in parts(job, task)):
            tx.finish(job.key)
            return None
        known = self.committer.directory.people
        if known and task.person.id not in known:
            tx.finish(job.key)
            for part in parts(job, task):
                self.committer.apply(tx, _gone(part, task, now), part.incident)
            return None
        together = self._put_together(tx, job, task, now)
        if together is None:
            return None
        person = as_of_now(task.person, known.get(task.person.id, task.person))
        message = self._message(tx.incident(job.incident), job, together, now)
        self.telling.under_way[job.key] = person.id
        paper = tx.post_mortem(job.incident, message.paper) if message.paper else None
        return Letter(task=together, person=person, message=message, paper=paper)

    def _put_together(
        self, tx: Transaction, job: Job, task: Delivery, now: datetime
    ) -> Delivery | None:
        """The message, alone or with others for the same person. None: it waits for others."""
        if task.origin is None or not _may_wait(tx, job, task, task.origin):
            return task
        if not tx.claimed(job.key):
            return None
        rate = self.telling.rate
        group = f"{task.person.id} {'page' if task.page else 'notice'} {channel_of(task)}"
        held = tx.held(group)
        if not held and self._lately(tx, task.person.id, now) < rate.alone:
            return task
        due_at = task.later.due_at if task.later else task.origin.at
        until = rate.held_until(due_at, page=task.page)
        if now < until:
            tx.hold(job.key, group, until)
            return None
        return self._merge(tx, job, task, [one for one in held if one.key != job.key])

    def _lately(self, tx: Transaction, person: str, now: datetime) -> int:
        rate = self.telling.rate
        going = list(self.telling.under_way.values()).count(person)
        return going + tx.sent_lately(person, now - rate.window, rate.alone)

    def _merge(self, tx: Transaction, job: Job, task: Delivery, others: list[Job]) -> Delivery:
        messages, incidents, covers = [task.message], [job.incident], []
        for other in others:
            if not isinstance(other.task, Delivery):
                continue
            (part,) = parts(other, other.task)
            covers.append(part)
            if not (task.page and _is_moot(tx, part, task.person.id)):
                messages.append(other.task.message)
                incidents.append(other.incident)
        message = storm.together(messages, incidents, f"{self.committer.url}/")
        merged = replace(task, message=message, covers=tuple(covers))
        tx.merge(job.key, merged, [other.key for other in others])
        return merged

    def _message(self, state: Incident | None, job: Job, task: Delivery, now: datetime) -> Message:
        """As it was written, and how old it is, when it is late; with the link to acknowledge."""
        if state is None or task.covers:
            return task.message
        message = task.message
        if task.origin is not None:
            due_at = task.later.due_at if task.later else task.origin.at
            if now - due_at > LATE:
                message = notices.late(message, state, task.origin.at, now)
        if not task.page or state.acknowledged_by or state.status.over:
            return message
        link = self.telling.acknowledging(job.incident, task.person.id, job.key, now)
        return replace(message, acknowledge=link)

    # --- sending

    async def _send(self, letter: Letter, key: str) -> list[Attempt]:
        """By one method after the other, until one takes it."""
        attempts = []
        for method in self.telling.rests.order(letter.person.methods, self.clock.now()):
            attempts.append(await self._try(method, letter.message, key))
            if attempts[-1].fate is Fate.ACCEPTED:
                break
        return attempts

    async def _try(self, method: Method, message: Message, key: str) -> Attempt:
        rests, name = self.telling.rests, method.channel
        if wait := rests.asked(method, self.clock.now()):
            reason = f"it asked for {wait.total_seconds():.0f} s without messages"
            return Attempt(
                channel=name, fate=Fate.FAILED, reason=reason, again_after=wait, tried=False
            )
        seconds = self.telling.patience.total_seconds()
        try:
            channel = self.channels.get(name)
            if channel is None:
                raise Unavailable("no such channel is configured", permanent=True)
            async with asyncio.timeout(seconds):
                await channel.send(message, method.address, key)
        except TimeoutError:
            rests.unanswered(method, self.clock.now())
            reason = f"no answer within {seconds:g} s: it may have been taken"
            return Attempt(channel=name, fate=Fate.UNKNOWN, reason=reason)
        except Unavailable as error:
            if error.retry_after:
                rests.ask(method, self.clock.now(), error.retry_after)
            return Attempt(
                channel=name,
                fate=Fate.FAILED,
                reason=str(error),
                permanent=error.permanent,
                again_after=error.retry_after,
            )
        except Exception as error:  # a bug in this channel: the person has others
            log.exception("%s by %s failed", key, name)
            return Attempt(channel=name, fate=Fate.UNKNOWN, reason=f"a bug: {error!a}"[:300])
        rests.answered(method)
        return Attempt(channel=name, fate=Fate.ACCEPTED)

    # --- after it was sent, or not

    def _close(self, tx: Transaction, job: Job, letter: Letter, attempts: list[Attempt]) -> None:
        now = self.clock.now()
        for part in parts(job, letter.task):
            for attempt in attempts:
                if attempt.tried:
                    tx.keep_sent(_sent(part, letter, attempt, now))
        if attempts and attempts[-1].fate is Fate.ACCEPTED:
            tx.finish(job.key)
            self._record_delivered(tx, job, letter.task, attempts[-1].channel, now)
        else:
            self._record_undelivered(tx, job, letter.task, attempts, now)

    def _record_delivered(
        self, tx: Transaction, job: Job, task: Delivery, channel: str, now: datetime
    ) -> None:
        for part in parts(job, task) if task.page else ():
            delivered = PageDelivered(
                at=now, role=part.role, person=task.person.id, channel=channel
            )
            self.committer.apply(tx, delivered, part.incident)
        if late := missed(task, now):
            self.committer.apply(tx, late, job.incident)

    def _record_undelivered(
        self, tx: Transaction, job: Job, task: Delivery, attempts: list[Attempt], now: datetime
    ) -> None:
        said = "; ".join(f"{attempt.channel}: {attempt.reason}" for attempt in attempts)
        reason = said or "the person has no contact method"
        log.warning("%s to %s failed: %s", job.key, task.person.id, reason)
        permanent = all(attempt.permanent for attempt in attempts)
        if permanent:
            tx.bury(job.key, reason)
        else:
            tx.postpone(job.key, now + _again_after(job, attempts), reason)
        if task.page and (permanent or job.attempts == 1):
            for part in parts(job, task):
                failed = PageFailed(at=now, role=part.role, person=task.person.id, reason=reason)
                self.committer.apply(tx, failed, part.incident)
        if late := missed(task, now, given_up=permanent):
            self.committer.apply(tx, late, job.incident)


def parts(job: Job, task: Delivery) -> tuple[Covered, ...]:
    """The message itself, and those that went into it."""
    itself = Covered(
        key=job.key,
        incident=job.incident,
        role=task.role,
        later=task.later,
        origin=task.origin,
    )
    return itself, *task.covers


def _may_wait(tx: Transaction, job: Job, task: Delivery, origin: Origin) -> bool:
    """A notice may, unless somebody waits for its answer or its time; and a page of a rung of an
    incident that was paged before it was decided."""
    asks = origin.reason.startswith(APPROVAL_WANTED)
    if task.covers or task.owed or asks or task.message.whole or job.attempts > 1:
        return False
    if not task.page:
        return True
    if origin.rung is None:  # by hand, or at once as the play says
        return False
    paged_at = tx.first_paged_at(job.incident)
    return paged_at is not None and paged_at < origin.at


def _again_after(job: Job, attempts: list[Attempt]) -> timedelta:
    """When a channel said how long to wait, and no other may be tried sooner: that long."""
    waits = [attempt.again_after for attempt in attempts if not attempt.permanent]
    asked = [wait for wait in waits if wait is not None]
    backing_off = retry_after(job.attempts, job.key)
    return min(asked) if len(asked) == len(waits) else backing_off


def _is_moot(tx: Transaction, part: Covered, person: str) -> bool:
    state = tx.incident(part.incident)
    repeats = part.later.decided_at if part.later and part.later.repeats else None
    return state is None or is_moot(state, part.origin, person, repeats)


def _gone(part: Covered, task: Delivery, now: datetime) -> PersonGone:
    origin = part.origin or Origin(at=now, reason="")
    incident, version, effect, *_ = part.key.split(".", 3)
    return PersonGone(
        at=now,
        role=part.role,
        person=task.person.id,
        reason=origin.reason,
        message=f"{incident}.{version}.{effect}",
        page=task.page,
        rung=origin.rung,
        until_acknowledged=origin.until_acknowledged,
    )


def _sent(part: Covered, letter: Letter, attempt: Attempt, now: datetime) -> Sent:
    return Sent(
        key=part.key,
        incident=part.incident,
        role=part.role,
        person=letter.person.id,
        channel=attempt.channel,
        page=letter.task.page,
        at=now,
        subject=letter.message.subject,
        body=letter.message.body,
        fate=attempt.fate,
        reason=attempt.reason,
    )
