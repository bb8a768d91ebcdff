"""Post-mortems in the database, every version of them, what was measured for them, and what is
overdue: `engine.papers`."""

import zlib
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from playcall.core.events import Event, PageDelivered
from playcall.core.incident import Incident
from playcall.core.insights import Record
from playcall.core.plan import Plan
from playcall.core.post_mortem import PostMortem
from playcall.core.review import Review
from playcall.engine.ports import Unavailable
from playcall.storage import full_text
from playcall.storage.codec import dump, load, load_event
from playcall.storage.tables import events, incidents, post_mortems, reviews

_MEASURED = ("MetricRead", "Woken")


class SqlPapersView:
    """The reads."""

    _db: sa.Connection

    def plan(self, digest: str) -> Plan:
        raise NotImplementedError  # whoever reads has it

    def post_mortem(self, incident: int, version: int | None = None) -> PostMortem | None:
        wanted = sa.true() if version is None else post_mortems.c.version == version
        body = self._db.scalar(
            sa.select(post_mortems.c.body)
            .where(post_mortems.c.incident == incident, wanted)
            .order_by(post_mortems.c.version.desc())
            .limit(1)
        )
        return load(body, PostMortem) if body else None

    def review(self, incident: int, of: int | None = None) -> Review | None:
        query = sa.select(reviews.c.body).where(reviews.c.incident == incident)
        if of is not None:
            query = query.where(reviews.c.n <= of)
        body = self._db.scalar(query.order_by(reviews.c.n.desc()).limit(1))
        return load(zlib.decompress(body).decode(), Review) if body else None

    def records(self, since: datetime, limit: int) -> Sequence[Record]:
        begun = sa.exists().where(
            events.c.incident == incidents.c.id, events.c.n == 1, events.c.at >= since
        )
        return self._records(begun, limit)

    def pages_between(self, start: datetime, end: datetime) -> Sequence[tuple[str, datetime]]:
        rows = self._db.execute(
            sa.select(events.c.kind, events.c.body)
            .where(events.c.kind == "PageDelivered", events.c.at >= start, events.c.at < end)
            .order_by(events.c.at)
        )
        found = [load_event(row.kind, row.body) for row in rows]
        return [(one.person, one.at) for one in found if isinstance(one, PageDelivered)]

    def _records(self, which: sa.ColumnElement[bool], limit: int | None = None) -> Sequence[Record]:
        begun = self._db.execute(
            sa.select(incidents.c.id, incidents.c.state)
            .where(which)
            .order_by(incidents.c.id.desc())
            .limit(limit)
        ).all()
        said: dict[int, list[Event]] = {row.id: [] for row in begun}
        numbers: dict[int, list[int]] = {row.id: [] for row in begun}
        rows = self._db.execute(
            sa.select(events.c.incident, events.c.n, events.c.kind, events.c.body)
            .where(events.c.incident.in_(said), events.c.kind.not_in(_MEASURED))
            .order_by(events.c.incident, events.c.n)
        )
        for row in rows:
            said[row.incident].append(load_event(row.kind, row.body))
            numbers[row.incident].append(row.n)
        states = [load(row.state, Incident) for row in begun]
        return [
            Record(
                incident=one,
                plan=self.plan(one.plan),
                events=said[one.id],
                numbers=numbers[one.id],
            )
            for one in states
        ]

    def alike(self, incident: int, words: Sequence[str], limit: int) -> Sequence[Record]:
        found = [*full_text.find(self._db, words, limit), *self._of_same_group(incident, limit)]
        others = [one for one in dict.fromkeys(found) if one != incident]
        return self._records(
            sa.and_(incidents.c.id.in_(others[: 2 * limit]), sa.not_(incidents.c.live))
        )

    def _of_same_group(self, incident: int, limit: int) -> Sequence[int]:
        group = sa.select(incidents.c.group_key).where(incidents.c.id == incident)
        return self._db.scalars(
            sa.select(incidents.c.id)
            .where(incidents.c.group_key == group.scalar_subquery())
            .order_by(incidents.c.id.desc())
            .limit(limit)
        ).all()

    def owing(self, limit: int) -> Sequence[Incident]:
        query = (
            sa.select(incidents.c.state)
            .where(incidents.c.overdue > 0)
            .order_by(incidents.c.id)
            .limit(limit)
        )
        return [load(state, Incident) for state in self._db.scalars(query)]

    def ticketed(self, limit: int) -> Sequence[Incident]:
        query = (
            sa.select(incidents.c.state)
            .where(incidents.c.tickets > 0)
            .order_by(incidents.c.id.desc())
            .limit(limit)
        )
        return [load(state, Incident) for state in self._db.scalars(query)]


class SqlPapers(SqlPapersView):
    """The reads, and the writes."""

    def keep_review(self, incident: int, review: Review) -> None:
        body = zlib.compress(dump(review).encode(), 1)
        self._db.execute(sa.insert(reviews).values(incident=incident, n=review.n, body=body))

    def keep_words(self, incident: int, text: str) -> None:
        full_text.keep(self._db, incident, text)

    def keep_post_mortem(self, incident: int, paper: PostMortem) -> None:
        row = {
            "incident": incident,
            "version": paper.version,
            "at": paper.at,
            "by": paper.by,
            "body": dump(paper),
        }
        try:
            self._db.execute(sa.insert(post_mortems).values(row))
        except IntegrityError:
            raise Unavailable(f"version {paper.version} was saved by somebody else") from None
