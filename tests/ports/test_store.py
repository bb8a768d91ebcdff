"""One suite for both databases: what is kept, and what is claimed once."""

import functools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from playcall.core import incident as i
from playcall.core.alert import Alert, group_key
from playcall.core.decide import decide
from playcall.core.incident import Incident, Moved, Run, RunStatus, Status
from playcall.core.judge import Judgement, Verdict
from playcall.core.message import Message
from playcall.engine.commit import Committer
from playcall.engine.directory import Directory
from playcall.engine.ports import (
    Delivery,
    Dossier,
    Execution,
    Exit,
    Job,
    Method,
    Person,
    Receipt,
    Reporting,
    Silencing,
    StoredRun,
    Task,
    Transaction,
    Unavailable,
    Views,
)
from playcall.storage import Database
from playcall.storage.codec import TASKS
from playcall.testing import NOON, a_plan, an_alert, an_opening, minutes

PLAN = a_plan()
LEASE = timedelta(seconds=15)
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


def keys(jobs: list[Job]) -> list[str]:
    return [job.key for job in jobs]


# --- Alerts --------------------------------------------------------------------------------------


async def test_an_alert_received_twice_is_news_once(store: Database) -> None:
    assert await receive(store, an_alert()) == Receipt(news=1, repeated=0)
    assert await receive(store, an_alert()) == Receipt(news=0, repeated=1)
    assert await pending(store) == [an_alert()]


async def test_a_clearing_and_another_start_are_news(store: Database) -> None:
    later = an_alert(starts_at=NOON + minutes(9))
    await receive(store, an_alert())
    await take_all_in(store)
    assert (await receive(store, an_alert(firing=False))).news == 1
    assert (await receive(store, later)).news == 1
    assert await pending(store) == [an_alert(firing=False), later]


async def test_a_replayed_firing_never_undoes_a_clearing(store: Database) -> None:
    await receive(store, an_alert())
    await receive(store, an_alert(firing=False))
    await take_all_in(store)
    assert await receive(store, an_alert()) == Receipt(news=0, repeated=1)
    assert await receive(store, an_alert(firing=False)) == Receipt(news=0, repeated=1)
    assert await pending(store) == []


async def test_duplicates_in_one_batch_are_one_and_the_clearing_wins(store: Database) -> None:
    batch = (an_alert(firing=False), an_alert(), an_alert(), an_alert(fingerprint="f2"))
    assert await receive(store, *batch) == Receipt(news=2, repeated=2)
    assert await pending(store) == [an_alert(firing=False), an_alert(fingerprint="f2")]


async def test_no_alerts_at_all_are_nothing(store: Database) -> None:
    assert await receive(store) == Receipt(news=0, repeated=0)


async def test_arrivals_come_in_order_and_are_gone_once_taken_in(store: Database) -> None:
    alerts = [an_alert(fingerprint=f"f{n}") for n in (3, 1, 2)]
    for n, alert in enumerate(alerts):
        await receive(store, alert, at=NOON + minutes(n))
    assert await pending(store) == alerts
    assert await pending(store, limit=2) == alerts[:2]
    await store.write(lambda tx: tx.take_in(tx.arrivals(2)))
    assert await pending(store) == alerts[2:]


async def test_what_is_taken_in_by_work_that_fails_comes_again(store: Database) -> None:
    await receive(store, an_alert())

    def fail(tx: Transaction) -> None:
        tx.take_in(tx.arrivals(10))
        raise LookupError("no")

    with pytest.raises(LookupError):
        await store.write(fail)
    assert await pending(store) == [an_alert()]


@pytest.mark.parametrize(
    "text",
    [NUL, "'; DROP TABLE alerts; --", "\u202egnirts", "🚨" * 500, "\\u0000", "%s :x {y}", "\ud7ff"],
)
async def test_hostile_text_comes_back_as_it_went_in(store: Database, text: str) -> None:
    alert = replace(an_alert(service=text), annotations={text: text}, generator_url=text)
    await receive(store, alert)
    assert await pending(store) == [alert]
    group = group_key(alert, ["service"])
    state = an_incident(group=group, alerts={}, title=text)
    opening = replace(an_opening(alerts=[alert]), group=group, title=text)
    await store.write(lambda tx: tx.record(state, opening, [a_job(task=a_delivery(text))]))
    assert await store.write(lambda tx: tx.live_in_group(group)) is not None
    [stored] = await store.write(lambda tx: tx.events(1))
    assert stored.event == opening
    [job] = await claim(store)
    assert job.task == a_delivery(text)


