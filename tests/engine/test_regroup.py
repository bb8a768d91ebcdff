"""Incidents that are merged and split: both sides in one transaction, and alerts go where people
put them, whatever comes later."""

from dataclasses import replace
from pathlib import Path

import pytest

from playcall.core import events as ev
from playcall.core.alert import Alert
from playcall.core.decide import decide
from playcall.core.effects import Moved, Refused
from playcall.core.incident import Incident, RunStatus, Status
from playcall.core.regroup_events import AlertsSplit, MergedInto
from playcall.testing import NOON, an_alert, minutes
from tests.engine.world import World, of


def on(host: str, minute: float = 0, *, firing: bool = True) -> Alert:
    """A group for each host."""
    labels = {"alertname": "LatencyHigh", "severity": "critical", "host": host.rstrip("0123456789")}
    at = NOON + minutes(minute)
    found = an_alert(fingerprint=host, starts_at=at, firing=firing)
    return replace(found, labels=labels)


def a_world(folder: Path) -> World:
    return World(folder=folder, group_by=("host",))


async def take(world: World, *alerts: Alert) -> None:
    await world.receive(*alerts)
    while await world.engine._take_arrivals():
        pass


async def merge(world: World, ending: int, onto: int, by: str = "cleo") -> Refused | None:
    return await world.engine.regroup(
        lambda tx, both, at: both.merge(tx, ending, onto, by, "one cause", at)
    )


async def split(world: World, incident: int, *fingerprints: str) -> int | Refused:
    return await world.engine.regroup(
        lambda tx, both, at: both.split(tx, incident, fingerprints, "ada", "two causes", at)
    )


async def alerts_of(world: World, incident: int) -> list[str]:
    return sorted((await world.state(incident)).alerts)


async def numbers(world: World) -> int:
    return len(await world.store.read(lambda views: views.incidents()))


async def test_whatever_comes_for_a_merged_incident_goes_to_the_other(tmp_path: Path) -> None:
    async with a_world(tmp_path).stopped() as world:
        await take(world, on("a1"), on("b1"))
        assert await merge(world, 2, 1) is None
        await take(world, on("b1", 1, firing=False), on("b1", 2), on("b2", 2), on("a2", 2))
        assert await numbers(world) == 2
        assert await alerts_of(world, 1) == ["a1", "a2", "b1", "b2"]
        gone = await world.state(2)
        assert (gone.status, gone.kin.into) == (Status.MERGED, 1)
        assert (gone.alerts, gone.wake_at) == ({}, None)
        assert (await world.state(1)).kin.absorbed == (2,)


async def test_the_events_rebuild_both_states(tmp_path: Path) -> None:
    async with a_world(tmp_path).stopped() as world:
        await take(world, on("a1"), on("b1"), on("b2"))
        await world.submit(ev.Acknowledged(at=NOON, by="ada"), 2)
        assert await merge(world, 2, 1) is None
        assert await split(world, 1, "b2") == 3
        for number in (1, 2, 3):
            found = await world.dossier(number)
            assert found is not None
            state: Incident | None = None
            for stored in found.events:
                outcome = decide(state, stored.event, found.plan)
                assert isinstance(outcome, Moved)
                state = outcome.incident
            assert state == found.incident


async def test_after_the_end_it_relapses_in_time_and_is_anew_later(tmp_path: Path) -> None:
    async with a_world(tmp_path).stopped() as world:
        await take(world, on("a1"), on("b1"))
        await merge(world, 2, 1)
        over = ev.Resolved(at=NOON, by="cleo", cause="", unverified=True)
        await world.submit(over)
        await take(world, on("b1", 1))
        assert (await world.state(1)).status is Status.OPEN
        await world.submit(over)
        world.clock.move(world.plan.response.reopen_within + minutes(1))
        await take(world, on("b1", 99), on("b3", 99))
        assert await alerts_of(world, 3) == ["b1", "b3"]
        assert (await world.state(1)).status.over


async def test_a_split_keeps_two_incidents_of_one_group_apart(tmp_path: Path) -> None:
    async with a_world(tmp_path).stopped() as world:
        await take(world, on("a1"), on("a2"), on("a3"))
        assert await split(world, 1, "a2") == 2
        made = await world.state(2)
        assert (made.status, made.acknowledged_by, made.kin.split_from) == (
            Status.ACKNOWLEDGED,
            "ada",
            1,
        )
        await take(world, on("a2", 1, firing=False), on("a4", 1), on("a3", 1, firing=False))
        await take(world, on("a2", 2))
        assert await alerts_of(world, 1) == ["a1", "a3", "a4"]
        assert await alerts_of(world, 2) == ["a2"]
        await world.submit(ev.Resolved(at=NOON, by="cleo", cause="", unverified=True), 1)
        await world.submit(ev.Resolved(at=NOON, by="cleo", cause="", unverified=True), 2)
        await take(world, on("a2", 3), on("a1", 3))
        assert [(await world.state(n)).status for n in (1, 2)] == [Status.OPEN, Status.OPEN]
        world.clock.move(minutes(1))
        for number in (1, 2):
            again = ev.Resolved(at=world.clock.now(), by="cleo", cause="", unverified=True)
            await world.submit(again, number)
        world.clock.move(world.plan.response.reopen_within + minutes(1))
        await take(world, on("a2", 99), on("a1", 99))
        assert await alerts_of(world, 3) == ["a1", "a2"]


