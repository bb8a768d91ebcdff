"""What the public status page shows, as a value: components, incidents and their history, made of
published updates only. Nothing else of an incident gets in here: no alert, no host, no person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import blake2b
from itertools import groupby, pairwise

from playcall.core.status_update import PublicImpact, StatusUpdate, UpdateState

DAY = timedelta(days=1)


class Health(StrEnum):
    """How a component does, from best to worst; the names are those of Statuspage."""

    OPERATIONAL = "operational"
    MAINTENANCE = "under_maintenance"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"


_RANK = {health: rank for rank, health in enumerate(Health)}
HEALTH: Mapping[PublicImpact, Health] = {
    PublicImpact.NONE: Health.OPERATIONAL,
    PublicImpact.MINOR: Health.DEGRADED,
    PublicImpact.MAJOR: Health.PARTIAL,
    PublicImpact.CRITICAL: Health.MAJOR,
}
# How much of a time in this state counts as down, as Statuspage counts it.
_DOWN = {Health.PARTIAL: 0.3, Health.MAJOR: 1.0}
_TROUBLE = frozenset({Health.DEGRADED, Health.PARTIAL, Health.MAJOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A part of the service as its users know it."""

    name: str
    description: str = ""
    alerts: tuple[str, ...] = ()  # which alerts are about it; `*` and `?` stand for anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A maintenance window in words for the public."""

    title: str
    starts: datetime
    ends: datetime
    components: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A stored update, and the alerts of its incident: they choose components where the update
    names none, and are never shown."""

    update: StatusUpdate
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicIncident:
    """An incident as it was told; updates newest first, never none."""

    number: int
    title: str
    state: UpdateState
    impact: PublicImpact  # the worst that was told
    components: tuple[str, ...]
    updates: tuple[StatusUpdate, ...]
    began_at: datetime
    resolved_at: datetime | None

    @property
    def latest(self) -> StatusUpdate:
        return self.updates[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One bar of the history."""

    date: date
    health: Health | None  # the worst of it; None: before this page was there
    troubled: timedelta = timedelta()  # how long it was anything but operational


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicComponent:
    name: str
    description: str
    health: Health
    days: tuple[Day, ...]  # oldest first
    uptime: float | None  # of 1, over the days that are known; None: none is


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPage:
    """Everything that is shown, of one moment."""

    at: datetime
    components: tuple[PublicComponent, ...]
    open: tuple[PublicIncident, ...]  # newest first
    past: tuple[PublicIncident, ...]  # resolved, newest first
    maintenances: tuple[Maintenance, ...] = ()  # not over yet, soonest first
    since: datetime | None = None  # when the page was first there

    @property
    def incidents(self) -> tuple[PublicIncident, ...]:
        every = (*self.open, *self.past)
        return tuple(sorted(every, key=lambda one: one.began_at, reverse=True))

    @property
    def impact(self) -> PublicImpact:
        """The worst of what is open now."""
        return worst(one.latest.impact for one in self.open)

    @property
    def under_maintenance(self) -> bool:
        return any(one.starts <= self.at < one.ends for one in self.maintenances)


@dataclass(frozen=True, slots=True)
class _Span:
    """From when until when a component was how well."""

    begins: datetime
    ends: datetime
    health: Health


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """How far back the bars go, and since when there is anything to tell."""

    days: int = 90
    since: datetime | None = None  # None: for ever


def worst(impacts: Iterable[PublicImpact]) -> PublicImpact:
    order = list(PublicImpact)
    return max(impacts, key=order.index, default=PublicImpact.NONE)


def components_for(components: Sequence[Component], alerts: Iterable[str]) -> tuple[str, ...]:
    """The names of the components that any of these alerts is about."""
    names = tuple(alerts)
    return tuple(
        one.name
        for one in components
        if any(fnmatchcase(name, glob) for name in names for glob in one.alerts)
    )


def build_page(
    components: Sequence[Component],
    published: Iterable[Published],
    maintenances: Sequence[Maintenance],
    now: datetime,
    history: History,
) -> PublicPage:
    incidents = _incidents(components, published)
    newest_first = sorted(incidents, key=lambda one: one.began_at, reverse=True)
    ahead = sorted((one for one in maintenances if one.ends > now), key=lambda one: one.starts)
    return PublicPage(
        at=now,
        components=tuple(_component(one, newest_first, ahead, now, history) for one in components),
        open=tuple(one for one in newest_first if one.resolved_at is None),
        past=tuple(one for one in newest_first if one.resolved_at is not None),
        maintenances=tuple(ahead),
        since=history.since,
    )


def _incidents(
    components: Sequence[Component], published: Iterable[Published]
) -> list[PublicIncident]:
    ordered = sorted(published, key=lambda one: (one.update.incident, one.update.number))
    return [
        _incident(components, tuple(group))
        for _, group in groupby(ordered, key=lambda one: one.update.incident)
    ]


