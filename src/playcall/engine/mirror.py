"""Keeps what the team's chat shows of incidents up to date: one message in each channel, edited as
the state changes, and milestones in its thread.

It looks at how things stand and not at what happened: whatever a crash, a limit or an outage kept
it from is made up for at the next look, and many changes at once are one edit.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec

from playcall.core.cards import Story, postings
from playcall.core.chat import Card, Place, Posting
from playcall.engine.chat import ChannelGone, Chat, NotTaken, Post
from playcall.engine.commit import Committer
from playcall.engine.ports import Clock, Dossier, Store, Transaction, Unavailable
from playcall.engine.rooms import RoomKeeper
from playcall.engine.scrub import scrub_card
from playcall.engine.shift_talk import ShiftTalk

log = logging.getLogger(__name__)

HOLD = timedelta(seconds=60)  # one process shows things, and another after this time
LOOK_BACK = timedelta(days=7)  # at what is over
RESOLVE_EVERY = timedelta(minutes=10)  # channels that could not be posted to
SOONEST, LATEST = timedelta(seconds=1), timedelta(minutes=1)  # to wait after a failure
AT_ONCE = 20  # incidents in a look
BEGAN = "began"  # names the moment from which on the chat is kept


@dataclass(slots=True, kw_only=True)
class Mirror:
    store: Store
    committer: Committer
    clock: Clock
    chat: Chat
    channels: Mapping[Place, str]  # as the settings bind them
    owner: str
    rooms: RoomKeeper | None = None  # None: incidents get no channel of their own
    shifts: ShiftTalk | None = None
    warn: Callable[[str], None] = log.warning
    _ids: dict[Place, str] = field(default_factory=dict)  # the chat's own, of those that work
    _warned: set[str] = field(default_factory=set)
    _resolve_at: datetime | None = None
    _paused_until: datetime | None = None
    _pause: timedelta = SOONEST

    async def look_due(self) -> int:
        """Bring the chat up to date; how many incidents were behind. It fails for itself alone:
        nothing else waits for a chat."""
        now = self.clock.now()
        if self._paused_until and now < self._paused_until <= now + timedelta(hours=1):
            return 0
        try:
            behind = await self._look(now)
        except ChannelGone as error:
            self._forget(error)
            return 0
        except Unavailable as error:
            self._stop_for_a_while(error, now)
            return 0
        self._pause, self._paused_until = SOONEST, None
        return behind

    async def _look(self, now: datetime) -> int:
        if not await self._hold():
            return 0
        await self._resolve(now)
        since = await self.store.write(lambda tx: _began(tx, now))
        since = max(since, now - LOOK_BACK)
        behind = await self.store.write(lambda tx: tx.unshown(since, AT_ONCE))
        for incident in behind:
            await self._show(incident)
        if self.rooms:
            await self.rooms.put_away()
        if self.shifts and (channel := self._ids.get(Place.ON_CALL)):
            for one in await self.shifts.due(since):
                posting = Posting(key=one.key, place=Place.ON_CALL, card=one.card)
                await self._stand(posting, channel, {})
                if one.then:
                    await self._keep(one.then)
        return len(behind)

    async def _hold(self) -> bool:
        now = self.clock.now()
        return await self.store.write(lambda tx: tx.take_hold("chat", self.owner, now, HOLD))

    # --- channels

    async def _resolve(self, now: datetime) -> None:
        """Find the channels, and say what is wrong with those that cannot be posted to."""
        waiting = self._resolve_at is not None and now < self._resolve_at <= now + RESOLVE_EVERY
        missing = [place for place in self.channels if place not in self._ids]
        if waiting or not missing:
            return
        self._resolve_at = now + RESOLVE_EVERY
        for place in missing:
            try:
                self._ids[place] = await self.chat.resolve(self.channels[place])
            except ChannelGone as error:
                self._say(str(error))
        if any(place in self._ids for place in missing):
            await self.store.write(lambda tx: tx.show_anew())

    def _forget(self, error: ChannelGone) -> None:
        """One of them works no more; the others are gone on with."""
        self._say(str(error))
        for place, channel in list(self._ids.items()):
            if channel == error.channel:
                del self._ids[place]
        self._resolve_at = self.clock.now() + RESOLVE_EVERY

    def _say(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            self.warn(warning)

    def _stop_for_a_while(self, error: Unavailable, now: datetime) -> None:
        self._pause = min(self._pause * 2, LATEST)
        wait = error.retry_after or (LATEST if error.permanent else self._pause)
        self._paused_until = now + min(wait, timedelta(hours=1))
        self._say(str(error))

    # --- incidents

    async def _show(self, incident: int) -> None:
        found = await self.store.read(lambda views: views.dossier(incident))
        if found is None or not await self._hold():
            return
        story = self._story(found)
        posts = {
            post.key: post for post in await self.store.write(lambda tx: tx.posts_of(incident))
        }
        for posting in postings(story):
            if channel := self._ids.get(posting.place):
                await self._stand(posting, channel, posts, incident)
        if self.rooms:
            await self._keep_room(self.rooms, story, posts)
        version = found.incident.version
        await self.store.write(lambda tx: tx.keep_shown(incident, version))

    async def _keep_room(self, rooms: RoomKeeper, story: Story, posts: dict[str, Post]) -> None:
        """An installation may forbid channels; then there are none, and the rest goes on."""
        try:
            await rooms.keep(story, posts)
        except Unavailable as error:
            if not error.permanent:
                raise
            self._say(str(error))

    def _story(self, found: Dossier) -> Story:
        return Story(
            incident=found.incident,
            plan=found.plan,
            events=[(stored.n, stored.event) for stored in found.events],
            url=f"{self.committer.url}/incidents/{found.incident.id}",
            names={key: one.name for key, one in self.committer.directory.people.items()},
        )

    async def _stand(
        self,
        posting: Posting,
        channel: str,
        posts: dict[str, Post],
        incident: int | None = None,
    ) -> None:
        """Let the message stand there as it is to be: once, whatever happened before."""
        card = scrub_card(posting.card, self.committer.hide)
        key, shown = posting.key, _digest(card)
        post = posts.get(key) or await self.store.write(lambda tx: tx.post(key))
        if post and post.channel != channel:  # bound to another channel since then
            post = None
        thread = posts.get(posting.reply_to)
        if (posting.reply_to and not (thread and thread.stamp)) or (
            posting.only_edit and post is None
        ):
            return
        answered = thread.stamp if thread else ""
        if post is None:
            begun_at = self.clock.now()
            post = Post(
                key=key, incident=incident, channel=channel, stamp="", shown="", at=begun_at
            )
            await self._keep(post)
        elif not post.stamp:  # begun, and nobody saw its end
            stamp = await self.chat.find(channel, key, post.at, answered)
            post = replace(post, stamp=stamp)
        if post.stamp and post.shown != shown:
            await self._edit(post, card)
        elif not post.stamp:
            post = replace(post, stamp=await self._post(post, card, answered))
        post = replace(post, shown=shown)
        posts[key] = post
        await self._keep(post)

    async def _post(self, post: Post, card: Card, thread: str) -> str:
        try:
            return await self.chat.post(post.channel, card, post.key, thread)
        except NotTaken as error:
            self._say(f"{post.key}: {error}")
            return NEVER
        except Unavailable as error:
            if error.retry_after or isinstance(error, ChannelGone):  # it was not taken for sure
                await self.store.write(lambda tx: tx.drop_post(post.key))
            raise

    async def _edit(self, post: Post, card: Card) -> None:
        if post.stamp == NEVER:
            return
        try:
            await self.chat.edit(post.channel, post.stamp, card, post.key)
        except NotTaken as error:  # somebody deleted it
            self._say(f"{post.key}: {error}")

    async def _keep(self, post: Post) -> None:
        await self.store.write(lambda tx: tx.keep_post(post))


NEVER = "never"  # the stamp of a message that the chat refused for what it is


def _digest(card: Card) -> str:
    return hashlib.sha256(msgspec.json.encode(card)).hexdigest()[:32]


def _began(tx: Transaction, now: datetime) -> datetime:
    """Since when the chat is kept: what was over before is not told."""
    post = tx.post(BEGAN)
    if post is None:
        post = Post(key=BEGAN, incident=None, channel="", stamp=BEGAN, shown="", at=now)
        tx.keep_post(post)
    return post.at
