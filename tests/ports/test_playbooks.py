"""Both databases: documents are kept once, each change of what is served has its time, and of
incidents and runs only that is read which a playbook's pages need."""

import hashlib
from dataclasses import replace
from datetime import datetime

from playcall.core.incident import RunStatus
from playcall.core.plan import Plan
from playcall.core.track_record import Ran
from playcall.engine.playbooks import Use
from playcall.engine.ports import Exit
from playcall.storage import Database
from playcall.testing import NOON, minutes
from tests.ports.stored import PLAN, a_job, an_execution, opened

DATA = b"# A \xff\x00 document\n" * 100
DIGEST = hashlib.sha256(DATA).hexdigest()
LATER = replace(PLAN, title="Later")


async def keep(store: Database, plan: Plan, at: datetime) -> str:
    return await store.write(lambda tx: tx.keep_document(DATA, plan, at))


async def test_a_plan_that_is_served_again_and_again_began_once(store: Database) -> None:
    first = await keep(store, PLAN, NOON)
    await keep(store, PLAN, NOON + minutes(1))
    second = await keep(store, LATER, NOON + minutes(2))
    await keep(store, PLAN, NOON + minutes(3))
    assert await store.read(lambda views: views.uses()) == [
        Use(name=PLAN.source, plan=first, at=NOON),
        Use(name=PLAN.source, plan=second, at=NOON + minutes(2)),
        Use(name=PLAN.source, plan=first, at=NOON + minutes(3)),
    ]
    assert await store.read(lambda views: views.plans()) == sorted([first, second])
    assert await store.read(lambda views: views.document(DIGEST)) == DATA
    assert await store.read(lambda views: views.document("none")) is None


async def test_incidents_and_runs_that_ended_are_known_in_brief(store: Database) -> None:
    jobs = [a_job(f"1/1.{n}/1", an_execution(f"1/1.{n}/1", written=f"look {n}")) for n in (1, 2, 3)]
    state = await opened(store, *jobs)
    await opened(store, number=2, title="Another")
    for n, status in ((1, RunStatus.SUCCEEDED), (2, RunStatus.FAILED)):
        end = Exit(status=status, exit_code=n - 1, summary="")
        await store.write(
            lambda tx, n=n, end=end: tx.end_run(f"1/1.{n}/1", end, NOON + minutes(n))  # type: ignore[misc]
        )
    newest, brief = await store.read(lambda views: views.briefs(10))
    assert (newest.id, newest.title) == (2, "Another")
    assert (brief.play, brief.plan, brief.status) == (state.play, state.plan, state.status)
    assert brief.alert == "LatencyHigh"
    assert len(await store.read(lambda views: views.briefs(1))) == 1
    failed = Ran(
        written="look 2",
        run="1/1.2/1",
        incident=1,
        status=RunStatus.FAILED,
        exit_code=1,
        at=NOON + minutes(2),
    )
    ran = await store.read(lambda views: views.ran(10, 10))
    assert ran[0] == failed
    assert [one.run for one in ran] == ["1/1.2/1", "1/1.1/1"]
    assert await store.read(lambda views: views.ran(1, 10)) == []
