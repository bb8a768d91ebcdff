"""Numbers that teach, over many incidents, from their events and nothing else: how long it took,
whom pages woke, which alerts are noise, which steps help. Every figure says what it is made of."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from playcall.core import events as ev
from playcall.core.incident import Incident, RunStatus, Status
from playcall.core.milestones import Milestones, milestones
from playcall.core.people import team_of
from playcall.core.plan import EffectClass, Plan

NIGHT_FROM, NIGHT_UNTIL = time(22), time(7)
GROUPS = ("play", "team", "severity", "month")
NOBODY = "none"

# What each time is: from the alert's start to ...
TIMES: Mapping[str, tuple[str, Callable[[Milestones], datetime | None]]] = {
    "detect": ("the incident opened", lambda times: times.opened),
    "page": ("the first page was delivered", lambda times: times.paged),
    "acknowledge": ("somebody acknowledged", lambda times: times.acknowledged),
    "diagnose": ("the first diagnostic finished", lambda times: times.diagnosed),
    "mitigate": ("the last change that succeeded", lambda times: times.mitigated),
    "recover": ("the criteria proved recovery", lambda times: times.recovered),
    "resolve": ("it was resolved", lambda times: times.resolved),
}
_FAILED = (RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One incident: its state, its plan and its events."""

    incident: Incident
    plan: Plan
    events: Sequence[ev.Event]
    numbers: Sequence[int] = ()  # of the events in the incident; (): 1, 2, 3 ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    what: str  # of TIMES
    count: int  # incidents in which it happened
    of: int  # incidents looked at
    median: float  # seconds
    ninth: float  # nine of ten were no slower
    worst: float
    worst_in: int  # the incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    person: str
    pages: int
    nights: int  # pages between 22 and 7 by their clock
    nights_broken: int  # nights with at least one
    worst_week: str  # "2026-W09"
    in_worst_week: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    alert: str
    incidents: int
    unacted: int  # in which nothing was changed
    reopened: int
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUse:
    play: str
    command: str
    title: str
    incidents: int  # of its play
    ran: int  # runs that ended
    failed: int
    helped: int  # incidents in which it was the last change that succeeded before the end
    skipped: int  # incidents in which it never ran


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """How far a play helps."""

    play: str
    incidents: int
    helped: int  # incidents that ended after one of its changes succeeded
    failed: int  # runs of its commands
    skipped: int  # its commands that never ran in any incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    name: str
    incidents: int
    missed: int  # in which nobody acknowledged within the response target
    times: tuple[Time, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Insights:
    whole: Group
    by: str  # what `groups` is by
    groups: tuple[Group, ...]
    pages: tuple[Pages, ...]  # most nights first
    noise: tuple[Noise, ...]  # noisiest first
    steps: tuple[StepUse, ...]  # in the order of the document, play by play
    plays: tuple[Help, ...]  # those that help least first
    made_of: Mapping[str, str]  # what each part is computed from


def learn(
    records: Sequence[Record], zones: Mapping[str, str], by: str = "play", usual: str = "UTC"
) -> Insights:
    """`zones` are people's; `usual` is that of everybody else. What was merged into another
    incident is told by that one: only the pages that went out for it count."""
    every = records
    records = [one for one in every if one.incident.status is not Status.MERGED]
    found = [(record, _times(record)) for record in records]
    named: dict[str, list[tuple[Record, Milestones]]] = {}
    for one in found:
        named.setdefault(_name(one[0], by, usual), []).append(one)
    steps = _steps(records)
    return Insights(
        whole=_group("all", found),
        by=by,
        groups=tuple(_group(name, some) for name, some in sorted(named.items())),
        pages=_pages(every, zones, usual),
        noise=_noise(records),
        steps=steps,
        plays=_help(steps),
        made_of=_made_of(records),
    )


def _times(record: Record) -> Milestones:
    play = record.plan.play(record.incident.play) if record.incident.play else None
    return milestones(record.events, play)


def _name(record: Record, by: str, zone: str) -> str:
    incident = record.incident
    match by:
        case "team":
            team = team_of(incident, record.plan)
            return team.value if team else NOBODY
        case "severity":
            return incident.severity
        case "month":
            return f"{incident.fired_at.astimezone(ZoneInfo(zone)):%Y-%m}"
        case _:
            return incident.play or NOBODY


def _group(name: str, some: Sequence[tuple[Record, Milestones]]) -> Group:
    missed = sum(any(isinstance(e, ev.TargetMissed) for e in one.events) for one, _ in some)
    times = tuple(found for what in TIMES if (found := _time(what, some)) is not None)
    return Group(name=name, incidents=len(some), missed=missed, times=times)


def _time(what: str, some: Sequence[tuple[Record, Milestones]]) -> Time | None:
    _, instant = TIMES[what]
    took = sorted(
        (max((at - times.fired).total_seconds(), 0.0), record.incident.id)
        for record, times in some
        if (at := instant(times)) is not None and record.incident.kin.split_from is None
    )
    if not took:
        return None
    seconds = [one for one, _ in took]
    worst, worst_in = took[-1]
    return Time(
        what=what,
        count=len(took),
        of=len(some),
        median=_quantile(seconds, 0.5),
        ninth=_quantile(seconds, 0.9),
        worst=worst,
        worst_in=worst_in,
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them do not exceed: one that was measured."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _pages(records: Iterable[Record], zones: Mapping[str, str], usual: str) -> tuple[Pages, ...]:
    delivered: dict[str, list[datetime]] = {}
    for record in records:
        for event in record.events:
            if isinstance(event, ev.PageDelivered):
                zone = ZoneInfo(zones.get(event.person, usual))
                delivered.setdefault(event.person, []).append(event.at.astimezone(zone))
    found = []
    for person, times in delivered.items():
        nights = [at for at in times if at.time() >= NIGHT_FROM or at.time() < NIGHT_UNTIL]
        weeks = Counter("{:04}-W{:02}".format(*at.isocalendar()[:2]) for at in times)
        week, count = max(weeks.items(), key=lambda one: (one[1], one[0]))
        found.append(
            Pages(
                person=person,
                pages=len(times),
                nights=len(nights),
                nights_broken=len({(at - timedelta(hours=7)).date() for at in nights}),
                worst_week=week,
                in_worst_week=count,
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.nights, -one.pages, one.person)))


def _noise(records: Iterable[Record]) -> tuple[Noise, ...]:
    by_alert: dict[str, list[Record]] = {}
    for record in records:
        opened = next(e for e in record.events if isinstance(e, ev.Opened))
        for name in {alert.name for alert in opened.alerts}:
            by_alert.setdefault(name, []).append(record)
    found = [
        Noise(
            alert=name,
            incidents=len(some),
            unacted=sum(not changes(one) for one in some),
            reopened=sum(_count(one, ev.Reopened) for one in some),
            pages=sum(_count(one, ev.PageDelivered) for one in some),
        )
        for name, some in by_alert.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.unacted, -one.incidents, one.alert)))


