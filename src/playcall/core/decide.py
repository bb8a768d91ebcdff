"""The incident's state machine: every move of every incident is made here, by `decide`.

A pure function of the state, one event and the plan. It must never know a clock, a database, an
address or a channel. `ACCEPTED` says which event moves which status; the docs draw it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from playcall.core import (
    action_items,
    approvals,
    commands,
    deadlines,
    decision,
    delivery,
    duties,
    engagement,
    escalation,
    joining,
    meeting,
    pins,
    polling,
    regrouping,
    rollback,
    sending,
    silences,
    stakeholders,
    updates,
    values,
    verification,
)
from playcall.core import events as ev
from playcall.core import rollback_events as back
from playcall.core.effects import Effect, MeasureMetrics, Moved, Refused, Tell, WriteReport
from playcall.core.incident import Incident, Member, Origin, Quiet, Status
from playcall.core.outcome import settle
from playcall.core.people import first_roles
from playcall.core.plan import Plan
from playcall.core.wording import say_duration

Outcome = Moved | Refused

_LIVE = frozenset({Status.OPEN, Status.ACKNOWLEDGED, Status.RECOVERED})
_OVER = frozenset({Status.RESOLVED, Status.CLOSED})
_ANY = frozenset(Status)
_OWN = _LIVE | _OVER  # nobody takes a part in what was merged into another incident
_NEVER = datetime.min.replace(tzinfo=UTC)

# In which statuses an event is accepted. `Opened` alone needs no incident to be there.
ACCEPTED: Mapping[type[ev.Event], frozenset[Status]] = {
    ev.AlertsJoined: _LIVE,
    ev.AlertsCleared: _ANY,
    ev.AnotherOpened: _LIVE,
    ev.Acknowledged: _LIVE,
    ev.Unacknowledged: _LIVE,
    ev.Snoozed: _LIVE,
    ev.Assigned: _LIVE,
    ev.Escalated: _LIVE,
    ev.PartTaken: _OWN,
    ev.PartLeft: _OWN,
    ev.SeverityChanged: _LIVE,
    ev.QuestionAnswered: _LIVE,
    ev.NoteAdded: _ANY,
    ev.ValueGiven: _LIVE,
    ev.RunApproved: _LIVE,
    ev.RunDeclined: _LIVE,
    ev.RunRequested: _LIVE,
    ev.RunEdited: _LIVE,
    ev.ApprovalLapsed: _ANY,
    ev.CommandBegun: _ANY,
    ev.CommandFinished: _ANY,
    ev.CommandInterrupted: _ANY,
    ev.OutcomeDecided: _ANY,
    ev.MetricRead: _ANY,
    ev.PageDelivered: _ANY,
    ev.PageFailed: _ANY,
    ev.Woken: _ANY,
    ev.Resolved: _LIVE,
    ev.Silenced: _ANY,
    ev.SilenceFailed: _ANY,
    ev.SilenceEnded: _ANY,
    ev.SilenceAsked: _ANY,
    ev.ReportWritten: _ANY,
    ev.WarRoomOpened: _ANY,
    ev.Reopened: _OVER,
    back.RollbackAsked: _LIVE,
    back.RollbackApproved: _LIVE,
    back.RollbackStopped: _ANY,
    back.ItemTicked: _ANY,
    ev.PageLost: frozenset({Status.OPEN}),
    ev.PersonGone: _ANY,
    ev.TaskRetried: _ANY,
    ev.QuietShortened: _LIVE,
    ev.RungClimbed: _ANY,
    ev.TargetMissed: _ANY,
    ev.TimeBoxEnded: _ANY,
    ev.QuietEnded: _ANY,
    ev.StoodIn: _ANY,
    ev.RequestExpired: _ANY,
    ev.Recovered: _ANY,
    ev.Relapsed: _ANY,
    back.RollbackHalted: _ANY,
    back.RollbackDone: _ANY,
    ev.Decided: _ANY,
    ev.UpdatePublished: _ANY,
    ev.UpdateReminded: _ANY,
    ev.UpdateMissed: _ANY,
    ev.StakeholdersTold: _ANY,
    ev.StakeholdersMissed: _ANY,
    **dict.fromkeys(action_items.HANDLERS, _ANY),
    ev.TextSent: _ANY,
    **duties.ACCEPTED,
    **pins.ACCEPTED,
    **sending.ACCEPTED,
    **dict.fromkeys(regrouping.HANDLERS, _LIVE),
}


def decide(incident: Incident | None, event: ev.Event, plan: Plan) -> Moved | Refused:
    """The next state and what is to be done, or why not. The same input gives the same answer."""
    if incident is None:
        if not isinstance(event, ev.Opened):
            return Refused(reason="there is no such incident")
        outcome: Outcome = _open(event, plan)
    elif isinstance(event, ev.Opened):
        return Refused(reason=f"incident {incident.id} is open already")
    elif incident.status not in ACCEPTED[type(event)]:
        return Refused(reason=regrouping.say_status(incident))
    else:
        outcome = _HANDLERS[type(event)](incident, event, plan)
    if isinstance(outcome, Refused):
        return outcome
    return _settle(incident or outcome.incident, outcome, plan, event.at)


def _settle(before: Incident, moved: Moved, plan: Plan, at: datetime) -> Moved:
    """What follows from any move: recovery or relapse, what is due now, the next timer."""
    moved = _then(moved, approvals.expire(before, moved.incident, at))
    moved = _then(moved, _follow_health(moved.incident, plan, at))
    if not moved.incident.status.over:
        moved = _then(moved, escalation.climb(moved.incident, plan, at))
        moved = _then(moved, deadlines.pass_(moved.incident, plan, at))
        moved = _then(moved, joining.tell(moved.incident, at))
        moved = _then(moved, polling.poll(moved.incident, plan, at))
        incident, renewed = silences.renew(moved.incident, plan, at)
        moved = _then(moved, Moved(incident=incident, effects=renewed))
    else:
        moved = _then(moved, duties.pass_(moved.incident, plan, at))
        moved = _then(moved, action_items.pass_(moved.incident, plan, at))
    moved = _then(moved, updates.follow(moved.incident, plan, at))
    moved = _then(moved, stakeholders.follow(moved.incident, plan, at))
    incident = moved.incident
    incident = replace(
        incident, wake_at=_next_timer(incident, plan, at), version=incident.version + 1
    )
    return replace(moved, incident=incident)


def _then(moved: Moved, more: Moved) -> Moved:
    return Moved(
        incident=more.incident,
        effects=moved.effects + more.effects,
        follows=moved.follows + more.follows,
    )


def _next_timer(incident: Incident, plan: Plan, at: datetime) -> datetime | None:
    if incident.status.over:
        after = [part.next_at(incident, plan) for part in (duties, action_items, updates)]
        return min((at for at in after if at is not None), default=None)
    timers = (
        escalation.next_at(incident, plan, at),
        deadlines.next_at(incident, plan, at),
        joining.next_at(incident),
        polling.next_at(incident, plan),
        silences.next_renewal(incident),
        approvals.next_expiry(incident),
        updates.next_at(incident, plan),
        stakeholders.next_at(incident, plan),
    )
    return min((timer for timer in timers if timer is not None), default=None)


def _follow_health(incident: Incident, plan: Plan, at: datetime) -> Moved:
    if incident.status.over:
        return Moved(incident=incident)
    recovered = incident.status is Status.RECOVERED
    if not recovered and verification.is_proven(incident, plan):
        follows: tuple[ev.Event, ...] = (ev.Recovered(at=at),)
        if incident.play in plan.response.resolves_itself:
            follows += (ev.Resolved(at=at, by="Playcall", cause=""),)
        return Moved(
            incident=replace(incident, status=Status.RECOVERED, quiet=None),
            effects=_tell_first(plan, "recovered"),
            follows=follows,
        )
    if recovered and verification.is_refuted(incident, plan):
        status = Status.ACKNOWLEDGED if incident.acknowledged_by else Status.OPEN
        return Moved(
            incident=replace(incident, status=status),
            effects=_tell_first(plan, "relapsed"),
            follows=(ev.Relapsed(at=at),),
        )
    return Moved(incident=incident)


def _tell_first(plan: Plan, reason: str) -> tuple[Effect, ...]:
    return tuple(Tell(role=role, reason=reason) for role in first_roles(plan))


# --- One small function for each kind of event ---------------------------------------------------


def _open(event: ev.Opened, plan: Plan) -> Moved:
    # A start in the future is somebody's wrong clock.
    fired_at = min((event.at, *(alert.starts_at for alert in event.alerts)))
    play = plan.play(event.play) if event.play else None
    start = regrouping.ladder_start(event, fired_at, plan)
    quiet = _announced(event)
    within = deadlines.target(plan, play, event.severity)
    incident = Incident(
        id=event.incident,
        plan=event.plan,
        group=event.group,
        play=event.play,
        title=event.title,
        severity=event.severity,
        status=Status.OPEN,
        opened_at=event.at,
        fired_at=fired_at,
        ladder_from=start,
        unheard_from=start,
        alerts={
            alert.fingerprint: Member(alert=alert, firing=alert.firing, changed_at=event.at)
            for alert in event.alerts
        },
        values=event.values,
        origins={
            name: Origin(whence=whence, by=None, at=event.at)
            for name, whence in event.whence.items()
        },
        alongside=event.alongside,
        respond_by=start + within if within and not quiet else None,
        quiet=quiet,
    )
    effects = () if quiet or event.split else escalation.opening(plan, play, event.severity)
    for command in commands.first_look(play, plan):
        if commands.looks(incident, command):
            incident, run = commands.begin(incident, command, None, event.at)
            effects += (run,)
    return regrouping.begin(Moved(incident=incident, effects=effects), event, plan)


def _announced(event: ev.Opened | ev.Reopened) -> Quiet | None:
    if event.quiet_until is None or event.quiet_until <= event.at:
        return None
    return Quiet(until=event.quiet_until, reason=event.quiet_reason, snoozed=False)


def _join(incident: Incident, event: ev.AlertsJoined, plan: Plan) -> Moved:
    return Moved(incident=joining.join(incident, event))


def _clear(incident: Incident, event: ev.AlertsCleared, plan: Plan) -> Outcome:
    gone = {alert.fingerprint: alert.starts_at for alert in event.alerts}
    cleared = {
        fingerprint: replace(member, firing=False, changed_at=event.at)
        for fingerprint, member in incident.alerts.items()
        if member.firing and gone.get(fingerprint, _NEVER) >= member.alert.starts_at
    }
    if not cleared:
        return Refused(reason="none of these alerts is firing here")
    return Moved(incident=replace(incident, alerts={**incident.alerts, **cleared}))


def _meet(incident: Incident, event: ev.AnotherOpened, plan: Plan) -> Outcome:
    if event.incident in incident.alongside:
        return Refused(reason=f"incident {event.incident} is known here")
    return Moved(incident=replace(incident, alongside=(*incident.alongside, event.incident)))


def _metric_read(incident: Incident, event: ev.MetricRead, plan: Plan) -> Moved:
    readings = {**incident.readings, event.criterion: event.judgement}
    incident = replace(incident, readings=readings)
    if incident.status.over:
        return Moved(incident=incident)
    follows: tuple[ev.Event, ...] = decision.measured(incident, event, plan)
    follows += rollback.seen(incident, plan, event.at)
    return Moved(incident=incident, follows=follows)


def _wake(incident: Incident, event: ev.Woken, plan: Plan) -> Outcome:
    if incident.wake_at is None or event.at < incident.wake_at:
        return Refused(reason="no timer is due")
    return Moved(incident=incident)


def _resolve(incident: Incident, event: ev.Resolved, plan: Plan) -> Outcome:
    doubts = verification.doubts(incident, plan)
    if doubts and not event.unverified:
        return Refused(reason=f"not proven: {'; '.join(doubts)}")
    incident = replace(
        incident,
        status=Status.RESOLVED,
        resolved_at=event.at,
        quiet=None,
        respond_by=None,
        owed=replace(incident.owed, opened=True, stable=not doubts),
    )
    told = _tell_first(plan, "resolved")
    lasting = silences.silence_asked(plan)
    silenced = silences.on_resolve(incident, lasting, event.by)
    if lasting is None:
        closed = replace(incident, status=Status.CLOSED)
        return Moved(incident=closed, effects=(*told, *silenced, WriteReport(), MeasureMetrics()))
    return Moved(incident=incident, effects=(*told, *silenced, MeasureMetrics()))


def _silence(incident: Incident, event: ev.Silenced | ev.SilenceFailed, plan: Plan) -> Outcome:
    """The document's own silence, made or not, closes the incident."""
    if isinstance(event, ev.Silenced):
        outcome = silences.stand(incident, event, plan)
    else:
        outcome = silences.fail(incident, event, plan)
    if isinstance(outcome, Refused) or not silences.closes(incident, event):
        return outcome
    closed = replace(outcome.incident, status=Status.CLOSED)
    return replace(outcome, incident=closed, effects=(*outcome.effects, WriteReport()))


