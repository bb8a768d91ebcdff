"""What the team's chat shows of incidents, kept by a real engine in a Slack of our own."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from playcall.channels.slack_api import SlackApi
from playcall.channels.slack_chat import SlackChat, SlackRooms
from playcall.core import events as ev
from playcall.core.chat import Place
from playcall.core.incident import Part
from playcall.core.rota import Override, Rotation, Schedule
from playcall.engine.mirror import Mirror
from playcall.engine.rooms import RoomKeeper
from playcall.engine.shift_talk import ShiftTalk
from playcall.testing import NOON, a_plan, an_alert, minutes
from tests.engine.world import World
from tests.slack_fake import TOKEN, FakeChannel, FakeSlack, buttons, fake_slack, said

NAMES = {Place.ALERTS: "#x-alerts", Place.INCIDENTS: "#x-incidents", Place.ON_CALL: "#x-oncall"}


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as server:
        for name in NAMES.values():
            server.channel(name.removeprefix("#"))
        yield server


@dataclass(kw_only=True)
class Shown:
    """A world, what its chat shows, and the watch that is looked after by hand."""

    world: World
    slack: FakeSlack
    mirror: Mirror
    warnings: list[str] = field(default_factory=list)

    @property
    def alerts(self) -> FakeChannel:
        return self.slack.named("x-alerts")

    @property
    def incidents(self) -> FakeChannel:
        return self.slack.named("x-incidents")

    async def do(self, event: ev.Event) -> None:
        await self.world.submit(event)
        await self.look()

    async def look(self) -> None:
        while await self.mirror.look_due():
            pass

    async def room(self, name: str) -> FakeChannel:
        """As soon as it is there: on a busy machine a call may take too long, and is made again."""
        for _ in range(10):
            await self.look()
            if any(one.name == name for one in self.slack.channels.values()):
                return self.slack.named(name)
            self.world.clock.move(timedelta(minutes=1))
        raise AssertionError(f"there is no {name}")


def a_shown(world: World, slack: FakeSlack, *, rooms: bool = False) -> Shown:
    api = SlackApi(TOKEN, slack.url, timedelta(seconds=3))
    committer = world.engine.performer.committer
    warnings: list[str] = []
    keeper = RoomKeeper(
        store=world.store,
        committer=committer,
        clock=world.clock,
        rooms=SlackRooms(api),
        addresses={"ada": "UADA00001"},
    )
    mirror = Mirror(
        store=world.store,
        committer=committer,
        clock=world.clock,
        chat=SlackChat(api),
        channels=NAMES,
        owner="me",
        rooms=keeper if rooms else None,
        shifts=ShiftTalk(
            store=world.store,
            directory=committer.directory,
            clock=world.clock,
            url="http://playcall.example",
        ),
        warn=warnings.append,
    )
    return Shown(world=world, slack=slack, mirror=mirror, warnings=warnings)


@pytest.fixture
async def shown(tmp_path: Path, slack: FakeSlack) -> AsyncIterator[Shown]:
    """With one incident open whose diagnostics have ended."""
    async with World(folder=tmp_path, plan=a_plan()).working() as world:
        await world.receive(an_alert())
        await world.until_event(ev.CommandFinished)
        await world.until_event(ev.MetricRead)
        found = a_shown(world, slack)
        await found.look()
        yield found


async def test_an_incident_is_one_message_in_each_channel_edited_as_it_changes(
    shown: Shown,
) -> None:
    (message,) = shown.alerts.messages
    assert "LatencyHigh: requests are slow" in said(message)
    assert "nobody has it" in said(message)
    assert list(buttons(message)) == ["Acknowledge", "Take command", "Escalate", "Open"]
    happened: list[ev.Event] = [
        ev.Acknowledged(at=NOON, by="ada"),
        ev.PartTaken(at=NOON, by="ada", part=Part.COMMANDER, person="ada"),
        ev.NoteAdded(at=NOON, by="ada", text="only noted"),
        ev.Resolved(at=NOON, by="ada", cause="a leak", unverified=True),
    ]
    for event in happened:
        await shown.do(event)
    assert len(shown.alerts.messages) == 1
    assert "✅" in said(shown.alerts.messages[0])
    assert list(buttons(shown.alerts.messages[0])) == ["Open"]
    (summary,) = shown.incidents.shown()
    assert "commander: Ada" in summary
    assert shown.incidents.shown(replies=True) == [
        "*Acknowledged by ada*",
        "*ada is incident commander now*",
        "*Resolved by ada, NOT VERIFIED by the criteria: a leak*",
    ]
    before = len(shown.slack.calls)
    await shown.look()
    assert len(shown.slack.calls) == before  # nothing changed, and Slack was not asked


async def test_an_approval_wanted_has_buttons_until_it_is_decided(shown: Shown) -> None:
    await shown.do(ev.RunRequested(at=NOON, by="bob", command="2.1"))
    ask = shown.incidents.messages[-1]
    assert "Approval wanted: 2.1" in said(ask)
    assert "restart" in said(ask)
    assert list(buttons(ask)) == ["Approve", "Refuse", "Open"]
    await shown.do(ev.RunDeclined(at=NOON, by="ada", command="2.1", reason="too risky"))
    assert list(buttons(shown.incidents.messages[1])) == ["Open"]
    assert "declined" in said(shown.incidents.messages[1])
    await shown.do(ev.RunRequested(at=NOON, by="bob", command="2.1"))  # once more, in a new message
    assert "Approve" in buttons(shown.incidents.messages[-1])


@pytest.mark.parametrize("fault", ["lost", "hang"])
async def test_a_restart_between_posting_and_knowing_it_repeats_nothing(
    shown: Shown, fault: str
) -> None:
    shown.slack.faults["chat.postMessage"] = [fault]
    await shown.do(ev.Acknowledged(at=NOON, by="ada"))  # the milestone's answer never comes
    again = a_shown(shown.world, shown.slack)
    await again.look()
    await again.do(ev.NoteAdded(at=NOON, by="ada", text="x"))
    assert len(shown.alerts.messages) == 1
    assert len(shown.incidents.shown()) == 1
    assert shown.incidents.shown(replies=True) == ["*Acknowledged by ada*"]


async def test_slack_is_left_alone_as_long_as_it_asks_for(shown: Shown) -> None:
    shown.slack.faults["chat.postMessage"] = [429]
    await shown.do(ev.Acknowledged(at=NOON, by="ada"))
    calls = len(shown.slack.calls)
    shown.world.clock.move(timedelta(seconds=6))
    await shown.look()
    assert len(shown.slack.calls) == calls
    shown.world.clock.move(timedelta(seconds=2))
    await shown.look()
    assert shown.incidents.shown(replies=True) == ["*Acknowledged by ada*"]


async def test_a_token_revoked_is_said_once_and_made_up_for_with_a_new_one(shown: Shown) -> None:
    shown.slack.always["chat.update"] = "token_revoked"
    await shown.do(ev.Acknowledged(at=NOON, by="ada"))
    for _ in range(3):
        shown.world.clock.move(minutes(2))
        await shown.look()
    assert len(shown.warnings) == 1
    assert "renew the file" in shown.warnings[0]
    shown.slack.always.clear()
    shown.world.clock.move(minutes(2))
    await shown.look()
    assert "Ada has it" in said(shown.alerts.messages[0])


async def test_channels_that_cannot_be_posted_to_are_told_and_the_others_go_on(
    tmp_path: Path, slack: FakeSlack
) -> None:
    slack.named("x-incidents").is_member = False
    slack.named("x-oncall").is_archived = True
    slack.named("x-alerts").name = "renamed"
    async with World(folder=tmp_path, plan=a_plan()).working() as world:
        await world.receive(an_alert())
        await world.until_event(ev.MetricRead)
        shown = a_shown(world, slack)
        await shown.look()
        told = "\n".join(shown.warnings)
        assert "no channel #x-alerts" in told
        assert "not in Slack channel #x-incidents. Invite it" in told
        assert "#x-oncall is archived" in told
        slack.named("renamed").name = "x-alerts"
        world.clock.move(minutes(11))
        await shown.look()
        assert len(slack.named("x-alerts").messages) == 1
        slack.named("x-alerts").is_member = False  # and thrown out again
        slack.always["chat.update"] = "not_in_channel"
        await shown.do(ev.Acknowledged(at=world.clock.now(), by="ada"))
        assert "invite it with /invite" in shown.warnings[-1]


async def test_what_is_shown_by_one_process_is_left_alone_by_another(shown: Shown) -> None:
    other = a_shown(shown.world, shown.slack)
    other.mirror.owner = "another"
    await shown.world.submit(ev.Acknowledged(at=NOON, by="ada"))
    assert await other.mirror.look_due() == 0
    shown.world.clock.move(minutes(2))  # the first one is dead by then
    await other.look()
    assert shown.incidents.shown(replies=True) == ["*Acknowledged by ada*"]


async def test_an_incident_that_wakes_somebody_has_its_own_channel(
    tmp_path: Path, slack: FakeSlack
) -> None:
    slack.channel("inc-1-latency-high")  # of an earlier time, and not ours
    async with World(folder=tmp_path, plan=a_plan()).working() as world:
        dashboard = {"summary": "slow", "dashboard_url": "https://grafana.example/d/1"}
        await world.receive(replace(an_alert(), annotations=dashboard))
        await world.receive(an_alert("Slow", fingerprint="f2", severity="warning"))
        await world.until_event(ev.PageDelivered)
        shown = a_shown(world, slack, rooms=True)
        room = await shown.room("inc-1-latency-high-2")
        assert [one["link"] for one in room.bookmarks] == [
            "http://playcall.example/incidents/1",
            "https://grafana.example/d/1",
        ]
        assert room.members == ["UADA00001"]
        assert "nobody has it" in room.topic
        assert (await world.state()).war_room.endswith(room.id)
        assert (
            f"War room: https://slack.com/app_redirect?channel={room.id}"
            in (shown.incidents.shown()[1])
        )
        assert not [one for one in slack.channels.values() if one.name.startswith("inc-2")]
        await shown.do(ev.Resolved(at=world.clock.now(), by="ada", cause="x", unverified=True))
        assert "✅" in room.topic
        world.clock.move(timedelta(hours=25))
        await shown.look()
        assert room.is_archived


async def test_a_workspace_that_forbids_channels_still_has_its_messages(
    tmp_path: Path, slack: FakeSlack
) -> None:
    slack.always["conversations.create"] = "restricted_action"
    async with World(folder=tmp_path, plan=a_plan()).working() as world:
        await world.receive(an_alert())
        await world.until_event(ev.MetricRead)
        shown = a_shown(world, slack, rooms=True)
        await shown.look()
        await shown.do(ev.Acknowledged(at=NOON, by="ada"))
        assert shown.incidents.shown(replies=True) == ["*Acknowledged by ada*"]
        assert len(shown.warnings) == 1


WEEKLY = Schedule(
    name="first",
    zone=ZoneInfo("UTC"),
    layers=(
        Rotation(
            people=("ada", "bob"),
            turn=timedelta(days=1),
            starts_on=date(2026, 2, 1),
            hand_off=time(9),
        ),
    ),
)


async def test_the_people_on_call_hear_who_takes_over_and_of_overrides(
    tmp_path: Path, slack: FakeSlack
) -> None:
    world = World(folder=tmp_path, plan=a_plan(), schedules={"first": WEEKLY})
    async with world.stopped():
        shown = a_shown(world, slack)
        await shown.look()
        day = timedelta(days=1)
        swap = Override(
            schedule="first", person="ada", starts_at=NOON + 4 * day, ends_at=NOON + 5 * day
        )
        made = await world.store.write(lambda tx: tx.add_override(swap, "bob", NOON))
        world.clock.move(minutes(1))
        await shown.look()
        await world.store.write(lambda tx: tx.remove_override(made.id, "ada", world.clock.now()))
        world.clock.move(day)
        await shown.look()
        again = a_shown(world, slack)  # a restart says nothing anew
        await again.look()
        told = slack.named("x-oncall").shown()
        assert told[0].startswith("*first: Ada on call until Mon 2026-03-02 09:00 UTC*")
        assert told[1].startswith("*first: Ada on call Thu 2026-03-05 12:00 UTC to Fri")
        assert "An override by Bob" in told[1]
        assert told[2].startswith("*No longer: first: Ada on call")
        assert told[3].startswith("*first: Bob on call until Tue")
        assert "Takes over from Ada" in told[3]
        assert len(told) == 4
