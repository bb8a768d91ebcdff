"""The statements behind `engine.mirrors`."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from playcall.core.incident import Incident
from playcall.core.plan import Plan
from playcall.engine.reflections import Behind, Shown
from playcall.storage.codec import load
from playcall.storage.tables import incidents, reflections


def behind(
    db: sa.Connection, plan: Callable[[str], Plan], mirror: str, limit: int
) -> Sequence[Behind]:
    there = sa.and_(reflections.c.incident == incidents.c.id, reflections.c.mirror == mirror)
    shows = sa.and_(reflections.c.shown.is_not(None), reflections.c.shown != Shown.RESOLVED)
    rows = db.execute(
        sa.select(incidents.c.state, reflections.c.shown)
        .select_from(incidents.outerjoin(reflections, there))
        .where(sa.or_(incidents.c.live, shows))
        .where(sa.func.coalesce(reflections.c.version, 0) < incidents.c.version)
        .order_by(incidents.c.id)
        .limit(limit)
    )

    found = [(load(row.state, Incident), row.shown) for row in rows.all()]
    return [
        Behind(incident=one, plan=plan(one.plan), shown=Shown(shown) if shown else None)
        for one, shown in found
    ]


def reflect(
    db: sa.Connection, incident: int, mirror: str, version: int, shown: Shown | None
) -> None:
    insert = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    values = {"version": version, "shown": shown}
    statement = insert(reflections).values(incident=incident, mirror=mirror, **values)
    keys = ["incident", "mirror"]
    db.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))
