"""The engine's unit of work on a SQLAlchemy connection: `ports.Transaction`.

Locks (`FOR UPDATE`, `SKIP LOCKED`) matter on PostgreSQL, where several processes share the work;
SQLite has one writer and ignores them.
"""

import zlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from playcall.core.alert import Alert
from playcall.core.events import Event
from playcall.core.incident import Incident, RunStatus
from playcall.core.judge import Judgement
from playcall.core.plan import Plan
from playcall.core.readiness import Readiness
from playcall.core.rota import Override, StoredOverride, in_force
from playcall.engine.inbox import Arrival, Receipt
from playcall.engine.ports import (
    Execution,
    Exit,
    Job,
    StoredEvent,
    StoredRun,
    Task,
    Unavailable,
)
from playcall.engine.turns import Limits, lane
from playcall.storage import inbox, queries, turns
from playcall.storage.codec import dump, kind_of, load, load_task
from playcall.storage.papers import SqlPapers
from playcall.storage.tables import (
    counters,
    events,
    incidents,
    jobs,
    output,
    overrides,
    plans,
    readiness,
    readings,
    runs,
)


class SqlTransaction(SqlPapers):
    """One unit of work; see `ports.Transaction` for what each method promises."""

    def __init__(self, connection: sa.Connection, plan_cache: dict[str, Plan]) -> None:
        self._db = connection
        self._plans = plan_cache

    # --- plans

    def keep_plan(self, plan: Plan) -> str:
        body = dump(plan)
        digest = queries.plan_digest(body)
        self._db.execute(
            self._insert(plans).values(digest=digest, body=body).on_conflict_do_nothing()
        )
        self._plans[digest] = plan
        return digest

    def plan(self, digest: str) -> Plan:
        return queries.plan(self._db, digest, self._plans)

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        insert = sqlite.insert if self._db.dialect.name == "sqlite" else postgresql.insert
        return insert(table)

    # --- alerts

    def receive(self, received: Sequence[Alert], at: datetime, *, taken: bool = False) -> Receipt:
        return inbox.receive(self._db, received, at, taken=taken)

    def arrivals(self, limit: int) -> Sequence[Arrival]:
        return inbox.arrivals(self._db, limit)

    def take_in(self, arrivals: Sequence[Arrival], unheard: Collection[int] = ()) -> None:
        inbox.take_in(self._db, arrivals, unheard)

    # --- incidents

    def next_incident(self) -> int:
        number = self._db.execute(
            sa.update(counters)
            .where(counters.c.name == "incident")
            .values(n=counters.c.n + 1)
            .returning(counters.c.n)
        ).scalar_one()
        return int(number)

    def incident(self, incident: int) -> Incident | None:
        return self._locked(incidents.c.id == incident)

    def live_in_group(self, group: str) -> Incident | None:
        return self._locked(sa.and_(incidents.c.group_key == group, incidents.c.live))

    def lately_over(self, group: str) -> Incident | None:
        state = self._db.scalar(
            sa.select(incidents.c.state)
            .where(incidents.c.group_key == group, sa.not_(incidents.c.live))
            .order_by(incidents.c.id.desc())
            .limit(1)
            .with_for_update()
        )
        return load(state, Incident) if state else None

    def _locked(self, which: sa.ColumnElement[bool]) -> Incident | None:
        state = self._db.scalar(sa.select(incidents.c.state).where(which).with_for_update())
        return load(state, Incident) if state else None

    def live(self) -> Sequence[int]:
        return self._db.scalars(
            sa.select(incidents.c.id).where(incidents.c.live).order_by(incidents.c.id)
        ).all()

    def due(self, at: datetime, limit: int) -> Sequence[int]:
        return self._db.scalars(
            sa.select(incidents.c.id)
            .where(incidents.c.wake_at <= at)
            .order_by(incidents.c.wake_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()

    def next_wake(self) -> datetime | None:
        soonest: datetime | None = self._db.scalar(sa.select(sa.func.min(incidents.c.wake_at)))
        return soonest

    def record(self, incident: Incident, event: Event, follows: Sequence[Job]) -> None:
        row = {
            "group_key": incident.group,
            "live": not incident.status.over,
            "state": dump(incident),
            "version": incident.version,
            "wake_at": incident.wake_at,
            "over_at": incident.resolved_at,
            "overdue": len(incident.owed.overdue),
        }
        if incident.version == 1:
            row |= {"id": incident.id, "watch_at": incident.opened_at}
            self._db.execute(sa.insert(incidents).values(row))
        else:
            self._update_incident(incident, row)
        self._db.execute(
            sa.insert(events).values(
                incident=incident.id,
                n=incident.version,
                at=event.at,
                kind=kind_of(event),
                body=dump(event),
            )
        )
        for job in follows:
            self._enqueue(job, event.at)

    def _update_incident(self, incident: Incident, row: dict[str, object]) -> None:
        changed = self._db.execute(
            sa.update(incidents)
            .where(incidents.c.id == incident.id, incidents.c.version == incident.version - 1)
            .values(row)
        )
        if changed.rowcount != 1:
            raise Unavailable(f"incident {incident.id} was changed by somebody else; try again")

    def _enqueue(self, job: Job, at: datetime) -> None:
        self._db.execute(
            sa.insert(jobs).values(
                key=job.key,
                incident=job.incident,
                kind=kind_of(job.task),
                body=dump(job.task),
                state="due",
                attempts=0,
                due_at=job.due_at or at,
                lane=lane(job.task),
            )
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

    def events(self, incident: int, after: int = 0) -> Sequence[StoredEvent]:
        return queries.events(self._db, incident, after)

    # --- outbox

    def claim(
        self,
        owner: str,
        kinds: Sequence[type[Task]],
        at: datetime,
        lease: timedelta,
        limit: int,
    ) -> Sequence[Job]:
        free = turns.is_free(at)
        rows = self._db.execute(
            sa.select(jobs)
            .where(free, jobs.c.kind.in_([kind.__name__ for kind in kinds]), jobs.c.lane.is_(None))
            .order_by(jobs.c.due_at, jobs.c.key)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        return self._lease(owner, rows, at + lease)

    def claim_turns(
        self, owner: str, at: datetime, lease: timedelta, limits: Limits
    ) -> Sequence[Job]:
        return self._lease(owner, turns.claim(self._db, at, limits), at + lease)

    def _lease(
        self, owner: str, rows: Sequence[sa.Row[tuple[object, ...]]], until: datetime
    ) -> Sequence[Job]:
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
        return [
            Job(
                key=row.key,
                incident=row.incident,
                task=load_task(row.kind, row.body),
                attempts=row.attempts + 1,
            )
            for row in rows
        ]

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

    def finish(self, key: str) -> None:
        self._set_job(key, state="done", owner=None)

    def postpone(self, key: str, until: datetime, reason: str) -> None:
        self._set_job(key, state="due", owner=None, due_at=until, reason=reason)

    def bury(self, key: str, reason: str) -> None:
        self._set_job(key, state="buried", owner=None, reason=reason)

    def _set_job(self, key: str, **values: object) -> None:
        self._db.execute(sa.update(jobs).where(jobs.c.key == key).values(**values))

    # --- ledger

    def begin_run(self, run: str, owner: str, at: datetime) -> bool:
        begun = self._db.execute(
            sa.update(runs)
            .where(runs.c.id == run, runs.c.status == RunStatus.PENDING)
            .values(status=RunStatus.RUNNING, owner=owner, begun_at=at)
        )
        return begun.rowcount == 1

    def restart_run(self, run: str, owner: str, at: datetime) -> None:
        self._db.execute(sa.delete(output).where(output.c.run == run))
        self._db.execute(
            sa.update(runs)
            .where(runs.c.id == run)
            .values(status=RunStatus.RUNNING, owner=owner, begun_at=at, ended_at=None)
        )

    def append_output(self, run: str, data: bytes) -> None:
        packed = zlib.compress(data, 1)
        if len(packed) < len(data):
            values: dict[str, object] = {"data": packed, "size": len(data)}
        else:
            values = {"data": data}
        self._db.execute(sa.insert(output).values(run=run, **values))

    def end_run(self, run: str, end: Exit, at: datetime) -> None:
        self._db.execute(
            sa.update(runs)
            .where(runs.c.id == run)
            .values(status=end.status, ended_at=at, exit_code=end.exit_code, summary=end.summary)
        )

    def run(self, run: str) -> StoredRun | None:
        return queries.run(self._db, run)

    # --- overrides

    def add_override(self, override: Override, by: str, at: datetime) -> StoredOverride:
        row = self._db.execute(
            sa.insert(overrides)
            .values(
                schedule=override.schedule,
                person=override.person,
                starts_at=override.starts_at,
                ends_at=override.ends_at,
                made_by=by,
                made_at=at,
            )
            .returning(overrides)
        ).one()
        return queries.override(row)

    def remove_override(self, override: int, by: str, at: datetime) -> StoredOverride | None:
        row = self._db.execute(
            sa.update(overrides)
            .where(
                overrides.c.id == override,
                overrides.c.removed_at.is_(None),
                overrides.c.ends_at > at,
            )
            .values(removed_by=by, removed_at=at)
            .returning(overrides)
        ).one_or_none()
        return queries.override(row) if row else None

    def overrides(self, at: datetime) -> Sequence[Override]:
        stored = queries.overrides(self._db, at, at + timedelta(microseconds=1))
        there = in_force(stored)
        return [one for one in there if one.starts_at <= at < one.ends_at]

    def overrides_between(self, start: datetime, end: datetime) -> Sequence[StoredOverride]:
        return queries.overrides(self._db, start, end)

    # --- readings

    def watch(self, at: datetime, until: datetime, limit: int) -> Sequence[int]:
        ids = self._db.scalars(
            sa.select(incidents.c.id)
            .where(incidents.c.live, incidents.c.watch_at <= at)
            .order_by(incidents.c.watch_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        if ids:
            self._db.execute(
                sa.update(incidents).where(incidents.c.id.in_(ids)).values(watch_at=until)
            )
        return ids

    def keep_reading(self, incident: int, criterion: str, at: datetime, reading: Judgement) -> None:
        values = {"at": at, "body": dump(reading)}
        kept = self._db.execute(
            sa.update(readings)
            .where(readings.c.incident == incident, readings.c.criterion == criterion)
            .values(values)
        )
        if kept.rowcount == 0:
            self._db.execute(
                sa.insert(readings).values(incident=incident, criterion=criterion, **values)
            )

    def readiness(self) -> Readiness | None:
        body = self._db.scalar(
            sa.select(readiness.c.body).order_by(readiness.c.id.desc()).limit(1).with_for_update()
        )
        return load(body, Readiness) if body else None

    def keep_readiness(self, reading: Readiness, *, change: bool) -> None:
        values = {"at": reading.since, "body": dump(reading)}
        if change:
            self._db.execute(sa.insert(readiness).values(values))
            return
        latest = sa.select(sa.func.max(readiness.c.id)).scalar_subquery()
        self._db.execute(sa.update(readiness).where(readiness.c.id == latest).values(values))

    # --- counters

    def count(self, name: str, by: int = 1) -> None:
        statement = self._insert(counters).values(name=name, n=by)
        self._db.execute(
            statement.on_conflict_do_update(
                index_elements=[counters.c.name],
                set_={"n": counters.c.n + statement.excluded.n},
            )
        )