def _reopen(incident: Incident, event: ev.Reopened, plan: Plan) -> Outcome:
    within = plan.response.reopen_within
    if incident.resolved_at is None or event.at - incident.resolved_at > within:
        return Refused(reason=f"it was over more than {say_duration(within)} ago")
    firing = {
        alert.fingerprint: Member(alert=alert, firing=True, changed_at=event.at)
        for alert in event.alerts
    }
    play = plan.play(incident.play) if incident.play else None
    target = deadlines.target(plan, play, incident.severity)
    quiet = _announced(event)
    reopened = replace(
        incident,
        status=Status.OPEN,
        alerts={**incident.alerts, **firing},
        acknowledged_by=None,
        acknowledged_at=None,
        resolved_at=None,
        readings={},
        answers={},
        ended_boxes=tuple(range(len(play.phases))) if play else (),  # of the alert's first minutes
        ladder_from=event.at,
        unheard_from=event.at,
        climbed=(),
        last_climb=None,
        put_off=None,
        unreached=None,
        round=incident.round + 1,
        respond_by=event.at + target if target and not quiet else None,
        quiet=quiet,
        reopened=incident.reopened + 1,
        owed=duties.again(incident.owed),
        telling=replace(incident.telling, anew_at=event.at),
    )
    told = () if quiet else escalation.opening(plan, play, incident.severity)
    reopened, looks = commands.look_again(reopened, plan, event.at)
    return Moved(incident=reopened, effects=(*silences.on_reopen(incident), *told, *looks))