async def test_nul_characters_are_shown_where_a_column_is_plain_text(store: Database) -> None:
    alert = an_alert(fingerprint=NUL)
    assert (await receive(store, alert)).news == 1
    assert (await receive(store, alert)).repeated == 1
    assert await pending(store) == [alert]
    job = a_job(task=an_execution())
    await opened(store, job, group=NUL)
    assert await store.write(lambda tx: tx.live_in_group(NUL)) is not None
    await store.write(
        lambda tx: tx.end_run(
            "1/1.1/1", Exit(status=RunStatus.FAILED, exit_code=1, summary=NUL), NOON
        )
    )
    await store.write(lambda tx: tx.append_output("1/1.1/1", b"\x00\xff"))
    run = await store.write(lambda tx: tx.run("1/1.1/1"))
    assert run is not None
    assert (run.summary, run.output) == ("a␀b", b"\x00\xff")
    await store.write(lambda tx: tx.postpone(job.key, NOON, NUL))
    await store.write(lambda tx: tx.bury(job.key, NUL))


# --- Incidents -----------------------------------------------------------------------------------

EVENTS: tuple[i.Event, ...] = (
    an_opening(),
    i.AlertsJoined(at=NOON, alerts=(an_alert(), an_alert(fingerprint="f2"))),
    i.AlertsCleared(at=NOON, alerts=(an_alert(firing=False),)),
    i.AnotherOpened(at=NOON, incident=2, title="another"),
    i.Acknowledged(at=NOON + timedelta(microseconds=1), by="ada"),
    i.NoteAdded(at=NOON, by="ada", text='"quoted"\n<b>'),
    i.RunApproved(at=NOON, by="ada", command="2.1", again=True),
    i.RunDeclined(at=NOON, by="ada", command="2.1", reason="no"),
    i.CommandBegun(at=NOON, command="2.1", run="1/2.1/1"),
    i.CommandFinished(
        at=NOON,
        command="2.1",
        run="1/2.1/1",
        status=RunStatus.TIMED_OUT,
        exit_code=None,
        summary="late",
    ),
    i.CommandInterrupted(at=NOON, command="2.1", run="1/2.1/1"),
    i.MetricRead(
        at=NOON,
        criterion="recovery",
        judgement=Judgement(verdict=Verdict.HOLDING, value=0.25, since=NOON),
    ),
    i.PageDelivered(at=NOON, role="CTO", person="ada", channel="mail"),
    i.PageFailed(at=NOON, role="CTO", person=None, reason="nobody"),
    i.Woken(at=NOON),
    i.Resolved(at=NOON, by="ada", cause="a queue", unverified=True),
    i.Silenced(at=NOON, silence="s-1", until=NOON + minutes(60)),
    i.SilenceFailed(at=NOON, reason="down"),
    i.ReportWritten(at=NOON, path="reports/incident-1.md"),
)
TASK_VALUES: tuple[Task, ...] = (
    a_delivery(),
    an_execution(approved_by="ada"),
    Silencing(label_sets=({"a": "b"}, {}), lasting=minutes(60), comment="c"),
    Reporting(),
)


async def test_every_kind_of_event_comes_back_as_it_was_recorded(store: Database) -> None:
    assert {type(event) for event in EVENTS} == set(i.EVENTS.values())
    for n, event in enumerate(EVENTS, start=1):
        await store.write(
            functools.partial(_record, state=an_incident(version=n), event=event, jobs=())
        )
    stored = await store.write(lambda tx: tx.events(1))
    assert [(one.n, one.event) for one in stored] == list(enumerate(EVENTS, start=1))
    assert [one.n for one in await store.write(lambda tx: tx.events(1, after=17))] == [18, 19]


def _record(tx: Transaction, state: Incident, event: i.Event, jobs: tuple[Job, ...]) -> None:
    tx.record(state, event, jobs)


async def test_every_kind_of_task_comes_back_as_it_was_recorded(store: Database) -> None:
    assert {type(task) for task in TASK_VALUES} == set(ALL_TASKS)
    jobs = [a_job(f"1.1.{n}", task) for n, task in enumerate(TASK_VALUES)]
    await opened(store, *jobs)
    assert await claim(store) == [replace(job, attempts=1) for job in jobs]


async def test_the_state_comes_back_as_it_was_recorded(store: Database) -> None:
    state = replace(
        an_incident(),
        alongside=(2, 3),
        acknowledged_by="ada",
        acknowledged_at=NOON,
        runs={
            "2.1": Run(
                id="1/2.1/1", status=RunStatus.UNKNOWN, attempt=1, approved_by="ada", at=NOON
            )
        },
        readings={"recovery": Judgement(verdict=Verdict.HOLDS, value=0.1, since=NOON)},
    )
    await store.write(lambda tx: tx.record(state, an_opening(), ()))
    assert await store.write(lambda tx: tx.incident(1)) == state
    assert await store.write(lambda tx: tx.incident(2)) is None


