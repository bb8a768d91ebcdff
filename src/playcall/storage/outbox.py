"""The statements behind `engine.outbox`: jobs, and messages as they were sent."""

import functools
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from playcall.core.incident import RunStatus
from playcall.engine.delivering import channel_of
from playcall.engine.outbox import Fate, Sent
from playcall.engine.ports import Execution, Job, Task
from playcall.engine.turns import Limits, lane
from playcall.storage import turns
from playcall.storage.codec import TASKS, dump, kind_of, load_task
from playcall.storage.tables import holds, jobs, runs, sent

_Row = sa.Row[tuple[object, ...]]

# Built once: to build a statement costs more than to carry it out.
_FINISH = (
    sa.update(jobs)
    .where(jobs.c.key == sa.bindparam("job"))
    .values(state="done", owner=None, held=None)
)
_LATELY = (
    sa.select(sent.c.id)
    .where(sent.c.person == sa.bindparam("who"), sent.c.at > sa.bindparam("since"))
    .limit(sa.bindparam("most"))
)
_FIRST_PAGED = (
    sa.select(sent.c.at)
    .where(
        sent.c.incident == sa.bindparam("number"),
        sent.c.page,
        sent.c.fate.in_((Fate.ACCEPTED, Fate.ARRIVED)),
    )
    .order_by(sent.c.at)
    .limit(1)
)

