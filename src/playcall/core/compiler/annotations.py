"""What a document says of a block of commands beyond its prose: a comment right above it,
`<!-- playcall: effect=change -->`, or the same in braces behind its fence. It can only tighten:
or else whoever edits the page would run commands in production.
"""

import re

from playcall.core.compiler.blocks import Block, Kind
from playcall.core.compiler.ledger import Ledger
from playcall.core.plan import EffectClass

_COMMENT = re.compile(r"^[\s>]*<!--\s*playcall:\s*(?P<pairs>.*?)\s*-->\s*$")
_BRACES = re.compile(r"\{(?P<pairs>[^{}]*)\}\s*$")
_STRICTNESS = (EffectClass.OBSERVE, EffectClass.HEAVY, EffectClass.CHANGE, EffectClass.MANUAL)


def at_least(block: Block, ledger: Ledger) -> EffectClass:
    """The least strict class that the commands of a block may have."""
    strictest = EffectClass.OBSERVE
    for line, pairs in _places(block, ledger):
        for pair in re.split(r"[\s,]+", pairs):
            name, _, value = pair.partition("=")
            if name == "effect" and value in {each.value for each in _STRICTNESS}:
                strictest = stricter(strictest, EffectClass(value))
                ledger.take(line, line, "annotation")
            elif name and name != "ignore" and not _is_of_others(block, line):
                _tell_unknown(pair, line, ledger)
    return strictest


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


def _places(block: Block, ledger: Ledger) -> list[tuple[int, str]]:
    """Where pairs stand: the line of the fence, and the next line above it that is not blank."""
    found = []
    if block.kind is Kind.FENCE and (behind := _BRACES.search(ledger.lines[block.first - 1])):
        found.append((block.first, behind["pairs"]))
    above = block.first - 1
    while above > 0 and not ledger.lines[above - 1].strip(" \t>"):
        above -= 1
    if above > 0 and (comment := _COMMENT.match(ledger.lines[above - 1])):
        found.append((above, comment["pairs"]))
    return found


def _is_of_others(block: Block, line: int) -> bool:
    """Braces behind a fence may be for a site generator."""
    return line == block.first


def _tell_unknown(pair: str, line: int, ledger: Ledger) -> None:
    ledger.warn(
        "PC114",
        line,
        f"{pair[:60]!r} in a comment for Playcall is not known.",
        "Write effect=heavy, effect=change, effect=manual or ignore=CODE.",
    )
