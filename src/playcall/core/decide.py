"""The incident's state machine: every move of every incident is made here, by `decide`.

A pure function of the state, one event and the plan. It must never know a clock, a database, an
address or a channel. `ACCEPTED` says which event moves which status; the docs draw it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from playcall.core import escalation, verification
from playcall.core.effects import Effect, Moved, Refused, RunCommand, Silence, Tell, WriteReport
from playcall.core.events import (
    Acknowledged,
    AlertsCleared,
    AlertsJoined,
    AnotherOpened,
    CommandBegun,
    CommandFinished,
    CommandInterrupted,
    Event,
    MetricRead,
    NoteAdded,
    Opened,
    PageDelivered,
    PageFailed,
    ReportWritten,
    Resolved,
    RunApproved,
    RunDeclined,
    Silenced,
    SilenceFailed,
    Woken,
)
from playcall.core.incident import Incident, Member, Run, RunStatus, Status
from playcall.core.plan import Command, EffectClass, Plan, Play, Role

Outcome = tuple[Incident, tuple[Effect, ...]] | Refused

_LIVE = frozenset({Status.OPEN, Status.ACKNOWLEDGED, Status.RECOVERED})
_ANY = frozenset(Status)
_NEVER = datetime.min.replace(tzinfo=UTC)

# In which statuses an event is accepted. `Opened` alone needs no incident to be there.
ACCEPTED: Mapping[type[Event], frozenset[Status]] = {
    AlertsJoined: _LIVE,
    AlertsCleared: _ANY,
    AnotherOpened: _LIVE,
    Acknowledged: _LIVE,
    NoteAdded: _ANY,
    RunApproved: _LIVE,
    RunDeclined: _LIVE,
    CommandBegun: _ANY,
    CommandFinished: _ANY,
    CommandInterrupted: _ANY,
    MetricRead: _LIVE,
    PageDelivered: _ANY,
    PageFailed: _ANY,
    Woken: _LIVE,
    Resolved: _LIVE,
    Silenced: frozenset({Status.RESOLVED}),
    SilenceFailed: frozenset({Status.RESOLVED}),
    ReportWritten: frozenset({Status.CLOSED}),
}


def decide(incident: Incident | None, event: Event, plan: Plan) -> Moved | Refused:
    """The next state and what is to be done, or why not. The same input gives the same answer."""
    if incident is None:
        if not isinstance(event, Opened):
            return Refused(reason="there is no such incident")
        outcome = _open(event, plan)
    elif isinstance(event, Opened):
        return Refused(reason=f"incident {incident.id} is open already")
    elif incident.status not in ACCEPTED[type(event)]:
        return Refused(reason=f"incident {incident.id} is {incident.status}")
    else:
        outcome = _HANDLERS[type(event)](incident, event, plan)
    if isinstance(outcome, Refused):
        return outcome
    return _settle(*outcome, plan=plan, at=event.at)


def _settle(incident: Incident, effects: tuple[Effect, ...], *, plan: Plan, at: datetime) -> Moved:
    """What follows from any move: recovery or relapse, rungs that are due, the next timer."""
    incident, told = _follow_health(incident, plan)
    incident, pages = escalation.climb(incident, plan, at)
    wake_at = None if incident.status.over else escalation.next_rung_at(incident, plan, at)
    incident = replace(incident, wake_at=wake_at, version=incident.version + 1)
    return Moved(incident=incident, effects=effects + told + pages)


def _follow_health(incident: Incident, plan: Plan) -> tuple[Incident, tuple[Effect, ...]]:
    if incident.status.over:
        return incident, ()
    recovered = incident.status is Status.RECOVERED
    if not recovered and verification.is_proven(incident, plan):
        return replace(incident, status=Status.RECOVERED), _tell_first(plan, "recovered")
    if recovered and verification.is_refuted(incident, plan):
        status = Status.ACKNOWLEDGED if incident.acknowledged_by else Status.OPEN
        return replace(incident, status=status), _tell_first(plan, "relapsed")
    return incident, ()


def _tell_first(plan: Plan, reason: str) -> tuple[Effect, ...]:
    return tuple(Tell(role=role, reason=reason) for role in escalation.first_roles(plan))


# --- One small function for each kind of event ---------------------------------------------------


def _open(event: Opened, plan: Plan) -> Outcome:
    fired_at = min((alert.starts_at for alert in event.alerts), default=event.at)
    play = plan.play(event.play) if event.play else None
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
        ladder_from=escalation.ladder_start(plan, fired_at, event.at),
        alerts={
            alert.fingerprint: Member(alert=alert, firing=alert.firing, changed_at=event.at)
            for alert in event.alerts
        },
        values=event.values,
        alongside=event.alongside,
    )
    effects = escalation.opening(plan, play, event.severity)
    for command in first_look(play) if play else ():
        if not missing_values(incident, command):
            incident, run = _begin(incident, command, None, event.at)
            effects += (run,)
    return incident, effects


def first_look(play: Play) -> tuple[Command, ...]:
    """The diagnostics that run by themselves when an incident opens: what only observes, in the
    immediate and the diagnostic phases, and stands under no condition."""
    return tuple(
        command
        for phase in play.phases
        if phase.role in (Role.ACT, Role.DIAGNOSE)
        for step in phase.steps
        for command in step.commands
        if command.effect is EffectClass.OBSERVE and command.guard is None
    )


def missing_values(incident: Incident, command: Command) -> tuple[str, ...]:
    """The placeholders of a command that nothing fills yet."""
    return tuple(p.name for p in command.placeholders if p.name not in incident.values)


def _begin(
    incident: Incident, command: Command, by: str | None, at: datetime
) -> tuple[Incident, RunCommand]:
    earlier = incident.runs.get(command.id)
    attempt = earlier.attempt + 1 if earlier else 1
    run = Run(
        id=f"{incident.id}/{command.id}/{attempt}",
        status=RunStatus.PENDING,
        attempt=attempt,
        approved_by=by,
        at=at,
    )
    effect = RunCommand(command=command.id, run=run.id, approved_by=by)
    return replace(incident, runs={**incident.runs, command.id: run}), effect


def _join(incident: Incident, event: AlertsJoined, plan: Plan) -> Outcome:
    joined = {
        alert.fingerprint: Member(alert=alert, firing=True, changed_at=event.at)
        for alert in event.alerts
    }
    return replace(incident, alerts={**incident.alerts, **joined}), ()


def _clear(incident: Incident, event: AlertsCleared, plan: Plan) -> Outcome:
    gone = {alert.fingerprint: alert.starts_at for alert in event.alerts}
    cleared = {
        fingerprint: replace(member, firing=False, changed_at=event.at)
        for fingerprint, member in incident.alerts.items()
        if member.firing and gone.get(fingerprint, _NEVER) >= member.alert.starts_at
    }
    if not cleared:
        return Refused(reason="none of these alerts is firing here")
    return replace(incident, alerts={**incident.alerts, **cleared}), ()


def _meet(incident: Incident, event: AnotherOpened, plan: Plan) -> Outcome:
    if event.incident in incident.alongside:
        return Refused(reason=f"incident {event.incident} is known here")
    return replace(incident, alongside=(*incident.alongside, event.incident)), ()


def _acknowledge(incident: Incident, event: Acknowledged, plan: Plan) -> Outcome:
    if incident.acknowledged_by:
        return Refused(reason=f"{incident.acknowledged_by} has acknowledged it already")
    status = Status.ACKNOWLEDGED if incident.status is Status.OPEN else incident.status
    return (
        replace(incident, status=status, acknowledged_by=event.by, acknowledged_at=event.at),
        (),
    )


def _approve(incident: Incident, event: RunApproved, plan: Plan) -> Outcome:
    command = find_command(plan, incident, event.command)
    if isinstance(command, Refused):
        return command
    if command.effect is EffectClass.MANUAL:
        return Refused(reason=f"command {command.id} needs a person: {'; '.join(command.reasons)}")
    if not event.access.allows(command.approver):
        return Refused(reason=f"command {command.id} needs the approval of a {command.approver}")
    if missing := missing_values(incident, command):
        return Refused(reason=f"command {command.id} has no value for {', '.join(missing)}")
    earlier = incident.runs.get(command.id)
    if earlier and earlier.status.active:
        return Refused(reason=f"command {command.id} is {earlier.status} already")
    if earlier and earlier.status is not RunStatus.DECLINED and not event.again:
        return Refused(
            reason=f"command {command.id} ran already and {_ended(earlier)}; approve it again only "
            "if it should run once more"
        )
    incident, run = _begin(incident, command, event.by, event.at)
    return incident, (run,)


def _ended(run: Run) -> str:
    return "its outcome is unknown" if run.status is RunStatus.UNKNOWN else str(run.status)


def _decline(incident: Incident, event: RunDeclined, plan: Plan) -> Outcome:
    command = find_command(plan, incident, event.command)
    if isinstance(command, Refused):
        return command
    earlier = incident.runs.get(command.id)
    if earlier and earlier.status is not RunStatus.DECLINED:
        return Refused(reason=f"command {command.id} is {earlier.status}: too late to decline")
    declined = Run(
        id=f"{incident.id}/{command.id}/0",
        status=RunStatus.DECLINED,
        attempt=0,
        approved_by=None,
        at=event.at,
        summary=event.reason,
    )
    return replace(incident, runs={**incident.runs, command.id: declined}), ()


def find_command(plan: Plan, incident: Incident, command_id: str) -> Command | Refused:
    play = plan.play(incident.play) if incident.play else None
    command = play.command(command_id) if play else None
    if command is None:
        return Refused(reason=f"the play has no command {command_id}")
    return command


def _command_begun(incident: Incident, event: CommandBegun, plan: Plan) -> Outcome:
    return _advance(incident, event.command, event.run, status=RunStatus.RUNNING, at=event.at)


def _command_finished(incident: Incident, event: CommandFinished, plan: Plan) -> Outcome:
    return _advance(
        incident,
        event.command,
        event.run,
        status=event.status,
        exit_code=event.exit_code,
        summary=event.summary,
        at=event.at,
    )


def _command_interrupted(incident: Incident, event: CommandInterrupted, plan: Plan) -> Outcome:
    return _advance(incident, event.command, event.run, status=RunStatus.UNKNOWN, at=event.at)


def _advance(incident: Incident, command_id: str, run_id: str, **changes: Any) -> Outcome:
    run = incident.runs.get(command_id)
    if run is None or run.id != run_id:
        return Refused(reason=f"{run_id} is not the current run of command {command_id}")
    return replace(incident, runs={**incident.runs, command_id: replace(run, **changes)}), ()


def _metric_read(incident: Incident, event: MetricRead, plan: Plan) -> Outcome:
    return replace(incident, readings={**incident.readings, event.criterion: event.judgement}), ()


def _wake(incident: Incident, event: Woken, plan: Plan) -> Outcome:
    if incident.wake_at is None or event.at < incident.wake_at:
        return Refused(reason="no timer is due")
    return incident, ()


def _resolve(incident: Incident, event: Resolved, plan: Plan) -> Outcome:
    doubts = verification.doubts(incident, plan)
    if doubts and not event.unverified:
        return Refused(reason=f"not proven: {'; '.join(doubts)}")
    incident = replace(incident, status=Status.RESOLVED, resolved_at=event.at)
    told = _tell_first(plan, "resolved")
    lasting = verification.silence_asked(plan)
    if lasting is None:
        return replace(incident, status=Status.CLOSED), (*told, WriteReport())
    silence = Silence(
        label_sets=tuple(member.alert.labels for member in incident.alerts.values()),
        lasting=lasting,
        comment=f"Playcall incident {incident.id}: {incident.title}, resolved by {event.by}",
    )
    return incident, (*told, silence)


def _close(incident: Incident, event: Silenced | SilenceFailed, plan: Plan) -> Outcome:
    return replace(incident, status=Status.CLOSED), (WriteReport(),)


def _record(incident: Incident, event: Event, plan: Plan) -> Outcome:
    """Events that are kept for the record and move nothing else."""
    return incident, ()


_HANDLERS: Mapping[type[Event], Callable[[Incident, Any, Plan], Outcome]] = {
    AlertsJoined: _join,
    AlertsCleared: _clear,
    AnotherOpened: _meet,
    Acknowledged: _acknowledge,
    NoteAdded: _record,
    RunApproved: _approve,
    RunDeclined: _decline,
    CommandBegun: _command_begun,
    CommandFinished: _command_finished,
    CommandInterrupted: _command_interrupted,
    MetricRead: _metric_read,
    PageDelivered: _record,
    PageFailed: _record,
    Woken: _wake,
    Resolved: _resolve,
    Silenced: _close,
    SilenceFailed: _close,
    ReportWritten: _record,
}
