"""One suite for both databases: alerts and incidents come back as they went in."""

import functools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from playcall.core import events as ev
from playcall.core.alert import group_key
from playcall.core.decide import decide
from playcall.core.delivery import Owed
from playcall.core.effects import Moved
from playcall.core.incident import (
    Given,
    Incident,
    Part,
    Quiet,
    Run,
    RunStatus,
    SilencePurpose,
    Standing,
    Status,
)
from playcall.core.judge import Judgement, Verdict
from playcall.core.updates import draft
from playcall.engine.commit import Committer
from playcall.engine.directory import Directory
from playcall.engine.inbox import Receipt
from playcall.engine.ports import (
    Exit,
    Job,
    Prolonging,
    Publishing,
    Reporting,
    Reviewing,
    Silencing,
    Task,
    Transaction,
    Unavailable,
    Unsilencing,
)
from playcall.engine.proofs import Proving
from playcall.engine.subscription import AskSubscriber, TellSubscriber, TellSubscribers
from playcall.engine.tickets import Ticketing
from playcall.storage import Database
from playcall.testing import NOON, a_plan, an_alert, an_opening, minutes
from tests.core.telling import Walk, telling_plan
from tests.core.test_decide import EXAMPLES, UPDATE
from tests.ports.stored import (
    ALL_TASKS,
    NUL,
    PLAN,
    a_delivery,
    a_job,
    an_execution,
    an_incident,
    claim,
    keys,
    opened,
    pending,
    receive,
    take_all_in,
    take_turns,
)

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
    doubt = Receipt(news=0, repeated=1, doubtful=frozenset({"f1"}))
    assert await receive(store, an_alert()) == doubt
    assert await receive(store, an_alert(), an_alert(fingerprint="f2")) == replace(doubt, news=1)
    assert await receive(store, an_alert(firing=False)) == Receipt(news=0, repeated=1)
    assert await pending(store) == [an_alert(fingerprint="f2")]


async def test_a_clearing_is_undone_by_what_alertmanager_holds_and_not_by_an_older_one(
    store: Database,
) -> None:
    cleared, found = an_alert(firing=False), replace(an_alert(), found=True)
    await receive(store, an_alert())
    await receive(store, cleared)
    await take_all_in(store)
    assert (await receive(store, found)).news == 1
    assert await pending(store) == [found]
    await take_all_in(store)
    assert (await receive(store, an_alert())) == Receipt(news=0, repeated=1)
    assert (await receive(store, cleared)).news == 0
    later = replace(cleared, ends_at=NOON + minutes(20))
    assert (await receive(store, later)).news == 1


async def test_what_an_incident_has_taken_already_is_on_disk_and_no_news(store: Database) -> None:
    await store.write(lambda tx: tx.receive([an_alert(firing=False)], NOON, taken=True))
    assert await pending(store) == []
    assert (await receive(store, an_alert())).doubtful == {"f1"}
    await store.write(lambda tx: tx.receive([replace(an_alert(), found=True)], NOON, taken=True))
    assert await pending(store) == []
    later = replace(an_alert(firing=False), ends_at=NOON + minutes(20))
    assert (await receive(store, later)).news == 1
    assert await store.read(lambda views: views.unheard(NOON, 10)) == []


async def test_what_came_and_went_is_kept_apart_from_what_was_heard(store: Database) -> None:
    for name in ("f1", "f2", "f3"):
        await receive(store, an_alert(fingerprint=name))
    await receive(store, an_alert(fingerprint="f1", firing=False))
    await receive(store, an_alert(fingerprint="f2", firing=False))
    arrivals = await store.write(lambda tx: tx.arrivals(10))
    assert {one.alert.fingerprint for one in arrivals if one.unheard} == {"f1", "f2"}
    gone = {one.id for one in arrivals if one.alert.fingerprint == "f1"}
    assert await store.read(lambda views: views.unheard(NOON, 10)) == []
    await store.write(lambda tx: tx.take_in(arrivals, gone))
    await receive(store, an_alert(fingerprint="f3", firing=False))
    await take_all_in(store)
    [kept] = await store.read(lambda views: views.unheard(NOON, 10))
    assert kept == an_alert(fingerprint="f1", firing=False)
    assert await store.read(lambda views: views.unheard(NOON + minutes(1), 10)) == []


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

