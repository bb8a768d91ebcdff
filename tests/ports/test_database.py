"""The store as a whole: what a failure undoes, who shares a database, and what is said when not."""

import asyncio
import os
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from playcall.core.decide import decide
from playcall.core.effects import Moved
from playcall.engine.ports import Job, Reporting, Transaction, Unavailable
from playcall.storage import AlreadyInUse, Database, tables
from playcall.testing import NOON, a_plan, an_alert, an_opening, minutes


def receiving(fingerprint: str) -> Callable[[Transaction], int]:
    alert = an_alert(fingerprint=fingerprint)
    return lambda tx: tx.receive([alert], NOON).news


async def fingerprints(store: Database) -> set[str]:
    arrivals = await store.write(lambda tx: tx.arrivals(10_000))
    return {arrival.alert.fingerprint for arrival in arrivals}


class Busy:
    """Work that keeps the writer until it is let go, so that what comes meanwhile is one batch."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, tx: Transaction) -> None:
        self.begun.set()
        self.go.wait(30)


async def in_one_batch(
    store: Database, *works: Callable[[Transaction], object]
) -> list[object | BaseException]:
    busy = Busy()
    first = asyncio.create_task(store.write(busy))
    await asyncio.to_thread(busy.begun.wait, 30)
    tasks = [asyncio.create_task(store.write(work)) for work in works]
    await asyncio.sleep(0)  # each has handed its work over
    busy.go.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


def failing(tx: Transaction) -> None:
    tx.receive([an_alert(fingerprint="of the failing one")], NOON)
    raise ZeroDivisionError


def refused_by_the_database(tx: Transaction) -> None:
    tx.receive([an_alert(fingerprint="of the refused one")], NOON)
    moved = decide(None, an_opening(), a_plan())
    assert isinstance(moved, Moved)
    tx.record(moved.incident, an_opening(), ())
    tx.record(moved.incident, an_opening(), ())  # twice the same number


async def test_work_that_fails_undoes_only_itself(store: Database) -> None:
    answers = await in_one_batch(
        store, receiving("a"), failing, refused_by_the_database, receiving("b")
    )
    assert answers[0] == answers[3] == 1
    assert isinstance(answers[1], ZeroDivisionError)
    assert isinstance(answers[2], Unavailable)
    assert await fingerprints(store) == {"a", "b"}


async def test_work_whose_caller_has_left_is_not_done(store: Database) -> None:
    busy = Busy()
    first = asyncio.create_task(store.write(busy))
    await asyncio.to_thread(busy.begun.wait, 30)
    left = asyncio.create_task(store.write(receiving("left")))
    stays = asyncio.create_task(store.write(receiving("stays")))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait([left])
    busy.go.set()
    await first
    assert await stays == 1
    assert await fingerprints(store) == {"stays"}


async def test_a_thousand_writes_at_once_are_all_there(store: Database) -> None:
    names = {f"f{n}" for n in range(1000)}
    assert sum(await asyncio.gather(*(store.write(receiving(name)) for name in names))) == 1000
    assert await fingerprints(store) == names


async def test_ten_thousand_alerts_of_one_webhook_are_all_there(store: Database) -> None:
    alerts = [an_alert(fingerprint=f"f{n}") for n in range(10_000)]
    receipt = await store.write(lambda tx: tx.receive(alerts, NOON))
    assert receipt.news == 10_000
    receipt = await store.write(lambda tx: tx.receive(alerts, NOON))
    assert receipt.repeated == 10_000
    assert len(await fingerprints(store)) == 10_000


# --- When the database fails ---------------------------------------------------------------------


@contextmanager
def out_of_order(url: str) -> Iterator[None]:
    """A disk that takes no more, or a server that throws everybody out."""
    if url.startswith("sqlite"):
        with _full_disk(Path(url.removeprefix("sqlite:///") + "-wal")):
            yield
    else:
        with _closed_doors(url):
            yield


@contextmanager
def _full_disk(growing: Path) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (growing.stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def _closed_doors(url: str) -> Iterator[None]:
    name = sa.make_url(url).database
    uri = url.replace("+psycopg", "").replace(f"/{name}?", "/postgres?")
    with psycopg.connect(uri, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


async def test_while_nothing_can_be_stored_everybody_is_told_and_then_it_works_again(
    store: Database, database_url: str
) -> None:
    await store.write(receiving("before"))
    with out_of_order(database_url):
        for _ in range(2):
            answers = await in_one_batch_or_error(store)
            assert {type(answer) for answer in answers} == {Unavailable}, answers
    assert await store.write(receiving("after")) == 1
    assert await fingerprints(store) == {"before", "after"}


async def in_one_batch_or_error(store: Database) -> tuple[object, ...]:
    big = [an_alert(fingerprint=f"lost {n}") for n in range(2000)]  # more than a page has room for
    return await asyncio.gather(
        store.write(receiving("lost")),
        store.write(lambda tx: tx.receive(big, NOON)),
        store.write(receiving("lost as well")),
        return_exceptions=True,
    )


async def test_the_server_throwing_us_out_in_the_middle_is_unavailable(postgres: str) -> None:
    store = Database(postgres)
    busy = Busy()
    writing = asyncio.create_task(store.write(busy))
    await asyncio.to_thread(busy.begun.wait, 30)
    with _closed_doors(postgres):
        busy.go.set()
        with pytest.raises(Unavailable):
            await writing
        with pytest.raises(Unavailable):
            await store.read(lambda views: views.incidents())
    assert await store.write(receiving("after")) == 1
    await store.close()


async def test_a_closed_store_says_so(store: Database) -> None:
    await store.close()
    with pytest.raises(Unavailable, match="closed"):
        await asyncio.wait_for(store.write(receiving("late")), 10)


# --- Sharing -------------------------------------------------------------------------------------


async def test_two_processes_on_one_postgresql_never_claim_the_same_job(postgres: str) -> None:
    one, two = Database(postgres), Database(postgres)
    moved = decide(None, an_opening(), a_plan())
    assert isinstance(moved, Moved)
    jobs = [Job(key=f"{n:03}", incident=1, task=Reporting()) for n in range(500)]
    await one.write(lambda tx: tx.record(moved.incident, an_opening(), jobs))
    claims = await asyncio.gather(_claim_all(one, "one"), _claim_all(two, "two"))
    assert sorted(claims[0] + claims[1]) == [job.key for job in jobs]
    assert all(claims), "both had work"
    await asyncio.gather(one.close(), two.close())


async def _claim_all(store: Database, owner: str) -> list[str]:
    claimed: list[str] = []
    while True:
        jobs = await store.write(
            lambda tx: tx.claim(owner, [Reporting], NOON, timedelta(seconds=15), 7)
        )
        if not jobs:
            return claimed
        claimed += [job.key for job in jobs]


async def test_two_processes_take_in_each_alert_once(postgres: str) -> None:
    one, two = Database(postgres), Database(postgres)
    alerts = [an_alert(fingerprint=f"f{n:03}") for n in range(300)]
    await one.write(lambda tx: tx.receive(alerts, NOON))
    taken = await asyncio.gather(_take_all(one), _take_all(two))
    assert sorted(taken[0] + taken[1]) == [alert.fingerprint for alert in alerts]
    await asyncio.gather(one.close(), two.close())


async def _take_all(store: Database) -> list[str]:
    def take(tx: Transaction) -> list[str]:
        arrivals = tx.arrivals(7)
        tx.take_in(arrivals)
        return [arrival.alert.fingerprint for arrival in arrivals]

    taken: list[str] = []
    while some := await store.write(take):
        taken += some
    return taken


async def test_servers_that_wait_for_each_other_both_get_done(postgres: str) -> None:
    """Each holds what the other one wants, the first time; nothing is lost or done twice."""
    one, two = Database(postgres), Database(postgres)
    met = threading.Barrier(2)

    def crossing(first: str, second: str) -> Callable[[Transaction], None]:
        begun: list[str] = []

        def work(tx: Transaction) -> None:
            begun.append(first)
            tx.count(first)
            if len(begun) == 1:
                met.wait(10)
            tx.count(second)

        return work

    await one.write(lambda tx: tx.count("a"))
    await one.write(lambda tx: tx.count("b"))
    before = await one.read(lambda views: dict(views.counts()))
    beside = one.write(lambda tx: tx.count("beside"))
    await asyncio.gather(one.write(crossing("a", "b")), beside, two.write(crossing("b", "a")))
    after = await one.read(lambda views: dict(views.counts()))
    assert (after["a"] - before["a"], after["b"] - before["b"], after["beside"]) == (2, 2, 1)
    await asyncio.gather(one.close(), two.close())


async def test_two_processes_may_begin_at_the_same_moment(postgres: str) -> None:
    stores = await asyncio.gather(*(asyncio.to_thread(Database, postgres) for _ in range(4)))
    plan = a_plan()
    digests = await asyncio.gather(
        *(store.write(lambda tx: tx.keep_plan(plan)) for store in stores)
    )
    assert len(set(digests)) == 1
    numbers = await asyncio.gather(*(s.write(lambda tx: tx.next_incident()) for s in stores))
    assert sorted(numbers) == [1, 2, 3, 4]
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_sqlite_file_has_one_owner_and_the_second_is_told_who(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'playcall.db'}"
    store = Database(url)
    with pytest.raises(AlreadyInUse, match=rf"process {os.getpid()}\b"):
        Database(url)
    await store.write(receiving("kept"))
    await store.close()
    second = Database(url)
    assert await fingerprints(second) == {"kept"}
    await second.close()


async def test_a_dead_owners_leases_are_free_at_the_next_start(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'playcall.db'}"
    store = Database(url)
    moved = decide(None, an_opening(), a_plan())
    assert isinstance(moved, Moved)
    job = Job(key="k", incident=1, task=Reporting())
    await store.write(lambda tx: tx.record(moved.incident, an_opening(), [job]))
    lease = minutes(60)
    await store.write(lambda tx: tx.claim("dead", [Reporting], NOON, lease, 1))
    await store.close()
    again = Database(url)
    claimed = await again.write(lambda tx: tx.claim("alive", [Reporting], NOON, lease, 1))
    assert claimed == [replace(job, attempts=2)]
    await again.close()


# --- What cannot be opened -----------------------------------------------------------------------


async def test_a_newer_schema_is_left_alone(database_url: str) -> None:
    await Database(database_url).close()
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.update(tables.schema).values(version=99))
    engine.dispose()
    for _ in range(2):  # and the file is not held by the one that gave up
        with pytest.raises(Unavailable, match=r"schema 99.*knows 1.*newer"):
            Database(database_url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://nobody@127.0.0.1:1/x",
        "not a url",
        "mysql://x/y",
        "sqlite:////proc/playcall.db",
    ],
)
def test_a_database_that_cannot_be_opened_is_unavailable(url: str) -> None:
    with pytest.raises(Unavailable, match="Cannot open the database"):
        Database(url)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "playcall.db"
    path.write_text("A playbook, not a database.\n" * 100, "utf-8")
    with pytest.raises(Unavailable, match="Cannot open the database"):
        Database(f"sqlite:///{path}")
    assert path.read_text("utf-8").startswith("A playbook")
