"""What the engine needs of a team's chat, and what is remembered of what was posted there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from playcall.core.chat import Card
from playcall.engine.failing import Unavailable


class ChannelGone(Unavailable):
    """One channel cannot be posted to; the others can."""

    def __init__(self, what: str, channel: str) -> None:
        super().__init__(what, permanent=True)
        self.channel = channel


class NotTaken(Unavailable):
    """This one is refused for good, for what it is; others are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message that stands in the chat, or that somebody began to post."""

    key: str  # the same for ever
    incident: int | None
    channel: str  # the chat's own id
    stamp: str  # the chat's own name of the message; empty: begun, and nobody saw its end
    shown: str  # names what it shows
    at: datetime  # when it was begun


class Posts(Protocol):
    """A part of the store's transactions: what stands in the chat."""

    def post(self, key: str) -> Post | None: ...

    def keep_post(self, post: Post) -> None:
        """In place of an earlier one of that key."""
        ...

    def drop_post(self, key: str) -> None: ...

    def posts_of(self, incident: int) -> Sequence[Post]: ...

    def unshown(self, since: datetime, limit: int) -> Sequence[int]:
        """Incidents that moved since the chat was last brought up to date: those that are open, and
        those that are over since then. The newest first."""
        ...

    def keep_shown(self, incident: int, version: int) -> None: ...

    def show_anew(self) -> None:
        """Every incident is to be looked at again."""
        ...

    def idle_rooms(self, before: datetime) -> Sequence[Post]:
        """Channels of incidents that are over since before then, and are not put away."""
        ...

    def take_hold(self, name: str, owner: str, at: datetime, lasting: timedelta) -> bool:
        """Whether a work that only one process does is now `owner`'s."""
        ...

    def first_time(self, key: str, at: datetime) -> bool:
        """False when a request of that name was seen before."""
        ...


class Chat(Protocol):
    """A chat in which cards stand in channels. Everything raises Unavailable, ChannelGone where one
    channel is meant, NotTaken where one message is."""

    async def post(self, channel: str, card: Card, key: str, thread: str = "") -> str:
        """Its stamp. `thread`: of the message it answers."""
        ...

    async def edit(self, channel: str, stamp: str, card: Card, key: str) -> None: ...

    async def find(self, channel: str, key: str, since: datetime, thread: str = "") -> str:
        """The stamp of what was posted under a key since then; empty: nothing was."""
        ...

    async def resolve(self, name: str) -> str:
        """The id of a channel that can be posted to, by its name or id. Unavailable says what to
        do about one that cannot."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A channel of one incident."""

    id: str
    url: str


class Rooms(Protocol):
    """A chat that makes channels. Everything raises Unavailable."""

    async def make(self, name: str, since: datetime) -> Room:
        """A channel of that name; the one that we made of it since then, if we did."""
        ...

    async def set_topic(self, room: str, topic: str) -> None: ...

    async def bookmark(self, room: str, title: str, link: str) -> None:
        """Again for the same link changes nothing."""
        ...

    async def invite(self, room: str, person: str) -> None:
        """By their address in the chat; who is there already stays."""
        ...

    async def archive(self, room: str) -> None: ...