EVENTS: tuple[ev.Event, ...] = (
    an_opening(),
    ev.AlertsJoined(at=NOON, alerts=(an_alert(), an_alert(fingerprint="f2"))),
    ev.AlertsCleared(at=NOON, alerts=(an_alert(firing=False),)),
    ev.AnotherOpened(at=NOON, incident=2, title="another"),
    ev.Acknowledged(at=NOON + timedelta(microseconds=1), by="ada"),
    ev.NoteAdded(at=NOON, by="ada", text='"quoted"\n<b>'),
    ev.RunApproved(at=NOON, by="ada", command="2.1", again=True),
    ev.RunDeclined(at=NOON, by="ada", command="2.1", reason="no"),
    ev.OutcomeDecided(at=NOON, by="ada", command="2.1", run="1/2.1/1", fate=ev.Fate.RAN),
    ev.CommandBegun(at=NOON, command="2.1", run="1/2.1/1"),
    ev.CommandFinished(
        at=NOON,
        command="2.1",
        run="1/2.1/1",
        status=RunStatus.TIMED_OUT,
        exit_code=None,
        summary="late",
    ),
    ev.CommandInterrupted(at=NOON, command="2.1", run="1/2.1/1"),
    ev.MetricRead(
        at=NOON,
        criterion="recovery",
        judgement=Judgement(verdict=Verdict.HOLDING, value=0.25, since=NOON),
    ),
    ev.PageDelivered(at=NOON, role="CTO", person="ada", channel="mail"),
    ev.PageFailed(at=NOON, role="CTO", person=None, reason="nobody"),
    ev.Woken(at=NOON),
    ev.Resolved(at=NOON, by="ada", cause="a queue", unverified=True),
    ev.Silenced(at=NOON, silence="s-1", until=NOON + minutes(60)),
    ev.SilenceFailed(at=NOON, reason="down"),
    ev.ReportWritten(at=NOON, path="reports/incident-1.md"),
    ev.WarRoomOpened(at=NOON, name="inc-1", url="https://chat.example/1"),
    *(event for event in EXAMPLES if type(event) not in (ev.Woken, ev.Resolved)),
)
TASK_VALUES: tuple[Task, ...] = (
    a_delivery(),
    an_execution(approved_by="ada"),
    Silencing(
        label_sets=({"a": "b"}, {}),
        lasting=minutes(60),
        comment="c",
        purpose=SilencePurpose.BY_HAND,
        by="ada",
    ),
    Prolonging(silence="s", lasting=minutes(20)),
    Unsilencing(silence="s"),
    Reporting(),
    Ticketing(action=1, closing=True),
    Reviewing(by_hand=True),
    Publishing(
        publisher="ours", update=draft(Walk.of(telling_plan()).incident, telling_plan(), NOON)
    ),
    replace(a_delivery(), owed=Owed(audience="Critical Incidents", due_at=NOON)),
    Proving(test="t", person="ada", channel="mail"),
    AskSubscriber(subscriber="s"),
    TellSubscribers(update=UPDATE, after="s"),
    TellSubscriber(subscriber="s", update=UPDATE),
)


async def test_every_kind_of_event_comes_back_as_it_was_recorded(store: Database) -> None:
    assert {type(event) for event in EVENTS} == set(ev.EVENTS.values())
    for n, event in enumerate(EVENTS, start=1):
        await store.write(
            functools.partial(_record, state=an_incident(version=n), event=event, jobs=())
        )
    stored = await store.write(lambda tx: tx.events(1))
    assert [(one.n, one.event) for one in stored] == list(enumerate(EVENTS, start=1))
    last = len(EVENTS)
    assert [one.n for one in await store.write(lambda tx: tx.events(1, after=last - 2))] == [
        last - 1,
        last,
    ]


