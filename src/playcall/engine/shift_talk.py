"""What the people on call hear in their channel: who takes over, overrides made and removed, and
gaps ahead. Each is said once, under a key of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from playcall.core import rota
from playcall.core.chat import Card
from playcall.core.rota import Schedule, StoredOverride, in_force
from playcall.engine.chat import Post
from playcall.engine.directory import Directory
from playcall.engine.ports import Clock, Store

EVERY = timedelta(seconds=15)  # between looks
AHEAD = timedelta(days=30)  # at gaps
GAPS_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    key: str
    card: Card
    then: Post | None = None  # what to remember once it is said


@dataclass(slots=True, kw_only=True)
class ShiftTalk:
    store: Store
    directory: Directory
    clock: Clock
    url: str
    _next: datetime | None = None
    _gaps_at: datetime | None = None

    async def due(self, since: datetime) -> Sequence[Saying]:
        """What is to be said now; what was said already may be among it. Overrides that were made
        before `since` are known."""
        now = self.clock.now()
        if self._next is not None and now < self._next <= now + EVERY:
            return ()
        self._next = now + EVERY
        stored = await self.store.read(
            lambda views: views.overrides(now - timedelta(days=1), now + timedelta(days=366))
        )
        found = list(self._overrides(stored, since))
        for schedule in self.directory.schedules.values():
            found += await self._hand_off(schedule, stored, now)
            if self._gaps_at is None or not now < self._gaps_at <= now + GAPS_EVERY:
                found += self._gap(schedule, stored, now)
        if self._gaps_at is None or not now < self._gaps_at <= now + GAPS_EVERY:
            self._gaps_at = now + GAPS_EVERY
        return found

    async def _hand_off(
        self, schedule: Schedule, stored: Sequence[StoredOverride], now: datetime
    ) -> list[Saying]:
        """Who has it now, when that is not whom the channel heard of last. The number in the key
        grows only with what was said, so that a crash in between repeats nothing."""
        key = f"on-call/{schedule.name}"
        there = rota.on_call(schedule, now, self._known(stored))
        names = " ".join(there)
        last = await self.store.write(lambda tx: tx.post(key))
        if last and last.shown == names:
            return []
        number = str(int(last.stamp) + 1 if last else 1)
        before = last.shown.split() if last else []
        card = self._taking_over(schedule, there, before, stored, now)
        then = Post(key=key, incident=None, channel="", stamp=number, shown=names, at=now)
        return [Saying(key=f"{key}/{number}", card=card, then=then)]

    def _taking_over(
        self,
        schedule: Schedule,
        there: Sequence[str],
        before: Sequence[str],
        stored: Sequence[StoredOverride],
        now: datetime,
    ) -> Card:
        until = rota.until(schedule, now, self._known(stored))
        ends = f" until {_say(until, schedule)}" if until else ""
        if not there:
            stands_in = self._names(self.directory.fallbacks.get(schedule.name, ()))
            text = f"{schedule.name}: nobody is on call{ends}; {stands_in or 'nobody'} stands in"
        else:
            text = f"{schedule.name}: {self._names(there)} on call{ends}"
        lines = (f"Takes over from {self._names(before)}",) if before else ()
        return Card(title=text, lines=lines, link=self.url)

    def _overrides(self, stored: Sequence[StoredOverride], since: datetime) -> Iterator[Saying]:
        for one in stored:
            schedule = self.directory.schedules.get(one.asked.schedule)
            if schedule is None:
                continue
            span = f"{_say(one.asked.starts_at, schedule)} to {_say(one.asked.ends_at, schedule)}"
            what = f"{schedule.name}: {self._names((one.asked.person,))} on call {span}"
            key = f"on-call/override/{one.id}"
            if one.made_at >= since:
                by = self._names((one.made_by,))
                card = Card(title=what, lines=(f"An override by {by}",), link=self.url)
                yield Saying(key=key, card=card)
            if one.removed_at and one.removed_at >= since:
                by = self._names((one.removed_by or "",))
                card = Card(title=f"No longer: {what}", lines=(f"Removed by {by}",))
                yield Saying(key=f"{key}/removed", card=card)

    def _gap(
        self, schedule: Schedule, stored: Sequence[StoredOverride], now: datetime
    ) -> Iterator[Saying]:
        if schedule.part_time:
            return
        gaps = rota.gaps(schedule, now, now + AHEAD, self._known(stored))
        for gap in gaps[:1]:
            if gap.starts_at <= now:  # said as a hand-off
                continue
            stands_in = self._names(self.directory.fallbacks.get(schedule.name, ())) or "nobody"
            title = f"{schedule.name}: nobody is on call from {_say(gap.starts_at, schedule)}"
            lines = (f"{len(gaps)} gaps within {AHEAD.days} days; {stands_in} stands in",)
            key = f"on-call/gap/{schedule.name}/{gap.starts_at:%Y%m%dT%H%M}"
            yield Saying(key=key, card=Card(title=title, lines=lines, link=self.url))

    def _known(self, stored: Sequence[StoredOverride]) -> list[rota.Override]:
        return [one for one in in_force(stored) if one.person in self.directory.people]

    def _names(self, people: Sequence[str]) -> str:
        known = self.directory.people
        return " and ".join(known[one].name if one in known else one for one in people)


def _say(at: datetime, schedule: Schedule) -> str:
    return f"{at.astimezone(schedule.zone):%a %Y-%m-%d %H:%M %Z}"
