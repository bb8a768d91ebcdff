"""Two plans of one document, and what is different for whoever responds by them, in words. Pure.

A command is the same one when its text is, wherever it stands; else when its number is.
"""

import operator
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from playcall.core.plan import Command, Criterion, EffectClass, Plan, Play, Step
from playcall.core.wording import say_duration

T = TypeVar("T")
_RANK = (EffectClass.OBSERVE, EffectClass.HEAVY, EffectClass.CHANGE, EffectClass.MANUAL)
_SHOWN = 120  # characters of a text


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    kind: Kind
    where: str  # the play, or the part of the document
    what: str
    line: int  # of the later document; of the earlier one for what was removed


def changes(old: Plan, new: Plan) -> tuple[Change, ...]:
    """In the order of the later document's parts: plays first."""
    return tuple(_changes(old, new))


def _changes(old: Plan, new: Plan) -> Iterator[Change]:
    for before, after in _pairs(old.plays, new.plays, lambda play: play.alert):
        if before is None or after is None:
            here = after or before
            assert here is not None
            yield _one(before, after, here.alert, "the play", here.line)
        else:
            yield from _play(before, after)
    yield from _commands("Rollback", _rollback(old), _rollback(new))
    yield from _commands("Essential commands", old.essentials, new.essentials)
    yield from _parts(old, new)


def _rollback(plan: Plan) -> tuple[Command, ...]:
    return plan.rollback.commands if plan.rollback else ()


def _pairs(
    old: Sequence[T], new: Sequence[T], key: Callable[[T], Hashable]
) -> Iterator[tuple[T | None, T | None]]:
    """Each with its counterpart; those that are gone last. Of two with one key the first counts."""
    before, after = ({key(one): one for one in reversed(each)} for each in (old, new))
    for name in dict.fromkeys(map(key, new)):
        yield before.get(name), after[name]
    for name in dict.fromkeys(map(key, old)):
        if name not in after:
            yield before[name], None


def _one(before: object, after: object, where: str, what: str, line: int) -> Change:
    kind = Kind.CHANGED if before and after else Kind.ADDED if after else Kind.REMOVED
    return Change(kind=kind, where=where, what=what, line=line)


def _turned(where: str, line: int, name: str, old: object, new: object) -> Iterator[Change]:
    if old != new:
        what = f"{name}: {_say(old)} → {_say(new)}"
        yield Change(kind=Kind.CHANGED, where=where, what=what, line=line)


