"""The audit log: one chain of entries through everything that was committed, in the order of the
commits. An entry about an event has its body in the event's own row."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import NoResultFound

from playcall.core import audit as chain
from playcall.core import timeline
from playcall.core.audit import GENESIS, Act, Entry, Found, Head, Log, Verdict
from playcall.core.events import Event, Opened
from playcall.core.plan import Plan
from playcall.engine.audit import Asked
from playcall.storage.codec import load_event
from playcall.storage.tables import Instant, Words, events, metadata

PIECE = 1000  # rows at once
_PIECEWISE = {"yield_per": PIECE}
_Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # there, the row's own number

entries = sa.Table(  # rows are never changed
    "audit",
    metadata,
    sa.Column("n", _Number, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("actor", Words, nullable=False),  # empty: Playcall itself
    sa.Column("source", Words, nullable=False),
    sa.Column("incident", sa.BigInteger),
    sa.Column("event", sa.BigInteger),
    sa.Column("body", Words),  # NULL: its event's
    sa.Column("digest", sa.Text, nullable=False),
)
sa.Index("audit_event", entries.c.incident, entries.c.event, unique=True)
_by_people = entries.c.actor != sa.literal_column("''")
sa.Index(
    "audit_actor",
    entries.c.actor,
    entries.c.n,
    sqlite_where=_by_people,
    postgresql_where=_by_people,
)

ends = sa.Table(  # one row: the log's end
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)

# Taken after every other lock of a commit, so that nobody who has it waits for another.
_HEAD = sa.select(ends.c.n, ends.c.digest).with_for_update()
_INSERT = sa.insert(entries)
_MOVE = sa.update(ends).values(n=sa.bindparam("new_n"), digest=sa.bindparam("new_digest"))
_ABOUT = sa.and_(events.c.incident == entries.c.incident, events.c.n == entries.c.event)
_BODY = sa.func.coalesce(
    sa.case((entries.c.event.is_(None), entries.c.body), else_=events.c.body), ""
).label("body")
_STORED = sa.select(*(column for column in entries.c if column.name != "body"), _BODY).select_from(
    entries.outerjoin(events, _ABOUT)
)


def prepare(db: sa.Connection) -> None:
    """In a database that has no log yet, the events so far become its beginning."""
    if db.execute(_HEAD).one_or_none():
        return
    db.execute(sa.insert(ends).values(id=1, n=0, digest=GENESIS))
    earlier = sa.select(events).order_by(events.c.at, events.c.incident, events.c.n)
    rows = db.execute(earlier, execution_options=_PIECEWISE)
    for piece in rows.partitions():
        seal(db, [_earlier(row) for row in piece])


def seal(db: sa.Connection, acts: Sequence[Act]) -> None:
    """Append to the log; nobody else does until the transaction ends."""
    if not acts:
        return
    head = db.execute(_HEAD).one()
    made = list(chain.chained(Head(n=head.n, digest=head.digest), acts))
    for first in range(0, len(made), PIECE):
        db.execute(_INSERT, [_row(entry) for entry in made[first : first + PIECE]])
    db.execute(_MOVE, {"new_n": made[-1].n, "new_digest": made[-1].digest})


def look(db: sa.Connection, asked: Asked, before: int | None, limit: int) -> Sequence[Entry]:
    # Of one incident, their order is that of its events, which has an index.
    order = entries.c.n if asked.incident is None else entries.c.event
    query = _STORED.where(*_conditions(asked)).order_by(order.desc()).limit(limit)
    if before is not None:
        query = query.where(entries.c.n < before)
    return [_entry(row) for row in db.execute(query)]


def words(
    db: sa.Connection, plan_of: Callable[[str], Plan], listed: Sequence[Entry]
) -> Mapping[int, str]:
    """Of events, as the incident's page has them; what was altered and cannot be read has none."""
    incidents = {entry.act.incident for entry in listed if entry.act.incident is not None}
    begun = db.execute(sa.select(events).where(events.c.n == 1, events.c.incident.in_(incidents)))
    opened = {row.incident: _event(row.kind, row.body) for row in begun}
    said = {}
    for entry in listed:
        first, event = opened.get(entry.act.incident), _event(entry.act.kind, entry.act.body)
        if isinstance(first, Opened) and event is not None:
            try:
                plan = plan_of(first.plan)
            except NoResultFound:
                continue
            line = timeline.entry(event, plan, plan.play(first.play or ""))
            if line:
                said[entry.n] = line.text
    return said