def _incident(components: Sequence[Component], published: tuple[Published, ...]) -> PublicIncident:
    updates = tuple(one.update for one in published)
    last = updates[-1]
    named = [name for update in updates for name in update.components]
    alerts = [name for one in published for name in one.alerts]
    return PublicIncident(
        number=last.incident,
        title=last.title,
        state=last.state,
        impact=worst(update.impact for update in updates),
        components=tuple(dict.fromkeys(named)) or components_for(components, alerts),
        updates=updates[::-1],
        began_at=updates[0].at,
        resolved_at=last.at if last.state is UpdateState.RESOLVED else None,
    )


# --- one component -------------------------------------------------------------------------------


def _component(
    component: Component,
    incidents: Sequence[PublicIncident],
    maintenances: Sequence[Maintenance],
    now: datetime,
    history: History,
) -> PublicComponent:
    spans = [
        span
        for incident in incidents
        if component.name in incident.components
        for span in _spans(incident, now)
    ]
    current = [
        HEALTH[incident.latest.impact]
        for incident in incidents
        if incident.resolved_at is None and component.name in incident.components
    ]
    kept = any(
        one.starts <= now < one.ends and component.name in one.components for one in maintenances
    )
    health = max(current, key=_RANK.__getitem__, default=Health.OPERATIONAL)
    return PublicComponent(
        name=component.name,
        description=component.description,
        health=Health.MAINTENANCE if kept and health is Health.OPERATIONAL else health,
        days=tuple(_day(one, spans, now, history) for one in _dates(now, history)),
        uptime=_uptime(spans, now, history),
    )


def _spans(incident: PublicIncident, now: datetime) -> list[_Span]:
    """What each update said holds until the next one."""
    told = incident.updates[::-1]
    ends = [update.at for update in told[1:]] + [incident.resolved_at or max(now, told[-1].at)]
    spans = [
        _Span(update.at, end, HEALTH[update.impact])
        for update, end in zip(told, ends, strict=True)
        if update.state is not UpdateState.RESOLVED
    ]
    return [span for span in spans if span.ends > span.begins and span.health in _TROUBLE]


def _dates(now: datetime, history: History) -> list[date]:
    today = now.astimezone(UTC).date()
    return [today - timedelta(days=back) for back in range(history.days - 1, -1, -1)]


def _day(day: date, spans: Sequence[_Span], now: datetime, history: History) -> Day:
    begins = datetime.combine(day, time(), UTC)
    here = [cut for span in spans if (cut := _cut(span, begins, begins + DAY))]
    if not here and history.since is not None and begins + DAY <= history.since:
        return Day(date=day, health=None)
    healths = [span.health for span in here]
    return Day(
        date=day,
        health=max(healths, key=_RANK.__getitem__, default=Health.OPERATIONAL),
        troubled=_covered(here),
    )


def _covered(spans: Iterable[_Span]) -> timedelta:
    """How long any of them lasts: what overlaps counts once."""
    total, until = timedelta(), None
    for span in sorted(spans, key=lambda one: one.begins):
        begins = span.begins if until is None else max(span.begins, until)
        total += max(span.ends - begins, timedelta())
        until = span.ends if until is None else max(until, span.ends)
    return total


def _uptime(spans: Sequence[_Span], now: datetime, history: History) -> float | None:
    first = datetime.combine(_dates(now, history)[0], time(), UTC)
    begins = max(first, history.since) if history.since else first
    if begins >= now:
        return None
    cuts = [cut for span in spans if (cut := _cut(span, begins, now))]
    edges = sorted({edge for cut in cuts for edge in (cut.begins, cut.ends)})
    down = timedelta()
    for start, end in pairwise(edges):
        over = [cut.health for cut in cuts if cut.begins <= start and end <= cut.ends]
        down += (end - start) * max((_DOWN.get(health, 0.0) for health in over), default=0.0)
    return round(1 - down / (now - begins), 6)


def _cut(span: _Span, begins: datetime, ends: datetime) -> _Span | None:
    """The part of a span that is between two instants."""
    begins, ends = max(span.begins, begins), min(span.ends, ends)
    return _Span(begins, ends, span.health) if begins < ends else None


# --- words ---------------------------------------------------------------------------------------


def headline(update: StatusUpdate) -> str:
    """As the document writes it: `[2026-03-01 12:00] - INVESTIGATING`; in UTC."""
    return f"[{update.at.astimezone(UTC):%Y-%m-%d %H:%M}] - {update.state.upper()}"


def next_update(update: StatusUpdate) -> str:
    """Empty when none is promised."""
    if update.next_at is None or update.state is UpdateState.RESOLVED:
        return ""
    return f"Next update by {update.next_at.astimezone(UTC):%H:%M}"


def public_id(kind: str, name: object) -> str:
    """Twelve characters that tell nothing, always the same for the same thing."""
    return blake2b(f"{kind}:{name}".encode(), digest_size=6).hexdigest()
