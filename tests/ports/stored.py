"""What the storage suites put into a store, and how they look at it."""

from dataclasses import replace
from datetime import datetime, timedelta

from playcall.core.alert import Alert
from playcall.core.decide import decide
from playcall.core.effects import Moved
from playcall.core.incident import Incident
from playcall.core.message import Message
from playcall.engine.inbox import Receipt
from playcall.engine.ports import (
    Delivery,
    Execution,
    Job,
    Method,
    Person,
    Task,
)
from playcall.engine.turns import Limits
from playcall.storage import Database
from playcall.storage.codec import TASKS
from playcall.testing import NOON, a_plan, an_opening

PLAN = a_plan()
LEASE = timedelta(seconds=15)
LIMITS = Limits()
ALL_TASKS = tuple(TASKS.values())
NUL = "a\x00b"


async def receive(store: Database, *alerts: Alert, at: datetime = NOON) -> Receipt:
    return await store.write(lambda tx: tx.receive(alerts, at))


async def pending(store: Database, limit: int = 1000) -> list[Alert]:
    found = await store.write(lambda tx: tx.arrivals(limit))
    return [arrival.alert for arrival in found]


async def take_all_in(store: Database) -> None:
    await store.write(lambda tx: tx.take_in(tx.arrivals(1000)))


def an_incident(number: int = 1, **changes: object) -> Incident:
    moved = decide(None, an_opening(incident=number, plan="plan"), PLAN)
    assert isinstance(moved, Moved)
    known = {"group": f"group {number}", **changes}
    return replace(moved.incident, **known)  # type: ignore[arg-type]


def an_execution(run: str = "1/1.1/1", **changes: object) -> Execution:
    task = Execution(
        command="1.1",
        run=run,
        title="Look",
        written="uptime",
        text="uptime",
        native=False,
        effect="observe",
        repeatable=True,
        line=3,
        approved_by=None,
    )
    return replace(task, **changes)  # type: ignore[arg-type]


def a_delivery(text: str = "slow") -> Delivery:
    return Delivery(
        role="On-Call Primary",
        person=Person(id="ada", name="Ada", methods=(Method(channel="mail", address="a@b.c"),)),
        message=Message(subject=text, body=text, link="http://x/1", thread="1", urgent=True),
        page=True,
    )


def a_job(key: str = "1.1.0.ada", task: Task | None = None, incident: int = 1) -> Job:
    return Job(key=key, incident=incident, task=task or a_delivery())


async def opened(store: Database, *jobs: Job, number: int = 1, **changes: object) -> Incident:
    state = an_incident(number, **changes)
    event = an_opening(incident=number)
    await store.write(lambda tx: tx.record(state, event, jobs))
    return state


async def claim(
    store: Database,
    owner: str = "me",
    *,
    at: datetime = NOON,
    kinds: tuple[type[Task], ...] = ALL_TASKS,
    limit: int = 10,
) -> list[Job]:
    return list(await store.write(lambda tx: tx.claim(owner, kinds, at, LEASE, limit)))


async def take_turns(
    store: Database, limits: Limits = LIMITS, owner: str = "one", at: datetime = NOON
) -> list[Job]:
    return list(await store.write(lambda tx: tx.claim_turns(owner, at, LEASE, limits)))


def keys(jobs: list[Job]) -> list[str]:
    return [job.key for job in jobs]
