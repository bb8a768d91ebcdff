"""What somebody looks for by words: the words themselves, and where a plan has them. What was typed
is never a query language's: only its letters and digits count."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from playcall.core.plan import Plan, Play

LONGEST = 400  # characters that are read
MOST_WORDS = 12
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Something in a plan that has the words."""

    kind: str  # "play", "step" or "command"
    title: str
    detail: str
    alert: str  # of its play
    line: int


def words(text: str) -> tuple[str, ...]:
    """Each once, in lower case, in the order typed."""
    found = _WORD.findall(text[:LONGEST].lower())
    return tuple(dict.fromkeys(found))[:MOST_WORDS]


def has(text: str, wanted: Sequence[str]) -> bool:
    """All of them, each perhaps as a part of a longer word."""
    low = text.lower()
    return all(word in low for word in wanted)


def in_plan(plan: Plan, wanted: Sequence[str]) -> Iterator[Place]:
    """Plays first, then steps, then commands, in the order of the document."""
    if not wanted:
        return
    for play in plan.plays:
        if has(f"{play.alert} {play.severity or ''}", wanted):
            yield Place(
                kind="play",
                title=play.alert,
                detail=play.severity or "",
                alert=play.alert,
                line=play.line,
            )
    for play in plan.plays:
        yield from _steps(play, wanted)
    for play in plan.plays:
        yield from _commands(play, wanted)


def _steps(play: Play, wanted: Sequence[str]) -> Iterator[Place]:
    for phase in play.phases:
        for step in phase.steps:
            checks = " ".join(check.text for check in step.checks)
            if has(f"{step.title} {checks} {play.alert}", wanted):
                yield Place(
                    kind="step",
                    title=f"{step.key}. {step.title}",
                    detail=f"{play.alert}: {phase.title}",
                    alert=play.alert,
                    line=step.line,
                )


def _commands(play: Play, wanted: Sequence[str]) -> Iterator[Place]:
    for command in play.commands():
        if has(f"{command.title} {command.text} {play.alert}", wanted):
            yield Place(
                kind="command",
                title=command.text,
                detail=f"{play.alert} {command.id}: {command.title}",
                alert=play.alert,
                line=command.line,
            )
