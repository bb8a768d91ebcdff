"""Values for an incident's placeholders: which are wanted, who gave which, and what runs then."""

from collections.abc import Iterable
from dataclasses import replace

from playcall.core import commands, parameters
from playcall.core.bound import ready
from playcall.core.compiler.shell import LeadsAway, Unbindable
from playcall.core.effects import Effect, Moved, Refused
from playcall.core.incident import Incident, Origin
from playcall.core.plan import Command, Plan
from playcall.core.value_events import ValueGiven


def holders(incident: Incident, plan: Plan) -> dict[str, tuple[Command, ...]]:
    """Every placeholder that a person may have to fill here, and the commands that it stands in."""
    play = plan.play(incident.play) if incident.play else None
    found: dict[str, tuple[Command, ...]] = {}
    for command in parameters.commands_for(plan, play):
        for name in dict.fromkeys(one.name for one in command.placeholders):
            found[name] = (*found.get(name, ()), command)
    return found


def give(incident: Incident, event: ValueGiven, plan: Plan) -> Moved | Refused:
    """Holds for runs that begin from now on. A first look that only waited for it runs at once."""
    known = holders(incident, plan)
    users = known.get(event.name, ())
    if not users:
        names = ", ".join(known) or "none at all"
        return Refused(
            reason=f'no command here has a placeholder "{event.name}"; there are {names}'
        )
    asked = [one for one in users if not event.command or one.id == event.command]
    if not asked:
        return Refused(reason=f'command {event.command} has no placeholder "{event.name}"')
    if incident.values.get(event.name) == event.value:
        return Refused(reason=f"{event.name} is {event.value} already")
    values = {**incident.values, event.name: event.value}
    origin = Origin(whence=event.whence, by=event.by, at=event.at, found=event.found)
    given = replace(incident, values=values, origins={**incident.origins, event.name: origin})
    why = _why_not(event.name, event.value, asked) or _leads_away(event.name, event.value, users)
    if why:
        return Refused(reason=f"{event.name}: {why}")
    return _look(given, event, plan)


def _why_not(name: str, value: str, asked: Iterable[Command]) -> str:
    """Why it may not stand in one of these commands; empty: it may."""
    if parameters.is_secret(name):
        return (
            "this is a secret, and what is given here is kept on record; put it into "
            "[runner.env] of the settings, and its variable into the document"
        )
    for command in asked:
        if why := parameters.why_unfit(parameters.kind_of(command, name), value):
            return f"{why} (command {command.id})"
        try:
            ready(command, {name: value})
        except Unbindable as error:
            return f"{error} (command {command.id})"
    return ""


def _leads_away(name: str, value: str, users: Iterable[Command]) -> str:
    """Why it must not stand in any command that takes it, whichever it was given for."""
    for command in users:
        if parameters.why_unfit(parameters.kind_of(command, name), value):
            continue  # it is still missing there
        try:
            ready(command, {name: value})
        except LeadsAway as error:
            return f"{error} (command {command.id})"
        except Unbindable:
            continue  # it is refused when that command is to run
    return ""


def _look(incident: Incident, event: ValueGiven, plan: Plan) -> Moved:
    """What would have run by itself when the incident opened, had the value been known."""
    play = plan.play(incident.play) if incident.play else None
    effects: tuple[Effect, ...] = ()
    for command in commands.first_look(play, plan):
        waited = any(one.name == event.name for one in command.placeholders)
        if waited and command.id not in incident.runs and commands.looks(incident, command):
            incident, run = commands.begin(incident, command, None, event.at)
            effects += (run,)
    return Moved(incident=incident, effects=effects)
