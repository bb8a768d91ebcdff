"""Roles become people at a moment, by schedules and overrides; pages reach them by their rules."""

from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from playcall.core.events import Acknowledged, PageDelivered, PageFailed, Resolved
from playcall.core.hours import read_window
from playcall.core.medium import Medium, medium_of
from playcall.core.rota import Override, Rotation, Schedule
from playcall.engine.directory import COMMANDER, Directory, bindable, ways
from playcall.engine.ports import Later, Method, Person, Rule, Transaction
from playcall.testing import NOON, a_plan, an_alert, minutes
from tests.core.telling import CRITICAL
from tests.engine.world import ADA, BOB, World, of

DAY = timedelta(days=1)
CLEO = Person(id="cleo", name="Cleo Ray", methods=ADA.methods)
WORKING_HOURS = read_window("mon-fri 09:00-17:00")  # NOON is a Sunday
MAIL, CHAT = ADA.methods


def a_schedule(*people: str, only: str = "") -> Schedule:
    window = read_window(only)
    rotation = Rotation(
        people=people,
        turn=DAY,
        hand_off=time(0),
        starts_on=date(2026, 3, 1),
        windows=(window,) if window else (),
    )
    return Schedule(name="first", zone=ZoneInfo("UTC"), layers=(rotation,))


def a_directory(
    schedule: Schedule | None = None, fallback: tuple[str, ...] = (), **roles: tuple[str, ...]
) -> Directory:
    return Directory(
        people={"ada": ADA, "bob": BOB, "cleo": CLEO},
        roles={role.replace("_", " "): bound for role, bound in roles.items()},
        schedules={"first": schedule or a_schedule("ada", "bob")},
        fallbacks={"first": fallback},
    )


def ids(people: tuple[Person, ...]) -> list[str]:
    return [person.id for person in people]


def an_override(person: str, length: timedelta = DAY) -> Override:
    return Override(schedule="first", person=person, starts_at=NOON, ends_at=NOON + length)


def test_a_role_is_its_people_and_whoever_is_on_call_in_its_schedules() -> None:
    directory = a_directory(team_lead=("cleo", "first", "ada"))
    assert ids(directory.behind("Team Lead", NOON)) == ["cleo", "ada"]
    assert ids(directory.behind("TEAM LEAD", NOON + DAY)) == ["cleo", "bob", "ada"]
    assert ids(directory.behind("team lead", NOON, [an_override("bob")])) == ["cleo", "bob", "ada"]
    assert ids(directory.behind("nobody", NOON)) == []


@pytest.mark.parametrize("role", ["First", "first", "ADA", "ada", "Ada"])
def test_what_is_bound_to_nothing_may_be_a_schedule_or_a_person(role: str) -> None:
    assert ids(a_directory().behind(role, NOON)) == ["ada"]
    assert a_directory().unbound([role, "x"]) == ("x",)


def test_somebody_may_be_asked_for_by_their_whole_name() -> None:
    assert ids(a_directory().behind("cleo ray", NOON)) == ["cleo"]


def test_a_gap_goes_to_the_fallback_and_is_told() -> None:
    weekdays = a_schedule("ada", only="mon-fri")
    directory = a_directory(weekdays, ("cleo", "bob"))
    found = directory.look_up("first", NOON)
    assert ids(found.people) == ["cleo", "bob"]
    assert found.notes == ("schedule first: nobody is on call; cleo, bob stands in",)
    assert ids(directory.behind("first", NOON + DAY)) == ["ada"]


def test_a_gap_without_a_fallback_is_told_with_the_schedules_name() -> None:
    found = a_directory(a_schedule("ada", only="mon-fri")).look_up("first", NOON)
    assert (found.people, found.empty) == ((), ("first",))
    assert list(found.told()) == [(None, "nobody is on call in first, and it has no fallback")]


def test_whoever_was_removed_while_on_call_is_skipped_and_told() -> None:
    asked = [an_override("bob"), an_override("zoe")]
    found = a_directory(fallback=("cleo",)).look_up("first", NOON, asked)
    assert (ids(found.people), found.gone) == (["bob"], ("zoe",)), "the next in line"
    found = a_directory(a_schedule("zoe"), fallback=("cleo",)).look_up("first", NOON)
    assert (ids(found.people), found.gone) == (["cleo"], ("zoe",))
    [(who, why)] = found.told()
    assert who == "zoe"
    assert "no longer among the people" in why


