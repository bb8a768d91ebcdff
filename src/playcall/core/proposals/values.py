"""What is proposed for a document, and what it is concluded from, as frozen values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from playcall.core import events as ev
from playcall.core.alert_rule import Rule
from playcall.core.insights import Record
from playcall.core.place import Problem
from playcall.core.plan import Command, Plan, Play

SEVERAL = 3  # incidents, or runs, before what happened in each of them counts


class Kind(StrEnum):
    COMMAND = "a command that failed as written"
    VERIFICATION = "a missing verification"
    THRESHOLD = "a threshold the data contradicts"
    STEP = "a step everyone skipped"
    TARGET = "a response time never met"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing on record."""

    incident: int
    event: int  # its number in the incident; 0: the incident as a whole
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """`new` in place of `old`, as the compiler reads them; nothing old: put in before `line`."""

    line: int
    old: tuple[str, ...]
    new: tuple[str, ...]
    what: str  # it does, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an edit must do: nothing else of the plan may change, and no problem may come."""

    changes: tuple[str, ...]  # what may: the beginnings of paths, "plays.0.criteria"
    mends: tuple[tuple[str, str], ...] = ()  # problems that must be gone: code and words
    values: tuple[tuple[str, object], ...] = ()  # what must stand at a path


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    kind: Kind
    play: str
    line: int  # of the document as it is now
    reason: str
    evidence: tuple[Evidence, ...]
    otherwise: str  # what a person should do about it, where there is no edit
    edit: Edit | None = None  # None: only a person can word it
    expected: Expected | None = None  # of the edit

    @property
    def advice(self) -> str:
        return self.edit.what if self.edit else self.otherwise

    @property
    def incidents(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(one.incident for one in self.evidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The document as it is on disk now, compiled, beside what was on record."""

    name: str
    data: bytes
    rules: Sequence[Rule]
    lines: tuple[str, ...]  # as the compiler reads them
    plan: Plan
    problems: tuple[Problem, ...]

    def path_of(self, play: Play) -> str:
        return f"plays.{self.plan.plays.index(play)}"

    def place_of(self, play: Play, command: Command) -> str:
        """The path of a command in the plan."""
        for p, phase in enumerate(play.phases):
            for s, step in enumerate(phase.steps):
                if command in step.commands:
                    at = step.commands.index(command)
                    return f"{self.path_of(play)}.phases.{p}.steps.{s}.commands.{at}"
        raise ValueError(f"{play.alert} has no {command.id}")


def numbered(record: Record) -> Sequence[tuple[int, ev.Event]]:
    """Events with their numbers in the incident."""
    return tuple(
        zip(record.numbers or range(1, len(record.events) + 1), record.events, strict=True)
    )


Records = Mapping[str, Sequence[Record]]  # by play; of each the oldest first


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