def a_life() -> tuple[i.Event, ...]:
    return (
        i.AnotherOpened(at=NOON, incident=7, title="another"),
        i.Acknowledged(at=NOON + minutes(1), by="ada"),
        i.RunApproved(at=NOON + minutes(2), by="ada", command="2.1"),
        i.CommandBegun(at=NOON + minutes(2), command="2.1", run="1/2.1/1"),
        i.CommandInterrupted(at=NOON + minutes(3), command="2.1", run="1/2.1/1"),
        i.MetricRead(
            at=NOON + minutes(8),
            criterion="recovery",
            judgement=Judgement(verdict=Verdict.HOLDS, value=0.1, since=NOON),
        ),
        i.AlertsCleared(at=NOON + minutes(9), alerts=(an_alert(firing=False),)),
        i.Woken(at=NOON + minutes(10)),
        i.Resolved(at=NOON + minutes(11), by="ada", cause=""),
        i.Silenced(at=NOON + minutes(12), silence="s", until=NOON + minutes(72)),
        i.ReportWritten(at=NOON + minutes(12), path="x"),
    )


async def test_deciding_the_stored_events_again_gives_the_stored_state(store: Database) -> None:
    committer = Committer(directory=Directory(people={}, roles={}), url="http://x")
    digest = await store.write(lambda tx: tx.keep_plan(PLAN))
    await store.write(lambda tx: committer.apply(tx, an_opening(plan=digest)))
    for event in a_life():
        await store.write(lambda tx, event=event: committer.apply(tx, event, 1))  # type: ignore[misc]
    stored = await store.write(lambda tx: tx.incident(1))
    assert stored is not None
    assert stored.status is Status.CLOSED
    state: Incident | None = None
    for one in await store.write(lambda tx: tx.events(1)):
        moved = decide(state, one.event, PLAN)
        assert isinstance(moved, Moved)
        assert moved.incident.version == one.n
        state = moved.incident
    assert state == stored


async def test_a_group_has_one_live_incident(store: Database) -> None:
    await opened(store, number=1, group="g")
    with pytest.raises(Unavailable):
        await opened(store, number=2, group="g")
    over = an_incident(version=2, group="g", status=Status.RESOLVED)
    await store.write(lambda tx: tx.record(over, i.Woken(at=NOON), ()))
    assert await store.write(lambda tx: tx.live_in_group("g")) is None
    assert await store.write(lambda tx: tx.live()) == []
    state = await opened(store, number=2, group="g")
    assert await store.write(lambda tx: tx.live_in_group("g")) == state
    assert await store.write(lambda tx: tx.live()) == [2]


async def test_a_state_made_from_an_old_one_is_refused(store: Database) -> None:
    await opened(store)
    second = an_incident(version=2)
    await store.write(lambda tx: tx.record(second, i.Woken(at=NOON), ()))
    with pytest.raises(Unavailable, match="changed by somebody else"):
        await store.write(lambda tx: tx.record(second, i.Woken(at=NOON), ()))
    assert len(await store.write(lambda tx: tx.events(1))) == 2


async def test_incidents_are_counted_from_one_without_gaps_for_work_that_failed(
    store: Database,
) -> None:
    def fail(tx: Transaction) -> None:
        tx.next_incident()
        raise LookupError("no")

    assert await store.write(lambda tx: tx.next_incident()) == 1
    with pytest.raises(LookupError):
        await store.write(fail)
    assert await store.write(lambda tx: tx.next_incident()) == 2


async def test_incidents_are_due_when_their_time_has_come_soonest_first(store: Database) -> None:
    assert await store.write(lambda tx: tx.next_wake()) is None
    await opened(store, number=1, wake_at=NOON + minutes(10))
    await opened(store, number=2, wake_at=NOON + minutes(5))
    await opened(store, number=3, wake_at=None)
    assert await store.write(lambda tx: tx.next_wake()) == NOON + minutes(5)
    assert await store.write(lambda tx: tx.due(NOON + minutes(4), 10)) == []
    assert await store.write(lambda tx: tx.due(NOON + minutes(10), 10)) == [2, 1]
    assert await store.write(lambda tx: tx.due(NOON + minutes(10), 1)) == [2]


async def test_a_plan_is_kept_once_and_found_by_its_digest(store: Database) -> None:
    first = await store.write(lambda tx: tx.keep_plan(PLAN))
    assert await store.write(lambda tx: tx.keep_plan(PLAN)) == first
    other = a_plan(silence=False)
    assert await store.write(lambda tx: tx.keep_plan(other)) != first
    store._plans.clear()  # as after a start
    assert await store.write(lambda tx: tx.plan(first)) == PLAN


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
    await store.write(lambda tx: tx.record(over, i.Woken(at=NOON), ()))
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
    await store.write(lambda tx: tx.record(over, i.Woken(at=NOON), ()))

    def numbers(views: Views, live_only: bool = False) -> list[int]:
        return [one.id for one in views.incidents(live_only=live_only)]

    assert await store.read(numbers) == [2, 1]
    assert await store.read(lambda views: numbers(views, live_only=True)) == [1]
    assert await store.read(lambda views: views.dossier(3)) is None
    assert await store.read(lambda views: views.run("x")) is None
    assert await store.read(lambda views: views.stamp(3)) == (0, 0, 0)
