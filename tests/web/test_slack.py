"""What people do from Slack: signed requests to the real web application, by Slack's own framework,
with a real engine behind it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from aiohttp import WSMsgType, web

from playcall.chat import listening
from playcall.core import events as ev
from playcall.core.approvals import digest_of_run
from playcall.core.chat import Place, places
from playcall.core.communication import Channel
from playcall.core.incident import Part
from playcall.core.sending_events import SummarySent
from playcall.testing import NOON, a_plan, an_alert
from playcall.web.slack import SlackDoor
from tests.engine.world import World, of
from tests.slack_fake import (
    SECRET,
    TOKEN,
    FakeSlack,
    a_command,
    a_press,
    a_reason,
    buttons,
    fake_slack,
    said,
    signed,
)
from tests.web.site import Site, site_of

ADA, VIC, STRANGER = "UADA00001", "UVIC00001", "UEVE00001"


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as server:
        yield server


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A site that Slack reaches."""

    site: Site
    slack: FakeSlack

    async def send(self, body: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async with self.site.asking() as client:
            return await client.post("/slack/events", content=body, headers=headers or signed(body))

    async def ask(self, text: str, user: str = ADA) -> str:
        """What `/playcall TEXT` answers that person alone."""
        answer = (await self.send(a_command(user, text))).json()
        assert answer.get("response_type", "ephemeral") == "ephemeral"
        return said(answer) if "blocks" in answer else str(answer["text"])

    async def press(self, button: str, value: str, user: str = ADA) -> str:
        body = a_press(user, button, value, self.slack.url)
        before = len(self.slack.answers)
        assert (await self.send(body)).status_code == 200
        for _ in range(200):
            if len(self.slack.answers) > before:
                break
            await _breathe()
        answer = self.slack.answers[-1]
        assert answer["response_type"] == "ephemeral"
        assert answer["replace_original"] is False
        return said(answer) if "blocks" in answer else str(answer["text"])

    async def events(self, kind: type[ev.Event]) -> list[Any]:
        found = await self.site.world.dossier()
        assert found
        return of(found, kind)


async def _breathe() -> None:
    await asyncio.sleep(0.01)


@pytest.fixture
async def reached(tmp_path: Path, slack: FakeSlack) -> AsyncIterator[Reached]:
    async with site_of(World(folder=tmp_path, plan=a_plan())) as site:
        people = {ADA: "ada", VIC: "vic"}
        site.web.state.slack = SlackDoor(
            token=TOKEN, url=slack.url, people=people, signing_secret=SECRET
        )
        await site.world.receive(an_alert())
        await site.world.until_event(ev.MetricRead)
        await site.world.until_event(ev.CommandFinished)
        yield Reached(site=site, slack=slack)


# --- Who it is from ------------------------------------------------------------------------------


async def test_what_slack_did_not_sign_lately_is_refused(reached: Reached) -> None:
    body = a_command(ADA, "ack 1")
    for headers in (
        signed(body, at=0),  # recorded, and sent again later
        signed(body, secret="another"),
        signed(body + "&more=1"),
        {"content-type": "application/x-www-form-urlencoded"},
    ):
        assert (await reached.send(body, headers)).status_code == 401
    assert not await reached.events(ev.Acknowledged)


@pytest.mark.parametrize("body", ["payload=%7B%22user%22%3A1%7D", '{"a":' * 1000, "x" * 1_000_001])
async def test_what_is_not_slacks_at_all_is_refused(body: str, reached: Reached) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        answer = await reached.send(body, {"content-type": kind})
        assert 400 <= answer.status_code < 500


async def test_the_same_request_again_changes_nothing(reached: Reached) -> None:
    body = a_command(ADA, "note 1 only once")
    headers = signed(body)
    assert (await reached.send(body, headers)).json()
    assert (await reached.send(body, headers)).text == ""
    assert len(await reached.events(ev.NoteAdded)) == 1


async def test_a_stranger_is_told_so_and_does_nothing(reached: Reached) -> None:
    assert f'slack = "{STRANGER}"' in await reached.ask("ack 1", STRANGER)
    assert "does not know who you are" in await reached.press("acknowledge", "1", STRANGER)
    assert not await reached.events(ev.Acknowledged)


async def test_a_viewer_looks_and_may_not_act(reached: Reached) -> None:
    assert "LatencyHigh" in await reached.ask("show 1", VIC)
    for text in ("ack 1", "note 1 x", "escalate 1"):
        assert "Vic is a viewer; this needs a responder" in await reached.ask(text, VIC)
    assert "needs a responder" in await reached.press("take_command", "1", VIC)
    assert not await reached.events(ev.Acknowledged)


async def test_without_slack_in_the_settings_nothing_is_there(reached: Reached) -> None:
    reached.site.web.state.slack = None
    body = a_command(ADA, "")
    assert (await reached.send(body)).status_code == 404


# --- The command ---------------------------------------------------------------------------------


async def test_the_command_shows_and_does_what_the_page_does(reached: Reached) -> None:
    assert "#1 CRITICAL · LatencyHigh" in await reached.ask("")
    assert "You have #1" in await reached.ask("ack #1")
    (acknowledged,) = await reached.events(ev.Acknowledged)
    assert acknowledged.by == "ada"
    assert "Noted" in await reached.ask("note 1 <b>a</b> `id` $(id)")
    (note,) = await reached.events(ev.NoteAdded)
    assert note.text == "<b>a</b> `id` $(id)"
    assert "The next rung is called" in await reached.ask("escalate 1")
    (escalated,) = await reached.events(ev.Escalated)
    assert (escalated.by, escalated.whom) == ("ada", ev.Whom.NEXT)
    status = await reached.ask("status 1")
    assert "Acknowledged, Ada has it" in status
    assert "1 of 1 alerts firing" in status
    assert "on-call primary: Ada" in await reached.ask("oncall")
    shown = await reached.ask("show 1")
    assert "Acknowledged by ada" in shown


async def test_what_cannot_be_done_is_answered_with_what_can(reached: Reached) -> None:
    for text, answer in (
        ("help", "/playcall escalate N"),
        ("delete 1", "does not know"),
        ("ack", "is not an incident's number"),
        ("ack 1; rm -rf /", "is not an incident's number"),
        ("show 99", "there is no incident 99"),
        ("ack 99999999999999999999999", "is not an incident's number"),
        ("note 1", "say what to note"),
    ):
        assert answer in await reached.ask(text), text


# --- The buttons ---------------------------------------------------------------------------------


async def test_buttons_acknowledge_take_command_and_call_one_rung(reached: Reached) -> None:
    assert "You have #1" in await reached.press("acknowledge", "1")
    assert "You are the incident commander" in await reached.press("take_command", "1")
    state = await reached.site.world.state()
    assert (state.acknowledged_by, state.roles[Part.COMMANDER]) == ("ada", ("ada",))
    answer = (await reached.send(a_command(ADA, "show 1"))).json()
    value = buttons(answer)["Escalate"]
    assert "The next rung is called" in await reached.press("escalate", value)
    assert "Not done" in await reached.press("escalate", value)  # another had pressed it
    assert len(await reached.events(ev.Escalated)) == 1


async def test_the_summary_is_sent_by_a_press_once_it_is_over(reached: Reached) -> None:
    assert "incident 1 is open" in await reached.press("send_summary", "1")
    world = reached.site.world
    await world.submit(ev.Resolved(at=NOON, by="ada", cause="", unverified=True))
    assert "Not done" in await reached.press("send_summary", "1", VIC)
    whom = "The summary of #1 is sent to On-Call Primary"
    assert whom in await reached.press("send_summary", "1")
    assert "sent already" in await reached.press("send_summary", "1")
    assert len(await reached.events(SummarySent)) == 1


async def test_approving_runs_what_was_shown_and_nothing_else(reached: Reached) -> None:
    assert "Not done" in await reached.press("approve", "1|2.1|not-the-digest")
    assert "needs a responder" in await reached.press("approve", "1|2.1|x", VIC)
    assert not await reached.events(ev.RunApproved)
    found = await reached.site.world.dossier()
    assert found
    command = found.plan.command(found.incident.play, "2.1")
    assert command
    value = f"1|2.1|{digest_of_run(command, found.incident)}"
    assert "2.1 of #1: approved" in await reached.press("approve", value)
    (approved,) = await reached.events(ev.RunApproved)
    assert (approved.by, approved.access) == ("ada", "responder")
    assert "Not done" in await reached.press("approve", value)  # it runs, or ran
    assert len(await reached.events(ev.RunApproved)) == 1


async def test_refusing_asks_why_in_a_window(reached: Reached) -> None:
    body = a_press(ADA, "refuse", "1|2.1|digest", reached.slack.url)
    assert (await reached.send(body)).status_code == 200
    for _ in range(200):
        if reached.slack.views:
            break
        await _breathe()
    (view,) = reached.slack.views
    answer = (await reached.send(a_reason(ADA, view, " "))).json()
    assert answer["errors"]["reason"].startswith("say why")
    answer = (await reached.send(a_reason(VIC, view, "because"))).json()
    assert "needs a responder" in answer["errors"]["reason"]
    assert (await reached.send(a_reason(ADA, view, "too risky"))).status_code == 200
    (declined,) = await reached.events(ev.RunDeclined)
    assert (declined.by, declined.command, declined.reason) == ("ada", "2.1", "too risky")


# --- The socket ----------------------------------------------------------------------------------


async def test_the_socket_brings_the_same(reached: Reached) -> None:
    """For a server that Slack cannot reach: it is we who connect."""
    answers: list[dict[str, Any]] = []
    done = asyncio.Event()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello"})
        payload = {key: one[0] for key, one in parse_qs(a_command(ADA, "ack 1")).items()}
        for envelope in ("e1", "e2"):  # Slack sends again what it believes lost
            await socket.send_json(
                {
                    "type": "slash_commands",
                    "envelope_id": envelope,
                    "accepts_response_payload": True,
                    "payload": payload,
                }
            )
        async for message in socket:
            if message.type is WSMsgType.TEXT and "envelope_id" in message.data:
                answers.append(message.json())
                if len(answers) == 2:
                    done.set()
        return socket

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reached.slack.socket = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    door = replace(reached.site.web.state.slack, app_token="xapp-of-the-test")
    async with listening(door, reached.site.web):
        await asyncio.wait_for(done.wait(), 20)
    await runner.cleanup()
    told = [one["payload"] for one in answers if "blocks" in (one.get("payload") or {})]
    assert ["You have #1" in said(one) for one in told] == [True]  # the other one is a replay
    assert len(await reached.events(ev.Acknowledged)) == 1


# --- The document's channels ---------------------------------------------------------------------


def test_what_a_channel_is_for_is_read_from_the_document() -> None:
    def channel(name: str, purpose: str) -> Channel:
        return Channel(name=name, purpose=purpose, line=1)

    first = (
        channel("#dwcp-v3-alerts", "All automated alerts"),
        channel("#dwcp-v3-incidents", "Active incident coordination"),
        channel("#dwcp-v3-oncall", "On-call team communication"),
    )
    example = (
        channel("#a", "every alert, as it comes"),
        channel("#b", "where an incident is worked on"),
        channel("#c", "the people on call, among themselves"),
        channel("#x_incidents", "a second one"),
    )
    wanted = [Place.ALERTS, Place.INCIDENTS, Place.ON_CALL]
    assert [places(first)[place].name for place in wanted] == [one.name for one in first]
    assert [places(example)[place].name for place in wanted] == ["#a", "#b", "#c"]
    named = replace(example[3], purpose="here we meet")
    assert places((named,)) == {Place.INCIDENTS: named}
