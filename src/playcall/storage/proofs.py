"""The statements behind `engine.proofs`: test pages and heartbeats."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from playcall.engine.proofs import Beat, Proof, Proving
from playcall.storage.codec import dump
from playcall.storage.tables import heartbeats, jobs, proofs


def ask(db: sa.Connection, asked: Sequence[Proof]) -> None:
    rows = [asdict(proof) | {"place": place} for place, proof in enumerate(asked)]
    if rows:
        db.execute(sa.insert(proofs), rows)


def begin(db: sa.Connection, test: str) -> int:
    insert = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    put = 0
    for proof in of_test(db, test):
        if proof.ended_at:
            continue
        task = Proving(test=test, person=proof.person, channel=proof.channel)
        row = {
            "key": f"test.{test}.{proof.channel}",
            "incident": 0,
            "kind": "Proving",
            "body": dump(task),
            "state": "due",
            "attempts": 0,
            "due_at": proof.asked_at,
        }
        statement = insert(jobs).values(**row).on_conflict_do_nothing().returning(jobs.c.key)
        put += len(db.execute(statement).all())
    return put


def end(db: sa.Connection, test: str, channel: str, at: datetime, failure: str) -> None:
    db.execute(
        sa.update(proofs)
        .where(proofs.c.test == test, proofs.c.channel == channel, proofs.c.ended_at.is_(None))
        .values(ended_at=at, failure=failure)
    )


def of_test(db: sa.Connection, test: str) -> Sequence[Proof]:
    rows = db.execute(sa.select(proofs).where(proofs.c.test == test).order_by(proofs.c.place))
    return [_proof(row) for row in rows]


def asked_by(db: sa.Connection, by: str, at: datetime) -> Sequence[Proof]:
    chosen = sa.select(proofs).where(proofs.c.by == by, proofs.c.asked_at == at)
    return [_proof(row) for row in db.execute(chosen.order_by(proofs.c.id))]


def latest(db: sa.Connection) -> Sequence[Proof]:
    newest = (
        sa.select(proofs.c.person, proofs.c.channel, sa.func.max(proofs.c.id).label("id"))
        .where(proofs.c.ended_at.is_not(None))
        .group_by(proofs.c.person, proofs.c.channel)
        .subquery()
    )
    rows = db.execute(
        sa.select(proofs).join(newest, proofs.c.id == newest.c.id).order_by(proofs.c.id)
    )
    return [_proof(row) for row in rows]


def beat(db: sa.Connection, source: str, heard: Beat) -> None:
    insert = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    values = {"at": heard.at, "alert_since": heard.alert_since}
    statement = insert(heartbeats).values(source=source, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["source"], set_=values))


def beats(db: sa.Connection, *, lock: bool = False) -> Mapping[str, Beat]:
    asked = sa.select(heartbeats).order_by(heartbeats.c.source)
    rows = db.execute(asked.with_for_update() if lock else asked)
    return {row.source: Beat(at=row.at, alert_since=row.alert_since) for row in rows}


def _proof(row: sa.Row[tuple[object, ...]]) -> Proof:
    return Proof(
        test=row.test,
        person=row.person,
        channel=row.channel,
        by=row.by,
        asked_at=row.asked_at,
        ended_at=row.ended_at,
        failure=row.failure,
    )
