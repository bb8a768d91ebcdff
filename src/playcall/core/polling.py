"""Diagnostics that the document watches (`watch -n 5 …`): run again at its pace, until the recovery
is proven, their phase's time box ends, or a limit is reached."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from playcall.core import commands
from playcall.core.bound import judged
from playcall.core.effects import Effect, Moved
from playcall.core.incident import Incident, RunStatus, Status
from playcall.core.plan import Command, EffectClass, Plan

MOST = 360  # runs of one command: half an hour at five seconds each
_ENDED = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.TIMED_OUT})


def poll(incident: Incident, plan: Plan, at: datetime) -> Moved:
    """Begins what is due."""
    effects: tuple[Effect, ...] = ()
    for command, due in list(_watched(incident, plan)):
        if due <= at:
            incident, effect = commands.begin(incident, command, None, at)
            effects += (effect,)
    return Moved(incident=incident, effects=effects)


def next_at(incident: Incident, plan: Plan) -> datetime | None:
    return min((due for _, due in _watched(incident, plan)), default=None)


def every(command: Command) -> timedelta | None:
    """The pace at which a command is watched; None: it is not."""
    watched = command.runs_as is not None and command.effect is EffectClass.OBSERVE
    return command.runs_as.every if command.runs_as and watched else None


def _watched(incident: Incident, plan: Plan) -> Iterator[tuple[Command, datetime]]:
    """With when each is due; nothing while an incident is over or proven to be."""
    play = plan.play(incident.play) if incident.play else None
    if play is None or incident.status not in (Status.OPEN, Status.ACKNOWLEDGED):
        return
    for index, phase in enumerate(play.phases):
        if index in incident.ended_boxes:
            continue
        for command in (each for step in phase.steps for each in step.commands):
            pace = every(judged(command, incident.values))
            run = incident.runs.get(command.id)
            if pace and run and run.status in _ENDED and run.attempt < MOST:
                yield command, run.at + pace


def is_repetition(command: Command | None, run: str) -> bool:
    """Whether a run of a watched command is not its first."""
    return command is not None and every(command) is not None and not run.endswith("/1")