def _record(tx: Transaction, state: Incident, event: ev.Event, jobs: tuple[Job, ...]) -> None:
    tx.record(state, event, jobs)


async def test_every_kind_of_task_comes_back_as_it_was_recorded(store: Database) -> None:
    assert {type(task) for task in TASK_VALUES} == set(ALL_TASKS)
    jobs = [a_job(f"1.1.{n:02}", task) for n, task in enumerate(TASK_VALUES)]
    await opened(store, *jobs)
    claimed = [*await claim(store, limit=100), *await take_turns(store)]
    claimed.sort(key=lambda job: keys(jobs).index(job.key))
    assert claimed == [replace(job, attempts=1) for job in jobs]


async def test_the_state_comes_back_as_it_was_recorded(store: Database) -> None:
    state = replace(
        an_incident(),
        alongside=(2, 3),
        quiet=Quiet(until=NOON, reason="snoozed by ada", snoozed=True),
        roles={Part.COMMANDER: ("ada",), Part.RESPONDER: ("ada", "bob")},
        answers={"6.1.0": Given(answer="YES", by="ada", at=NOON)},
        silences={"s": Standing(until=NOON, by="ada", purpose=SilencePurpose.FOREIGN)},
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


def a_life() -> tuple[ev.Event, ...]:
    return (
        ev.AnotherOpened(at=NOON, incident=7, title="another"),
        ev.Acknowledged(at=NOON + minutes(1), by="ada"),
        ev.RunApproved(at=NOON + minutes(2), by="ada", command="2.1"),
        ev.CommandBegun(at=NOON + minutes(2), command="2.1", run="1/2.1/1"),
        ev.CommandInterrupted(at=NOON + minutes(3), command="2.1", run="1/2.1/1"),
        ev.MetricRead(
            at=NOON + minutes(8),
            criterion="recovery",
            judgement=Judgement(verdict=Verdict.HOLDS, value=0.1, since=NOON),
        ),
        ev.AlertsCleared(at=NOON + minutes(9), alerts=(an_alert(firing=False),)),
        ev.Woken(at=NOON + minutes(10)),
        ev.Resolved(at=NOON + minutes(11), by="ada", cause=""),
        ev.Silenced(at=NOON + minutes(12), silence="s", until=NOON + minutes(72)),
        ev.ReportWritten(at=NOON + minutes(12), path="x"),
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
    await store.write(lambda tx: tx.record(over, ev.Woken(at=NOON), ()))
    assert await store.write(lambda tx: tx.live_in_group("g")) is None
    assert await store.write(lambda tx: tx.live()) == []
    state = await opened(store, number=2, group="g")
    assert await store.write(lambda tx: tx.live_in_group("g")) == state
    assert await store.write(lambda tx: tx.live()) == [2]


async def test_a_state_made_from_an_old_one_is_refused(store: Database) -> None:
    await opened(store)
    second = an_incident(version=2)
    await store.write(lambda tx: tx.record(second, ev.Woken(at=NOON), ()))
    with pytest.raises(Unavailable, match="changed by somebody else"):
        await store.write(lambda tx: tx.record(second, ev.Woken(at=NOON), ()))
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


# --- What only one of several processes does -----------------------------------------------------


async def test_a_work_is_one_processs_until_it_is_gone(store: Database) -> None:
    async def takes(owner: str, at: datetime = NOON) -> bool:
        return await store.write(lambda tx: tx.take_hold("chat", owner, at, minutes(1)))

    assert await takes("a")
    assert not await takes("b")
    assert await takes("a", NOON + minutes(0.9))
    assert not await takes("b", NOON + minutes(1))
    assert await takes("b", NOON + minutes(2))


async def test_a_request_comes_for_the_first_time_once(store: Database) -> None:
    seen = [await store.write(lambda tx: tx.first_time("one", NOON)) for _ in range(2)]
    assert seen == [True, False]