def _count(record: Record, kind: type[ev.Event]) -> int:
    return sum(isinstance(event, kind) for event in record.events)


def changes(record: Record) -> list[str]:
    """Commands that somebody let run, that change something, and that succeeded, in order."""
    approved = {e.command for e in record.events if isinstance(e, ev.RunApproved)}
    return [
        e.command
        for e in record.events
        if isinstance(e, ev.CommandFinished)
        and e.status is RunStatus.SUCCEEDED
        and e.command in approved
        and _is_change(record, e.command)
    ]


def _is_change(record: Record, key: str) -> bool:
    command = record.plan.command(record.incident.play, key)
    return command is not None and command.effect is EffectClass.CHANGE


def _steps(records: Iterable[Record]) -> tuple[StepUse, ...]:
    by_play: dict[str, list[Record]] = {}
    for record in records:
        if record.incident.play:
            by_play.setdefault(record.incident.play, []).append(record)
    return tuple(use for play, some in sorted(by_play.items()) for use in _steps_of(play, some))


def _steps_of(play: str, some: Sequence[Record]) -> Iterable[StepUse]:
    """By the latest document: a command that it has no more is left out."""
    latest = max(some, key=lambda one: one.incident.id).plan.play(play)
    ends = [e for one in some for e in one.events if isinstance(e, ev.CommandFinished)]
    ran = Counter(e.command for e in ends if not e.status.never_ran)
    failed = Counter(e.command for e in ends if e.status in _FAILED)
    helped = Counter(made[-1] for one in some if (made := changes(one)))
    used = Counter(
        key
        for one in some
        for key in {e.command for e in one.events if isinstance(e, ev.CommandFinished)}
    )
    for command in latest.commands() if latest else ():
        yield StepUse(
            play=play,
            command=command.id,
            title=command.title,
            incidents=len(some),
            ran=ran[command.id],
            failed=failed[command.id],
            helped=helped[command.id],
            skipped=len(some) - used[command.id],
        )


def _help(steps: Sequence[StepUse]) -> tuple[Help, ...]:
    by_play: dict[str, list[StepUse]] = {}
    for step in steps:
        by_play.setdefault(step.play, []).append(step)
    found = [
        Help(
            play=play,
            incidents=some[0].incidents,
            helped=sum(step.helped for step in some),
            failed=sum(step.failed for step in some),
            skipped=sum(step.skipped == step.incidents for step in some),
        )
        for play, some in by_play.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.helped / one.incidents, -one.failed, one.play)))


def _made_of(records: Sequence[Record]) -> Mapping[str, str]:
    ids = [record.incident.id for record in records]
    which = f"incidents {min(ids)} to {max(ids)}, {len(ids)} of them" if ids else "no incident"
    said = {
        f"time to {what}": f"from the alert's start until {until}; {which} where that happened, "
        "but not those that were split off from another"
        for what, (until, _) in TIMES.items()
    }
    return {
        **said,
        "missed": f"TargetMissed events; {which}",
        "pages": f"PageDelivered events; {which}; a night is 22:00 to 07:00 by the person's clock",
        "noise": f"alerts of Opened events; {which}; unacted: no approved change succeeded",
        "plays": "incidents in which the last change that succeeded before the end was the play's; "
        f"{which}",
        "steps": f"CommandFinished events by the play's latest document; {which}; helped: the last "
        "approved change that succeeded; skipped: it never ran",
    }