def _say(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, timedelta):
        return say_duration(value)
    text = " ".join(str(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _play(old: Play, new: Play) -> Iterator[Change]:
    where = new.alert
    yield from _turned(where, new.line, "severity", old.severity, new.severity)
    yield from _turned(where, new.line, "respond within", old.respond_within, new.respond_within)
    told = [one.escalation.text if one.escalation else None for one in (old, new)]
    yield from _turned(where, new.line, "escalation", *told)
    yield from _phases(old, new)
    for before, after in _pairs(_steps(old), _steps(new), lambda step: step.title):
        yield from _step(where, before, after)
    yield from _commands(where, old.commands(), new.commands())
    yield from _criteria(old, new)


def _phases(old: Play, new: Play) -> Iterator[Change]:
    for before, after in _pairs(old.phases, new.phases, lambda phase: phase.title):
        if before is None or after is None:
            here = after or before
            assert here is not None
            yield _one(before, after, new.alert, f"the phase “{here.title}”", here.line)
        else:
            name = f"the time box of “{after.title}” ends"
            yield from _turned(new.alert, after.line, name, before.ends, after.ends)


def _steps(play: Play) -> tuple[Step, ...]:
    return tuple(step for phase in play.phases for step in phase.steps)


def _step(where: str, old: Step | None, new: Step | None) -> Iterator[Change]:
    here = new or old
    assert here is not None
    name = f"step {here.key} “{here.title}”"
    if old is None or new is None:
        yield _one(old, new, where, name, here.line)
        return
    for before, after in _pairs(old.checks, new.checks, lambda check: check.text):
        found = after or before
        if found and (before is None or after is None):
            yield _one(before, after, where, f"{name}: “{_say(found.text)}”", found.line)
    if _tree(old) != _tree(new):
        what = f"{name}: the decision tree"
        yield _one(old.decision, new.decision, where, what, here.line)


def _tree(step: Step) -> object:
    """Without lines, which move."""
    return without_lines(step.decision)


def without_lines(value: object) -> object:
    """A value of the plan as nested tuples, so that the same thing on another line is the same."""
    if isinstance(value, tuple):
        return tuple(without_lines(one) for one in value)
    if not hasattr(value, "__dataclass_fields__"):
        return value
    places = {"line", "last_line", "column"}
    return tuple(
        (one.name, without_lines(getattr(value, one.name)))
        for one in fields(value)  # type: ignore[arg-type]
        if one.name not in places
    )


def _commands(where: str, old: Sequence[Command], new: Sequence[Command]) -> Iterator[Change]:
    there, here = {one.text for one in old}, {one.text for one in new}
    for before, after in _pairs(old, new, lambda one: one.text):
        if before and after:
            yield from _command(where, before, after)
    rest = (
        [one for one in old if one.text not in here],
        [one for one in new if one.text not in there],
    )
    for before, after in _pairs(*rest, lambda one: one.id):
        found = after or before
        assert found is not None
        if before and after:
            name = f"command {after.id}"
            yield from _turned(where, after.line, name, before.text, after.text)
            yield from _command(where, before, after)
        else:
            name = f"command {found.id} ({found.effect}): {_say(found.text)}"
            yield _one(before, after, where, name, found.line)


def _command(where: str, old: Command, new: Command) -> Iterator[Change]:
    name = f"command {new.id}, “{_say(new.text)}”"
    if old.effect is not new.effect:
        raised = _RANK.index(new.effect) > _RANK.index(old.effect)
        what = (
            f"{name}: its class is {'raised' if raised else 'lowered'}, {old.effect} → {new.effect}"
        )
        yield Change(kind=Kind.CHANGED, where=where, what=what, line=new.line)
    guards = [one.guard.text if one.guard else None for one in (old, new)]
    yield from _turned(where, new.line, f"{name}: under", *guards)
    runs = [one.runs_as.text if one.runs_as else None for one in (old, new)]
    if old.text == new.text:
        yield from _turned(where, new.line, f"{name}: runs as", *runs)
    yield from _turned(where, new.line, f"{name}: approved by", old.approver, new.approver)
    yield from _turned(where, new.line, f"{name}: people who approve", old.people, new.people)
    yield from _turned(where, new.line, f"{name}: time limit", old.time_limit, new.time_limit)


def _criteria(old: Play, new: Play) -> Iterator[Change]:
    for before, after in _pairs(old.criteria, new.criteria, _subject):
        found = after or before
        assert found is not None
        name = f"criterion “{_say(found.text)}” ({found.purpose})"
        if before is None or after is None:
            yield _one(before, after, new.alert, name, found.line)
            continue
        limits = [f"{one.comparison} {one.written}" for one in (before, after)]
        yield from _turned(new.alert, found.line, f"{name}: limit", *limits)
        yield from _turned(
            new.alert, found.line, f"{name}: must hold", before.holds_for, after.holds_for
        )
        yield from _turned(new.alert, found.line, f"{name}: query", before.query, after.query)


def _subject(criterion: Criterion) -> Hashable:
    """What it is about: its query where it has one, so that a changed limit is no other one."""
    return criterion.purpose, criterion.query_name or criterion.query or criterion.text


_PARTS = (
    ("severities", "Severities", "level"),
    ("rungs", "Escalation path", "roles"),
    ("teams", "Teams", "value"),
    ("channels", "Channels", "name"),
    ("audiences", "Stakeholders", "name"),
    ("contacts", "Contacts", "role"),
    ("queries", "Queries", "name"),
    ("duties", "After the incident", "title"),
)


def _parts(old: Plan, new: Plan) -> Iterator[Change]:
    """Tables and lists: that a row came, went or is another."""
    for name, title, key in _PARTS:
        rows: tuple[Sequence[object], Sequence[object]] = getattr(old, name), getattr(new, name)
        for before, after in _pairs(*rows, operator.attrgetter(key)):
            if without_lines(before) != without_lines(after):
                found = getattr(after or before, key, title)
                what = ", ".join(found) if isinstance(found, tuple) else _say(found)
                yield _one(before, after, title, what, getattr(after or before, "line", 1))
    every = [one.status_page.every if one.status_page else None for one in (old, new)]
    yield from _turned("Status page", 1, "updated every", *every)
    if without_lines(old.response) != without_lines(new.response):
        what = "how Playcall responds, by its settings"
        yield Change(kind=Kind.CHANGED, where="Settings", what=what, line=1)