def test_every_role_of_a_document_may_be_bound() -> None:
    plan = a_plan()
    roles = bindable(plan)
    assert COMMANDER in roles
    heard = replace(plan, rungs=(), audiences=(CRITICAL,))
    assert set(CRITICAL.recipients) <= set(bindable(heard))
    for team in plan.teams:
        assert {team.primary, team.secondary, team.expert} <= {*roles, ""}
    assert {role for rung in plan.rungs for role in rung.roles} <= set(roles)


# --- People's own rules --------------------------------------------------------------------------


def test_without_rules_the_methods_are_tried_in_order() -> None:
    [way] = ways(ADA, NOON)
    assert (way.name, way.person, way.later) == ("ada", ADA, None)


def test_a_rules_methods_are_used_at_once_and_a_later_rule_later() -> None:
    person = replace(
        ADA,
        rules=(
            Rule(after=timedelta(), methods=(MAIL, CHAT)),
            Rule(after=minutes(2), methods=(CHAT,)),
        ),
    )
    found = ways(person, NOON)
    assert [way.name for way in found] == ["ada/0/mail", "ada/0/chat", "ada/1/chat"]
    later = Later(due_at=NOON + minutes(2), decided_at=NOON)
    assert [way.later for way in found] == [None, None, later]
    assert [way.person.methods for way in found] == [(MAIL,), (CHAT,), (CHAT, MAIL)]
    assert not any(way.person.rules for way in found)


def test_a_rung_that_is_to_be_called_is_called_first_whatever_the_order() -> None:
    voice = Method(channel="voice", address="+4930123456")
    rules = (Rule(after=minutes(1), methods=(MAIL,)), Rule(after=minutes(5), methods=(CHAT,)))
    person = replace(ADA, methods=(MAIL, CHAT, voice), rules=rules)
    for medium in (Medium.CALL, Medium.CONFERENCE):
        call, mail, chat = ways(person, NOON, medium)
        assert (call.name, call.later) == ("ada/call", None)
        assert call.person.methods == (voice, MAIL, CHAT)
        for way, after in ((mail, 1), (chat, 5)):
            assert way.later == Later(due_at=NOON + minutes(after), decided_at=NOON, repeats=True)
    assert ways(person, NOON, Medium.PAGE) == ways(person, NOON)
    assert ways(ADA, NOON, Medium.CALL) == ways(ADA, NOON)  # nobody can call them


@pytest.mark.parametrize(
    ("means", "roles", "medium"),
    [
        ("Page", ("A", "B"), Medium.PAGE),
        ("Call", ("A",), Medium.CALL),
        ("phone call", ("A", "B"), Medium.CALL),
        ("Conference Call", ("A", "B"), Medium.CONFERENCE),
        ("Conference Call", ("A",), Medium.CALL),
        ("Recall", ("A", "B"), Medium.PAGE),
    ],
)
def test_the_document_says_how_a_rung_is_reached(
    means: str, roles: tuple[str, ...], medium: Medium
) -> None:
    assert medium_of(replace(a_plan().rungs[0], means=means, roles=roles)) is medium


def test_a_rule_holds_in_its_hours_and_outside_of_all_every_method_is_used() -> None:
    rule = Rule(after=timedelta(), methods=(CHAT,), hours=WORKING_HOURS)
    person = replace(ADA, rules=(rule,), zone="America/New_York")
    [way] = ways(person, NOON)
    assert way.person.methods == (MAIL, CHAT), "it is Sunday"
    [way] = ways(person, NOON + DAY)
    assert way.person.methods == (MAIL, CHAT), "it is seven in the morning there"
    [way] = ways(person, NOON + DAY + minutes(180))
    assert way.person.methods == (CHAT, MAIL)
    assert way.name == "ada/0/chat"