def _record(incident: Incident, event: ev.Event, plan: Plan) -> Moved:
    """Events that are kept for the record and move nothing else."""
    return Moved(incident=incident)


_HANDLERS: Mapping[type[ev.Event], Callable[[Incident, Any, Plan], Outcome]] = {
    ev.AlertsJoined: _join,
    ev.AlertsCleared: _clear,
    ev.AnotherOpened: _meet,
    ev.Acknowledged: engagement.acknowledge,
    ev.Unacknowledged: engagement.unacknowledge,
    ev.Snoozed: engagement.snooze,
    ev.Assigned: engagement.assign,
    ev.Escalated: engagement.escalate,
    ev.PartTaken: engagement.take_part,
    ev.PartLeft: engagement.leave_part,
    ev.SeverityChanged: engagement.change_severity,
    ev.QuestionAnswered: decision.answer_question,
    ev.NoteAdded: _record,
    ev.ValueGiven: values.give,
    ev.RunApproved: approvals.approve,
    ev.RunDeclined: approvals.decline,
    ev.RunRequested: approvals.ask,
    ev.RunEdited: approvals.edit,
    ev.ApprovalLapsed: rollback.lapsed,
    ev.CommandBegun: commands.begun,
    ev.CommandFinished: rollback.finished,
    ev.CommandInterrupted: rollback.interrupted,
    ev.OutcomeDecided: settle,
    ev.MetricRead: _metric_read,
    ev.PageDelivered: delivery.delivered,
    ev.PageFailed: delivery.failed,
    ev.Woken: _wake,
    ev.Resolved: _resolve,
    ev.Silenced: _silence,
    ev.SilenceFailed: _silence,
    ev.SilenceEnded: silences.end,
    ev.SilenceAsked: silences.ask,
    ev.ReportWritten: duties.reported,
    ev.WarRoomOpened: meeting.open_room,
    ev.Reopened: _reopen,
    back.RollbackAsked: rollback.ask,
    back.RollbackApproved: rollback.approve,
    back.RollbackStopped: rollback.stop,
    back.ItemTicked: rollback.tick,
    ev.PageLost: escalation.page_again,
    ev.PersonGone: delivery.redirect,
    ev.TaskRetried: _record,
    ev.QuietShortened: escalation.shorten_quiet,
    ev.RungClimbed: _record,
    ev.TargetMissed: _record,
    ev.TimeBoxEnded: _record,
    ev.QuietEnded: escalation.end_quiet,
    ev.StoodIn: _record,
    ev.RequestExpired: _record,
    ev.Recovered: _record,
    ev.Relapsed: _record,
    back.RollbackHalted: _record,
    back.RollbackDone: _record,
    ev.Decided: _record,
    ev.UpdatePublished: updates.published,
    ev.UpdateReminded: _record,
    ev.UpdateMissed: _record,
    ev.StakeholdersTold: _record,
    **action_items.HANDLERS,
    ev.StakeholdersMissed: stakeholders.missed,
    ev.TextSent: stakeholders.send_text,
    **duties.HANDLERS,
    **pins.HANDLERS,
    **sending.HANDLERS,
    **regrouping.HANDLERS,
}
