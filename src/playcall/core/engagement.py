"""What people do in an incident: take it, hand it on, hold its pages, call others, take parts."""

from dataclasses import replace
from datetime import datetime, timedelta

from playcall.core import escalation, silences
from playcall.core.effects import Effect, Moved, Page, Refused, Tell
from playcall.core.events import (
    Acknowledged,
    Assigned,
    Escalated,
    PartLeft,
    PartTaken,
    RungClimbed,
    SeverityChanged,
    Snoozed,
    Unacknowledged,
    Whom,
)
from playcall.core.incident import Climb, Incident, Part, PutOff, Quiet, Status
from playcall.core.people import team_called, team_of
from playcall.core.plan import Plan, RungCondition, Wake
from playcall.core.wording import say_duration, say_instant

Outcome = Moved | Refused

BETWEEN_PAGES = timedelta(minutes=2)  # that say the same to the same people


def acknowledge(incident: Incident, event: Acknowledged, plan: Plan) -> Outcome:
    if incident.acknowledged_by:
        return Refused(reason=f"{incident.acknowledged_by} has acknowledged it already")
    if event.link in incident.used_links:
        return Refused(reason="this link was used already")
    status = Status.ACKNOWLEDGED if incident.status is Status.OPEN else incident.status
    responders = incident.roles.get(Part.RESPONDER, ())
    taken = replace(
        incident,
        status=status,
        acknowledged_by=event.by,
        acknowledged_at=event.at,
        respond_by=None,
        roles={**incident.roles, Part.RESPONDER: _with(responders, event.by)},
        used_links=(*incident.used_links, *((event.link,) if event.link else ())),
    )
    if taken.quiet and taken.quiet.snoozed:  # somebody has it: what waits for an end counts anew
        taken = replace(taken, quiet=None, ladder_from=event.at)
    return Moved(incident=taken, effects=silences.on_acknowledge(taken, plan, event.by))


def unacknowledge(incident: Incident, event: Unacknowledged, plan: Plan) -> Outcome:
    if not incident.acknowledged_by:
        return Refused(reason="nobody has acknowledged it")
    reason = f"un-acknowledged by {event.by}"
    unheard = _unheard(incident, plan, event)
    again_at = _page_again_at(incident)
    if again_at is not None and again_at > event.at:
        return Moved(incident=replace(unheard, put_off=PutOff(due=again_at, reason=reason)))
    told = replace(unheard, given_back_at=event.at)
    return Moved(incident=told, effects=escalation.page_first(plan, reason))


def _page_again_at(incident: Incident) -> datetime | None:
    """Before when whoever heard that nobody has it is not told so again. None: at once, since they
    did not hear so yet, or an alert fired after that."""
    before = incident.given_back_at
    if before is None or before < incident.ladder_from:  # of an earlier round
        return None
    news = any(one.firing and one.changed_at > before for one in incident.alerts.values())
    return None if news else before + BETWEEN_PAGES


def assign(incident: Incident, event: Assigned, plan: Plan) -> Outcome:
    if incident.acknowledged_by == event.to:
        return Refused(reason=f"{event.to} has it already")
    incident = replace(_unheard(incident, plan, event), assigned_to=event.to)
    page = Page(role=event.to, rung=None, reason=f"assigned to you by {event.by}")
    return Moved(incident=incident, effects=(page,))


def _unheard(incident: Incident, plan: Plan, event: Unacknowledged | Assigned) -> Incident:
    """As if nobody had heard: what waits for an acknowledgement counts anew, and nothing else."""
    ladder = escalation.ladder(plan)
    others = tuple(i for i in incident.climbed if ladder[i].condition is not RungCondition.NO_ACK)
    status = Status.OPEN if incident.status is Status.ACKNOWLEDGED else incident.status
    return replace(
        incident,
        status=status,
        acknowledged_by=None,
        acknowledged_at=None,
        unheard_from=event.at,
        climbed=others,
        put_off=None,
        quiet=None,
    )


def snooze(incident: Incident, event: Snoozed, plan: Plan) -> Outcome:
    lasting = event.until - event.at
    limit = plan.response.snooze_at_most
    if lasting.total_seconds() <= 0:
        return Refused(reason=f"{say_instant(event.until)} has passed already")
    if lasting > limit:
        return Refused(reason=f"an incident may be snoozed for {say_duration(limit)} at most")
    quiet = Quiet(until=event.until, reason=f"snoozed by {event.by}", snoozed=True)
    return Moved(incident=replace(incident, quiet=quiet, respond_by=None))