def _event(kind: str, body: str) -> Event | None:
    try:
        return load_event(kind, body)
    except (KeyError, msgspec.DecodeError):  # ValidationError is one
        return None


def kinds(db: sa.Connection) -> Sequence[str]:
    return db.scalars(sa.select(entries.c.kind).distinct().order_by(entries.c.kind)).all()


def verdict(db: sa.Connection, noted: Head | None) -> Verdict:
    """Later entries may come while it reads; only those up to the end it began with are judged."""
    last = sa.select(sa.func.max(entries.c.n)).scalar_subquery()
    end = db.execute(sa.select(ends, last.label("last"))).one()
    log = Log(
        head=Head(n=end.n, digest=end.digest),
        last=end.last or 0,
        found=_stored(db, end.n),
        unlisted=_unlisted(db),
    )
    return chain.verify(log, noted)


def _stored(db: sa.Connection, end: int) -> Iterator[Found]:
    event = events.c.at.label("event_at"), events.c.kind.label("event_kind")
    query = _STORED.add_columns(*event).where(entries.c.n <= end).order_by(entries.c.n)
    for row in db.execute(query, execution_options=_PIECEWISE):
        yield Found(entry=_entry(row), event_at=row.event_at, event_kind=row.event_kind)


def _unlisted(db: sa.Connection) -> Iterable[tuple[int, int]]:
    query = (
        sa.select(events.c.incident, events.c.n)
        .join(entries, _ABOUT, isouter=True)
        .where(entries.c.n.is_(None))
        .order_by(events.c.incident, events.c.n)
    )
    return ((row.incident, row.n) for row in db.execute(query))


def _conditions(asked: Asked) -> Iterator[sa.ColumnElement[bool]]:
    if asked.actor is not None:
        yield entries.c.actor == asked.actor
        if asked.actor:
            yield _by_people
    if asked.incident is not None:
        yield entries.c.incident == asked.incident
    if asked.kind is not None:
        yield entries.c.kind == asked.kind
    if asked.since is not None:
        yield entries.c.at >= asked.since
    if asked.until is not None:
        yield entries.c.at < asked.until


def _row(entry: Entry) -> dict[str, object]:
    act = entry.act
    return {
        "n": entry.n,
        "at": act.at,
        "kind": act.kind,
        "actor": act.actor,
        "source": act.source,
        "incident": act.incident,
        "event": act.event,
        "body": act.body if act.event is None else None,
        "digest": entry.digest,
    }


def _entry(row: Any) -> Entry:
    act = Act(
        at=row.at,
        kind=row.kind,
        actor=row.actor,
        source=row.source,
        incident=row.incident,
        event=row.event,
        body=row.body,
    )
    return Entry(n=row.n, act=act, digest=row.digest)


def _earlier(row: Any) -> Act:
    by = msgspec.json.decode(row.body).get("by")
    return Act(
        at=row.at,
        kind=row.kind,
        actor=by or "",
        incident=row.incident,
        event=row.n,
        body=row.body,
    )


class SqlAuditViews:
    """See `engine.audit.AuditViews`."""

    _db: sa.Connection

    def plan(self, digest: str) -> Plan:
        raise NotImplementedError  # whoever reads has it

    def audit(self, asked: Asked, before: int | None, limit: int) -> Sequence[Entry]:
        return look(self._db, asked, before, limit)

    def audit_words(self, entries: Sequence[Entry]) -> Mapping[int, str]:
        return words(self._db, self.plan, entries)

    def audit_kinds(self) -> Sequence[str]:
        return kinds(self._db)

    def audit_verdict(self, noted: Head | None = None) -> Verdict:
        return verdict(self._db, noted)
