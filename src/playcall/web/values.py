"""The values that an incident's commands want: of which kind, what is known, what is offered."""

from collections.abc import Iterator
from dataclasses import dataclass

from playcall.core import parameters
from playcall.core.bound import ready
from playcall.core.compiler.shell import Unbindable
from playcall.core.incident import Incident, Origin, Whence
from playcall.core.offers import LOOKED_AT, Offer, Printed, offers
from playcall.core.plan import Command
from playcall.core.values import holders
from playcall.engine.ports import Dossier


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueView:
    """One placeholder, as the commands that hold it take it."""

    name: str
    kind: str
    write: str  # what would be right
    value: str | None
    origin: str  # "from a label of the alert"; empty without a value
    missing: bool  # no value, or one that does not fit here
    commands: tuple[str, ...]
    offers: tuple[Offer, ...]  # while it is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A command as it would run now, or why it cannot."""

    text: str = ""
    raised: str = ""  # the class that the values give it, when they raise it
    why: str = ""  # and the reasons
    refused: str = ""


def wanted(found: Dossier) -> tuple[ValueView, ...]:
    """In the order of the document; a name that commands take as two kinds stands there twice."""
    views: list[ValueView] = []
    printed = list(_printed(found))
    for name, commands in holders(found.incident, found.plan).items():
        kinds = dict.fromkeys(parameters.kind_of(command, name) for command in commands)
        for kind in kinds:
            users = [c for c in commands if parameters.kind_of(c, name) is kind]
            views.append(_view(name, kind, users, found.incident, printed))
    return tuple(views)


def wanted_by(command: Command, found: Dossier) -> tuple[ValueView, ...]:
    """What one command wants."""
    names = dict.fromkeys(placeholder.name for placeholder in command.placeholders)
    printed = list(_printed(found)) if names else []
    return tuple(
        _view(name, parameters.kind_of(command, name), [command], found.incident, printed)
        for name in names
    )


def _view(
    name: str,
    kind: parameters.Kind,
    users: list[Command],
    incident: Incident,
    printed: list[Printed],
) -> ValueView:
    value = incident.values.get(name)
    missing = value is None or bool(parameters.why_unfit(kind, value))
    return ValueView(
        name=name,
        kind=kind,
        write=parameters.RULES[kind].write,
        value=value,
        origin=_say(incident.origins.get(name)) if value is not None else "",
        missing=missing,
        commands=tuple(command.id for command in users),
        offers=offers(kind, name, printed) if missing else (),
    )


def _say(origin: Origin | None) -> str:
    if origin is None:
        return "known when the incident opened"
    if origin.by is None:
        return f"from {origin.whence}"
    found = f", {origin.found}" if origin.whence is Whence.OUTPUT else ""
    return f"given by {origin.by}{found}"


def _printed(found: Dossier) -> Iterator[Printed]:
    for run in found.runs:
        if run.output:
            execution = run.execution
            yield Printed(
                command=execution.command,
                text=execution.text,
                output=run.output[-LOOKED_AT:].decode("utf-8", "replace"),
            )


def offered(found: Dossier, name: str, value: str) -> str:
    """Where a value was found, when it is one of the offers; empty: a person typed it."""
    commands = holders(found.incident, found.plan).get(name, ())
    printed = tuple(_printed(found))
    for kind in dict.fromkeys(parameters.kind_of(command, name) for command in commands):
        for offer in offers(kind, name, printed):
            if offer.value == value:
                return offer.found
    return ""


def preview(command: Command, incident: Incident) -> Preview:
    """Of a command with placeholders, once all have values."""
    if not command.placeholders or parameters.missing(command, incident.values):
        return Preview()
    try:
        found = ready(command, incident.values)
    except Unbindable as error:
        return Preview(refused=str(error))
    raised = found.effect is not command.effect
    return Preview(
        text=found.text,
        raised=found.effect if raised else "",
        why="; ".join(found.reasons) if raised else "",
    )
