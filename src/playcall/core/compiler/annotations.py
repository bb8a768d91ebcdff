"""What a document says of commands beyond its prose: a comment right above their block,
`<!-- playcall: effect=change -->`, the same in braces behind its fence, or for the whole document
as `playcall:` in its front matter. It can only tighten: or else whoever edits the page would run
commands in production.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from playcall.core.access import Access
from playcall.core.compiler.blocks import Block, Kind
from playcall.core.compiler.ledger import Ledger
from playcall.core.plan import EffectClass

_COMMENT = re.compile(r"^[\s>]*<!--\s*playcall:\s*(?P<pairs>.*?)\s*-->\s*$")
_BRACES = re.compile(r"\{(?P<pairs>[^{}]*)\}\s*$")
_FRONT = re.compile(r"^playcall:\s*[\"']?(?P<pairs>[^\"']*)[\"']?\s*$")
_STRICTNESS = (EffectClass.OBSERVE, EffectClass.HEAVY, EffectClass.CHANGE, EffectClass.MANUAL)
_APPROVERS = (Access.RESPONDER, Access.COMMANDER, Access.ADMINISTRATOR)
_TIME = re.compile(r"(?P<number>[1-9]\d{0,4})(?P<unit>s|m|h)")
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is asked of commands at the least; who approves implies that somebody does."""

    effect: EffectClass = EffectClass.OBSERVE
    approver: Access = Access.RESPONDER
    people: int = 1
    time_limit: timedelta | None = None

    def with_(self, other: "Demand") -> "Demand":
        """The stricter of both, demand by demand."""
        limits = [d.time_limit for d in (self, other) if d.time_limit is not None]
        return Demand(
            effect=stricter(self.effect, other.effect),
            approver=max(self.approver, other.approver, key=_APPROVERS.index),
            people=max(self.people, other.people),
            time_limit=min(limits, default=None),
        )


NOTHING = Demand()


def of_document(front: tuple[int, int] | None, ledger: Ledger) -> Demand:
    """What the front matter between two lines asks of every command."""
    demand = NOTHING
    for line in range(front[0] + 1, front[1]) if front else ():
        if found := _FRONT.match(ledger.lines[line - 1]):
            demand = demand.with_(_read(found["pairs"], line, ledger, strict=True))
    return demand


def of_block(block: Block, ledger: Ledger) -> Demand:
    """What stands right above a block, or behind its fence."""
    demand = NOTHING
    for line, pairs in _places(block, ledger):
        # braces behind a fence may be for a site generator
        demand = demand.with_(_read(pairs, line, ledger, strict=line != block.first))
    return demand


def stricter(one: EffectClass, other: EffectClass) -> EffectClass:
    return max(one, other, key=_STRICTNESS.index)


def tell_loosening(asked: EffectClass, found: EffectClass, line: int, ledger: Ledger) -> None:
    """A comment that asks for less than the command is."""
    if asked is not EffectClass.OBSERVE and stricter(asked, found) is not asked:
        ledger.note(
            "PC115",
            line,
            f"This is {found.value}, and a comment above it says {asked.value}.",
            "A document can only make Playcall more careful; leave the comment out.",
        )


def _places(block: Block, ledger: Ledger) -> Iterator[tuple[int, str]]:
    """Where pairs stand: the line of the fence, and the next line above it that is not blank."""
    if block.kind is Kind.FENCE and (behind := _BRACES.search(ledger.lines[block.first - 1])):
        yield block.first, behind["pairs"]
    above = block.first - 1
    while above > 0 and not ledger.lines[above - 1].strip(" \t>"):
        above -= 1
    if above > 0 and (comment := _COMMENT.match(ledger.lines[above - 1])):
        yield above, comment["pairs"]


def _read(pairs: str, line: int, ledger: Ledger, *, strict: bool) -> Demand:
    demand = NOTHING
    for pair in filter(None, re.split(r"[\s,]+", pairs)):
        asked = _asked(pair)
        if asked is not None:
            demand = demand.with_(asked)
            ledger.take(line, line, "annotation")
        elif strict and not pair.startswith("ignore="):
            _tell_unknown(pair, line, ledger)
    return demand


def _asked(pair: str) -> Demand | None:
    name, _, value = pair.partition("=")
    if name == "effect" and value in {each.value for each in _STRICTNESS}:
        return Demand(effect=EffectClass(value))
    if name == "approve" and value in {each.value for each in _APPROVERS}:
        return Demand(effect=EffectClass.CHANGE, approver=Access(value))
    if name == "people" and value == "2":
        return Demand(effect=EffectClass.CHANGE, people=2)
    if name == "timeout" and (time := _TIME.fullmatch(value)):
        return Demand(time_limit=int(time["number"]) * _UNITS[time["unit"]])
    return None


def _tell_unknown(pair: str, line: int, ledger: Ledger) -> None:
    ledger.warn(
        "PC114",
        line,
        f"{pair[:60]!r} in a comment for Playcall is not known.",
        "Write effect=heavy|change|manual, approve=responder|commander|administrator,"
        " people=2, timeout=30s or ignore=CODE.",
    )
