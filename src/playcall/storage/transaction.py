"""The engine's unit of work on a SQLAlchemy connection: `ports.Transaction`.

Locks (`FOR UPDATE`, `SKIP LOCKED`) matter on PostgreSQL, where several processes share the work;
SQLite has one writer and ignores them.
"""

import functools
import zlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from playcall.core.alert import Alert
from playcall.core.audit import Act
from playcall.core.duty_proofs import LOOK_FOR
from playcall.core.events import Event
from playcall.core.incident import Incident, RunStatus
from playcall.core.judge import Judgement
from playcall.core.plan import Plan
from playcall.core.readiness import Readiness
from playcall.core.rota import Override, StoredOverride, in_force
from playcall.engine.devices import Device
from playcall.engine.homes import Home
from playcall.engine.inbox import Arrival, Receipt
from playcall.engine.ports import Exit, Job, StoredEvent, StoredRun, Unavailable
from playcall.engine.proofs import Beat, Proof
from playcall.engine.reflections import Behind, Shown
from playcall.storage import devices, homes, inbox, listing, mirrors, proofs, queries
from playcall.storage.codec import dump, kind_of, load
from playcall.storage.outbox import SqlOutbox, upserting
from playcall.storage.papers import SqlPapers
from playcall.storage.pictures import SqlPictures
from playcall.storage.playbooks import SqlPlaybooks
from playcall.storage.posts import SqlPosts
from playcall.storage.subscribers import SqlSubscriptions
from playcall.storage.tables import (
    counters,
    events,
    incidents,
    output,
    overrides,
    readiness,
    readings,
    runs,
)

# Built once: to build a statement costs more than to carry it out.
_NEXT_INCIDENT = (
    sa.update(counters)
    .where(counters.c.name == "incident")
    .values(n=counters.c.n + 1)
    .returning(counters.c.n)
)
_STATE = sa.select(incidents.c.state).with_for_update()
_BY_ID = _STATE.where(incidents.c.id == sa.bindparam("incident"))
_LIVE_IN_GROUP = _STATE.where(incidents.c.group_key == sa.bindparam("group"), incidents.c.live)
_LATELY_OVER = (
    _STATE.where(incidents.c.group_key == sa.bindparam("group"), sa.not_(incidents.c.live))
    .order_by(incidents.c.id.desc())
    .limit(1)
)
_MOVE_INCIDENT = (
    sa.update(incidents)
    .where(incidents.c.id == sa.bindparam("incident"), incidents.c.version == sa.bindparam("was"))
    .values(
        {
            name: sa.bindparam(f"new_{name}")
            for name in (
                *("group_key", "live", "state", "version", "wake_at", "over_at"),
                *("overdue", "tickets"),
                *("title", "severity", "play", "status", "tags"),
            )
        }
    )
)


