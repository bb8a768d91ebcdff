"""A command with an incident's values in it: what would run, and what that may do. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from playcall.core.compiler.shell import Bound, Reading, Unbindable, bind, read_command
from playcall.core.parameters import kind_of, why_unfit
from playcall.core.plan import Command, EffectClass

DANGER = tuple(EffectClass)  # from harmless to not at all by machine
_QUERY_LETTERS = frozenset("._:-/")  # beside letters and digits, in a value that enters a query


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What would run. `missing` is not empty: it cannot yet, and `text` still holds stand-ins."""

    text: str
    native: bool  # `text` is PromQL
    effect: EffectClass  # never less than the document's
    reasons: tuple[str, ...]
    missing: tuple[str, ...] = ()


def as_written(command: Command) -> Ready:
    """Of a command without placeholders, which was read when the document was compiled."""
    translated = command.runs_as
    return Ready(
        text=translated.text if translated else command.text,
        native=translated is not None and translated.kind == "promql",
        effect=command.effect,
        reasons=command.reasons,
    )


def ready(command: Command, values: Mapping[str, str]) -> Ready:
    """The command with those values in their places, judged again. Raises Unbindable."""
    translated = command.runs_as
    native = translated is not None and translated.kind == "promql"
    written = translated.text if translated and not native else command.text
    own = used(command, values)
    for name, value in own.items():
        if why := why_unfit(kind_of(command, name), value):
            raise Unbindable(f'the value of "{name}": {why}')
        if native and not all(c.isalnum() or c in _QUERY_LETTERS for c in value):
            raise Unbindable(f'the value of "{name}" may hold letters, digits and . _ : - / only')
    bound, reading = _bind(written, tuple(sorted(own.items())))
    effect = max(command.effect, reading.effect, key=DANGER.index)
    text = bound.text
    if native:  # the query is taken from what was bound, not the values put into the query
        query = reading.runs_as if reading.runs_as and reading.runs_as.kind == "promql" else None
        if query is None and not bound.missing:
            raise Unbindable("with these values it is no query any more")
        text = query.text if query else command.text
    return Ready(
        text=text,
        native=native,
        effect=effect,
        reasons=reading.reasons if effect is not command.effect else command.reasons,
        missing=bound.missing,
    )


def used(command: Command, values: Mapping[str, str]) -> dict[str, str]:
    """The values that stand in a command."""
    names = dict.fromkeys(placeholder.name for placeholder in command.placeholders)
    return {name: values[name] for name in names if name in values}


def judged(command: Command, values: Mapping[str, str]) -> Command:
    """The command in the class that its values give it: values may raise it, and never lower it.
    What cannot be bound stays as it is; it is refused when it is to run."""
    if not command.placeholders:
        return command
    try:
        found = ready(command, values)
    except Unbindable:
        return command
    if found.missing or found.effect is command.effect:
        return command
    return replace(command, effect=found.effect, reasons=found.reasons)


@lru_cache(maxsize=512)
def _bind(text: str, values: tuple[tuple[str, str], ...]) -> tuple[Bound, Reading]:
    """A page asks for the same ones again and again."""
    bound = bind(text, dict(values))
    return bound, read_command(bound.text)
