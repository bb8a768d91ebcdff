"""What is heard of a message after a channel took it, and a person's wish to try again what was
given up. Each in one transaction, and each the same when it is done twice."""

from dataclasses import dataclass, replace

from playcall.core.delivery_events import TaskRetried
from playcall.core.effects import Refused
from playcall.core.events import PageFailed
from playcall.engine.commit import Committer
from playcall.engine.delivering import parts
from playcall.engine.outbox import Fate, Sent
from playcall.engine.ports import Clock, Delivery, Job, Transaction

_TAKEN = (Fate.ACCEPTED, Fate.ARRIVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    committer: Committer
    clock: Clock

    def take(self, tx: Transaction, key: str, channel: str, arrived: bool, reason: str) -> bool:
        """What a channel says of a message that it took. One that did not arrive goes on to the
        person's next method. False: no such message was sent."""
        attempts = tx.sent(key)
        meant = [one for one in attempts if channel in ("", one.channel)]
        open_ = [one for one in meant if one.fate in (Fate.ACCEPTED, Fate.UNKNOWN)]
        if not meant:
            return False
        if not open_:  # said before
            return True
        one = open_[-1]
        if arrived:
            tx.keep_sent(replace(one, fate=Fate.ARRIVED, reason=reason))
            return True
        one = replace(one, fate=Fate.FAILED, reason=reason)
        tx.keep_sent(one)
        job = tx.job(key)
        others = [other for other in attempts if other.channel != one.channel]
        if job is not None and not any(other.fate in _TAKEN for other in others):
            self._go_on(tx, job, one, [one.channel, *(other.channel for other in others)])
        return True

    def _go_on(self, tx: Transaction, job: Job, failed: Sent, used: list[str]) -> None:
        task = job.task
        if not isinstance(task, Delivery):
            return
        now, reason = self.clock.now(), f"{failed.channel}: {failed.reason}"
        known = self.committer.directory.people.get(task.person.id, task.person)
        left = tuple(method for method in known.methods if method.channel not in used)
        if left:
            person = replace(task.person, methods=left, rules=())
            again = replace(task, person=person, later=None)
            tx.add_job(replace(job, key=f"{job.key}+{failed.channel}", task=again), now)
        else:
            tx.bury(job.key, reason)
        for part in parts(job, task) if task.page else ():
            event = PageFailed(at=now, role=part.role, person=task.person.id, reason=reason)
            self.committer.apply(tx, event, part.incident)

    def retry(self, tx: Transaction, incident: int, key: str, by: str) -> Refused | None:
        """Have what was given up carried out again. None: it is."""
        job = tx.job(key)
        now = self.clock.now()
        if job is None or job.incident != incident or tx.revive(key, now) is None:
            return Refused(reason="nothing of that key was given up here; look again")
        what = type(job.task).__name__.lower()
        if isinstance(job.task, Delivery):
            what = f"the message to {job.task.person.id}"
        retried = TaskRetried(at=now, by=by, what=what, key=key)
        self.committer.apply(tx, retried, incident)
        return None