def escalate(incident: Incident, event: Escalated, plan: Plan) -> Outcome:
    said = f": {event.reason}" if event.reason else ""
    reason = f"called by {event.by}{said}"
    if event.whom is Whom.NEXT:
        return _next_rung(incident, event, plan, reason)
    role = _called(incident, event, plan)
    if isinstance(role, Refused):
        return role
    return Moved(incident=incident, effects=(Page(role=role, rung=None, reason=reason),))


def _called(incident: Incident, event: Escalated, plan: Plan) -> str | Refused:
    if event.whom is Whom.EXPERT:
        team = team_of(incident, plan)
        if team is None or not team.expert:
            return Refused(reason="the document names no expert for this incident; name a person")
        return team.expert
    if not event.to:
        return Refused(reason=f"say which {event.whom} to call")
    if event.whom is Whom.TEAM:
        team = team_called(plan, event.to)
        known = ", ".join(each.value for each in plan.teams) or "none"
        if team is None:
            return Refused(reason=f'there is no team "{event.to}"; the document has {known}')
        return team.primary
    return event.to


def next_rung(incident: Incident) -> int:
    """The index of the rung that is called next by hand; it may be beyond the last one."""
    return max(incident.climbed, default=-1) + 1


def _next_rung(incident: Incident, event: Escalated, plan: Plan, reason: str) -> Outcome:
    ladder, at = escalation.ladder(plan), event.at
    index = next_rung(incident)
    if event.expected is not None and event.expected != index:
        return Refused(reason=_overtaken(incident, plan, at))
    if index >= len(ladder):
        return Refused(reason="the path has no further rung; name a person, a role or a team")
    climbed = replace(
        incident,
        climbed=(*incident.climbed, index),
        last_climb=Climb(rung=index, at=at, by=event.by),
    )
    roles = ladder[index].roles
    pages = tuple(Page(role=role, rung=index, reason=reason) for role in roles)
    record = RungClimbed(at=at, rung=index, round=incident.round, roles=roles, reason=reason)
    return Moved(incident=climbed, effects=pages, follows=(record,))


def _overtaken(incident: Incident, plan: Plan, at: datetime) -> str:
    """Why the next rung is not the one that was asked for."""
    ladder, last, index = escalation.ladder(plan), incident.last_climb, next_rung(incident)
    following = " and ".join(ladder[index].roles) if index < len(ladder) else "nobody"
    if last is None:
        return f"the path has moved on meanwhile; next is {following}"
    who, whom = last.by or "the path", " and ".join(ladder[last.rung].roles)
    ago = say_duration(at - last.at)
    return f"{who} escalated to {whom} {ago} ago; next is {following}"


def take_part(incident: Incident, event: PartTaken, plan: Plan) -> Outcome:
    held = incident.roles.get(event.part, ())
    if event.person in held:
        return Refused(reason=f"{event.person} is {event.part} already")
    people = _with(held, event.person) if event.part is Part.RESPONDER else (event.person,)
    told: list[Effect] = []
    if event.by != event.person:
        told.append(Page(role=event.person, rung=None, reason=f"{event.by} made you {event.part}"))
    if event.part is not Part.RESPONDER:
        reason = f"{event.person} is {event.part} now"
        told += [Tell(role=person, reason=reason) for person in held if person != event.by]
    roles = {**incident.roles, event.part: people}
    return Moved(incident=replace(incident, roles=roles), effects=tuple(told))


def leave_part(incident: Incident, event: PartLeft, plan: Plan) -> Outcome:
    held = incident.roles.get(event.part, ())
    if event.person not in held:
        return Refused(reason=f"{event.person} is not {event.part}")
    left = tuple(person for person in held if person != event.person)
    roles = {part: people for part, people in incident.roles.items() if part is not event.part}
    if left:
        roles[event.part] = left
    return Moved(incident=replace(incident, roles=roles))


def change_severity(incident: Incident, event: SeverityChanged, plan: Plan) -> Outcome:
    row = plan.severity(event.severity)
    if row is None:
        known = ", ".join(each.level for each in plan.severities)
        return Refused(reason=f'there is no severity "{event.severity}"; there are {known}')
    if row.level == incident.severity:
        return Refused(reason=f"it is {row.level} already")
    changed = replace(incident, severity=row.level)
    unheard = escalation.wake(plan, incident.severity) is Wake.NO or not incident.climbed
    if unheard and escalation.wake(plan, row.level) is not Wake.NO:
        changed = escalation.begin_anew(changed, event.at)
    return Moved(incident=changed)


def _with(people: tuple[str, ...], person: str) -> tuple[str, ...]:
    return people if person in people else (*people, person)
