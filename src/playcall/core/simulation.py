"""Alerts played through the state machine without a clock: who would be paged, when, and why.

The world is given: when alerts fire and clear, who is behind a role, when people act. Nothing is
random and nothing waits; the same world gives the same simulation.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from playcall.core.alert import HEARTBEATS, Alert, group_key
from playcall.core.decide import decide
from playcall.core.effects import Effect, Page, Refused, Tell
from playcall.core.events import (
    AlertsCleared,
    AlertsJoined,
    Event,
    MetricRead,
    Opened,
    Reopened,
    Woken,
)
from playcall.core.incident import Incident
from playcall.core.judge import Judgement, Verdict
from playcall.core.plan import Criterion, Plan, Purpose
from playcall.core.verification import measurable


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Somebody is paged, or told."""

    at: datetime
    incident: int
    title: str
    severity: str
    role: str
    person: str | None  # None: nobody is behind the role
    wakes: bool  # a page, and not only told
    rung: int | None
    round: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a simulation is played in."""

    plan: Plan
    open: Callable[[Sequence[Alert], datetime, int], Opened]
    behind: Callable[[str, datetime], Sequence[str]]  # role, moment -> people
    act: Callable[[Incident, Call], Sequence[Event]] = lambda incident, call: ()
    seen_at: Callable[[datetime], datetime] = lambda at: at  # later, while Playcall is away
    group_by: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    calls: tuple[Call, ...]
    incidents: Mapping[int, Incident]
    events: Mapping[int, tuple[Event, ...]]


def simulate(world: World, alerts: Sequence[Alert], until: datetime) -> Simulation:
    """Play alerts, each from its start to its end, until a moment. What people do about a call is
    asked of `world.act`; events of theirs that are refused are dropped, as a server would."""
    playing = _Playing(world, until)
    for alert in alerts:
        if alert.name in HEARTBEATS:
            continue
        playing.at(alert.starts_at, partial(playing.fire, alert))
        if alert.ends_at is not None:
            playing.at(alert.ends_at, partial(playing.clear, alert))
    playing.run()
    return Simulation(
        calls=tuple(playing.calls),
        incidents=playing.incidents,
        events={number: tuple(events) for number, events in playing.events.items()},
    )


@dataclass(slots=True)
class _Playing:
    world: World
    until: datetime
    calls: list[Call] = field(default_factory=list)
    incidents: dict[int, Incident] = field(default_factory=dict)
    events: dict[int, list[Event]] = field(default_factory=dict)
    _queue: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    _count: int = 0
    _latest: dict[str, int] = field(default_factory=dict)  # incident by group

    def at(self, moment: datetime, action: Callable[[datetime], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (self.world.seen_at(moment), self._count, action))

    def run(self) -> None:
        while self._queue and self._queue[0][0] <= self.until:
            moment, _, action = heapq.heappop(self._queue)
            action(moment)

    # --- the world's doing

    def fire(self, alert: Alert, at: datetime) -> None:
        firing = replace(alert, firing=True, ends_at=None)
        group = group_key(alert, self.world.group_by)
        incident = self.incidents.get(self._latest.get(group, 0))
        if incident is not None and incident.status.over:
            if self.apply(incident.id, Reopened(at=at, alerts=(firing,))):
                incident = self.incidents[incident.id]
            else:
                incident = None
        if incident is None:
            number = len(self.incidents) + 1
            self._latest[group] = number
            self.apply(number, self.world.open((firing,), at, number))
        elif not incident.status.over:
            self.apply(incident.id, AlertsJoined(at=at, alerts=(firing,)))
        self._measure(self._latest[group], at, healthy=False)

    def clear(self, alert: Alert, at: datetime) -> None:
        number = self._latest.get(group_key(alert, self.world.group_by))
        if number is None:
            return
        self.apply(number, AlertsCleared(at=at, alerts=(replace(alert, firing=False),)))
        if not self.incidents[number].firing:
            self._measure(number, at, healthy=True)

    def _measure(self, number: int, at: datetime, *, healthy: bool) -> None:
        """Criteria follow the alert: broken while it fires, good for their window after it."""
        for criterion in _recovery(self.incidents[number], self.world.plan):
            delay = criterion.holds_for if healthy else timedelta()
            verdict = Verdict.HOLDS if healthy else Verdict.BROKEN
            self.at(at + delay, partial(self._read, number, criterion, verdict))

    def _read(self, number: int, criterion: Criterion, verdict: Verdict, at: datetime) -> None:
        if self.incidents[number].firing and verdict is Verdict.HOLDS:
            return  # it fired again in the meantime
        reading = Judgement(verdict=verdict, value=None, since=None)
        self.apply(number, MetricRead(at=at, criterion=criterion.id, judgement=reading))

    # --- the engine's doing

    def apply(self, number: int, event: Event) -> bool:
        outcome = decide(self.incidents.get(number), event, self.world.plan)
        if isinstance(outcome, Refused):
            return False
        before = self.incidents.get(number)
        self.incidents[number] = outcome.incident
        self.events.setdefault(number, []).append(event)
        for call in self._calls(outcome.incident, outcome.effects, event.at):
            self.calls.append(call)
            for act in self.world.act(outcome.incident, call):
                self.at(act.at, partial(self._act, number, act))
        wake_at = outcome.incident.wake_at
        if wake_at is not None and (before is None or before.wake_at != wake_at):
            self.at(wake_at, partial(self._wake, number))
        for following in outcome.follows:
            self.apply(number, following)
        return True

    def _act(self, number: int, event: Event, at: datetime) -> None:
        self.apply(number, replace(event, at=at))

    def _wake(self, number: int, at: datetime) -> None:
        wake_at = self.incidents[number].wake_at
        if wake_at is not None and wake_at <= at:
            self.apply(number, Woken(at=at))

    def _calls(self, incident: Incident, effects: Sequence[Effect], at: datetime) -> Iterator[Call]:
        reached: set[str] = set()  # one person gets one call for one event
        for effect in effects:
            if not isinstance(effect, Page | Tell):
                continue
            for person in self.world.behind(effect.role, at) or (None,):
                if person is not None and person in reached:
                    continue
                reached.update((person,) if person else ())
                yield Call(
                    at=at,
                    incident=incident.id,
                    title=incident.title,
                    severity=incident.severity,
                    role=effect.role,
                    person=person,
                    wakes=isinstance(effect, Page),
                    rung=effect.rung if isinstance(effect, Page) else None,
                    round=incident.round,
                    reason=effect.reason,
                )


def _recovery(incident: Incident, plan: Plan) -> tuple[Criterion, ...]:
    play = plan.play(incident.play) if incident.play else None
    return tuple(c for c in (measurable(play) if play else ()) if c.purpose is Purpose.RECOVERY)
