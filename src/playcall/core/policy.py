"""What an organisation says of single commands outside the document. It may loosen, which a
document may not, so it is kept where whoever edits the document cannot write. Pure.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from playcall.core.place import Level, Place, Problem
from playcall.core.plan import Command, EffectClass, Phase, Plan, Play, Step

DIGEST_LENGTH = 16  # hexadecimal digits of SHA-256 that name a command


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One command's class, by a person, for the text that the person read."""

    alert: str  # the play; "" for a rollback or an essential command
    command: str  # its id in the play: "3.1"
    digest: str  # of its text, at least `DIGEST_LENGTH` digits
    effect: EffectClass
    why: str
    line: int  # in the policy file


def digest_of(command: Command) -> str:
    return hashlib.sha256(command.text.encode("utf-8", "replace")).hexdigest()[:DIGEST_LENGTH]


def apply_policy(
    plan: Plan, rulings: tuple[Ruling, ...], policy_file: str
) -> tuple[Plan, tuple[Problem, ...]]:
    """The plan with every ruling that fits; a problem for each that fits no command any more."""
    used: set[Ruling] = set()

    def ruled(command: Command, alert: str) -> Command:
        for ruling in rulings:
            same = (ruling.alert, ruling.command) == (alert, command.id)
            if same and ruling.digest == digest_of(command):
                used.add(ruling)
                return _ruled(command, ruling)
        return command

    rollback = plan.rollback
    if rollback is not None:
        commands = tuple(ruled(command, "") for command in rollback.commands)
        rollback = replace(rollback, commands=commands)
    changed = replace(
        plan,
        plays=tuple(_play(play, ruled) for play in plan.plays),
        essentials=tuple(ruled(command, "") for command in plan.essentials),
        rollback=rollback,
    )
    return changed, tuple(_stale(plan, rulings, used, policy_file))


def _ruled(command: Command, ruling: Ruling) -> Command:
    if command.effect is EffectClass.MANUAL:
        return command  # no ruling gives it a terminal, or a value that nobody knows
    said = f"the policy says {ruling.effect.value}: {ruling.why}"
    return replace(command, effect=ruling.effect, reasons=(*command.reasons, said))


def _play(play: Play, ruled: Callable[[Command, str], Command]) -> Play:
    def step(each: Step) -> Step:
        return replace(each, commands=tuple(ruled(c, play.alert) for c in each.commands))

    def phase(each: Phase) -> Phase:
        return replace(each, steps=tuple(map(step, each.steps)))

    return replace(play, phases=tuple(map(phase, play.phases)))


def _stale(
    plan: Plan, rulings: tuple[Ruling, ...], used: set[Ruling], policy_file: str
) -> Iterator[Problem]:
    for ruling in rulings:
        if ruling in used:
            continue
        found = _find(plan, ruling)
        where = f"{ruling.alert} {ruling.command}".strip()
        why = "has changed since" if found else "is not in the document"
        now = f" Its digest is {digest_of(found)} now." if found else ""
        yield Problem(
            code="PC118",
            level=Level.WARNING,
            place=Place(file=policy_file, line=ruling.line),
            what=f"The ruling for {where} does not hold: that command {why}.{now}",
            mend="Read the command again, and write its digest, or take the ruling away.",
        )


def _find(plan: Plan, ruling: Ruling) -> Command | None:
    play = plan.play(ruling.alert)
    if play is not None:
        return play.command(ruling.command)
    rollback = plan.rollback.commands if plan.rollback else ()
    return next((c for c in (*plan.essentials, *rollback) if c.id == ruling.command), None)
