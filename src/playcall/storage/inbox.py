"""The statements behind `engine.inbox`: alerts as they came, each once for each start."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from playcall.core.alert import Alert
from playcall.engine.inbox import Arrival, Receipt
from playcall.storage.codec import dump, load
from playcall.storage.tables import alerts

AT_ONCE = 500  # keys in one question

_Key = tuple[str, datetime]


def receive(db: sa.Connection, received: Sequence[Alert], at: datetime, *, taken: bool) -> Receipt:
    rows = {
        (alert.fingerprint, alert.starts_at): {
            "fingerprint": alert.fingerprint,
            "starts_at": alert.starts_at,
            "firing": alert.firing,
            "body": dump(alert),
            "received_at": at,
            "pending": not taken,
            "ended_at": None if alert.firing else alert.ends_at,
            "unheard": not (alert.firing or taken),
        }
        # A clearing after a firing of the same alert wins, in whatever order they came.
        for alert in sorted(received, key=lambda alert: not alert.firing)
    }
    if not rows:
        return Receipt(news=0, repeated=0)
    # Sorted, so that two writers lock the same rows in the same order.
    ordered = [rows[key] for key in sorted(rows)]
    upsert = _upsert(db, proven=all(alert.found for alert in received))
    news = len(db.execute(upsert, ordered).all())
    firing = [key for key, row in rows.items() if row["firing"]] if news < len(rows) else []
    return Receipt(news=news, repeated=len(received) - news, doubtful=_cleared(db, firing))


def _upsert(db: sa.Connection, *, proven: bool) -> ReturningInsert[int]:
    """Firing becomes cleared, by a later end than the last; cleared becomes firing again only when
    that is proven."""
    insert = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    statement = insert(alerts)
    new = statement.excluded
    clears = sa.and_(
        alerts.c.firing,
        sa.not_(new.firing),
        sa.or_(alerts.c.ended_at.is_(None), new.ended_at > alerts.c.ended_at),
    )
    again = sa.and_(sa.not_(alerts.c.firing), new.firing)
    return statement.on_conflict_do_update(
        index_elements=[alerts.c.fingerprint, alerts.c.starts_at],
        set_={
            "firing": new.firing,
            "body": new.body,
            "received_at": new.received_at,
            "pending": new.pending,
            "ended_at": sa.func.coalesce(new.ended_at, alerts.c.ended_at),
            "unheard": sa.and_(alerts.c.firing, alerts.c.pending),
        },
        where=sa.or_(clears, again) if proven else clears,
    ).returning(alerts.c.id)


def _cleared(db: sa.Connection, keys: Sequence[_Key]) -> frozenset[str]:
    """Fingerprints of those that are on disk as cleared."""
    found: set[str] = set()
    key = sa.tuple_(alerts.c.fingerprint, alerts.c.starts_at)
    for start in range(0, len(keys), AT_ONCE):
        some = key.in_(keys[start : start + AT_ONCE])
        found.update(
            db.scalars(sa.select(alerts.c.fingerprint).where(some, sa.not_(alerts.c.firing)))
        )
    return frozenset(found)


def arrivals(db: sa.Connection, limit: int) -> Sequence[Arrival]:
    rows = db.execute(
        sa.select(alerts.c.id, alerts.c.body, alerts.c.unheard)
        .where(alerts.c.pending)
        .order_by(alerts.c.received_at, alerts.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [
        Arrival(id=row.id, alert=load(row.body, Alert), unheard=bool(row.unheard)) for row in rows
    ]


def take_in(db: sa.Connection, taken: Sequence[Arrival], unheard: Collection[int]) -> None:
    ids = [arrival.id for arrival in taken]
    db.execute(sa.update(alerts).where(alerts.c.id.in_(ids)).values(pending=False))
    heard = [one.id for one in taken if one.unheard and one.id not in unheard]
    if heard:
        db.execute(sa.update(alerts).where(alerts.c.id.in_(heard)).values(unheard=False))


def unheard(db: sa.Connection, since: datetime, limit: int) -> Sequence[Alert]:
    bodies = db.scalars(
        sa.select(alerts.c.body)
        .where(alerts.c.unheard, sa.not_(alerts.c.pending), alerts.c.received_at >= since)
        .order_by(alerts.c.received_at.desc(), alerts.c.id.desc())
        .limit(limit)
    )
    return [load(body, Alert) for body in bodies]
