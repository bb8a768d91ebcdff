"""One suite for both databases: incidents that were over a short while ago, pages that never came,
readiness, counters, and a database that an earlier version made."""

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from playcall.core import events as ev
from playcall.core.incident import Incident, Status
from playcall.core.readiness import Readiness, State
from playcall.storage import Database
from playcall.testing import NOON, minutes
from tests.ports.stored import PLAN, a_job, an_execution, an_incident, opened


async def over(store: Database, number: int, minute: float, **changes: object) -> Incident:
    state = await opened(store, number=number, **changes)
    resolved_at = NOON + minutes(minute)
    state = replace(state, version=2, status=Status.CLOSED, resolved_at=resolved_at)
    event = ev.Resolved(at=resolved_at, by="ada", cause="")
    await store.write(lambda tx: tx.record(state, event, ()))
    return state


async def test_the_latest_incident_of_a_group_that_is_over(store: Database) -> None:
    assert await store.write(lambda tx: tx.lately_over("g")) is None
    await over(store, 1, 9, group="g")
    latest = await over(store, 2, 5, group="g")
    await over(store, 3, 9, group="other")
    assert await store.write(lambda tx: tx.lately_over("g")) == latest
    await opened(store, number=4, group="g")
    assert await store.write(lambda tx: tx.lately_over("g")) == latest


async def test_those_that_were_over_since_a_moment_latest_first(store: Database) -> None:
    states = [await over(store, number, minute) for number, minute in ((1, 3), (2, 9), (3, 6))]
    await opened(store, number=4)

    async def found(minute: float, limit: int = 10) -> list[int]:
        since = NOON + minutes(minute)
        lately = await store.read(lambda views: views.lately_over(since, limit))
        return [incident.id for incident in lately]

    assert await found(0) == [2, 3, 1]
    assert await found(6) == [2, 3]
    assert await found(0, limit=1) == [2]
    again = replace(states[1], version=3, status=Status.OPEN, resolved_at=None)
    await store.write(lambda tx: tx.record(again, ev.Woken(at=NOON), ()))
    assert await found(0) == [3, 1]


async def test_unpaged_are_live_incidents_with_no_page_delivered_or_under_way(
    store: Database,
) -> None:
    await opened(store, a_job("1.1", incident=1), number=1)
    await opened(store, a_job("2.1", an_execution("2/1.1/1"), incident=2), number=2)
    await opened(store, number=3)
    delivered = ev.PageDelivered(at=NOON, role="CTO", person="ada", channel="mail")
    paged = an_incident(3, version=2)
    await store.write(lambda tx: tx.record(paged, delivered, ()))
    await over(store, 4, 1)

    async def unpaged() -> list[int]:
        found = await store.read(lambda views: views.unpaged(10))
        return [incident.id for incident in found]

    assert await unpaged() == [2]
    await store.write(lambda tx: tx.bury("1.1", "no such mailbox"))
    assert await unpaged() == [1, 2]


async def test_a_plan_is_read_by_its_digest(store: Database) -> None:
    digest = await store.write(lambda tx: tx.keep_plan(PLAN))
    assert await store.read(lambda views: views.plan(digest)) == PLAN


async def test_changes_of_readiness_are_kept_and_the_latest_is_refreshed(store: Database) -> None:
    assert await store.write(lambda tx: tx.readiness()) is None
    go = Readiness(state=State.GO, since=NOON, value=1.0, read_at=NOON)
    later = replace(go, read_at=NOON + minutes(1))
    stop = Readiness(
        state=State.NO_GO,
        since=NOON + minutes(2),
        value=0.2,
        read_at=NOON + minutes(2),
        alert_since=NOON + minutes(2),
    )
    await store.write(lambda tx: tx.keep_readiness(go, change=True))
    await store.write(lambda tx: tx.keep_readiness(later, change=False))
    await store.write(lambda tx: tx.keep_readiness(stop, change=True))
    assert await store.write(lambda tx: tx.readiness()) == stop
    assert await store.read(lambda views: views.readiness()) == [stop, later]
    assert await store.read(lambda views: views.readiness(limit=1)) == [stop]


async def test_counters_add_up_and_are_undone_with_their_work(store: Database) -> None:
    await store.write(lambda tx: tx.count("pages"))
    await store.write(lambda tx: tx.count("pages", 41))

    counts = await store.read(lambda views: views.counts())
    assert counts["pages"] == 42


async def test_a_database_of_an_earlier_version_is_completed(database_url: str) -> None:
    first = Database(database_url)
    await over(first, 1, 1, group="g")
    await first.close()
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX incidents_over"))
        connection.execute(sa.text("DROP INDEX incidents_group"))
        connection.execute(sa.text("ALTER TABLE incidents DROP COLUMN over_at"))
        connection.execute(sa.text("DROP INDEX alerts_unheard"))
        for column in ("ended_at", "unheard"):
            connection.execute(sa.text(f"ALTER TABLE alerts DROP COLUMN {column}"))
    engine.dispose()
    second = Database(database_url)
    try:
        assert await second.write(lambda tx: tx.lately_over("g")) is not None
        since = NOON - timedelta(days=1)
        assert await second.read(lambda views: views.lately_over(since, 10)) == []
        assert await second.read(lambda views: views.unheard(since, 10)) == []
        await over(second, 2, 1)
        assert len(await second.read(lambda views: views.lately_over(since, 10))) == 1
    finally:
        await second.close()
