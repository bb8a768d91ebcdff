"""Both databases: post-mortems are kept version by version; overdue duties are found."""

from dataclasses import replace

import pytest

from playcall.core.incident import Status
from playcall.core.owed import Owed
from playcall.core.post_mortem import PostMortem
from playcall.engine.ports import Transaction, Unavailable
from playcall.storage import Database
from playcall.testing import NOON, an_opening, minutes
from tests.ports.stored import NUL, PLAN, an_incident, opened

PAPER = PostMortem(version=1, text="# a\n", base="# b\n", of=3, by="ada", at=NOON)


async def keep(store: Database, paper: PostMortem, incident: int = 1) -> None:
    await store.write(lambda tx: tx.keep_post_mortem(incident, paper))


async def test_the_latest_version_is_read_and_none_is_replaced(store: Database) -> None:
    assert await store.read(lambda views: views.post_mortem(1)) is None
    await keep(store, PAPER)
    second = replace(PAPER, version=2, text=f"# {NUL} 'quoted' \u2028\n")
    await keep(store, second)
    assert await store.read(lambda views: views.post_mortem(1)) == second
    assert await store.write(lambda tx: tx.post_mortem(1)) == second
    assert await store.read(lambda views: views.post_mortem(2)) is None
    with pytest.raises(Unavailable):
        await keep(store, replace(PAPER, text="another"))
    assert await store.read(lambda views: views.post_mortem(1)) == second


async def test_incidents_with_something_overdue_are_found(store: Database) -> None:
    await opened(store)
    owing = await opened(store, number=2, owed=Owed(overdue=("1", "2")))
    assert await store.read(lambda views: views.owing(10)) == [owing]


async def over(store: Database, number: int, text: str, digest: str) -> None:
    ended = replace(an_incident(number), status=Status.CLOSED, plan=digest)

    def work(tx: Transaction) -> None:
        tx.record(ended, an_opening(incident=number), ())
        tx.keep_words(number, text)

    await store.write(work)


async def test_past_incidents_are_found_by_any_of_their_words(store: Database) -> None:
    digest = await store.write(lambda tx: tx.keep_plan(PLAN))
    for number, text in ((1, "The disk is FULL"), (2, f"a queue, naïve {NUL}"), (3, "x" * 300_000)):
        await over(store, number, text, digest)
    live = replace(an_incident(4), plan=digest)
    await store.write(lambda tx: tx.record(live, an_opening(incident=4), ()))
    await store.write(lambda tx: tx.keep_words(4, "disk"))

    async def find(*words: str, incident: int = 99) -> list[int]:
        found = await store.read(lambda views: views.alike(incident, words, 10))
        return sorted(record.incident.id for record in found)

    assert await find("disk", "nothing") == [1]
    assert await find("disk", "queue") == [1, 2]
    assert await find("disk", incident=1) == []
    assert await find() == []
    for hostile in ('"', "NEAR(", "a AND", "'; DROP TABLE events; --", "*", "words:disk", "-disk"):
        assert await find(hostile) in ([], [1])
    await store.write(lambda tx: tx.keep_words(1, "another text"))
    assert await find("disk") == []


async def test_records_have_the_events_of_incidents_since_then(store: Database) -> None:
    digest = await store.write(lambda tx: tx.keep_plan(PLAN))
    await opened(store, plan=digest)
    (record,) = await store.read(lambda views: views.records(NOON, 10))
    assert [type(event).__name__ for event in record.events] == ["Opened"]
    assert record.plan == PLAN
    assert await store.read(lambda views: views.records(NOON + minutes(1), 10)) == []