_FREE = (turns.FREE, jobs.c.lane.is_(None))
_CLAIMABLE = sa.select(jobs.c.kind).where(*_FREE).distinct()
_CLAIM = (
    sa.select(jobs)
    .where(*_FREE, jobs.c.kind.in_(sa.bindparam("kinds", expanding=True)))
    .order_by(jobs.c.due_at, jobs.c.key)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM_BESIDE = _CLAIM.where(
    sa.or_(jobs.c.channel.is_(None), jobs.c.channel.not_in(sa.bindparam("busy", expanding=True)))
)


def upserting(dialect: str, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


@functools.cache
def _keeping(dialect: str) -> sqlite.Insert | postgresql.Insert:
    statement = upserting(dialect, sent)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[sent.c.key, sent.c.channel],
        set_={name: new[name] for name in ("at", "subject", "body", "fate", "reason")},
    )


class SqlOutbox:
    """The part of `ports.Transaction` about jobs."""

    def __init__(self, connection: sa.Connection) -> None:
        self._db = connection

    def add_job(self, job: Job, at: datetime) -> None:
        self._db.execute(
            sa.insert(jobs),
            {
                "key": job.key,
                "incident": job.incident,
                "kind": kind_of(job.task),
                "body": dump(job.task),
                "state": "due",
                "attempts": 0,
                "due_at": job.due_at or at,
                "lane": lane(job.task),
                "channel": channel_of(job.task),
            },
        )
        if isinstance(job.task, Execution):
            self._db.execute(
                sa.insert(runs).values(
                    id=job.task.run,
                    incident=job.incident,
                    body=dump(job.task),
                    status=RunStatus.PENDING,
                    summary="",
                )
            )

    def claimable(self, at: datetime) -> frozenset[type[Task]]:
        return frozenset(TASKS[kind] for kind in self._db.scalars(_CLAIMABLE, {"at": at}))

    def claim(
        self,
        owner: str,
        kinds: Sequence[type[Task]],
        at: datetime,
        lease: timedelta,
        limit: int,
        busy: Collection[str] = (),
    ) -> Sequence[Job]:
        known = {"at": at, "kinds": [kind.__name__ for kind in kinds], "most": limit}
        if busy:
            rows = self._db.execute(_CLAIM_BESIDE, known | {"busy": list(busy)}).all()
        else:
            rows = self._db.execute(_CLAIM, known).all()
        return self._lease(owner, rows, at + lease)

    def claim_turns(
        self, owner: str, at: datetime, lease: timedelta, limits: Limits
    ) -> Sequence[Job]:
        return self._lease(owner, turns.claim(self._db, at, limits), at + lease)

    def _lease(self, owner: str, rows: Sequence[_Row], until: datetime) -> Sequence[Job]:
        keys = [row.key for row in rows]
        if keys:
            self._db.execute(
                sa.update(jobs)
                .where(jobs.c.key.in_(keys))
                .values(
                    state="leased",
                    owner=owner,
                    lease_until=until,
                    attempts=jobs.c.attempts + 1,
                )
            )
        return [_job(row, more=1) for row in rows]

    def renew(self, owner: str, keys: Sequence[str], until: datetime) -> None:
        self._db.execute(
            sa.update(jobs)
            .where(jobs.c.key.in_(keys), jobs.c.owner == owner, jobs.c.state == "leased")
            .values(lease_until=until)
        )

    def release_all(self) -> None:
        """Take every lease back: whoever held one is dead. For a database with a single owner."""
        self._db.execute(
            sa.update(jobs).where(jobs.c.state == "leased").values(state="due", owner=None)
        )
        self._db.execute(sa.delete(holds))

    def finish(self, key: str) -> None:
        self._db.execute(_FINISH, {"job": key})

    def postpone(self, key: str, until: datetime, reason: str) -> None:
        self._set_job(key, state="due", owner=None, due_at=until, reason=reason)

    def bury(self, key: str, reason: str) -> None:
        self._set_job(key, state="buried", owner=None, reason=reason)

    def _set_job(self, key: str, **values: object) -> None:
        self._db.execute(sa.update(jobs).where(jobs.c.key == key).values(**values))

    def job(self, key: str) -> Job | None:
        row = self._db.execute(sa.select(jobs).where(jobs.c.key == key)).one_or_none()
        return _job(row) if row else None

    def revive(self, key: str, at: datetime) -> Job | None:
        row = self._db.execute(
            sa.update(jobs)
            .where(jobs.c.key == key, jobs.c.state == "buried")
            .values(state="due", attempts=0, due_at=at)
            .returning(jobs)
        ).one_or_none()
        return _job(row) if row else None

    # --- storms

    def hold(self, key: str, group: str, until: datetime) -> None:
        # Holding is no attempt: nothing was tried.
        attempts = jobs.c.attempts - 1
        self._set_job(key, state="due", owner=None, due_at=until, held=group, attempts=attempts)

    def held(self, group: str) -> Sequence[Job]:
        rows = self._db.execute(
            sa.select(jobs)
            .where(jobs.c.held == group, jobs.c.state.in_(("due", "leased")))
            .order_by(jobs.c.due_at, jobs.c.key)
            .with_for_update(skip_locked=True)
        )
        return [_job(row) for row in rows]

    def claimed(self, key: str) -> bool:
        state = self._db.scalar(sa.select(jobs.c.state).where(jobs.c.key == key))
        return bool(state == "leased")

    def merge(self, key: str, task: Task, others: Sequence[str]) -> None:
        self._set_job(key, body=dump(task), held=None)
        self._db.execute(
            sa.update(jobs)
            .where(jobs.c.key.in_(others))
            .values(state="done", owner=None, held=None, reason=f"in one message with {key}")
        )

    # --- what was sent

    def keep_sent(self, one: Sent) -> None:
        row = {name: getattr(one, name) for name in Sent.__dataclass_fields__}
        self._db.execute(_keeping(self._db.dialect.name), row)

    def sent(self, key: str) -> Sequence[Sent]:
        query = sa.select(sent).where(sent.c.key == key).order_by(sent.c.at, sent.c.id)
        return [sent_of(row) for row in self._db.execute(query.with_for_update())]

    def sent_lately(self, person: str, since: datetime, limit: int) -> int:
        values = {"who": person, "since": since, "most": limit}
        return len(self._db.execute(_LATELY, values).all())

    def first_paged_at(self, incident: int) -> datetime | None:
        found: datetime | None = self._db.scalar(_FIRST_PAGED, {"number": incident})
        return found


def _job(row: _Row, more: int = 0) -> Job:
    return Job(
        key=row.key,
        incident=row.incident,
        task=load_task(row.kind, row.body),
        attempts=row.attempts + more,
    )


def sent_of(row: _Row) -> Sent:
    values = {name: getattr(row, name) for name in Sent.__dataclass_fields__}
    return Sent(**{**values, "fate": Fate(row.fate)})