async def test_a_split_takes_a_merge_back(tmp_path: Path) -> None:
    async with a_world(tmp_path).stopped() as world:
        await take(world, on("a1"), on("b1"))
        await merge(world, 2, 1)
        assert await split(world, 1, "b1") == 3
        assert (await world.state(3)).group == (await world.state(2)).group
        await take(world, on("b2", 1))  # the group is its own again
        assert await alerts_of(world, 3) == ["b1", "b2"]
        assert await merge(world, 3, 1) is None


async def test_what_was_merged_goes_along_when_the_other_is_merged_too(tmp_path: Path) -> None:
    async with a_world(tmp_path).stopped() as world:
        hosts = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(42)]
        await take(world, *(on(f"{host}1") for host in hosts))
        for number in range(2, 42):
            assert await merge(world, number, 1) is None
        assert await merge(world, 1, 42) is None
        await take(world, *(on(f"{host}2", 1) for host in hosts))
        assert len((await world.state(42)).alerts) == 84
        assert await numbers(world) == 42
        assert (await world.state(42)).kin.absorbed == (1,)


async def test_nobody_merges_in_a_circle_or_into_what_is_over(tmp_path: Path) -> None:
    async with a_world(tmp_path).stopped() as world:
        await take(world, on("a1"), on("b1"), on("c1"))
        assert await merge(world, 1, 1) == Refused(reason="incident 1 cannot be merged into itself")
        assert await merge(world, 9, 1) == Refused(reason="there is no incident 9")
        assert await merge(world, 2, 1) is None
        for ending, onto in ((1, 2), (2, 1), (2, 3)):
            outcome = await merge(world, ending, onto)
            assert isinstance(outcome, Refused)
            assert outcome.reason.startswith("incident 2 was merged into incident 1: only")
        await world.submit(ev.Resolved(at=NOON, by="cleo", cause="", unverified=True), 3)
        outcome = await merge(world, 1, 3)
        assert isinstance(outcome, Refused)
        assert "incident 3 is resolved" in outcome.reason
        for some in ((), ("a1", "b1"), ("zz",)):
            assert isinstance(await split(world, 1, *some), Refused)


async def test_a_merge_that_fails_halfway_leaves_both_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(tmp_path).stopped() as world:
        await take(world, on("a1"), on("b1"), on("a2"))
        before = [await world.state(1), await world.state(2)]

        def refuse(*_: object) -> str:
            return ""

        await world.submit(ev.Resolved(at=NOON, by="cleo", cause="", unverified=True), 1)
        before[0] = await world.state(1)
        monkeypatch.setattr("playcall.engine.regroup.why_not_merge", refuse)
        with pytest.raises(RuntimeError, match="Absorbed was refused"):
            await merge(world, 2, 1)
        assert [await world.state(1), await world.state(2)] == before
        await take(world, on("b2", 1))
        assert await alerts_of(world, 2) == ["b1", "b2"]


async def test_a_change_under_way_or_unknown_stands_against_a_merge(tmp_path: Path) -> None:
    async with a_world(tmp_path).stopped() as world:
        await take(world, on("a1"), on("b1"))
        await world.submit(ev.RunApproved(at=NOON, by="ada", command="2.1"), 2)
        await world.submit(ev.CommandBegun(at=NOON, command="2.1", run="2/2.1/1"), 2)
        outcome = await merge(world, 2, 1)
        assert isinstance(outcome, Refused)
        assert "command 2.1 of incident 2 is changing something" in outcome.reason
        await world.submit(ev.CommandInterrupted(at=NOON, command="2.1", run="2/2.1/1"), 2)
        outcome = await merge(world, 2, 1)
        assert isinstance(outcome, Refused)
        assert "is unknown: decide it first" in outcome.reason
        assert await merge(world, 1, 2) is None  # the one that goes on keeps its own


async def test_what_was_approved_and_not_begun_does_not_run(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    async with world.stopped():
        await take(world, on("a1"), on("b1"))
        await world.submit(ev.RunApproved(at=NOON, by="ada", command="2.1"), 2)
        assert await merge(world, 2, 1) is None
    async with world.working():
        found = await world.until(lambda one: not one.incident.runs["2.1"].status.active, "over", 2)
    assert found.incident.runs["2.1"].summary == "not run: the incident was merged first"
    assert found.incident.runs["2.1"].status is RunStatus.CANCELLED
    begun = [one for one in of(found, ev.CommandBegun) if isinstance(one, ev.CommandBegun)]
    assert "2.1" not in {one.command for one in begun}


async def test_pages_of_a_merged_incident_stop_and_whoever_had_it_is_told(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    async with world.working():
        await world.receive(on("a1"), on("b1"))
        await world.until_event(ev.PageDelivered, 2)
        await world.submit(ev.Acknowledged(at=NOON, by="ada"), 2)
        assert await merge(world, 2, 1) is None
        sent = world.mail.sent
        await world.until(lambda _: any("cleo merged it" in m.body for _, m, _ in sent), "told")
        known = await world.dossier(2)
        world.clock.move(minutes(30))
        await world.until_event(ev.RungClimbed, 1, 3)
        assert known is not None
        assert not of((await world.dossier(2)) or known, ev.RungClimbed)[1:]
        assert of(known, MergedInto)
        assert not of(known, AlertsSplit)
