"""A channel of its own for each incident that wakes somebody: made, named, given its topic, its
links and its people, and put away some time after the end."""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from playcall.core.cards import Story, state_of, title_of, wakes
from playcall.core.events import PageDelivered
from playcall.core.incident import Incident
from playcall.core.room_events import WarRoomOpened
from playcall.engine.chat import ChannelGone, NotTaken, Post, Rooms
from playcall.engine.commit import Committer
from playcall.engine.ports import Clock, Store

log = logging.getLogger(__name__)

STAYS = timedelta(days=1)  # after the end
LONGEST_NAME, LONGEST_TOPIC = 80, 250
ARCHIVED = "archived"
DASHBOARD = re.compile(r"dashboard|grafana", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class RoomKeeper:
    store: Store
    committer: Committer
    clock: Clock
    rooms: Rooms
    addresses: Mapping[str, str]  # of people in the chat

    async def keep(self, story: Story, posts: dict[str, Post]) -> None:
        """Bring the incident's channel up to date; make it, if it is to have one."""
        incident = story.incident
        key = f"{incident.id}/room"
        room = posts.get(key)
        if room is None or not room.stamp:
            if incident.status.over or not wakes(story):
                return
            room = await self._make(story, key, room)
        if room.shown == ARCHIVED:
            return
        posts[key] = room
        try:
            await self._furnish(story, posts, room)
        except ChannelGone as error:  # somebody put it away, or deleted it
            log.warning("%s", error)
            await self._remember(replace(room, shown=ARCHIVED))

    async def _furnish(self, story: Story, posts: dict[str, Post], room: Post) -> None:
        topic = f"{title_of(story.incident)}: {state_of(story)}"[:LONGEST_TOPIC]
        if topic != room.shown:
            await self.rooms.set_topic(room.channel, topic)
            room = replace(room, shown=topic)
            await self._remember(room)
        for title, link in _links(story):
            await self._once(posts, room, f"{room.key}/link/{link}", ("bookmark", title, link))
        for person in _people(story):
            if address := self.addresses.get(person):
                await self._once(posts, room, f"{room.key}/person/{person}", ("invite", address))

    async def put_away(self) -> None:
        before = self.clock.now() - STAYS
        for room in await self.store.write(lambda tx: tx.idle_rooms(before)):
            if room.stamp:
                try:
                    await self.rooms.archive(room.channel)
                except (NotTaken, ChannelGone) as error:
                    log.warning("%s: %s", room.key, error)
            await self._remember(replace(room, shown=ARCHIVED))

    async def _make(self, story: Story, key: str, begun: Post | None) -> Post:
        incident = story.incident
        if begun is None:
            at = self.clock.now()
            begun = Post(key=key, incident=incident.id, channel="", stamp="", shown="", at=at)
            await self._remember(begun)
        name = _name(incident)
        made = await self.rooms.make(name, begun.at)
        room = replace(begun, channel=made.id, stamp=made.id)
        event = WarRoomOpened(at=self.clock.now(), name=f"#{name}", url=made.url)
        await self.store.write(lambda tx: self.committer.apply(tx, event, incident.id))
        await self._remember(room)
        return room

    async def _once(
        self, posts: dict[str, Post], room: Post, key: str, what: tuple[str, ...]
    ) -> None:
        """A link or a person, unless they are there; again changes nothing in the chat."""
        if key in posts:
            return
        try:
            if what[0] == "invite":
                await self.rooms.invite(room.channel, what[1])
            else:
                await self.rooms.bookmark(room.channel, what[1], what[2])
        except NotTaken as error:
            log.warning("%s: %s", key, error)
        posts[key] = replace(room, key=key, shown="", at=self.clock.now())
        await self._remember(posts[key])

    async def _remember(self, post: Post) -> None:
        await self.store.write(lambda tx: tx.keep_post(post))


def _name(incident: Incident) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", incident.play or incident.title)
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    return f"inc-{incident.id}-{slug}"[:LONGEST_NAME].rstrip("-")


def _links(story: Story) -> Iterator[tuple[str, str]]:
    yield "Incident", story.url
    if meeting := story.plan.response.meeting_of(story.incident.id):
        yield "War room", meeting
    for member in list(story.incident.alerts.values())[:1]:
        for name, link in member.alert.annotations.items():
            if DASHBOARD.search(name) and re.fullmatch(r"https?://\S{1,2000}", link):
                yield "Dashboard", link


def _people(story: Story) -> Iterator[str]:
    """Everybody who is on it."""
    incident = story.incident
    paged = [event.person for _, event in story.events if isinstance(event, PageDelivered)]
    parts = [person for people in incident.roles.values() for person in people]
    yield from dict.fromkeys(
        one for one in (incident.acknowledged_by, incident.assigned_to, *parts, *paged) if one
    )
