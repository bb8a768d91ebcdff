"""The statements behind `engine.homes`."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import sqlalchemy as sa

from playcall.engine.homes import Home, Kind
from playcall.storage.outbox import upserting
from playcall.storage.tables import homes

AT_ONCE = 500  # keys in one question


def find(db: sa.Connection, asked: Collection[Home]) -> Mapping[Home, int]:
    found: dict[Home, int] = {}
    for kind in Kind:
        for some in _chunks(sorted({one.key for one in asked if one.kind is kind})):
            rows = db.execute(
                sa.select(homes.c.key, homes.c.incident).where(
                    homes.c.kind == kind, homes.c.key.in_(some)
                )
            )
            found |= {Home(kind=kind, key=row.key): row.incident for row in rows}
    return found


def settle(db: sa.Connection, some: Collection[Home], incident: int) -> None:
    rows = [{"kind": one.kind, "key": one.key, "incident": incident} for one in some]
    if rows:
        statement = upserting(db.dialect.name, homes)
        db.execute(
            statement.on_conflict_do_update(
                index_elements=[homes.c.kind, homes.c.key],
                set_={"incident": statement.excluded.incident},
            ),
            rows,
        )


def hand_over(db: sa.Connection, incident: int, to: int) -> None:
    db.execute(sa.update(homes).where(homes.c.incident == incident).values(incident=to))


def forget(db: sa.Connection, some: Collection[Home]) -> None:
    for one in some:
        db.execute(sa.delete(homes).where(homes.c.kind == one.kind, homes.c.key == one.key))


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]
