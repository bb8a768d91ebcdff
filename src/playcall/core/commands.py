"""The commands of an incident: which run by themselves, how a run begins, what became of each."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from playcall.core import parameters
from playcall.core.bound import judged
from playcall.core.effects import Moved, Refused, RunCommand
from playcall.core.events import (
    CommandBegun,
    CommandFinished,
    CommandInterrupted,
)
from playcall.core.incident import Incident, Run, RunStatus
from playcall.core.plan import Command, EffectClass, Plan, Play, Role
from playcall.core.request import Request

Outcome = Moved | Refused


def first_look(play: Play | None, plan: Plan) -> tuple[Command, ...]:
    """The diagnostics that run by themselves when an incident opens: what only observes, in the
    immediate and the diagnostic phases, and stands under no condition. Without a play, the
    document's essential commands are the first look."""
    if play is None:
        return tuple(c for c in plan.essentials if c.effect is EffectClass.OBSERVE)
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
    return parameters.missing(command, incident.values)


def looks(incident: Incident, command: Command) -> bool:
    """Whether it has all its values, and with them still only looks."""
    if missing_values(incident, command):
        return False
    return judged(command, incident.values).effect is EffectClass.OBSERVE


def begin(
    incident: Incident, command: Command, request: Request | None, at: datetime
) -> tuple[Incident, RunCommand]:
    by = request.approved_by if request else None
    earlier = incident.runs.get(command.id)
    attempt = earlier.attempt + 1 if earlier else 1
    run = Run(
        id=f"{incident.id}/{command.id}/{attempt}",
        status=RunStatus.PENDING,
        attempt=attempt,
        approved_by=by,
        at=at,
        request=request,
    )
    effect = RunCommand(command=command.id, run=run.id, approved_by=by)
    return replace(incident, runs={**incident.runs, command.id: run}), effect


def look_again(
    incident: Incident, plan: Plan, at: datetime
) -> tuple[Incident, tuple[RunCommand, ...]]:
    """Run once more what only looks, has run, and is not being run."""
    play = plan.play(incident.play) if incident.play else None
    effects: tuple[RunCommand, ...] = ()
    for command in first_look(play, plan):
        run = incident.runs.get(command.id)
        if run and not run.status.active and looks(incident, command):
            incident, effect = begin(incident, command, None, at)
            effects += (effect,)
    return incident, effects


def find_command(plan: Plan, incident: Incident, command_id: str) -> Command | Refused:
    command = plan.command(incident.play, command_id)
    if command is None:
        return Refused(reason=f"the play has no command {command_id}")
    if plan.rollback and command in (*plan.rollback.commands, *plan.rollback.proofs):
        return Refused(reason=f"{command_id} is a step of the rollback, which is asked for whole")
    return command


def begun(incident: Incident, event: CommandBegun, plan: Plan) -> Outcome:
    return _advance(incident, event.command, event.run, status=RunStatus.RUNNING, at=event.at)


def finished(incident: Incident, event: CommandFinished, plan: Plan) -> Outcome:
    return _advance(
        incident,
        event.command,
        event.run,
        status=event.status,
        exit_code=event.exit_code,
        summary=event.summary,
        at=event.at,
    )


def interrupted(incident: Incident, event: CommandInterrupted, plan: Plan) -> Outcome:
    return _advance(
        incident,
        event.command,
        event.run,
        status=RunStatus.UNKNOWN,
        summary=event.reason,
        at=event.at,
    )


def _advance(incident: Incident, command_id: str, run_id: str, **changes: Any) -> Outcome:
    run = incident.runs.get(command_id)
    if run is None or run.id != run_id:
        return Refused(reason=f"{run_id} is not the current run of command {command_id}")
    return Moved(
        incident=replace(incident, runs={**incident.runs, command_id: replace(run, **changes)})
    )
