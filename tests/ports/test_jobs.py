"""Both databases: jobs are claimed once, runs begin once, the latest reading is kept."""

from dataclasses import replace

import pytest

from playcall.core import events as ev
from playcall.core.incident import RunStatus, Status
from playcall.core.judge import Judgement, Verdict
from playcall.engine.ports import (
    Delivery,
    Dossier,
    Exit,
    Reporting,
    Silencing,
    StoredRun,
    Unavailable,
    Views,
)
from playcall.engine.turns import Limits
from playcall.storage import Database
from playcall.testing import NOON, minutes
from tests.ports.stored import (
    LEASE,
    PLAN,
    a_job,
    an_execution,
    an_incident,
    claim,
    keys,
    opened,
    take_turns,
)

# --- The outbox ----------------------------------------------------------------------------------


async def test_a_claimed_job_is_nobody_elses_until_its_lease_runs_out(store: Database) -> None:
    await opened(store, a_job())
    assert keys(await claim(store, "one")) == ["1.1.0.ada"]
    assert await claim(store, "two", at=NOON + LEASE / 2) == []
    [taken] = await claim(store, "two", at=NOON + LEASE)
    assert taken.attempts == 2


async def test_only_the_owner_renews_a_lease(store: Database) -> None:
    await opened(store, a_job())
    await claim(store, "one")
    await store.write(lambda tx: tx.renew("two", ["1.1.0.ada"], NOON + minutes(9)))
    await store.write(lambda tx: tx.renew("one", ["1.1.0.ada"], NOON + LEASE * 2))
    assert await claim(store, "two", at=NOON + LEASE) == []
    assert len(await claim(store, "two", at=NOON + LEASE * 2)) == 1


async def test_jobs_are_claimed_by_kind_and_up_to_a_limit(store: Database) -> None:
    await opened(store, a_job("a"), a_job("b", Reporting()), a_job("c"), a_job("d", Reporting()))
    assert keys(await claim(store, kinds=(Reporting,), limit=1)) == ["b"]
    assert keys(await claim(store, kinds=(Delivery, Silencing))) == ["a", "c"]
    assert keys(await claim(store)) == ["d"]


async def test_a_postponed_job_is_due_again_at_its_time(store: Database) -> None:
    await opened(store, a_job())
    await claim(store)
    await store.write(lambda tx: tx.postpone("1.1.0.ada", NOON + minutes(1), "busy"))
    assert await claim(store, at=NOON + LEASE) == []
    assert len(await claim(store, at=NOON + minutes(1))) == 1


async def test_a_finished_job_never_comes_again(store: Database) -> None:
    await opened(store, a_job())
    await claim(store)
    await store.write(lambda tx: tx.finish("1.1.0.ada"))
    assert await claim(store, at=NOON + minutes(60)) == []


async def test_a_buried_job_is_in_plain_sight(store: Database) -> None:
    digest = await store.write(lambda tx: tx.keep_plan(PLAN))
    await opened(store, a_job(), plan=digest)
    await claim(store)
    await store.write(lambda tx: tx.bury("1.1.0.ada", "no such mailbox"))
    assert await claim(store, at=NOON + minutes(60)) == []
    [buried] = (await dossier(store)).buried
    assert (buried.kind, buried.reason) == ("Delivery", "no such mailbox")


async def dossier(store: Database, incident: int = 1) -> Dossier:
    found = await store.read(lambda views: views.dossier(incident))
    assert found is not None
    return found


async def test_a_job_key_is_unique_for_ever(store: Database) -> None:
    await opened(store, a_job())
    with pytest.raises(Unavailable):
        await opened(store, a_job(), number=2)
    assert await store.write(lambda tx: tx.incident(2)) is None


async def test_commands_take_turns_and_no_incident_makes_another_wait(store: Database) -> None:
    limits = Limits(in_all=4, per_incident=2, per_target=3)
    for number in (1, 2):
        tasks = [an_execution(f"{number}/1.{n}/1") for n in range(1, 6)]
        jobs = tuple(a_job(task.run, task, incident=number) for task in tasks)
        await opened(store, *jobs, number=number)
    query = an_execution("1/9.1/1", native=True)
    pressed = an_execution("1/2.1/1", approved_by="ada")
    await opened(store, a_job("asked", query, 3), a_job("pressed", pressed, 3), number=3)
    assert keys(await claim(store)) == ["pressed"]
    assert sorted(keys(await take_turns(store, limits))) == [
        "1/1.1/1",
        "1/1.2/1",
        "2/1.1/1",
        "asked",
    ]
    assert await take_turns(store, limits, "two") == []
    await store.write(lambda tx: tx.finish("1/1.1/1"))
    served = replace(limits, served={1: 2, 2: 1})  # the first incident had the last turn
    assert keys(await take_turns(store, served, "two")) == ["2/1.2/1"]
    assert len(await take_turns(store, limits, "two", NOON + LEASE)) == 4


