"""The engine looks at Alertmanager and repairs what is missing. And alerts that are taken in where
an incident was over a moment ago, under maintenance, in thousands, without labels or a play."""

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from playcall.core import events as ev
from playcall.core.alert import Alert, group_key
from playcall.core.incident import SilencePurpose, Status
from playcall.core.maintenance import Window
from playcall.core.plan import EffectClass
from playcall.core.reconciliation import FoundSilence, WatchedAlert
from playcall.engine import arrivals
from playcall.engine.ports import Unavailable
from playcall.testing import (
    NOON,
    RememberingSilencer,
    ScriptedRunner,
    SetClock,
    SetMetrics,
    SetWatcher,
    a_command,
    a_plan,
    an_alert,
    an_opening,
    minutes,
)
from tests.core.test_readiness import a_stop
from tests.engine.world import World, of
from tests.servers import wait_until

UNTIL = NOON + minutes(90)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, clock=SetClock(NOON + minutes(3)), watcher=SetWatcher())


def held(world: World) -> SetWatcher:
    assert isinstance(world.watcher, SetWatcher)
    return world.watcher


def holds(world: World, *alerts: Alert, silenced_by: tuple[str, ...] = ()) -> None:
    held(world).alerts = [
        WatchedAlert(alert=alert, suppressed=bool(silenced_by), silenced_by=silenced_by)
        for alert in alerts
    ]


async def counted(world: World) -> dict[str, int]:
    counts = await world.store.read(lambda views: views.counts())
    return {key: n for key, n in counts.items() if key.startswith("reconciled:")}


async def look(world: World, count: int = 1) -> None:
    """Let the clock go on until the engine has looked that many times more."""
    for _ in range(count):
        before = held(world).looks
        world.clock.move(minutes(1))

        async def looked(before: int = before) -> bool:
            return held(world).looks > before

        await wait_until(looked, "a look")


async def test_an_alert_whose_message_never_came_opens_its_incident(world: World) -> None:
    holds(world, an_alert())
    async with world.working():
        [opened] = await world.until_event(ev.Opened)
        await world.until_event(ev.PageDelivered)
        await look(world, 2)
        assert await counted(world) == {"reconciled:found": 1}
        found = await world.dossier()
    assert isinstance(opened, ev.Opened)
    assert opened.alerts[0].found
    assert found is not None
    assert of(found, ev.AlertsJoined) == []


async def test_an_alert_that_is_on_disk_and_in_no_incident_is_taken_in(world: World) -> None:
    async with world.stopped():
        await world.engine.receive([an_alert()])
        await world.store.write(lambda tx: tx.take_in(tx.arrivals(10)))  # as if it was set aside
        holds(world, an_alert())
        for watch in world.engine.watches:
            await watch()
        assert (await world.state()).firing


async def test_a_clearing_that_was_lost_is_found_and_one_that_cannot_be_known_is_not(
    world: World,
) -> None:
    holds(world, an_alert())
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(ev.PageDelivered)
        await look(world)
        held(world).broken = Unavailable("gone.")
        holds(world)
        world.clock.move(minutes(2))
        held(world).broken = None
        await look(world)
        assert (await world.state()).firing
        await look(world)
        [cleared] = await world.until_event(ev.AlertsCleared)
        assert isinstance(cleared, ev.AlertsCleared)
        assert cleared.alerts[0].found
        assert not (await world.state()).firing


