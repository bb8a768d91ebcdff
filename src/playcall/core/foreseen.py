"""What would run if somebody said yes now, where, and as whom. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from playcall.core.bound import as_written, ready
from playcall.core.compiler.shell import Unbindable, first_program
from playcall.core.placement import Placement
from playcall.core.plan import Command

PROMETHEUS = "asked of Prometheus"
HERE = "the machine of Playcall"  # where nobody said otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    text: str  # its values in; says so where it cannot run
    where: str  # and as whom, in words


def foresee(
    command: Command, play: str | None, values: Mapping[str, str], placement: Placement
) -> Foreseen:
    """`command` is in the class that its values give it."""
    translated = command.runs_as
    native = translated is not None and translated.kind == "promql"
    try:
        bound = ready(command, values) if command.placeholders else as_written(command)
        text = bound.text
    except Unbindable as error:
        text = f"{command.text}\n# cannot run: {error}"
    if native:
        return Foreseen(text=text, where=PROMETHEUS)
    place = placement.place(play, command, partial(first_program, text))
    where = f"on {place.where or HERE}"
    return Foreseen(text=text, where=f"{where} as {place.whom}" if place.whom else where)
