"""Both databases: overrides of schedules are kept for ever, and do something while in force."""

import json
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from playcall.core.rota import Override, StoredOverride, in_force
from playcall.storage import Database
from playcall.storage.codec import dump, load_task
from playcall.testing import NOON, minutes
from tests.ports.stored import a_delivery

ASKED = Override(schedule="first", person="bob", starts_at=NOON, ends_at=NOON + minutes(60))


async def add(store: Database, override: Override = ASKED) -> StoredOverride:
    return await store.write(lambda tx: tx.add_override(override, "ada", NOON - minutes(5)))


async def remove(store: Database, number: int, at: datetime) -> StoredOverride | None:
    return await store.write(lambda tx: tx.remove_override(number, "cleo", at))


async def at(store: Database, moment: datetime) -> list[str]:
    found = await store.write(lambda tx: tx.overrides(moment))
    return [override.person for override in found]


async def test_an_override_is_in_force_from_its_beginning_until_before_its_end(
    store: Database,
) -> None:
    stored = await add(store)
    assert stored == StoredOverride(id=1, asked=ASKED, made_by="ada", made_at=NOON - minutes(5))
    assert await at(store, NOON - minutes(1)) == []
    assert await at(store, NOON) == ["bob"]
    assert await at(store, NOON + minutes(59)) == ["bob"]
    assert await at(store, NOON + minutes(60)) == []


async def test_the_last_one_made_comes_last(store: Database) -> None:
    await add(store)
    await add(store, replace(ASKED, person="cleo"))
    await add(store, replace(ASKED, person="dan"))
    assert await at(store, NOON) == ["bob", "cleo", "dan"]


async def test_its_reason_is_kept_as_it_was_written(store: Database) -> None:
    await store.write(lambda tx: tx.add_override(ASKED, "ada", NOON, "a wedding"))
    await add(store)
    seen = await store.read(lambda views: views.overrides(NOON, NOON + minutes(60)))
    assert [one.reason for one in seen] == ["a wedding", ""]


async def test_a_removed_one_does_nothing_from_then_on_and_is_still_told(store: Database) -> None:
    await add(store)
    removed = await remove(store, 1, NOON + minutes(10))
    assert removed is not None
    assert (removed.removed_by, removed.removed_at) == ("cleo", NOON + minutes(10))
    assert await at(store, NOON + minutes(9)) == ["bob"], "what was stays true"
    assert await at(store, NOON + minutes(10)) == []
    seen = await store.read(lambda views: views.overrides(NOON, NOON + minutes(60)))
    assert seen == [removed]
    assert in_force(seen) == (replace(ASKED, ends_at=NOON + minutes(10)),)


async def test_one_removed_before_it_begins_never_does_anything(store: Database) -> None:
    await add(store)
    removed = await remove(store, 1, NOON - minutes(1))
    assert removed is not None
    assert removed.in_force() is None
    assert await at(store, NOON) == []


async def test_an_override_is_removed_once(store: Database) -> None:
    await add(store)
    assert await remove(store, 1, NOON) is not None
    assert await remove(store, 1, NOON + minutes(1)) is None
    assert await remove(store, 7, NOON) is None
    await add(store)
    assert await remove(store, 2, NOON + minutes(60)) is None, "it is over"
    seen = await store.read(lambda views: views.overrides(NOON, NOON + minutes(60)))
    assert [one.removed_at for one in seen] == [NOON, None]


async def test_faces_see_those_of_a_span(store: Database) -> None:
    await add(store)
    later = replace(ASKED, starts_at=NOON + minutes(60), ends_at=NOON + minutes(90))
    await add(store, later)

    async def seen(begin: int, end: int) -> list[int]:
        start, stop = NOON + minutes(begin), NOON + minutes(end)
        found = await store.read(lambda views: views.overrides(start, stop))
        return [one.id for one in found]

    assert await seen(0, 60) == [1]
    assert await seen(59, 61) == [1, 2]
    assert await seen(60, 61) == [2]
    assert await seen(-9, 0) == []


async def test_a_database_from_before_gets_the_table(database_url: str) -> None:
    old = Database(database_url)
    await old.close()
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE overrides"))
    engine.dispose()
    new = Database(database_url)
    try:
        assert await add(new)
    finally:
        await new.close()


def test_a_message_from_before_people_had_rules_is_read() -> None:
    task = a_delivery()
    fields = json.loads(dump(task))
    del fields["later"], fields["person"]["rules"], fields["person"]["zone"]
    assert load_task("Delivery", json.dumps(fields)) == task
