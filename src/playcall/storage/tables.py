"""The tables. Events are the truth and append-only; an incident's state is kept beside them so that
a decision need not replay them. Values are JSON, instants are microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

SCHEMA_VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(sa.TypeDecorator[datetime]):
    """An aware instant, the same number in both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Words(sa.TypeDecorator[str]):
    """Text from outside. PostgreSQL keeps no NUL character: its picture is kept for it."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.replace("\0", "␀")


# SQLite numbers rows by itself only when the column is exactly INTEGER.
_Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

metadata = sa.MetaData()

schema = sa.Table("schema", metadata, sa.Column("version", sa.Integer, primary_key=True))

counters = sa.Table(
    "counters",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
)

plans = sa.Table(
    "plans",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

documents = sa.Table(  # the bytes of playbooks; rows are never changed
    "documents",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),  # of the bytes
    sa.Column("body", sa.LargeBinary, nullable=False),  # compressed
)

plan_uses = sa.Table(  # a row whenever another plan of a document began to be served
    "plan_uses",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=True),
    sa.Column("name", Words, nullable=False),  # the document's
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=True),
    sa.Column("fingerprint", Words, nullable=False),
    sa.Column("starts_at", Instant, nullable=False),
    sa.Column("firing", sa.Boolean, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("pending", sa.Boolean, nullable=False),  # no incident has taken it in
    sa.Column("ended_at", Instant),  # its latest clearing, though it may fire again since then
    sa.Column("unheard", sa.Boolean),  # it cleared before anybody took it in as firing
    sa.UniqueConstraint("fingerprint", "starts_at"),
)
sa.Index(
    "alerts_pending",
    alerts.c.received_at,
    sqlite_where=alerts.c.pending,
    postgresql_where=alerts.c.pending,
)
sa.Index(
    "alerts_unheard",
    alerts.c.received_at,
    sqlite_where=alerts.c.unheard,
    postgresql_where=alerts.c.unheard,
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=False),
    sa.Column("group_key", Words, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),  # neither resolved nor closed
    # What it is looked for by: `listing`.
    sa.Column("title", Words),
    sa.Column("severity", Words),
    sa.Column("play", Words),
    sa.Column("status", sa.Text),
    sa.Column("tags", Words),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("wake_at", Instant),
    sa.Column("watch_at", Instant),  # when its criteria are to be read next
    sa.Column("over_at", Instant),  # when it was resolved, the latest time
    sa.Column("overdue", sa.BigInteger),  # how many of its duties and action items are
    sa.Column("tickets", sa.BigInteger),  # how many of its action items have an open one
)
sa.Index(
    "incidents_sought",
    *(incidents.c[name] for name in ("severity", "play", "status", "live", "id")),
)
sa.Index(
    "incidents_live_group",
    incidents.c.group_key,
    unique=True,
    sqlite_where=incidents.c.live,
    postgresql_where=incidents.c.live,
)
sa.Index(
    "incidents_live_version",
    incidents.c.version,
    sqlite_where=incidents.c.live,
    postgresql_where=incidents.c.live,
)
sa.Index("incidents_wake", incidents.c.wake_at)
sa.Index("incidents_over", incidents.c.over_at)
sa.Index(
    "incidents_overdue",
    incidents.c.id,
    sqlite_where=incidents.c.overdue > 0,
    postgresql_where=incidents.c.overdue > 0,
)
sa.Index(
    "incidents_tickets",
    incidents.c.id,
    sqlite_where=incidents.c.tickets > 0,
    postgresql_where=incidents.c.tickets > 0,
)
sa.Index("incidents_group", incidents.c.group_key, incidents.c.id)

# Written out, as the partial indexes have it: SQLite knows them only then.
is_live = sa.text("incidents.live")

events = sa.Table(
    "events",
    metadata,
    sa.Column("incident", sa.BigInteger, primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("incident", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # due, leased, done, buried
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("lease_until", Instant),
    sa.Column("reason", Words),
    sa.Column("lane", Words),  # of a command that waits for its turn; NULL: it waits for nobody
    sa.Column("channel", Words),  # that a message goes to first
    sa.Column("held", Words),  # the group of messages that it may be put together with
)
_unfinished = jobs.c.state.in_(("due", "leased"))
_is_held = jobs.c.held.is_not(None)
sa.Index("jobs_due", jobs.c.due_at, sqlite_where=_unfinished, postgresql_where=_unfinished)

sa.Index("jobs_held", jobs.c.held, sqlite_where=_is_held, postgresql_where=_is_held)

sent = sa.Table(  # messages as they were handed to a channel; the latest attempt by each
    "sent",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False),  # the job's
    sa.Column("channel", Words, nullable=False),
    sa.Column("incident", sa.BigInteger, nullable=False, index=True),
    sa.Column("role", Words, nullable=False),
    sa.Column("person", Words, nullable=False),
    sa.Column("page", sa.Boolean, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("subject", Words, nullable=False),
    sa.Column("body", Words, nullable=False),
    sa.Column("fate", sa.Text, nullable=False),
    sa.Column("reason", Words, nullable=False),
    sa.UniqueConstraint("key", "channel"),
)
sa.Index("sent_person", sent.c.person, sent.c.at)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("incident", sa.BigInteger, nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),  # the Execution
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("begun_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("exit_code", sa.Integer),
    sa.Column("summary", Words, nullable=False),
)

output = sa.Table(
    "output",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=True),
    sa.Column("run", sa.Text, nullable=False, index=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("size", sa.BigInteger),  # before it was compressed; NULL: it is not
)

overrides = sa.Table(  # of schedules; rows are never deleted
    "overrides",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=True),
    sa.Column("schedule", Words, nullable=False),
    sa.Column("person", Words, nullable=False),
    sa.Column("starts_at", Instant, nullable=False),
    sa.Column("ends_at", Instant, nullable=False, index=True),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("removed_by", sa.Text),
    sa.Column("removed_at", Instant),
    sa.Column("reason", Words),
)

post_mortems = sa.Table(  # every version that was saved; rows are never changed
    "post_mortems",
    metadata,
    sa.Column("incident", sa.BigInteger, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", Words, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

reviews = sa.Table(  # what was measured of an incident; rows are never changed
    "reviews",
    metadata,
    sa.Column("incident", sa.BigInteger, primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True),  # of the event that says so
    sa.Column("body", sa.LargeBinary, nullable=False),  # JSON, compressed
)

pictures = sa.Table(  # in notes; rows are never changed
    "pictures",
    metadata,
    sa.Column("incident", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

push_devices = sa.Table(
    "push_devices",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, nullable=False, index=True),
    sa.Column("p256dh", sa.Text, nullable=False),
    sa.Column("auth", sa.Text, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("added_at", Instant, nullable=False),
)

readings = sa.Table(
    "readings",
    metadata,
    sa.Column("incident", sa.BigInteger, primary_key=True),
    sa.Column("criterion", sa.Text, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

# Changes of the GO / CAUTION / NO-GO state; the latest row also has the latest reading.
readiness = sa.Table(
    "readiness",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

# What stands in the team's chat. An empty stamp: begun, and nobody saw its end.
chat_posts = sa.Table(
    "chat_posts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("incident", sa.BigInteger, index=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("stamp", sa.Text, nullable=False),
    sa.Column("shown", Words, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

chat_shown = sa.Table(  # up to which event the chat shows an incident
    "chat_shown",
    metadata,
    sa.Column("incident", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)

chat_requests = sa.Table(  # what came from the chat lately, so that a replay is known
    "chat_requests",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("at", Instant, nullable=False, index=True),
)

holds = sa.Table(  # works that only one process does
    "holds",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("until", Instant, nullable=False),
)

status_updates = sa.Table(  # as their events have them, for whoever only reads these
    "status_updates",
    metadata,
    sa.Column("incident", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("at", Instant, nullable=False, index=True),
    sa.Column("resolved", sa.Boolean, nullable=False),
    sa.Column("alerts", Words, nullable=False),  # names; never shown
    sa.Column("body", sa.Text, nullable=False),  # the StatusUpdate
)

subscribers = sa.Table(  # of the status page; a row is deleted when its address leaves
    "subscribers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("address", Words, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("asked", sa.Integer, nullable=False),  # times since it last confirmed
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("confirmed_at", Instant),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("reason", Words),
    sa.UniqueConstraint("kind", "address"),
)

proofs = sa.Table(  # test pages, a row for each method
    "proofs",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=True),
    sa.Column("test", sa.Text, nullable=False, index=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("person", Words, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("failure", Words, nullable=False),
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("source", Words, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("alert_since", Instant),
)

reflections = sa.Table(  # of incidents in other services
    "reflections",
    metadata,
    sa.Column("incident", sa.BigInteger, primary_key=True),
    sa.Column("mirror", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),  # of the incident, when compared last
    sa.Column("shown", sa.Text),
)


homes = sa.Table(  # where alerts and groups go by what people said: incidents merged, or split
    "homes",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),  # "alert" or "group"
    sa.Column("key", Words, primary_key=True),  # a fingerprint, or a group's key
    sa.Column("incident", sa.BigInteger, nullable=False, index=True),
)


def upgrade(connection: sa.Connection) -> None:
    """Add what a database made by an earlier version lacks: columns that may be empty, indexes."""
    for table, name, kind in (
        ("incidents", "over_at", "BIGINT"),
        ("incidents", "overdue", "BIGINT"),
        ("incidents", "tickets", "BIGINT"),
        *(("incidents", name, "TEXT") for name in ("title", "severity", "play", "status", "tags")),
        ("alerts", "ended_at", "BIGINT"),
        ("alerts", "unheard", "BOOLEAN"),
        ("jobs", "lane", "TEXT"),
        ("jobs", "channel", "TEXT"),
        ("jobs", "held", "TEXT"),
        ("output", "size", "BIGINT"),
        ("overrides", "reason", "TEXT"),
    ):
        present = {column["name"] for column in sa.inspect(connection).get_columns(table)}
        if name not in present:
            connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN {name} {kind}"))
    for index in (*incidents.indexes, *alerts.indexes, *jobs.indexes):
        index.create(connection, checkfirst=True)
