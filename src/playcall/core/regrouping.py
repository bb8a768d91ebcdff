"""Merging incidents and splitting one: what may be done, and what it does to each side.

An incident that was merged is over: it pages nobody, owes nothing and is never opened again. The
one that goes on has its alerts, and the higher severity of the two.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from playcall.core import escalation
from playcall.core.approvals import as_asked
from playcall.core.bound import judged
from playcall.core.effects import Effect, Moved, Refused, Tell
from playcall.core.events import Acknowledged, Event, Opened, SeverityChanged, UpdatePublished
from playcall.core.incident import Incident, RollbackStage, RunStatus, Status
from playcall.core.people import on_it
from playcall.core.plan import EffectClass, Plan
from playcall.core.regroup_events import Absorbed, AlertsSplit, MergedInto
from playcall.core.status_update import StatusUpdate, UpdateState
from playcall.core.updates import OURSELVES, number, on_page, update

MERGED = "merged into incident"  # begins the reason of whoever is told
_STANDS = (RollbackStage.RUNNING, RollbackStage.HALTED)


def why_not_merge(ending: Incident, onto: Incident, plan: Plan) -> str:
    """Why `ending`, whose plan this is, may not be merged into the other; empty: it may."""
    if ending.id == onto.id:
        return f"incident {ending.id} cannot be merged into itself"
    for one in (ending, onto):
        if one.status.over:
            return f"{say_status(one)}: only incidents that are open can be merged"
    if ending.rollback and ending.rollback.stage in _STANDS:
        return (
            f"the rollback of incident {ending.id} is {ending.rollback.stage}: end it there first"
        )
    for key, run in ending.runs.items():
        if run.status is RunStatus.UNKNOWN:
            return (
                f"the outcome of command {key} of incident {ending.id} is unknown: decide it first"
            )
        if run.status is RunStatus.RUNNING and _changes(ending, key, plan):
            return f"command {key} of incident {ending.id} is changing something: wait for its end"
    return ""


def say_status(incident: Incident) -> str:
    """How it stands, as a refusal begins: "incident 3 was merged into incident 2"."""
    if incident.kin.into is not None:
        return f"incident {incident.id} was {MERGED} {incident.kin.into}"
    return f"incident {incident.id} is {incident.status}"


def _changes(incident: Incident, key: str, plan: Plan) -> bool:
    """What is not known any more may."""
    written = plan.command(incident.play, key)
    if written is None:
        return True
    asked = as_asked(written, incident.runs[key].request)
    return judged(asked, incident.values).effect is EffectClass.CHANGE


def merge_into(incident: Incident, event: MergedInto, plan: Plan) -> Moved | Refused:
    """It ends: what waited for approval lapses, and whoever was on it is told where it goes on."""
    if event.incident == incident.id:
        return Refused(reason=f"incident {incident.id} cannot be merged into itself")
    ended = replace(
        incident,
        status=Status.MERGED,
        alerts={},
        silences={},
        quiet=None,
        respond_by=None,
        put_off=None,
        joined=0,
        requests={},
        kin=replace(incident.kin, into=event.incident, into_at=event.at),
        telling=replace(incident.telling, since=None, due_at=None, audiences={}),
    )
    reason = f"{MERGED} {event.incident} by {event.by}"
    told: tuple[Effect, ...] = tuple(
        Tell(role=one, reason=reason) for one in on_it(incident) if one != event.by
    )
    return Moved(incident=ended, effects=told, follows=_close_in_public(ended, event, plan))


def _close_in_public(incident: Incident, event: MergedInto, plan: Plan) -> tuple[Event, ...]:
    """A duplicate for whoever reads of it: the public never reads of one trouble as of two."""
    last = incident.telling.last
    if last is None or not on_page(incident.telling):
        return ()
    body = f'This is a part of "{event.told_as or last.title}". Updates go on there.'
    closing = update(incident, plan, event.at, UpdateState.RESOLVED, last.title, body)
    return (UpdatePublished(at=event.at, by=OURSELVES, update=closing),)


def absorb(incident: Incident, event: Absorbed, plan: Plan) -> Moved | Refused:
    """Its alerts join, and count for whoever is on it as if they had fired one by one."""
    if event.incident == incident.id:
        return Refused(reason=f"incident {incident.id} cannot be merged into itself")
    joined = {member.alert.fingerprint: member for member in event.members}
    others = [one for one in on_it(incident) if one != event.by]
    fresh = (
        len(joined.keys() - incident.alerts.keys()) if incident.acknowledged_by and others else 0
    )
    absorbed = (*(n for n in incident.kin.absorbed if n != event.incident), event.incident)
    grown = replace(
        incident,
        alerts={**incident.alerts, **joined},
        silences={**event.silences, **incident.silences},
        alongside=tuple(n for n in incident.alongside if n != event.incident),
        joined=incident.joined + fresh,
        kin=replace(incident.kin, absorbed=absorbed),
    )
    return Moved(incident=grown, follows=(*_raise(grown, event, plan), *_carry_on(grown, event)))


def _raise(incident: Incident, event: Absorbed, plan: Plan) -> tuple[Event, ...]:
    levels = [row.level for row in plan.severities]  # the gravest first
    row = plan.severity(event.severity)
    if row is None or row.level == incident.severity:
        return ()
    mine = levels.index(incident.severity) if incident.severity in levels else len(levels)
    if levels.index(row.level) > mine:
        return ()
    reason = f"incident {event.incident} was merged into it"
    return (SeverityChanged(at=event.at, by=event.by, severity=row.level, reason=reason),)


def _carry_on(incident: Incident, event: Absorbed) -> tuple[Event, ...]:
    """What the public has read of goes on under this incident, word for word as published."""
    told = event.told
    if told is None or on_page(incident.telling):
        return ()
    last = incident.telling.last
    carried = replace(
        told,
        incident=incident.id,
        number=number(incident),
        title=last.title if last else told.title,
        at=event.at,
    )
    return (UpdatePublished(at=event.at, by=OURSELVES, update=carried),)


def still_told(incident: Incident) -> StatusUpdate | None:
    """The latest update, while the public reads of the incident as of something that goes on."""
    return incident.telling.last if on_page(incident.telling) else None


def ladder_start(event: Opened, fired_at: datetime, plan: Plan) -> datetime:
    """The path of what was split off begins with it: its alerts were heard of in the other one."""
    return event.at if event.split else escalation.ladder_start(plan, fired_at, event.at)


def begin(opened: Moved, event: Opened, plan: Plan) -> Moved:
    """Whoever splits it off has it: nobody is called anew for what somebody looks at already."""
    if event.split is None:
        return opened
    incident = replace(
        opened.incident,
        climbed=escalation.at_once(plan),
        kin=replace(opened.incident.kin, split_from=event.split.incident),
    )
    taken = Acknowledged(at=event.at, by=event.split.by)
    return replace(opened, incident=incident, follows=(taken,))


def why_not_split(incident: Incident, fingerprints: Iterable[str]) -> str:
    """Why these alerts may not be taken out; empty: they may."""
    if incident.status.over:
        return f"{say_status(incident)}: only one that is open can be split"
    chosen = set(fingerprints)
    if not chosen:
        return "choose at least one alert to take out"
    known = ", ".join(sorted(incident.alerts)) or "none"
    if strange := sorted(chosen - incident.alerts.keys()):
        return f"incident {incident.id} has no alert {', '.join(strange)}; it has {known}"
    if chosen == set(incident.alerts):
        return "nothing would be left: leave at least one alert where it is"
    return ""


def split(incident: Incident, event: AlertsSplit, plan: Plan) -> Moved | Refused:
    if why := why_not_split(incident, event.fingerprints):
        return Refused(reason=why)
    kept = {key: one for key, one in incident.alerts.items() if key not in event.fingerprints}
    kin = replace(incident.kin, split_off=(*incident.kin.split_off, event.incident))
    return Moved(incident=replace(incident, alerts=kept, kin=kin))


HANDLERS: Mapping[type[Event], Callable[[Incident, Any, Plan], Moved | Refused]] = {
    MergedInto: merge_into,
    Absorbed: absorb,
    AlertsSplit: split,
}
