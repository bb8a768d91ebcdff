"""Sends messages to people by Slack: direct messages with buttons, one thread an incident.

Every message carries its key as metadata, so that one whose end nobody saw is not sent twice.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta

from playcall.channels.slack_api import SlackApi
from playcall.channels.slack_blocks import render
from playcall.channels.slack_chat import find_stamp, mark
from playcall.core.chat import Button, Card, Press
from playcall.core.message import Message
from playcall.engine.ports import Clock, Unavailable

REMEMBERED = 2000  # conversations about an incident
LOOK_BACK = timedelta(days=7)  # for the thread of an incident


@dataclass(slots=True)
class _Thread:
    """The conversation with one person about one incident."""

    channel: str
    stamp: str = ""  # of its first message; empty: there is none yet
    doubtful: set[str] = field(default_factory=set)  # keys of what was handed over, with no answer


class Slack:
    """`ports.Channel`; an address is a person's id in Slack."""

    def __init__(self, api: SlackApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._threads: OrderedDict[tuple[str, str], _Thread] = OrderedDict()

    async def send(self, message: Message, address: str, key: str) -> None:
        thread, known = await self._thread(message, address)
        if (not known or key in thread.doubtful) and await self._is_there(thread, message, key):
            return
        text, blocks = render(_card(message))
        thread.doubtful.add(key)
        try:
            answer = await self._api.call(
                "chat.postMessage",
                channel=thread.channel,
                text=text,
                blocks=blocks,
                metadata=mark(key, message.thread),
                thread_ts=thread.stamp or None,
                # Or else a page that answers in a thread rings no bell.
                reply_broadcast=True if thread.stamp and message.urgent else None,
                unfurl_links=False,
            )
        except Unavailable as error:
            if error.permanent or error.retry_after:  # it was not taken for sure
                thread.doubtful.discard(key)
            raise
        thread.doubtful.discard(key)
        thread.stamp = thread.stamp or str(answer.get("ts", ""))

    async def _thread(self, message: Message, address: str) -> tuple[_Thread, bool]:
        """The conversation, and whether all that was said in it is known here."""
        name = (address, message.thread)
        if found := self._threads.get(name):
            self._threads.move_to_end(name)
            return found, True
        try:
            answer = await self._api.call("conversations.open", users=address)
            channel = str(answer["channel"]["id"])
        except (KeyError, TypeError) as error:
            raise Unavailable("Slack's answer to conversations.open is not one.") from error
        thread = _Thread(channel=channel)
        self._threads[name] = thread
        while len(self._threads) > REMEMBERED:
            self._threads.popitem(last=False)
        return thread, False

    async def _is_there(self, thread: _Thread, message: Message, key: str) -> bool:
        """Whether it arrived before; finds the thread on the way. A page never waits for that: when
        Slack does not show what was said, it is said once more."""
        since = self._clock.now() - LOOK_BACK
        try:
            if not thread.stamp:
                thread.stamp = await find_stamp(
                    self._api, thread.channel, since, thread=message.thread
                )
            if not thread.stamp:
                return False
            return bool(
                await find_stamp(self._api, thread.channel, since, key=key)
                or await find_stamp(
                    self._api, thread.channel, since, key=key, replies_to=thread.stamp
                )
            )
        except Unavailable:
            return False


def _card(message: Message) -> Card:
    buttons: tuple[Button, ...] = ()
    if message.incident is not None and message.urgent:
        number = str(message.incident)
        buttons = (
            Button(press=Press.ACKNOWLEDGE, label="Acknowledge", value=number),
            Button(press=Press.ESCALATE, label="Escalate", value=number),
        )
    return Card(title=message.subject, lines=(message.body,), link=message.link, buttons=buttons)
