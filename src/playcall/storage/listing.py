"""Incidents by what they are and by words: `engine.listing`. What is sought stands in columns of
its own beside the state, with an index that answers without reading a state."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from playcall.core.incident import Incident
from playcall.engine.listing import Choices, Sought
from playcall.storage import full_text
from playcall.storage.codec import load
from playcall.storage.tables import incidents, is_live, readiness

MOST_CHOICES = 200
MOST_TEXTS = 500  # incidents that are found by their text
MOST_ALERTS, LONGEST_TAGS = 50, 4000
LONGEST_NAME = 200  # of what an index holds


def columns_of(incident: Incident) -> dict[str, object]:
    """What is kept beside the state; `tags` are the values of its alerts' labels."""
    values = {
        value
        for member in list(incident.alerts.values())[:MOST_ALERTS]
        for value in member.alert.labels.values()
    }
    return {
        "title": incident.title,
        "severity": incident.severity[:LONGEST_NAME],
        "play": (incident.play or "")[:LONGEST_NAME],
        "status": str(incident.status),
        "tags": " ".join(sorted(values))[:LONGEST_TAGS],
    }


def fill(db: sa.Connection) -> None:
    """The columns of incidents that an earlier version wrote."""
    old = db.execute(
        sa.select(incidents.c.id, incidents.c.state).where(incidents.c.title.is_(None))
    ).all()
    for row in old:
        values = columns_of(load(row.state, Incident))
        db.execute(sa.update(incidents).where(incidents.c.id == row.id).values(**values))


class SqlListingView:
    """The reads."""

    _db: sa.Connection

    def listed(self, sought: Sought, limit: int, skip: int = 0) -> Sequence[Incident]:
        query = (
            sa.select(incidents.c.id)
            .where(*self._asked(sought))
            .order_by(incidents.c.id.desc())
            .limit(limit)
            .offset(skip)
        )
        return self._states(self._db.scalars(query).all())

    def choices(self) -> Choices:
        return Choices(
            severities=self._distinct(incidents.c.severity), plays=self._distinct(incidents.c.play)
        )

    def found(self, words: Sequence[str], limit: int) -> Sequence[Incident]:
        if not words:
            return ()
        query = (
            sa.select(incidents.c.id)
            .where(self._has(words))
            .order_by(incidents.c.live.desc(), incidents.c.id.desc())
            .limit(limit)
        )
        return self._states(self._db.scalars(query).all())

    def board_stamp(self) -> tuple[int, ...]:
        live = self._db.execute(
            sa.select(sa.func.count(), sa.func.sum(incidents.c.version)).where(is_live)
        ).one()
        latest = self._db.scalar(sa.select(sa.func.max(incidents.c.id)))
        state = self._db.scalar(sa.select(sa.func.max(readiness.c.id)))
        return int(live[0]), int(live[1] or 0), latest or 0, state or 0

    def _states(self, ids: Sequence[int]) -> Sequence[Incident]:
        rows = self._db.execute(
            sa.select(incidents.c.id, incidents.c.state).where(incidents.c.id.in_(ids))
        )
        states = {row.id: row.state for row in rows}
        return [load(states[one], Incident) for one in ids]

    def _asked(self, sought: Sought) -> Iterator[sa.ColumnElement[bool]]:
        if sought.life:
            live = incidents.c.live
            yield live if sought.life == "open" else sa.not_(live)
        if sought.status:
            yield incidents.c.status == sought.status
        if sought.severity:
            yield incidents.c.severity == sought.severity
        if sought.play:
            yield incidents.c.play == sought.play
        if sought.words:
            yield self._has(sought.words)

    def _has(self, words: Sequence[str]) -> sa.ColumnElement[bool]:
        there = [
            sa.or_(
                incidents.c.title.icontains(word, autoescape=True),
                incidents.c.tags.icontains(word, autoescape=True),
            )
            for word in words
        ]
        told = full_text.find_all(self._db, words, MOST_TEXTS)
        number = [int(words[0])] if len(words) == 1 and _is_number(words[0]) else []
        return sa.or_(sa.and_(*there), incidents.c.id.in_([*number, *told]))

    def _distinct(self, column: sa.Column[Any]) -> tuple[str, ...]:
        query = sa.select(column).where(column != "").distinct().order_by(column)
        return tuple(self._db.scalars(query.limit(MOST_CHOICES)))


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 18
