"""The responder's script: which commands a responder who knows the playbook approves, drill by
drill. A TOML file beside the document; it decides nothing, and knows no fault's cause.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from playcall.core.drill import Expectation
from playcall.core.plan import EffectClass, Plan, Play

FILE = "drills.toml"  # beside the document
KEYS = {"alert", "fault", "approve", "take", "expect", "cause", "why"}


class BadScript(Exception):
    """Says in which file, under which key, what is wrong and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """One drill: `approve` are parts of commands, in the order in which they are approved."""

    name: str
    alert: str
    fault: str
    approve: tuple[str, ...]
    take: tuple[str, ...]  # placeholders, for which the likeliest value that is offered is given
    expect: Expectation
    cause: str
    why: str  # it is not yet drilled


def read_script(path: Path, plan: Plan, faults: Mapping[str, object]) -> tuple[Scripted, ...]:
    """In the order of the file. Raises BadScript."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadScript(
            f"{path}: {error.strerror}. A drill needs a script: see docs/drills.md"
        ) from error
    except ValueError as error:
        raise BadScript(f"{path}: not TOML: {error}") from error
    return tuple(_Reader(path, name, plan, faults).read(table) for name, table in tables.items())


class _Reader:
    def __init__(self, path: Path, name: str, plan: Plan, faults: Mapping[str, object]) -> None:
        self._where = f"{path} [{name}]"
        self._name = name
        self._plan = plan
        self._faults = faults

    def read(self, table: Any) -> Scripted:
        if not isinstance(table, dict):
            self._refuse("is not a table")
        if unknown := set(table) - KEYS:
            self._refuse(f"has no key {sorted(unknown)[0]!r}; there are {', '.join(sorted(KEYS))}")
        alert, fault = self._text(table, "alert"), self._text(table, "fault")
        play = self._plan.play(alert)
        if play is None:
            self._refuse(f"alert: the document has no play {alert!r}")
        if fault not in self._faults:
            known = ", ".join(sorted(self._faults))
            self._refuse(f"fault: there is no {fault!r}; there are {known}")
        expect = self._text(table, "expect")
        if expect not in list(Expectation):
            self._refuse(f"expect: {expect!r} is not one of {', '.join(Expectation)}")
        if expect == Expectation.NOT_YET and not table.get("why"):
            self._refuse("why: is missing; say what is not there yet")
        return Scripted(
            name=self._name,
            alert=alert,
            fault=fault,
            approve=self._approve(table, play),
            take=self._take(table, play),
            expect=Expectation(expect),
            cause=self._text(table, "cause", ""),
            why=self._text(table, "why", ""),
        )

    def _take(self, table: dict[str, Any], play: Play) -> tuple[str, ...]:
        wanted = self._texts(table, "take")
        known = {one.name for command in play.commands() for one in command.placeholders}
        if unknown := [name for name in wanted if name not in known]:
            names = ", ".join(sorted(known)) or "none"
            self._refuse(f"take: the play has no placeholder {unknown[0]!r}; there are {names}")
        return tuple(wanted)

    def _approve(self, table: dict[str, Any], play: Play) -> tuple[str, ...]:
        wanted = self._texts(table, "approve")
        named: dict[str, str] = {}
        for part in wanted:
            found = [command.text for command in changes(play) if part in command.text]
            if len(found) != 1:
                told = "no change of the play has it" if not found else f"{len(found)} have it"
                self._refuse(f"approve: {part!r}: {told}; name a part of exactly one command")
            if found[0] in named:
                self._refuse(f"approve: {part!r} and {named[found[0]]!r} name the same command")
            named[found[0]] = part
        return tuple(wanted)

    def _texts(self, table: dict[str, Any], key: str) -> list[str]:
        found = table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            self._refuse(f"{key}: is not a list of texts")
        return found

    def _text(self, table: dict[str, Any], key: str, default: str | None = None) -> str:
        value = table.get(key, default)
        if not isinstance(value, str):
            self._refuse(f"{key}: is missing" if value is None else f"{key}: {value!r} is not text")
        return value

    def _refuse(self, told: str) -> NoReturn:
        raise BadScript(f"{self._where} {told}")


def changes(play: Play) -> list[Any]:
    """The commands of a play that change something."""
    return [
        command
        for phase in play.phases
        for step in phase.steps
        for command in step.commands
        if command.effect is EffectClass.CHANGE
    ]