async def test_while_alertmanager_does_not_answer_nothing_is_over(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    held(world).broken = Unavailable("Alertmanager is gone.")
    async with world.stopped():
        await world.engine.receive([an_alert()])
        await world.engine._take_arrivals()
        for _ in range(5):
            world.clock.move(minutes(1))
            for watch in world.engine.watches:
                await watch()
        assert (await world.state()).firing
    assert caplog.text.count("Alertmanager is gone. Nothing is taken for over") == 1


async def test_a_relapse_under_our_own_silence_opens_the_same_incident(world: World) -> None:
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(ev.PageDelivered)
        await world.receive(an_alert(firing=False))
        await world.until_event(ev.AlertsCleared)
        at = world.clock.now()
        await world.submit(ev.Resolved(at=at, by="ada", cause="", unverified=True))
        await world.until_event(ev.ReportWritten)
        [made] = await world.until_event(ev.Silenced)
        assert isinstance(made, ev.Silenced)
        found = FoundSilence(
            id="silence-1", until=made.until, by="playcall", comment="", active=True
        )
        held(world).silences = [found]
        holds(world, an_alert(starts_at=at + minutes(0.5)), silenced_by=("silence-1",))
        await look(world)
        await world.until_event(ev.Reopened)
        await world.until_event(ev.SilenceEnded)
        state = await world.state()
    assert (state.status, state.reopened) == (Status.OPEN, 1)
    assert isinstance(world.silencer, RememberingSilencer)
    assert world.silencer.ended == ["silence-1"]


async def test_silences_made_and_ended_in_alertmanager_show(world: World) -> None:
    silence = FoundSilence(id="s-9", until=UNTIL, by="eve", comment="", active=True)
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(ev.PageDelivered)
        held(world).silences = [silence]
        holds(world, an_alert(), silenced_by=("s-9",))
        await look(world, 2)
        assert (await world.state()).silences["s-9"].purpose is SilencePurpose.FOREIGN
        held(world).silences = []
        holds(world, an_alert())
        await look(world, 2)
        found = await world.dossier()
    assert found is not None
    assert len(of(found, ev.Silenced)) == len(of(found, ev.SilenceEnded)) == 1


async def test_a_page_that_reached_nobody_is_sent_again(world: World) -> None:
    world.mail.broken = world.chat.broken = Unavailable("no such mailbox", permanent=True)
    holds(world, an_alert())
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(ev.PageFailed)
        await wait_until(lambda: buried(world, 1), "a buried page")
        world.mail.broken = None
        await look(world)
        await world.until_event(ev.PageLost)
        await world.until_event(ev.PageDelivered)
        await look(world, 2)
        assert (await counted(world))["reconciled:page"] == 1


async def buried(world: World, count: int) -> bool:
    found = await world.dossier()
    return found is not None and len(found.buried) >= count


async def test_what_cannot_be_taken_in_does_not_stop_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = [an_alert(str(n), fingerprint=f"f{n}", path="good") for n in range(3)]
    alerts[1] = an_alert("1", fingerprint="f1", path="bad")
    async with world.stopped():
        for alert in alerts:  # known on disk, in no incident
            await world.engine.receive([alert])
        await world.store.write(lambda tx: tx.take_in(tx.arrivals(10)))
        with monkeypatch.context() as patch:
            patch.setattr(arrivals, "title_of", a_title_unless_bad)
            holds(world, *alerts)
            await world.engine.watches[1]()
        incidents = await world.store.read(lambda views: views.incidents())
    assert {one.title.partition(":")[0] for one in incidents} == {"0", "2"}


def a_title_unless_bad(alert: Alert) -> str:
    if alert.labels.get("path") == "bad":
        raise ValueError("a bug")
    return f"{alert.name}: x"


async def test_ten_thousand_alerts_are_looked_at_within_seconds(world: World) -> None:
    alerts = [an_alert(fingerprint=f"f{n}", path=str(n)) for n in range(10_000)]
    async with world.stopped():
        holds(world, *alerts)
        began = time.process_time()
        await world.engine.watches[1]()
        assert time.process_time() - began < 20
        assert await counted(world) == {"reconciled:found": 10_000}


# --- Taking in -----------------------------------------------------------------------------------


async def test_an_alert_that_fires_again_soon_opens_the_same_incident(world: World) -> None:
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(ev.PageDelivered)
        await world.receive(an_alert(firing=False))
        await world.until_event(ev.AlertsCleared)
        at = world.clock.now()
        await world.submit(ev.Resolved(at=at, by="ada", cause="", unverified=True))
        world.clock.move(minutes(29))
        await world.receive(an_alert(starts_at=at + minutes(29)))
        await world.until_event(ev.Reopened)
        await world.receive(an_alert(starts_at=at + minutes(29), firing=False))
        await world.until_event(ev.AlertsCleared, count=2)
        at = world.clock.now()
        await world.submit(ev.Resolved(at=at, by="ada", cause="", unverified=True))
        world.clock.move(minutes(31))
        await world.receive(an_alert(starts_at=at + minutes(31)))
        await world.until_event(ev.Opened, incident=2)


async def test_a_clearing_after_it_was_resolved_is_recorded(world: World) -> None:
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(ev.PageDelivered)
        at = world.clock.now()
        await world.submit(ev.Resolved(at=at, by="ada", cause="", unverified=True))
        await world.receive(an_alert(firing=False))
        await world.until_event(ev.AlertsCleared)
        assert not (await world.state()).firing


def a_window() -> Window:
    ends = NOON + minutes(30)
    return Window(starts=NOON, ends=ends, matchers={"site": "eu"}, reason="new switches")


async def test_maintenance_holds_the_pages_and_keeps_the_record(world: World) -> None:
    world.windows = (a_window(),)
    async with world.working():
        await world.receive(an_alert(site="eu"))
        [opened] = await world.until_event(ev.Opened)
        await world.until_event(ev.CommandFinished)
        assert world.mail.sent == []
        world.clock.move(minutes(30))
        await world.until_event(ev.QuietEnded)
        await world.until_event(ev.PageDelivered)
    assert isinstance(opened, ev.Opened)
    assert opened.quiet_reason == "maintenance: new switches"


async def test_what_maintenance_does_not_cover_is_heard(world: World) -> None:
    world.windows = (a_window(),)
    async with world.working():
        await world.receive(an_alert(site="eu"))
        await world.until_event(ev.CommandFinished)
        await world.receive(an_alert(site="us", fingerprint="f2"))
        [ended] = await world.until_event(ev.QuietEnded)
        await world.until_event(ev.PageDelivered)
    assert isinstance(ended, ev.QuietEnded)
    assert ended.reason == "maintenance: new switches does not cover LatencyHigh"


async def test_an_alert_without_a_play_is_looked_at_with_the_essential_commands(
    world: World,
) -> None:
    essentials = (
        a_command("essential.1", text="look"),
        a_command("essential.2", text="mend", effect=EffectClass.CHANGE),
        a_command("essential.3", text="look <pod>", placeholders=["pod"]),
    )
    world.plan = replace(a_plan(), essentials=essentials)
    async with world.working():
        await world.receive(an_alert("Unknown"))
        await world.until_event(ev.CommandFinished)
        await world.submit(ev.RunApproved(at=NOON, by="ada", command="essential.2"))
        await world.until_event(ev.CommandFinished, count=2)
        await world.until_event(ev.PageDelivered)
    assert isinstance(world.runner, ScriptedRunner)
    assert world.runner.ran == ["look", "mend"]
    assert "No play in the document for this alert" in world.mail.sent[0][1].body


async def test_an_alert_without_labels_pages_and_is_not_silenced_with_everything(
    world: World,
) -> None:
    async with world.working():
        await world.receive(replace(an_alert(), labels={}, annotations={}))
        await world.until_event(ev.PageDelivered)
        state = await world.state()
    assert (state.title, state.severity, state.play) == (
        "Alert without a name",
        "CRITICAL",
        None,
    )


async def test_ten_thousand_labels_page_in_a_message_of_a_bounded_size(world: World) -> None:
    labels = {f"label_{n}": "x" * 20 for n in range(10_000)}
    async with world.working():
        await world.receive(replace(an_alert(), labels={**an_alert().labels, **labels}))
        await world.until_event(ev.PageDelivered)
    [message] = [sent[1] for sent in world.mail.sent]
    assert len(message.subject) + len(message.body) < 2000


async def test_ten_thousand_alerts_of_one_message_are_one_incident(world: World) -> None:
    alerts = [an_alert(fingerprint=f"f{n}", path=str(n)) for n in range(10_000)]
    async with world.stopped():
        began = time.process_time()
        assert (await world.engine.receive(alerts)).news == 10_000
        assert time.process_time() - began < 10
        taken = 0
        while batch := await world.engine._take_arrivals():
            taken += batch
        assert time.process_time() - began < 40
        state = await world.state()
    assert (taken, len(state.alerts)) == (10_000, 10_000)


# --- GO / CAUTION / NO-GO ------------------------------------------------------------------------


async def readings(world: World) -> list[str]:
    found = await world.store.read(lambda views: views.readiness())
    return [str(one.state) for one in found]


async def test_a_no_go_opens_its_play_and_clears_when_data_say_so(world: World) -> None:
    metrics = SetMetrics(value=1.0)
    world.plan, world.metrics = a_plan(a_stop()), metrics
    async with world.stopped():

        async def read(value: float | None) -> None:
            metrics.value = value
            world.clock.move(minutes(1))
            await world.engine.watches[0]()
            await world.engine._take_arrivals()

        await read(1.0)
        await read(1.0)
        await read(0.8)
        assert await readings(world) == ["CAUTION", "GO"]
        assert await world.dossier() is None
        await read(0.4)
        state = await world.state()
        assert (state.play, state.firing, state.status) == ("Stop", True, Status.OPEN)
        await read(None)
        assert (await world.state()).firing, "no data is no health"
        await read(0.3)
        found = await world.dossier()
        assert found is not None
        assert of(found, ev.AlertsJoined) == []
        await read(0.6)
        assert not (await world.state()).firing
        assert await readings(world) == ["CAUTION", "NO-GO", "UNKNOWN", "NO-GO", "CAUTION", "GO"]
        assert await world.dossier(2) is None


async def test_a_no_go_whose_incident_is_open_opens_nothing(world: World) -> None:
    world.group_by = ("site",)
    world.plan, world.metrics = a_plan(a_stop()), SetMetrics(value=0.1)
    async with world.stopped():
        await world.engine.receive([an_alert("Stop", site="eu")])
        await world.engine._take_arrivals()
        await world.engine.watches[0]()
        await world.engine._take_arrivals()
        assert await readings(world) == ["NO-GO"]
        assert await world.dossier(2) is None


@pytest.mark.parametrize("order", ["ours first", "at once", "ours after"])
async def test_a_no_go_and_the_alert_of_its_name_are_one_incident(world: World, order: str) -> None:
    world.group_by = ("site",)
    world.plan, world.metrics = a_plan(a_stop()), SetMetrics(value=0.1)
    theirs = an_alert("Stop", site="eu")
    async with world.stopped():
        await world.engine.watches[0]()  # raises ours
        if order == "ours first":
            await world.engine._take_arrivals()
        await world.engine.receive([theirs])
        if order == "ours after":  # its row is on disk, and theirs is taken in before it
            await world.store.write(
                lambda tx: arrivals.take_found(
                    tx, [theirs], world.engine.intake, world.engine.performer.committer, NOON
                )
            )
        await world.engine._take_arrivals()
        assert await world.dossier(2) is None
        members = (await world.state()).alerts
        assert sorted(members) == sorted([theirs.fingerprint, "playcall:Stop"])

        await world.engine.receive([an_alert("Stop", site="eu", firing=False)])
        await world.engine._take_arrivals()
        assert not (await world.state()).alerts[theirs.fingerprint].firing
        await world.store.write(
            lambda tx: world.engine.performer.committer.apply(
                tx, ev.Resolved(at=world.clock.now(), by="ada", cause="", unverified=True), 1
            )
        )
        await world.engine.receive(
            [replace(theirs, starts_at=world.clock.now() + minutes(1), firing=True)]
        )
        await world.engine._take_arrivals()
        assert await world.dossier(2) is None, "a relapse is the same incident"
        assert (await world.state()).reopened == 1


async def test_ours_ends_once_the_alert_of_its_name_has_come(world: World) -> None:
    metrics = SetMetrics(value=0.1)
    world.plan, world.metrics = a_plan(a_stop()), metrics
    theirs = an_alert("Stop")

    async def look() -> None:
        world.clock.move(minutes(1))
        await world.engine.watches[0]()
        await world.engine._take_arrivals()

    async with world.stopped():
        await look()
        await world.engine.receive([theirs])
        await world.engine._take_arrivals()
        await look()
        members = (await world.state()).alerts
        assert [fp for fp, member in members.items() if member.firing] == [theirs.fingerprint]
        metrics.value = None  # a remedy that stops the service leaves nothing to measure
        await world.engine.receive([replace(theirs, firing=False, ends_at=world.clock.now())])
        await look()
        assert not (await world.state()).firing
        assert await world.dossier(2) is None


async def test_another_alert_is_not_drawn_into_a_no_go(world: World) -> None:
    world.group_by = ("site",)
    world.plan, world.metrics = a_plan(a_stop()), SetMetrics(value=0.1)
    async with world.stopped():
        await world.engine.watches[0]()
        await world.engine._take_arrivals()
        await world.engine.receive([an_alert("Other", site="eu")])
        await world.engine._take_arrivals()
        assert await world.dossier(2) is not None


# --- A start that has cleared and fires again, or an old message ---------------------------------


async def fired_and_cleared(world: World) -> None:
    holds(world)
    await world.receive(an_alert())
    await world.until_event(ev.PageDelivered)
    await world.receive(an_alert(firing=False))
    await world.until_event(ev.AlertsCleared)
    await look(world, 2)


async def soon(world: World) -> None:
    """A look that is due sooner, because of a doubt."""
    before = held(world).looks
    world.clock.move(timedelta(seconds=6))

    async def looked() -> bool:
        return held(world).looks > before

    await wait_until(looked, "a look")


async def test_an_alert_that_fires_again_by_the_same_start_is_heard_within_seconds(
    world: World,
) -> None:
    async with world.working():
        await fired_and_cleared(world)
        holds(world, an_alert())
        await world.receive(an_alert())
        await soon(world)
        await world.until_event(ev.AlertsJoined)
        assert (await world.state()).firing
        assert not world.doubts.open
        assert (await world.engine.receive([an_alert(firing=False)])).news == 0  # the old one
        later = replace(an_alert(firing=False), ends_at=NOON + minutes(20))
        await world.receive(later)
        await world.until_event(ev.AlertsCleared, count=2)
        assert (await counted(world)) == {"reconciled:found": 1}


async def test_an_old_message_undoes_no_clearing(world: World) -> None:
    async with world.working():
        await fired_and_cleared(world)
        await world.receive(an_alert())
        await soon(world)
        await look(world, 2)
        found = await world.dossier()
        counts = await world.store.read(lambda views: views.counts())
    assert found is not None
    assert not found.incident.firing
    assert of(found, ev.AlertsJoined) == []
    assert counts["alerts doubtful"] == 1


async def test_an_incident_that_is_over_is_opened_again_at_once_by_the_same_start(
    world: World,
) -> None:
    async with world.working():
        await fired_and_cleared(world)
        await world.submit(ev.Resolved(at=world.clock.now(), by="ada", cause="", unverified=True))
        await world.until(lambda found: found.incident.status is Status.CLOSED, "closed")
        holds(world, an_alert())
        await world.receive(an_alert())
        await soon(world)
        await world.until_event(ev.Reopened)
        later = replace(an_alert(firing=False), ends_at=NOON + minutes(20))
        assert (await world.engine.receive([later])).news == 1


async def test_while_alertmanager_is_away_a_doubt_stays(world: World) -> None:
    async with world.stopped():
        await world.engine.receive([an_alert(firing=False)])
        await world.engine.receive([an_alert()])
        held(world).broken = Unavailable("gone.")
        for watch in world.engine.watches:
            await watch()
        assert world.doubts.open == {"f1"}
        held(world).broken = None
        world.clock.move(timedelta(seconds=6))
        for watch in world.engine.watches:
            await watch()
        assert not world.doubts.open


# --- Alerts that came and went -------------------------------------------------------------------


async def unheard(world: World) -> tuple[list[str], int]:
    alerts, counts = await world.store.read(lambda views: (views.unheard(NOON, 10), views.counts()))
    return [alert.name for alert in alerts], counts.get("alerts unheard", 0)


async def test_an_alert_that_clears_before_it_is_taken_in_wakes_nobody_and_is_seen(
    world: World,
) -> None:
    async with world.stopped():
        await world.engine.receive([an_alert(), an_alert("Watchdog", fingerprint="w")])
        await world.engine.receive([an_alert(firing=False)])
        await world.engine.receive([an_alert("Watchdog", fingerprint="w", firing=False)])
        assert await unheard(world) == ([], 0)
    async with world.working():

        async def seen() -> bool:
            return await unheard(world) == (["LatencyHigh"], 1)

        await wait_until(seen, "alert that came and went")
        assert await world.dossier() is None
        await world.receive(an_alert(starts_at=NOON + minutes(1)))
        await world.until_event(ev.Opened)
        await world.receive(an_alert(starts_at=NOON + minutes(1), firing=False))
        await world.until_event(ev.AlertsCleared)
        assert await unheard(world) == (["LatencyHigh"], 1)


async def test_a_clearing_whose_firing_was_only_found_is_no_alert_that_nobody_heard(
    world: World,
) -> None:
    async with world.stopped():
        await world.engine.receive([an_alert(firing=False)])
        group = group_key(an_alert(), ())
        opening = replace(an_opening(plan=world.engine.intake.plan), group=group)
        await world.store.write(lambda tx: world.engine.performer.committer.apply(tx, opening))
        await world.engine._take_arrivals()
        assert not (await world.state()).firing
        assert await unheard(world) == ([], 0)