def test_hours_that_do_not_match_never_put_a_page_off() -> None:
    rules = (
        Rule(after=timedelta(), methods=(CHAT,), hours=WORKING_HOURS),
        Rule(after=minutes(2), methods=(CHAT,)),
    )
    first, second = ways(replace(ADA, rules=rules), NOON)
    assert (first.name, first.later, first.person.methods) == ("ada", None, (MAIL, CHAT))
    assert second.name == "ada/1/chat"
    delayed = tuple(replace(rule, after=rule.after + minutes(1)) for rule in rules)
    first, _ = ways(replace(ADA, rules=delayed), NOON)
    assert first.later == Later(due_at=NOON + minutes(1), decided_at=NOON, repeats=False)


def test_when_a_rules_method_fails_the_others_are_tried() -> None:
    [way] = ways(replace(ADA, rules=(Rule(after=timedelta(), methods=(CHAT,)),)), NOON)
    assert way.person.methods == (CHAT, MAIL)


def a_world(folder: Path, *rules: Rule) -> World:
    return World(folder=folder, people={"ada": replace(ADA, rules=rules), "bob": BOB})


LATER = (
    Rule(after=timedelta(), methods=(MAIL,)),
    Rule(after=minutes(2), methods=(CHAT,)),
)


async def test_a_later_rule_pages_whoever_has_not_acknowledged(tmp_path: Path) -> None:
    async with a_world(tmp_path, *LATER).working() as world:
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        assert world.chat.sent == []
        world.clock.at += minutes(2)
        events = await world.until_event(PageDelivered, count=2)
        assert [(e.person, e.channel) for e in events if isinstance(e, PageDelivered)] == [
            ("ada", "mail"),
            ("ada", "chat"),
        ]


@pytest.mark.parametrize("ending", ["acknowledged", "resolved"])
async def test_a_later_rule_is_quiet_once_somebody_has_it(tmp_path: Path, ending: str) -> None:
    async with a_world(tmp_path, *LATER).working() as world:
        await world.receive(an_alert())
        await world.until_event(PageDelivered)
        at = NOON + minutes(1)
        await world.submit(
            Acknowledged(at=at, by="ada")
            if ending == "acknowledged"
            else Resolved(at=at, by="ada", cause="", unverified=True)
        )
        world.clock.at += minutes(4)
        later = "1.1.0.ada/1/chat"
        kept = await world.until(lambda _: later in done_jobs(world), "the later job was looked at")
        assert len(of(kept, PageDelivered)) == 1
        assert world.chat.sent == []


def done_jobs(world: World) -> set[str]:
    import sqlite3

    with sqlite3.connect(world.folder / "playcall.db") as db:
        return {key for (key,) in db.execute("SELECT key FROM jobs WHERE state = 'done'")}


async def test_a_schedule_is_asked_with_the_overrides_of_the_moment(tmp_path: Path) -> None:
    world = World(
        folder=tmp_path,
        roles={"on-call primary": ("first",)},
        schedules={"first": a_schedule("ada")},
    )
    asked = Override(schedule="first", person="bob", starts_at=NOON, ends_at=NOON + minutes(1))

    def override(tx: Transaction) -> None:
        tx.add_override(asked, "root", NOON)

    async with world.working():
        await world.store.write(override)
        await world.receive(an_alert())
        [page] = await world.until_event(PageDelivered)
        assert isinstance(page, PageDelivered)
        assert (page.role, page.person) == ("On-Call Primary", "bob")


async def test_a_gap_without_fallback_is_on_the_timeline_and_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(
        folder=tmp_path,
        roles={"on-call primary": ("first",)},
        schedules={"first": a_schedule("ada", only="mon-fri")},
    )
    async with world.working():
        await world.receive(an_alert())
        failed = await world.until_event(PageFailed)
        reasons = {e.role: e.reason for e in failed if isinstance(e, PageFailed)}
        why = "nobody is on call in first, and it has no fallback"
        assert reasons["On-Call Primary"] == why
    said = "incident 1, On-Call Primary: schedule first: nobody is on call; nobody stands in"
    assert said in caplog.text


def test_the_soonest_rule_is_the_page_itself_however_late_and_others_repeat_it() -> None:
    rules = tuple(Rule(after=minutes(count), methods=(CHAT,)) for count in (1, 1, 3))
    found = [way.later for way in ways(replace(ADA, rules=rules), NOON)]
    assert [later and later.repeats for later in found] == [False, False, True]
