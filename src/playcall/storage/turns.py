"""Which of the commands that wait may begin: read here, chosen by `engine.turns`."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from playcall.engine.turns import Limits, Waiting, choose
from playcall.storage.tables import Instant, jobs

_LOCK = 7_060_001  # of PostgreSQL: processes choose one after another, or the limits would not hold


_AT = sa.bindparam("at", type_=Instant)
# Due, or left behind by an owner whose lease ran out. States are written out, so that SQLite knows
# the partial index of what is unfinished.
FREE = sa.or_(
    sa.and_(jobs.c.state == sa.literal_column("'due'"), jobs.c.due_at <= _AT),
    sa.and_(jobs.c.state == sa.literal_column("'leased'"), jobs.c.lease_until <= _AT),
)
_WAITS = jobs.c.lane.is_not(None)
_ANY = sa.select(sa.exists().where(FREE, _WAITS))
_CHOSEN = (
    sa.select(jobs)
    .where(jobs.c.key.in_(sa.bindparam("chosen", expanding=True)), FREE)
    .order_by(jobs.c.due_at, jobs.c.key)
    .with_for_update(skip_locked=True)
)


def claim(db: sa.Connection, at: datetime, limits: Limits) -> Sequence[sa.Row[tuple[object, ...]]]:
    """The jobs whose turn it is, locked until the transaction ends."""
    if not db.scalar(_ANY, {"at": at}):
        return []
    if db.dialect.name == "postgresql":
        db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    chosen = choose(_waiting(db, at, limits), _running(db, at), limits)
    return db.execute(_CHOSEN, {"at": at, "chosen": list(chosen)}).all()


def _waiting(db: sa.Connection, at: datetime, limits: Limits) -> list[Waiting]:
    """Of each incident and lane as many as could begin at most, in the order of waiting."""
    order = (jobs.c.due_at, jobs.c.key)
    place = sa.func.row_number().over(partition_by=(jobs.c.incident, jobs.c.lane), order_by=order)
    ranked = (
        sa.select(jobs.c.key, jobs.c.incident, jobs.c.lane, jobs.c.due_at, place.label("place"))
        .where(FREE, _WAITS)
        .subquery()
    )
    rows = db.execute(
        sa.select(ranked)
        .where(ranked.c.place <= limits.in_all)
        .order_by(ranked.c.due_at, ranked.c.key),
        {"at": at},
    )
    return [Waiting(key=row.key, incident=row.incident, lane=row.lane) for row in rows]


def _running(db: sa.Connection, at: datetime) -> list[Waiting]:
    rows = db.execute(
        sa.select(jobs.c.key, jobs.c.incident, jobs.c.lane).where(
            jobs.c.state == "leased", jobs.c.lease_until > at, jobs.c.lane.is_not(None)
        )
    )
    return [Waiting(key=row.key, incident=row.incident, lane=row.lane) for row in rows]
