"""Stakeholders: when each audience of the document gets a summary, and what it says.

An executive reads it between two meetings: what, how bad, since when, what now, when more. No host,
no command, no query, no alert's name.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from playcall.core import escalation
from playcall.core.communication import Audience
from playcall.core.effects import Effect, Inform, Moved, Refused, SendText
from playcall.core.events import Event, StakeholdersMissed, StakeholdersTold, TextSent
from playcall.core.facts import Facts, say_moment
from playcall.core.filling import unfilled
from playcall.core.incident import Incident, Status
from playcall.core.message import Message
from playcall.core.plan import Plan
from playcall.core.status_update import UpdateState
from playcall.core.telling import Told

MOST_UNREACHED = 100  # kept in mind for an incident
AHEAD = 5  # a summary is sent a fifth of its first deadline before it is due
_NOW = {
    UpdateState.INVESTIGATING: "The cause is being looked for",
    UpdateState.IDENTIFIED: "The cause is known, and a remedy is on its way",
    UpdateState.MONITORING: "A remedy is in place, and is being watched",
    UpdateState.RESOLVED: "It is over",
}


def follow(incident: Incident, plan: Plan, at: datetime) -> Moved:
    """Every audience's summary that is due by `at`."""
    moved = Moved(incident=incident)
    if incident.status is Status.MERGED:  # it is not over for them: the other one goes on
        return moved
    if not incident.status.over and _is_held(incident, at):
        return moved
    for audience in plan.audiences:
        told = _begin(moved.incident, audience, plan, at)
        if told.next_at is not None and told.next_at <= at:
            moved = _send(moved, audience, told, at, last=incident.status.over)
        elif told != moved.incident.telling.audiences.get(audience.name, Told()):
            moved = replace(moved, incident=_keep(moved.incident, audience, told))
    return moved


def next_at(incident: Incident, plan: Plan) -> datetime | None:
    if incident.status.over:
        return None
    dues = [told.next_at for told in incident.telling.audiences.values() if told.next_at]
    return min(dues, default=None)


def lead_time(audience: Audience) -> timedelta:
    """How long before its deadline a summary is sent."""
    return (audience.first_within or audience.every or timedelta()) / AHEAD


def missed(incident: Incident, event: StakeholdersMissed, plan: Plan) -> Moved | Refused:
    """Once for each summary and role, however often it was tried."""
    key = f"{event.audience} {event.role} {event.due_at.isoformat()}"
    telling = incident.telling
    if key in telling.unreached:
        return Refused(reason=f"that {event.role} was not told in time is on record")
    known = (*telling.unreached, key)[-MOST_UNREACHED:]
    return Moved(incident=replace(incident, telling=replace(telling, unreached=known)))


def send_text(incident: Incident, event: TextSent, plan: Plan) -> Moved | Refused:
    """A template that a person filled. Nothing goes out with a bracket left open."""
    if left := unfilled(f"{event.subject}\n{event.body}", plan):
        return Refused(reason=f"fill in {', '.join(left)} first: nothing is sent with a bracket")
    if not event.subject.strip() or not event.body.strip():
        return Refused(reason="a text needs a subject and a body")
    sent = SendText(role=event.role, subject=event.subject, body=event.body)
    return Moved(incident=incident, effects=(sent,))


# --- when ----------------------------------------------------------------------------------------


def _is_held(incident: Incident, at: datetime) -> bool:
    """Announced maintenance is no news; a person's snooze holds pages only."""
    quiet = incident.quiet
    return quiet is not None and not quiet.snoozed and escalation.is_quiet(incident, at)


def _concerns(audience: Audience, incident: Incident, plan: Plan) -> bool:
    if incident.about_us:
        return False
    row = plan.severity(audience.severity) if audience.severity else None
    return row is not None and row.level == incident.severity and bool(audience.recipients)


def _begin(incident: Incident, audience: Audience, plan: Plan, at: datetime) -> Told:
    """How an audience stands now. One whose severity no longer holds is owed the end, when it was
    told of the beginning."""
    told = incident.telling.audiences.get(audience.name, Told())
    if incident.status.over:
        owed = not told.ended and (told.since is not None or told.number > 0)
        return replace(told, since=None, next_at=at if owed else None, ended=True)
    if not _concerns(audience, incident, plan):
        return replace(told, since=None, next_at=None)
    if told.since is not None:
        return told
    within = audience.first_within or audience.every
    first = at + within - lead_time(audience) if within is not None else None
    return replace(told, since=at, next_at=first, ended=False)


def _send(moved: Moved, audience: Audience, told: Told, at: datetime, *, last: bool) -> Moved:
    following = at + audience.every if audience.every and not last else None
    number = told.number + 1
    due_at = (told.next_at or at) + lead_time(audience)
    effects: tuple[Effect, ...] = tuple(
        Inform(role=role, audience=audience.name, number=number, due_at=due_at, next_at=following)
        for role in audience.recipients
    )
    record: Event = StakeholdersTold(
        at=at, audience=audience.name, number=number, recipients=audience.recipients
    )
    sent = replace(told, number=number, next_at=following)
    return Moved(
        incident=_keep(moved.incident, audience, sent),
        effects=moved.effects + effects,
        follows=(*moved.follows, record),
    )


def _keep(incident: Incident, audience: Audience, told: Told) -> Incident:
    telling = incident.telling
    audiences = {**telling.audiences, audience.name: told}
    return replace(incident, telling=replace(telling, audiences=audiences))


# --- what ----------------------------------------------------------------------------------------


def compose(incident: Incident, effect: Inform, facts: Facts, url: str) -> Message:
    """A summary for one recipient."""
    over = facts.state == UpdateState.RESOLVED
    lasted = f"lasted {facts.lasted}" if over else f"{facts.lasted} ago"
    lines = [
        f"What: {facts.title}",
        f"Severity: {facts.severity}",
        f"Since: {say_moment(facts.started_at)}, {lasted}",
        *(f"Impact: {one}" for one in _impact(facts)),
        f"Now: {_now(incident, facts)}.",
        f"Next update: {say_moment(effect.next_at)}"
        if effect.next_at
        else "This is the last update.",
    ]
    state = "RESOLVED" if over else facts.severity
    return Message(
        subject=f"[{state}] {facts.title} (incident {incident.id}, update {effect.number})",
        body="\n".join(lines),
        link=url,
        thread=f"incident-{incident.id}-stakeholders",
        urgent=False,
        incident=incident.id,
    )


def _impact(facts: Facts) -> Iterator[str]:
    counted = [f"{value} {name}" for name, value in facts.counts.items()]
    measured = [f"{name} {value}" for name, value in facts.measures.items()]
    if counted or measured:
        yield "; ".join(counted or measured)
    else:
        yield "not measured yet"


def _now(incident: Incident, facts: Facts) -> str:
    said = _NOW[UpdateState(facts.state)]
    if facts.state == UpdateState.RESOLVED:
        return said
    if facts.decided and facts.state == UpdateState.IDENTIFIED:
        said += f". Decided: {'; '.join(facts.decided)}"
    who = facts.commander
    if who:
        return f"{said}. {who} leads"
    if incident.acknowledged_by:
        return f"{said}. Somebody is on it"
    return f"{said}. Nobody has taken it yet"
