"""Reads shared by transactions and faces, and `SqlViews`, which the faces use (`ports.Views`)."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from playcall.core.alert import Alert
from playcall.core.incident import Incident, RunStatus
from playcall.core.judge import Judgement
from playcall.core.plan import Plan
from playcall.core.readiness import Readiness
from playcall.core.rota import Override, StoredOverride
from playcall.engine.outbox import Sent
from playcall.engine.ports import (
    Buried,
    Dossier,
    Execution,
    StoredEvent,
    StoredRun,
)
from playcall.engine.proofs import Beat, Proof
from playcall.storage import inbox, proofs
from playcall.storage.audit import SqlAuditViews
from playcall.storage.codec import load, load_event
from playcall.storage.listing import SqlListingView
from playcall.storage.outbox import sent_of
from playcall.storage.papers import SqlPapersView
from playcall.storage.pictures import SqlPicturesView
from playcall.storage.playbooks import SqlPlaybooksView
from playcall.storage.subscribers import SqlPublicViews
from playcall.storage.tables import (
    counters,
    incidents,
    is_live,
    jobs,
    output,
    readiness,
    readings,
    runs,
    sent,
)
from playcall.storage.tables import events as events_table
from playcall.storage.tables import overrides as overrides_table

SHOWN = 64 * 1024  # bytes of the end of each output that a dossier has

# Written out and not bound, so that SQLite knows the partial index of what is unfinished.
_unfinished = jobs.c.state.in_([sa.literal_column("'due'"), sa.literal_column("'leased'")])


def events(db: sa.Connection, incident: int, after: int = 0) -> Sequence[StoredEvent]:
    rows = db.execute(
        sa.select(events_table.c.n, events_table.c.kind, events_table.c.body)
        .where(events_table.c.incident == incident, events_table.c.n > after)
        .order_by(events_table.c.n)
    )
    return [StoredEvent(n=row.n, event=load_event(row.kind, row.body)) for row in rows]


def run(db: sa.Connection, run_id: str) -> StoredRun | None:
    row = db.execute(sa.select(runs).where(runs.c.id == run_id)).one_or_none()
    return _run(db, row) if row else None


def _run(
    db: sa.Connection, row: sa.Row[tuple[object, ...]], at_most: int | None = None
) -> StoredRun:
    printed, size = _output(db, str(row.id), at_most)
    return StoredRun(
        id=row.id,
        execution=load(row.body, Execution),
        status=RunStatus(row.status),
        begun_at=row.begun_at,
        ended_at=row.ended_at,
        exit_code=row.exit_code,
        summary=row.summary,
        output=printed,
        output_size=size,
    )


def _output(db: sa.Connection, run_id: str, at_most: int | None) -> tuple[bytes, int]:
    """The end of what a run printed, or all of it, and how much that is."""
    of_run = output.c.run == run_id
    size = sa.func.coalesce(output.c.size, sa.func.length(output.c.data))
    total = int(db.scalar(sa.select(sa.func.sum(size)).where(of_run)) or 0)
    pieces: list[bytes] = []
    left = total if at_most is None else min(total, at_most)
    if left:
        rows = db.execute(sa.select(output).where(of_run).order_by(output.c.id.desc()))
        for row in rows:
            pieces.append(row.data if row.size is None else zlib.decompress(row.data))
            left -= len(pieces[-1])
            if left <= 0:
                rows.close()
                break
    found = b"".join(reversed(pieces))
    return (found if at_most is None else found[-at_most:]), total


def readings_of(db: sa.Connection, incident: int) -> Mapping[str, tuple[datetime, Judgement]]:
    rows = db.execute(sa.select(readings).where(readings.c.incident == incident))
    return {row.criterion: (row.at, load(row.body, Judgement)) for row in rows}


def overrides(db: sa.Connection, start: datetime, end: datetime) -> Sequence[StoredOverride]:
    table = overrides_table.c
    rows = db.execute(
        sa.select(overrides_table)
        .where(table.starts_at < end, table.ends_at > start)
        .order_by(table.id)
    )
    return [override(row) for row in rows]


def override(row: sa.Row[tuple[object, ...]]) -> StoredOverride:
    return StoredOverride(
        id=row.id,
        asked=Override(
            schedule=row.schedule,
            person=row.person,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
        ),
        made_by=row.made_by,
        made_at=row.made_at,
        removed_by=row.removed_by,
        removed_at=row.removed_at,
        reason=row.reason or "",
    )


class SqlViews(
    SqlPublicViews,
    SqlPlaybooksView,
    SqlPapersView,
    SqlPicturesView,
    SqlListingView,
    SqlAuditViews,
):
    """One read-only snapshot; see `ports.Views`."""

    def __init__(self, connection: sa.Connection, plan_cache: dict[str, Plan]) -> None:
        self._db = connection
        self._plans = plan_cache

    def incidents(self, *, live_only: bool = False, limit: int = 100) -> Sequence[Incident]:
        query = sa.select(incidents.c.state).order_by(incidents.c.id.desc()).limit(limit)
        if live_only:
            query = query.where(is_live)
        return [load(state, Incident) for state in self._db.scalars(query)]

    def proofs(self, test: str) -> Sequence[Proof]:
        return proofs.of_test(self._db, test)

    def latest_proofs(self) -> Sequence[Proof]:
        return proofs.latest(self._db)

    def heartbeats(self) -> Mapping[str, Beat]:
        return proofs.beats(self._db)

    def lately_over(self, since: datetime, limit: int) -> Sequence[Incident]:
        query = (
            sa.select(incidents.c.state)
            .where(sa.not_(incidents.c.live), incidents.c.over_at >= since)
            .order_by(incidents.c.over_at.desc())
            .limit(limit)
        )
        return [load(state, Incident) for state in self._db.scalars(query)]

    def unpaged(self, limit: int) -> Sequence[Incident]:
        delivered = sa.exists().where(
            events_table.c.incident == incidents.c.id, events_table.c.kind == "PageDelivered"
        )
        under_way = sa.select(jobs.c.incident).where(_unfinished, jobs.c.kind == "Delivery")
        query = (
            sa.select(incidents.c.state)
            .where(incidents.c.live, sa.not_(delivered), incidents.c.id.not_in(under_way))
            .order_by(incidents.c.id)
            .limit(limit)
        )
        return [load(state, Incident) for state in self._db.scalars(query)]

    def unheard(self, since: datetime, limit: int) -> Sequence[Alert]:
        return inbox.unheard(self._db, since, limit)

    def readiness(self, limit: int = 100) -> Sequence[Readiness]:
        query = sa.select(readiness.c.body).order_by(readiness.c.id.desc()).limit(limit)
        return [load(body, Readiness) for body in self._db.scalars(query)]

    def counts(self) -> Mapping[str, int]:
        rows = self._db.execute(sa.select(counters.c.name, counters.c.n))
        return {row.name: int(row.n) for row in rows}

    def dossier(self, incident: int) -> Dossier | None:
        state = self._db.scalar(sa.select(incidents.c.state).where(incidents.c.id == incident))
        if state is None:
            return None
        value = load(state, Incident)
        return Dossier(
            incident=value,
            plan=self.plan(value.plan),
            events=tuple(events(self._db, incident)),
            runs=self._runs(incident),
            readings=self._readings(incident),
            buried=self._buried(incident),
            sent=self._sent(incident),
        )

    def run(self, run_id: str) -> StoredRun | None:
        return run(self._db, run_id)

    def overrides(self, start: datetime, end: datetime) -> Sequence[StoredOverride]:
        return overrides(self._db, start, end)

    def stamp(self, incident: int) -> tuple[int, int, int]:
        version = self._db.scalar(sa.select(incidents.c.version).where(incidents.c.id == incident))
        printed = self._db.scalar(
            sa.select(sa.func.max(output.c.id))
            .join(runs, runs.c.id == output.c.run)
            .where(runs.c.incident == incident)
        )
        read_at = self._db.scalar(
            sa.select(sa.func.max(sa.cast(readings.c.at, sa.BigInteger))).where(
                readings.c.incident == incident
            )
        )
        return version or 0, printed or 0, read_at or 0

    def _runs(self, incident: int) -> tuple[StoredRun, ...]:
        rows = self._db.execute(
            sa.select(runs).where(runs.c.incident == incident).order_by(runs.c.id)
        ).all()
        return tuple(_run(self._db, row, SHOWN) for row in rows)

    def _readings(self, incident: int) -> Mapping[str, tuple[datetime, Judgement]]:
        return readings_of(self._db, incident)

    def _buried(self, incident: int) -> tuple[Buried, ...]:
        rows = self._db.execute(
            sa.select(jobs).where(jobs.c.incident == incident, jobs.c.state == "buried")
        )
        return tuple(
            Buried(key=row.key, incident=row.incident, kind=row.kind, reason=row.reason)
            for row in rows
        )

    def _sent(self, incident: int) -> tuple[Sent, ...]:
        query = sa.select(sent).where(sent.c.incident == incident).order_by(sent.c.at, sent.c.id)
        return tuple(sent_of(row) for row in self._db.execute(query))
