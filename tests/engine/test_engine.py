"""The whole engine on a store on disk: from an alert to the report, with hands that remember."""

from dataclasses import replace
from pathlib import Path

import pytest

from playcall.core.events import (
    Acknowledged,
    AlertsCleared,
    CommandFinished,
    PageDelivered,
    ReportWritten,
    Resolved,
    RunApproved,
    Silenced,
)
from playcall.core.incident import RunStatus, Status
from playcall.testing import (
    NOON,
    RememberingSilencer,
    ScriptedRunner,
    SetMetrics,
    a_criterion,
    a_plan,
    a_play,
    an_alert,
    minutes,
)
from tests.engine.world import World, of
from tests.servers import wait_until


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path)


async def test_an_alert_opens_an_incident_pages_and_runs_the_diagnostics(world: World) -> None:
    async with world.working():
        await world.receive(an_alert())
        found = await world.until(
            lambda one: bool(of(one, PageDelivered) and of(one, CommandFinished)),
            "paged and looked at",
        )
    assert found.incident.status is Status.OPEN
    [run] = found.runs
    assert (run.status, run.output, run.execution.text) == (RunStatus.SUCCEEDED, b"ok\n", "uptime")
    [(address, message, _)] = world.mail.sent
    assert address == "ada@example.org"
    assert message.urgent
    assert message.link == "http://playcall.example/incidents/1"


async def test_a_person_behind_two_roles_gets_one_page_for_an_event(world: World) -> None:
    async with world.working():
        await world.receive(an_alert())  # pages the first rung and the play's own team
        await world.until_event(PageDelivered)
        await world.until_event(CommandFinished)
        found = await world.dossier()
    assert found is not None
    assert len(of(found, PageDelivered)) == len(world.mail.sent) == 1


async def test_an_approval_runs_a_change_once(world: World) -> None:
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(CommandFinished)
        await world.submit(RunApproved(at=NOON, by="ada", command="2.1"))
        await world.until_event(CommandFinished, count=2)
        again = await world.engine.submit(1, RunApproved(at=NOON, by="bob", command="2.1"))
        assert "ran already and succeeded" in getattr(again, "reason", "")
    assert isinstance(world.runner, ScriptedRunner)
    assert world.runner.ran == ["uptime", "restart"]


async def test_an_approval_of_what_is_not_there_is_refused(world: World) -> None:
    async with world.working():
        event = RunApproved(at=NOON, by="ada", command="9.9")
        assert getattr(await world.engine.submit(1, event), "reason", "") == (
            "there is no incident 1"
        )
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        refused = await world.engine.submit(1, event)
        assert getattr(refused, "reason", "") == "the play has no command 9.9"


async def test_an_incident_is_proven_over_resolved_silenced_and_reported(world: World) -> None:
    world.plan = a_plan(a_play(criteria=[a_criterion(holds_for=minutes(0.1))]))
    world.metrics = SetMetrics(value=0.2)
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        await world.receive(an_alert(firing=False))
        await world.until(lambda one: one.incident.status is Status.RECOVERED, "recovered")
        await world.submit(Resolved(at=NOON, by="ada", cause="a full queue"))
        found = await world.until(lambda one: bool(of(one, ReportWritten)), "reported")
    assert found.incident.status is Status.CLOSED
    assert isinstance(world.silencer, RememberingSilencer)
    assert world.silencer.silenced == [an_alert().labels]
    assert len(of(found, Silenced)) == 1
    assert "a full queue" in world.archive.kept["incident-1.md"]
    told = [message for _, message, _ in world.mail.sent if not message.urgent]
    assert len(told) == 2, "recovered and resolved"


async def test_the_ladder_is_climbed_as_the_clock_moves(world: World) -> None:
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        for count, step in ((2, 5), (3, 5)):
            world.clock.move(minutes(step))
            await world.until_event(PageDelivered, count=count)
        await world.submit(Acknowledged(at=world.clock.now(), by="ada"))
        world.clock.move(minutes(5))
        await world.until_event(PageDelivered, count=4)
    assert [address for address, _, _ in world.mail.sent] == [
        "ada@example.org",
        "bob@example.org",
        "bob@example.org",
        "bob@example.org",
    ]


