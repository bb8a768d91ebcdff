"""Once a change has ended, what looks at its effect looks again: a result from before it proves
nothing. Once for each run of the change, and only while the incident is open.
"""

from dataclasses import replace

from playcall.core import commands
from playcall.core.approvals import as_asked
from playcall.core.bound import judged
from playcall.core.effects import Effect, Moved
from playcall.core.events import CommandFinished
from playcall.core.incident import Incident, RunStatus
from playcall.core.plan import Command, EffectClass, Plan, Play

_ENDED = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.TIMED_OUT})


def lookers(play: Play | None, change: Command) -> tuple[Command, ...]:
    """What only looks, and follows a change in its phase, up to the next change: under no
    condition, or under the change's own."""
    found: tuple[Command, ...] = ()
    for command in _following(play, change):
        if command.effect is EffectClass.CHANGE:
            break
        if command.effect is EffectClass.OBSERVE and command.guard in (None, change.guard):
            found += (command,)
    return found


def _following(play: Play | None, change: Command) -> tuple[Command, ...]:
    for phase in play.phases if play else ():
        listed = tuple(command for step in phase.steps for command in step.commands)
        ids = [command.id for command in listed]
        if change.id in ids:
            return listed[ids.index(change.id) + 1 :]
    return ()


def look(before: Incident, ended: Incident, event: CommandFinished, plan: Plan) -> Moved:
    """What begins because that command ended."""
    if ended.status.over or not before.runs[event.command].status.active:
        return Moved(incident=ended)
    play = plan.play(ended.play) if ended.play else None
    written = play.command(event.command) if play else None
    if written is None:
        return Moved(incident=ended)
    if change := ended.runs[event.command].overtaken_by:
        return _begin(ended, (written,), change, event)
    request = ended.runs[event.command].request
    change_run = judged(as_asked(written, request), ended.values)
    if change_run.effect is not EffectClass.CHANGE or event.status not in _ENDED:
        return Moved(incident=ended)
    return _begin(ended, lookers(play, written), written.id, event)


def _begin(
    incident: Incident, looking: tuple[Command, ...], change: str, event: CommandFinished
) -> Moved:
    """One that is still being run looks again when it ends: it began before the change did."""
    effects: tuple[Effect, ...] = ()
    for command in looking:
        run = incident.runs.get(command.id)
        if run and run.status.active:
            marked = replace(run, overtaken_by=change)
            incident = replace(incident, runs={**incident.runs, command.id: marked})
        elif commands.looks(incident, command):
            incident, effect = commands.begin(incident, command, None, event.at)
            begun = replace(incident.runs[command.id], after=change)
            incident = replace(incident, runs={**incident.runs, command.id: begun})
            effects += (effect,)
    return Moved(incident=incident, effects=effects)
