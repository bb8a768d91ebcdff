"""Incidents that were open before the settings changed: nobody is forgotten, nothing is held for
longer than it should be, and nothing is sent that nobody needs any more."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from playcall.core import events as ev
from playcall.core.incident import Part
from playcall.core.maintenance import Window
from playcall.core.plan import Plan, RungCondition
from playcall.engine.directory import as_of_now
from playcall.engine.older_plans import unbound_roles, unbound_warnings
from playcall.engine.ports import Delivery, Job, Method, Person, Rule, Unavailable
from playcall.testing import NOON, SetClock, SetWatcher, a_plan, a_play, an_alert, minutes
from tests.engine.world import ADA, BOB, ROLES, World, of

QUIET = a_plan(a_play(escalation=None))  # nobody but the first rung is paged when it fires
EVE = Person(id="eve", name="Eve", methods=(Method(channel="mail", address="eve@example.org"),))
DOWN = Unavailable("connection refused")


def mailed(world: World) -> list[str]:
    return [address for address, _, _ in world.mail.sent]


async def deliver(world: World) -> list[Job]:
    """Whatever is due, once each."""
    now = world.clock.now()
    jobs = await world.store.write(lambda tx: tx.claim("me", [Delivery], now, minutes(1), 50))
    for job in jobs:
        await world.engine.performer.perform(job)
    return list(jobs)


async def fire(world: World) -> None:
    await world.receive(an_alert())
    await world.engine._take_arrivals()


def a_world(folder: Path, minute: float = 0, **changes: object) -> World:
    at = SetClock(NOON + minutes(minute))
    return World(folder=folder, clock=at, **{"plan": QUIET, **changes})  # type: ignore[arg-type]


# --- Maintenance ---------------------------------------------------------------------------------


async def test_a_window_that_is_taken_out_of_the_settings_holds_no_pages_any_more(
    tmp_path: Path,
) -> None:
    window = Window(
        starts=NOON - minutes(5), ends=NOON + minutes(60), matchers={"alertname": "*"}, reason="r"
    )
    before = a_world(tmp_path, windows=(window,), watcher=SetWatcher())
    async with before.stopped():
        await fire(before)
        for watch in before.engine.watches:
            await watch()
        assert await deliver(before) == []
    now = a_world(tmp_path, 2, watcher=SetWatcher(broken=Unavailable("Alertmanager is away.")))
    async with now.stopped():
        for watch in now.engine.watches:
            await watch()
        await deliver(now)
        found = await now.dossier()
    assert mailed(now) == ["ada@example.org"]
    assert found is not None
    assert of(found, ev.QuietShortened) == [
        ev.QuietShortened(at=NOON + minutes(2), until=NOON + minutes(2))
    ]
    assert len(of(found, ev.QuietEnded)) == 1


async def test_an_alert_that_fires_again_after_its_window_ends_the_quiet_once(
    tmp_path: Path,
) -> None:
    window = Window(starts=NOON, ends=NOON + minutes(60), matchers={"alertname": "*"}, reason="r")
    world = a_world(tmp_path, windows=(window,))
    async with world.stopped():
        await fire(world)
        await world.receive(an_alert(firing=False))
        await world.engine._take_arrivals()
        world.clock.move(minutes(61))
        await world.receive(an_alert(starts_at=world.clock.now()))
        await world.engine._take_arrivals()
        await deliver(world)
        found = await world.dossier()
    assert found is not None
    assert len(of(found, ev.QuietEnded)) == 1
    assert mailed(world) == ["ada@example.org"]


# --- People --------------------------------------------------------------------------------------


async def test_what_is_for_a_commander_who_is_gone_reaches_the_first_rung_and_the_record(
    tmp_path: Path,
) -> None:
    before = a_world(tmp_path, people={"ada": ADA, "bob": BOB, "eve": EVE})
    async with before.stopped():
        await fire(before)
        await before.submit(
            ev.PartTaken(at=NOON, by="eve", part=Part.COMMANDER, person="eve"),
        )
        await deliver(before)
    now = a_world(tmp_path, 1)
    async with now.stopped():
        await now.submit(ev.PartTaken(at=NOON, by="bob", part=Part.COMMANDER, person="bob"))
        await deliver(now)
        found = await now.dossier()
    [(address, message, _)] = now.mail.sent
    assert (address, message.urgent) == ("ada@example.org", False)
    assert "It was for eve, and nobody is behind that." in message.body
    assert found is not None
    assert of(found, ev.StoodIn) == [
        ev.StoodIn(at=NOON, role="eve", to=("On-Call Primary",), page=False)
    ]


async def test_a_page_for_whoever_is_gone_goes_once_to_whoever_has_the_role_now(
    tmp_path: Path,
) -> None:
    rules = tuple(Rule(after=minutes(n), methods=EVE.methods) for n in (0, 2))
    people = {"ada": ADA, "bob": BOB, "eve": replace(EVE, rules=rules)}
    roles = {**ROLES, "on-call primary": ("eve",)}
    before = a_world(tmp_path, people=people, roles=roles)
    before.mail.broken = DOWN
    async with before.stopped():
        await fire(before)
        assert len(await deliver(before)) == 1
    now = a_world(tmp_path, 3)
    async with now.stopped():
        assert len(await deliver(now)) == 2  # to eve, who is gone, by two ways
        await deliver(now)
        found = await now.dossier()
    assert mailed(now) == ["ada@example.org"]
    assert found is not None
    [gone] = of(found, ev.PersonGone)
    assert isinstance(gone, ev.PersonGone)
    assert (gone.person, gone.role, gone.rung) == ("eve", "On-Call Primary", 0)


async def test_a_page_on_its_way_takes_the_address_of_today(tmp_path: Path) -> None:
    before = a_world(tmp_path)
    before.mail.broken = before.chat.broken = DOWN
    async with before.stopped():
        await fire(before)
        await deliver(before)
    moved = replace(ADA, methods=(Method(channel="mail", address="new@example.org"),))
    now = a_world(tmp_path, 1, people={"ada": moved, "bob": BOB})
    async with now.stopped():
        await deliver(now)
    assert mailed(now) == ["new@example.org"]


def test_the_order_that_was_decided_is_kept_with_the_addresses_of_today() -> None:
    mail, chat = ADA.methods
    paged = replace(ADA, methods=(chat, mail))
    assert as_of_now(paged, ADA).methods == (chat, mail)
    other = Method(channel="chat", address="ada-new")
    assert as_of_now(paged, replace(ADA, methods=(mail, other))).methods == (other, mail)
    phone = Method(channel="phone", address="1")
    assert as_of_now(paged, replace(ADA, methods=(phone,))).methods == (phone,)


# --- Plans ---------------------------------------------------------------------------------------


def called(plan: Plan, name: str) -> Plan:
    """The plan as it was when its first rung was called otherwise."""
    first, *others = plan.rungs
    return replace(plan, rungs=(replace(first, roles=(name,)), *others))


async def test_a_role_of_an_older_plan_that_nobody_fills_is_said_and_stood_in_for(
    tmp_path: Path,
) -> None:
    old = called(QUIET, "Duty Officer")
    before = a_world(tmp_path, plan=old, roles={**ROLES, "duty officer": ("bob",)})
    async with before.stopped():
        await fire(before)
        await deliver(before)
        assert mailed(before) == ["bob@example.org"]
    now = a_world(tmp_path, 1)
    async with now.stopped():
        committer = replace(now.engine.performer.committer, last_resort=("On-Call Primary",))
        now.engine.performer = replace(now.engine.performer, committer=committer)
        known = committer.directory
        [said] = await now.store.read(lambda views: unbound_warnings(views, known))
        assert said.startswith('Nobody is bound to "Duty Officer", which incident 1, opened')
        missing = await now.store.read(lambda views: unbound_roles(views, views.incidents(), known))
        assert missing == {1: ("Duty Officer",)}
        await now.submit(ev.Acknowledged(at=NOON, by="ada"))
        await now.submit(ev.Unacknowledged(at=NOON + minutes(1), by="ada"))
        await deliver(now)
        found = await now.dossier()
    assert mailed(now) == ["ada@example.org"]
    assert found is not None
    assert [type(one) for one in (*of(found, ev.StoodIn), *of(found, ev.PageFailed))] == [
        ev.StoodIn,
        ev.PageFailed,
    ]
    assert found.incident.unreached is None  # since somebody was reached instead


async def test_what_nobody_at_all_can_be_told_is_on_record(tmp_path: Path) -> None:
    roles = {name: who for name, who in ROLES.items() if name != "on-call primary"}
    world = a_world(tmp_path, roles=roles)
    async with world.stopped():
        await world.receive(an_alert("DiskFull", severity="warning"))
        await world.engine._take_arrivals()
        found = await world.dossier()
    assert found is not None
    assert [one.to for one in of(found, ev.StoodIn) if isinstance(one, ev.StoodIn)] == [()]


# --- What is late --------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", [RungCondition.NO_ACK, RungCondition.NO_RESOLUTION])
async def test_a_retry_asks_again_whether_anybody_needs_it_and_says_that_it_is_late(
    tmp_path: Path, condition: RungCondition
) -> None:
    first, second, *_ = QUIET.rungs
    plan = replace(QUIET, rungs=(first, replace(second, condition=condition)))
    world = a_world(tmp_path, plan=plan)
    world.mail.broken = world.chat.broken = DOWN
    async with world.stopped():
        await fire(world)
        await deliver(world)
        world.clock.move(minutes(5))
        await world.engine._wake_incidents()
        await deliver(world)
        world.clock.move(timedelta(seconds=10))
        await world.submit(ev.Acknowledged(at=world.clock.now(), by="ada"))
        world.clock.move(minutes(6))
        world.mail.broken = None
        await deliver(world)
        assert await deliver(world) == []  # what was moot is done with
    if condition is RungCondition.NO_ACK:
        assert world.mail.sent == []
        return
    [(address, message, _)] = world.mail.sent
    assert address == "bob@example.org"
    assert message.body.startswith(
        "LATE: this was to reach you 6 min ago (2026-03-01 12:05:00 UTC). "
        "Now the incident is acknowledged by ada."
    )


# --- After the incident --------------------------------------------------------------------------


async def test_what_somebody_who_left_owes_is_said_to_the_next_role_and_given_to_somebody(
    tmp_path: Path,
) -> None:
    """Bob left: the next role of the path, which ada has now, is told of his action item."""
    before = a_world(tmp_path)
    async with before.stopped():
        await fire(before)
        await before.submit(ev.Acknowledged(at=NOON, by="bob"))
        await before.submit(ev.Resolved(at=NOON, by="bob", cause="", unverified=True))
        item = ev.ActionAdded(at=NOON, by="bob", text="rotate", owner="bob", due=NOON.date())
        await before.submit(item)
        await deliver(before)
    people = {"ada": ADA}
    roles = {name: ("ada",) if name == "on-call secondary" else () for name in ROLES}
    now = a_world(tmp_path, 1, people=people, roles=roles)
    async with now.stopped():
        now.clock.move(timedelta(hours=12))
        await now.engine._wake_incidents()
        await deliver(now)
        found = await now.dossier()
    assert found is not None
    stood_in = [one for one in of(found, ev.StoodIn) if isinstance(one, ev.StoodIn)]
    assert {(one.role, one.to) for one in stood_in} == {("bob", ("On-Call Secondary",))}
    said = [message.body for _, message, _ in now.mail.sent]
    assert any("action item 1 (rotate), overdue" in body for body in said)
    assert [one.owner for one in found.incident.owed.actions] == ["bob"], "the record stays"
