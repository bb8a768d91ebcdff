"""Direct messages by Slack's own client, to a server that speaks its protocol and misbehaves."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from playcall.channels.slack import Slack
from playcall.channels.slack_api import SlackApi
from playcall.channels.slack_blocks import escape
from playcall.core.message import Message
from playcall.engine.ports import Unavailable
from playcall.testing import SetClock
from tests.slack_fake import TOKEN, FakeSlack, buttons, fake_slack, said

PAGE = Message(
    subject="[CRITICAL] disk full",
    body="It fired",
    link="https://playcall.example/incidents/1",
    thread="incident-1",
    urgent=True,
    incident=1,
)
ADA = "UADA00001"


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as server:
        yield server


def a_channel(slack: FakeSlack) -> Slack:
    return Slack(SlackApi(TOKEN, slack.url, timedelta(seconds=2)), SetClock())


async def test_a_page_has_its_buttons_and_an_incident_is_one_thread(slack: FakeSlack) -> None:
    channel = a_channel(slack)
    await channel.send(PAGE, ADA, "k1")
    await channel.send(replace(PAGE, subject="[RESOLVED] disk full", urgent=False), ADA, "k2")
    await channel.send(replace(PAGE, subject="another", thread="incident-2"), ADA, "k3")
    first, second, third = slack.named(ADA).messages
    assert said(first) == "*[CRITICAL] disk full*\nIt fired"
    assert buttons(first) == {"Acknowledge": "1", "Escalate": "1", "Open": PAGE.link}
    assert second["thread_ts"] == first["ts"]
    assert set(buttons(second)) == {"Open"}
    assert "thread_ts" not in third
    assert slack.count("conversations.open") == 2  # once for each incident


async def test_a_page_that_answers_in_a_thread_is_shown_in_the_conversation_too(
    slack: FakeSlack,
) -> None:
    channel = a_channel(slack)
    await channel.send(PAGE, ADA, "k1")
    await channel.send(PAGE, ADA, "k2")
    assert slack.named(ADA).messages[1]["reply_broadcast"] == "true"


async def test_text_from_alerts_marks_up_mentions_and_links_nothing(slack: FakeSlack) -> None:
    hostile = "<!channel> <@U1> @here & <https://evil|click> \u202egnp.exe \x00" + "x" * 1_000_000
    await a_channel(slack).send(replace(PAGE, subject=hostile, body=hostile), ADA, "k1")
    (message,) = slack.named(ADA).messages
    text = said(message)
    assert "&lt;!channel&gt; &lt;@U1&gt;" in text
    assert not any(one in text for one in ("<", "\u202e", "\x00", "@here"))
    assert "everything" in text
    assert all(len(one["text"]["text"]) <= 3000 for one in message["blocks"] if "text" in one)
    assert all(one["text"]["verbatim"] for one in message["blocks"] if one["type"] == "section")
    assert len(escape("&" * 5000)) <= 2900


@pytest.mark.parametrize(
    ("fault", "permanent", "words"),
    [
        ("token_revoked", True, "renew the file that slack.token_file names"),
        ("invalid_auth", True, "Install the app again"),
        ("account_inactive", True, "was removed"),
        ("missing_scope", True, "docs/channels.md"),
        ("internal_error", False, "internal_error"),
        ("channel_not_found", True, "channel"),
        (500, False, "not one"),
        ("garbage", False, "not one"),
        ("hang", False, "did not answer"),
        ("lost", False, "cannot be reached"),
    ],
)
async def test_what_goes_wrong_is_said_with_what_to_do(
    slack: FakeSlack, fault: int | str, permanent: bool, words: str
) -> None:
    slack.always["chat.postMessage"] = fault
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=words) as raised:
        await a_channel(slack).send(PAGE, ADA, "k1")
    assert raised.value.permanent is permanent
    assert time.monotonic() - begun < 5
    assert TOKEN not in str(raised.value)


async def test_slack_says_how_long_to_wait(slack: FakeSlack) -> None:
    slack.faults["chat.postMessage"] = [429]
    with pytest.raises(Unavailable) as raised:
        await a_channel(slack).send(PAGE, ADA, "k1")
    assert raised.value.retry_after == timedelta(seconds=7)
    assert not raised.value.permanent


async def test_somebody_slack_does_not_know_is_refused_for_good(slack: FakeSlack) -> None:
    with pytest.raises(Unavailable, match=r"user_not_found.*Correct their `slack`") as raised:
        await a_channel(slack).send(PAGE, "UNOBODY01", "k1")
    assert raised.value.permanent


@pytest.mark.parametrize("again", [False, True], ids=["same process", "after a restart"])
async def test_a_message_whose_answer_was_lost_is_not_sent_twice(
    slack: FakeSlack, again: bool
) -> None:
    channel = a_channel(slack)
    await channel.send(PAGE, ADA, "k1")
    slack.faults["chat.postMessage"] = ["lost"]
    with pytest.raises(Unavailable):
        await channel.send(PAGE, ADA, "k2")
    channel = a_channel(slack) if again else channel
    await channel.send(PAGE, ADA, "k2")
    await channel.send(PAGE, ADA, "k3")
    messages = slack.named(ADA).messages
    assert [one["metadata"]["event_payload"]["key"] for one in messages] == ["k1", "k2", "k3"]
    assert {one.get("thread_ts") for one in messages[1:]} == {messages[0]["ts"]}


async def test_a_page_does_not_wait_for_what_slack_remembers(slack: FakeSlack) -> None:
    slack.always["conversations.history"] = "missing_scope"
    await a_channel(slack).send(PAGE, ADA, "k1")
    assert len(slack.named(ADA).messages) == 1
