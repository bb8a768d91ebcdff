"""Shows cards in Slack's channels, and makes channels: `engine.chat.Chat` and `Rooms`."""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from playcall.channels.slack_api import SlackApi, SlackRefused
from playcall.channels.slack_blocks import escape, render
from playcall.core.chat import Card
from playcall.engine.chat import ChannelGone, Room
from playcall.engine.ports import Unavailable

EVENT = "playcall"  # names our metadata
PAGES = 10  # of an answer that comes in pages
CLOCKS_APART = timedelta(minutes=5)
ID = re.compile(r"[CG][A-Z0-9]{6,}")


class SlackChat:
    """`engine.chat.Chat`."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    async def post(self, channel: str, card: Card, key: str, thread: str = "") -> str:
        text, blocks = render(card)
        answer = await self._api.call(
            "chat.postMessage",
            channel=channel,
            text=text,
            blocks=blocks,
            metadata=mark(key),
            thread_ts=thread or None,
            unfurl_links=False,
        )
        return str(answer.get("ts", ""))

    async def edit(self, channel: str, stamp: str, card: Card, key: str) -> None:
        text, blocks = render(card)
        await self._api.call(
            "chat.update",
            channel=channel,
            ts=stamp,
            text=text,
            blocks=blocks,
            metadata=mark(key),
        )

    async def find(self, channel: str, key: str, since: datetime, thread: str = "") -> str:
        return await find_stamp(self._api, channel, since, key=key, replies_to=thread)

    async def resolve(self, name: str) -> str:
        bare = name.strip().removeprefix("#")
        found = await self._by_id(bare, name) if ID.fullmatch(bare) else await self._by_name(bare)
        if found is None:
            raise ChannelGone(
                f"Slack has no channel {name} that the app can see. Create it, or bind it in "
                "[slack.channels] if it was renamed or has another name, and invite the app "
                "with /invite.",
                name,
            )
        if found.get("is_archived"):
            raise ChannelGone(
                f"Slack channel {name} is archived. Unarchive it, or bind another one in "
                "[slack.channels].",
                name,
            )
        if not found.get("is_member"):
            raise ChannelGone(
                f"The app is not in Slack channel {name}. Invite it there with /invite.", name
            )
        return str(found.get("id", ""))

    async def _by_id(self, channel: str, name: str) -> Mapping[str, Any] | None:
        try:
            answer = await self._api.call("conversations.info", channel=channel)
        except ChannelGone:
            return None
        found = answer.get("channel")
        return found if isinstance(found, dict) else None

    async def _by_name(self, name: str) -> Mapping[str, Any] | None:
        return await find_channel(self._api, name.lower())


class SlackRooms:
    """`engine.chat.Rooms`."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    async def make(self, name: str, since: datetime) -> Room:
        """A name that is taken by an older channel, or by somebody else's, gets a number."""
        for number in range(1, 10):
            wanted = name if number == 1 else f"{name[:77]}-{number}"
            try:
                answer = await self._api.call("conversations.create", name=wanted)
            except SlackRefused as error:
                if error.code != "name_taken":
                    raise
                there = await find_channel(self._api, wanted)
                ours = there and float(there.get("created", 0)) >= _seconds(since)
                if there and ours and there.get("is_member") and not there.get("is_archived"):
                    return _room(there)
                continue
            return _room(answer.get("channel"))
        raise Unavailable(f"Slack has channels by the name {name} and those like it.")

    async def set_topic(self, room: str, topic: str) -> None:
        await self._api.call("conversations.setTopic", channel=room, topic=escape(topic, 250))

    async def bookmark(self, room: str, title: str, link: str) -> None:
        answer = await self._api.call("bookmarks.list", channel_id=room)
        there = [one.get("link") for one in _list(answer, "bookmarks")]
        if link not in there:
            await self._api.call(
                "bookmarks.add", channel_id=room, title=title, type="link", link=link
            )

    async def invite(self, room: str, person: str) -> None:
        try:
            await self._api.call("conversations.invite", channel=room, users=person)
        except SlackRefused as error:
            if error.code not in ("already_in_channel", "cant_invite_self"):
                raise

    async def archive(self, room: str) -> None:
        await self._api.call("conversations.archive", channel=room)


# --- What both need ------------------------------------------------------------------------------


def mark(key: str, thread: str = "") -> Mapping[str, object]:
    """Metadata, by which a message is found again."""
    return {"event_type": EVENT, "event_payload": {"key": key, "thread": thread}}


async def find_stamp(
    api: SlackApi,
    channel: str,
    since: datetime,
    *,
    key: str = "",
    thread: str = "",
    replies_to: str = "",
) -> str:
    """The first message since then that has our mark with that key, or of that thread."""
    arguments: dict[str, object] = {
        "channel": channel,
        "oldest": f"{_seconds(since):.6f}",
        "include_all_metadata": True,
        "limit": 200,
    }
    method = "conversations.replies" if replies_to else "conversations.history"
    if replies_to:
        arguments["ts"] = replies_to
    async for message in _pages(api, method, "messages", arguments):
        found = message.get("metadata") or {}
        payload = found.get("event_payload") or {}
        if found.get("event_type") != EVENT:
            continue
        if key and payload.get("key") == key:
            return str(message.get("ts", ""))
        if thread and payload.get("thread") == thread:
            return str(message.get("thread_ts") or message.get("ts", ""))
    return ""


async def find_channel(api: SlackApi, name: str) -> Mapping[str, Any] | None:
    """By its name; archived ones only if nothing else has it."""
    archived = None
    arguments = {"types": "public_channel,private_channel", "limit": 999}
    async for channel in _pages(api, "conversations.list", "channels", arguments, pages=100):
        if channel.get("name") == name and not channel.get("is_archived"):
            return channel
        if channel.get("name") == name:
            archived = channel
    return archived


async def _pages(
    api: SlackApi, method: str, what: str, arguments: Mapping[str, object], pages: int = PAGES
) -> AsyncIterator[Mapping[str, Any]]:
    cursor = ""
    for _ in range(pages):
        answer = await api.call(method, **arguments, cursor=cursor or None)
        for one in _list(answer, what):
            yield one
        following = answer.get("response_metadata") or {}
        cursor = str(following.get("next_cursor") or "")
        if not cursor:
            return


def _list(answer: Mapping[str, Any], what: str) -> list[Mapping[str, Any]]:
    found = answer.get(what)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _room(channel: object) -> Room:
    if not isinstance(channel, dict) or not channel.get("id"):
        raise Unavailable("Slack's answer to conversations.create is not one.")
    room = str(channel["id"])
    return Room(id=room, url=f"https://slack.com/app_redirect?channel={room}")


def _seconds(at: datetime) -> float:
    return (at - CLOCKS_APART).timestamp()
