"""The statements behind `engine.devices`."""

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from playcall.engine.devices import Device
from playcall.storage.tables import push_devices


def of(db: sa.Connection, person: str) -> Sequence[Device]:
    rows = db.execute(
        sa.select(push_devices)
        .where(push_devices.c.person == person)
        .order_by(push_devices.c.added_at, push_devices.c.endpoint)
    )
    return [Device(**row._mapping) for row in rows]


def add(db: sa.Connection, device: Device) -> None:
    insert = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    row = asdict(device)
    db.execute(
        insert(push_devices)
        .values(row)
        .on_conflict_do_update(index_elements=[push_devices.c.endpoint], set_=row)
    )


def remove(db: sa.Connection, endpoint: str, person: str) -> bool:
    gone = db.execute(
        sa.delete(push_devices).where(
            push_devices.c.endpoint == endpoint, push_devices.c.person == person
        )
    )
    return gone.rowcount == 1