async def test_an_acknowledgement_stops_the_rung_that_asks_for_one(world: World) -> None:
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        await world.submit(Acknowledged(at=NOON, by="ada"))
        world.clock.move(minutes(5))
        await world.until(
            lambda one: (one.incident.wake_at or NOON) > NOON + minutes(5), "woken after 5 min"
        )
    assert len(world.mail.sent) == 1


async def test_an_alert_without_a_play_is_paged_all_the_same(world: World) -> None:
    async with world.working():
        await world.receive(an_alert("DiskFull"))
        found = await world.until(lambda one: bool(of(one, PageDelivered)), "paged")
    assert found.incident.play is None
    assert found.incident.title == "DiskFull: requests are slow"
    assert not found.runs


async def test_heartbeats_open_nothing(world: World) -> None:
    async with world.working():
        await world.receive(
            an_alert("Watchdog", fingerprint="w"), an_alert("InfoInhibitor", fingerprint="i")
        )
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        assert await world.dossier(2) is None
        assert (await world.state(1)).title.startswith("LatencyHigh")
        assert await world.store.write(lambda tx: tx.arrivals(10)) == []


async def test_alerts_of_a_group_join_and_clear_in_one_incident(world: World) -> None:
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        await world.receive(an_alert(fingerprint="f2"), an_alert(firing=False))
        found = await world.until(lambda one: bool(of(one, AlertsCleared)), "cleared")
    firing = {name: member.firing for name, member in found.incident.alerts.items()}
    assert firing == {"f1": False, "f2": True}
    assert len(world.mail.sent) == 1


async def test_an_alert_that_cleared_and_fires_again_is_firing(world: World) -> None:
    async with world.stopped():
        await world.receive(an_alert())
        await world.engine._take_arrivals()
        await world.receive(an_alert(firing=False))
        await world.receive(an_alert(starts_at=NOON + minutes(6)))
        await world.engine._take_arrivals()
        assert (await world.state()).firing


async def test_incidents_that_are_open_together_know_of_each_other(world: World) -> None:
    async with world.working():
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        await world.receive(an_alert("DiskFull", fingerprint="d"))
        await world.until_event(PageDelivered, incident=2)
        first, second = await world.state(1), await world.state(2)
    assert (first.alongside, second.alongside) == ((2,), (1,))
    assert "LatencyHigh: requests are slow" in world.mail.sent[1][1].body


async def _nothing_waits(world: World) -> bool:
    return not await world.store.write(lambda tx: tx.arrivals(10))


async def test_an_alert_that_cannot_be_taken_in_holds_up_no_other(world: World) -> None:
    async with world.working():
        whole = world.engine.intake
        world.engine.intake = replace(whole, plan="a plan that is not there")
        await world.receive(an_alert("Poison", fingerprint="p"))
        await wait_until(lambda: _nothing_waits(world), "alert set aside")
        world.engine.intake = whole
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        assert (await world.state()).title.startswith("LatencyHigh")


async def test_an_alert_from_the_future_is_paged_now(world: World) -> None:
    end_of_time = NOON.replace(year=9999, month=12, day=31, hour=23, minute=59)
    async with world.working():
        await world.receive(an_alert(starts_at=end_of_time))
        await world.until_event(PageDelivered)


async def test_in_a_storm_nobody_is_told_of_everybody(world: World) -> None:
    async with world.working():
        await world.receive(*(an_alert(f"A{n}", fingerprint=f"{n}") for n in range(9)))
        for incident in range(1, 10):
            await world.until_event(PageDelivered, incident=incident)
            assert (await world.state(incident)).alongside == ()


async def test_ten_incidents_at_once_are_all_paged(world: World) -> None:
    async with world.working():
        await world.receive(*(an_alert(f"A{n}", fingerprint=f"{n}") for n in range(10)))
        for incident in range(1, 11):
            await world.until_event(PageDelivered, incident=incident)
    assert len(world.mail.sent) == 10