class SqlTransaction(SqlOutbox, SqlPosts, SqlSubscriptions, SqlPlaybooks, SqlPapers, SqlPictures):
    """One unit of work; see `ports.Transaction` for what each method promises."""

    def __init__(
        self, connection: sa.Connection, plan_cache: dict[str, Plan], source: str = ""
    ) -> None:
        super().__init__(connection)
        self._plans = plan_cache
        self._source = source.replace("\0", "")
        self.acts: list[Act] = []  # for the audit log, once the work is done

    def note(self, at: datetime, kind: str, actor: str, body: str) -> None:
        self._note(at=at, kind=kind, actor=actor, body=body)

    def _note(self, *, actor: str, **about: Any) -> None:
        actor = actor.replace("\0", "")
        self.acts.append(Act(actor=actor, source=self._source, **about))

    # --- proofs

    def ask_proofs(self, asked: Sequence[Proof]) -> None:
        proofs.ask(self._db, asked)
        for proof in asked:
            self.note(proof.asked_at, "TestPageAsked", proof.by, dump(proof))

    def begin_proofs(self, test: str) -> int:
        return proofs.begin(self._db, test)

    def end_proof(self, test: str, channel: str, at: datetime, failure: str) -> None:
        proofs.end(self._db, test, channel, at, failure)

    def beat(self, source: str, beat: Beat) -> None:
        proofs.beat(self._db, source, beat)

    def proofs_by(self, by: str, asked_at: datetime) -> Sequence[Proof]:
        return proofs.asked_by(self._db, by, asked_at)

    def beats(self) -> Mapping[str, Beat]:
        return proofs.beats(self._db, lock=True)

    # --- mirrors

    def behind(self, mirror: str, limit: int) -> Sequence[Behind]:
        return mirrors.behind(self._db, self.plan, mirror, limit)

    def reflect(self, incident: int, mirror: str, version: int, shown: Shown | None) -> None:
        mirrors.reflect(self._db, incident, mirror, version, shown)

    # --- alerts

    def receive(self, received: Sequence[Alert], at: datetime, *, taken: bool = False) -> Receipt:
        return inbox.receive(self._db, received, at, taken=taken)

    def arrivals(self, limit: int) -> Sequence[Arrival]:
        return inbox.arrivals(self._db, limit)

    def take_in(self, arrivals: Sequence[Arrival], unheard: Collection[int] = ()) -> None:
        inbox.take_in(self._db, arrivals, unheard)

    # --- homes

    def homes(self, asked: Collection[Home]) -> Mapping[Home, int]:
        return homes.find(self._db, asked)

    def settle(self, some: Collection[Home], incident: int) -> None:
        homes.settle(self._db, some, incident)

    def hand_over(self, incident: int, to: int) -> None:
        homes.hand_over(self._db, incident, to)

    def forget_homes(self, some: Collection[Home]) -> None:
        homes.forget(self._db, some)

    # --- incidents

    def next_incident(self) -> int:
        number = self._db.execute(_NEXT_INCIDENT).scalar_one()
        return int(number)

    def incident(self, incident: int) -> Incident | None:
        return self._locked(_BY_ID, incident=incident)

    def live_in_group(self, group: str) -> Incident | None:
        return self._locked(_LIVE_IN_GROUP, group=group)

    def lately_over(self, group: str) -> Incident | None:
        return self._locked(_LATELY_OVER, group=group)

    def _locked(self, which: sa.Select[Any], **values: object) -> Incident | None:
        state = self._db.scalar(which, values)
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
            "over_at": incident.ended_at,
            "overdue": incident.owed.late,
            "tickets": incident.owed.tickets,
            **listing.columns_of(incident),
        }
        if incident.version == 1:
            row |= {"id": incident.id, "watch_at": incident.opened_at}
            self._db.execute(sa.insert(incidents), row)
        else:
            self._update_incident(incident, row)
        at, kind, body = event.at, kind_of(event), dump(event)
        values = {"incident": incident.id, "n": incident.version}
        self._db.execute(sa.insert(events), {**values, "at": at, "kind": kind, "body": body})
        self._note(
            at=at,
            kind=kind,
            actor=getattr(event, "by", "") or "",
            incident=incident.id,
            event=incident.version,
            body=body,
        )
        for job in follows:
            self.add_job(job, event.at)

    def _update_incident(self, incident: Incident, row: dict[str, object]) -> None:
        changed = self._db.execute(
            _MOVE_INCIDENT,
            {
                "incident": incident.id,
                "was": incident.version - 1,
                **{f"new_{name}": value for name, value in row.items()},
            },
        )
        if changed.rowcount != 1:
            raise Unavailable(f"incident {incident.id} was changed by somebody else; try again")

    def events(self, incident: int, after: int = 0) -> Sequence[StoredEvent]:
        return queries.events(self._db, incident, after)

    # --- devices

    def devices(self, person: str) -> Sequence[Device]:
        return devices.of(self._db, person)

    def add_device(self, device: Device) -> None:
        devices.add(self._db, device)

    def remove_device(self, endpoint: str, person: str) -> bool:
        return devices.remove(self._db, endpoint, person)

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

    def add_override(
        self, override: Override, by: str, at: datetime, reason: str = ""
    ) -> StoredOverride:
        row = self._db.execute(
            sa.insert(overrides)
            .values(
                schedule=override.schedule,
                person=override.person,
                starts_at=override.starts_at,
                ends_at=override.ends_at,
                made_by=by,
                made_at=at,
                reason=reason or None,
            )
            .returning(overrides)
        ).one()
        made = queries.override(row)
        self.note(at, "OverrideMade", by, dump(made))
        return made

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
        if row is None:
            return None
        removed = queries.override(row)
        self.note(at, "OverrideRemoved", by, dump(removed))
        return removed

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
            .where(
                sa.or_(incidents.c.live, incidents.c.over_at >= at - LOOK_FOR),
                incidents.c.watch_at <= at,
            )
            .order_by(incidents.c.live.desc(), incidents.c.watch_at)
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

    def readings(self, incident: int) -> Mapping[str, tuple[datetime, Judgement]]:
        return queries.readings_of(self._db, incident)

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
        self._db.execute(_counting(self._db.dialect.name), {"name": name, "n": by})


@functools.cache
def _counting(dialect: str) -> sqlite.Insert | postgresql.Insert:
    statement = upserting(dialect, counters)
    return statement.on_conflict_do_update(
        index_elements=[counters.c.name], set_={"n": counters.c.n + statement.excluded.n}
    )