# --- The ledger ----------------------------------------------------------------------------------


async def stored_run(store: Database) -> StoredRun:
    found = await store.write(lambda tx: tx.run("1/1.1/1"))
    assert found is not None
    return found


async def test_a_run_begins_once(store: Database) -> None:
    await opened(store, a_job(task=an_execution()))
    assert (await stored_run(store)).status is RunStatus.PENDING
    assert await store.write(lambda tx: tx.begin_run("1/1.1/1", "me", NOON))
    assert not await store.write(lambda tx: tx.begin_run("1/1.1/1", "me", NOON))
    assert not await store.write(lambda tx: tx.begin_run("no such run", "me", NOON))
    run = await stored_run(store)
    assert (run.status, run.begun_at, run.execution) == (RunStatus.RUNNING, NOON, an_execution())


async def test_output_is_kept_in_order_and_dropped_by_a_new_beginning(store: Database) -> None:
    await opened(store, a_job(task=an_execution()))
    await store.write(lambda tx: tx.begin_run("1/1.1/1", "me", NOON))
    for data in (b"one ", b"two ", b"\x00\xfe"):
        await store.write(lambda tx, data=data: tx.append_output("1/1.1/1", data))  # type: ignore[misc]
    assert (await stored_run(store)).output == b"one two \x00\xfe"
    end = Exit(status=RunStatus.FAILED, exit_code=3, summary="three")
    await store.write(lambda tx: tx.end_run("1/1.1/1", end, NOON + minutes(1)))
    run = await stored_run(store)
    assert (run.status, run.exit_code, run.summary) == (RunStatus.FAILED, 3, "three")
    assert run.ended_at == NOON + minutes(1)
    await store.write(lambda tx: tx.restart_run("1/1.1/1", "me", NOON + minutes(2)))
    run = await stored_run(store)
    assert (run.status, run.ended_at, run.output) == (RunStatus.RUNNING, None, b"")


# --- Readings ------------------------------------------------------------------------------------


async def test_an_incident_is_watched_once_in_each_round(store: Database) -> None:
    await opened(store, number=1)
    await opened(store, number=2)
    over = an_incident(2, version=2, status=Status.CLOSED)
    await store.write(lambda tx: tx.record(over, ev.Woken(at=NOON), ()))
    until = NOON + minutes(1)
    assert await store.write(lambda tx: tx.watch(NOON, until, 10)) == [1]
    assert await store.write(lambda tx: tx.watch(NOON, until, 10)) == []
    assert await store.write(lambda tx: tx.watch(until, until + LEASE, 10)) == [1]


async def test_the_latest_reading_is_kept_and_changes_the_stamp(store: Database) -> None:
    digest = await store.write(lambda tx: tx.keep_plan(PLAN))
    await opened(store, plan=digest)
    stamps = {await store.read(lambda views: views.stamp(1))}
    for n in range(3):
        at = NOON + minutes(n)
        reading = Judgement(verdict=Verdict.BROKEN, value=float(n), since=None)
        await store.write(
            lambda tx, at=at, reading=reading: tx.keep_reading(1, "c", at, reading)  # type: ignore[misc]
        )
        stamps.add(await store.read(lambda views: views.stamp(1)))
    assert len(stamps) == 4
    found = (await dossier(store)).readings
    assert found == {
        "c": (NOON + minutes(2), Judgement(verdict=Verdict.BROKEN, value=2.0, since=None))
    }


async def test_faces_see_the_newest_incidents_first(store: Database) -> None:
    await opened(store, number=1)
    await opened(store, number=2)
    over = an_incident(2, version=2, status=Status.CLOSED)
    await store.write(lambda tx: tx.record(over, ev.Woken(at=NOON), ()))

    def numbers(views: Views, live_only: bool = False) -> list[int]:
        return [one.id for one in views.incidents(live_only=live_only)]

    assert await store.read(numbers) == [2, 1]
    assert await store.read(lambda views: numbers(views, live_only=True)) == [1]
    assert await store.read(lambda views: views.dossier(3)) is None
    assert await store.read(lambda views: views.run("x")) is None
    assert await store.read(lambda views: views.stamp(3)) == (0, 0, 0)
