"""The drawn escalation path: roles joined by arrows that carry a time and a condition."""

import re
from datetime import timedelta
from itertools import pairwise

from playcall.core.compiler import phrases
from playcall.core.compiler.blocks import Block, Kind
from playcall.core.compiler.ledger import Ledger
from playcall.core.plan import Rung, RungCondition

_ARROW = re.compile(r"^\s*(?:[↓⬇▼▾↧⇓]|(?:v|V|\||-+>|=+>|\|\s*v)(?=[\s(]|$))+\s*(?P<edge>.*)$")
_START = re.compile(r"\b(?:alert|alarm|incident|start|trigger)\w*\b(?!.*\()", re.IGNORECASE)
_ROLE = re.compile(r"^(?P<who>.+?)\s*(?:\((?P<means>[^()]*)\))?\s*$")
_CONDITIONS = (
    (r"no\s*ack|unack|not\s+ack|without\s+ack", RungCondition.NO_ACK),
    (r"sla", RungCondition.SLA_VIOLATION),
    (r"resol|not\s+fixed", RungCondition.NO_RESOLUTION),
    (r"critical", RungCondition.CRITICAL),
)


def is_ladder(block: Block) -> bool:
    """Whether a fence draws an escalation path: an arrow with a time, and roles around it."""
    if not block.is_code or block.info not in ("", "text", "txt", "plain"):
        return False
    lines = map(phrases.one_line, block.text.split("\n"))
    edges = [found["edge"] for line in lines if (found := _ARROW.match(line))]
    return any(phrases.duration(edge) is not None for edge in edges)


def read_ladder(block: Block, ledger: Ledger) -> tuple[Rung, ...]:
    ledger.take(block.first, block.last, "escalation path")
    rungs: list[Rung] = []
    edge, edge_line = "", block.body_line
    for line, written in enumerate(block.text.split("\n"), block.body_line):
        text = phrases.one_line(written)
        arrow = _ARROW.match(text)
        if arrow is not None:
            edge, edge_line = f"{edge} {arrow['edge']}".strip(), line
        elif text and not rungs and not edge and _START.search(text):
            ledger.take(line, line, "escalation start")
        elif text:
            rungs.append(_rung(text, edge, line, edge_line, ledger))
            ledger.take(edge_line if len(rungs) > 1 else line, line, f"rung {len(rungs)}")
            edge = ""
    _check_order(rungs, ledger)
    return tuple(rungs)


def is_numbered_ladder(block: Block, heading: str) -> bool:
    return (
        block.kind is Kind.LIST
        and re.search(r"\bescalation\b", heading, re.IGNORECASE) is not None
        and len(block.children) > 1
        and all(item.number is not None and item.children for item in block.children)
    )


def read_numbered_ladder(block: Block, ledger: Ledger) -> tuple[Rung, ...]:
    """'2. On-call Secondary (Page) - 5 minutes, no ACK'."""
    rungs: list[Rung] = []
    for item in block.children:
        text = phrases.plain(item.children[0].text)
        who, _, edge = re.sub(r"\s+(?:-|–|—|after)\s+|:\s+", "\0", text).partition("\0")
        rungs.append(_rung(who, edge, item.first, item.first, ledger))
        ledger.take(item.first, item.children[0].last, f"rung {len(rungs)}")
    _check_order(rungs, ledger)
    return tuple(rungs)


def _rung(text: str, edge: str, line: int, edge_line: int, ledger: Ledger) -> Rung:
    found = _ROLE.match(text)
    who, means = (found["who"], found["means"] or "") if found else (text, "")
    return Rung(
        roles=phrases.people(who),
        means=means or "Page",
        after=phrases.delay(edge) or timedelta(0),
        condition=_condition(edge, edge_line, ledger),
        line=line,
    )


def _condition(edge: str, line: int, ledger: Ledger) -> RungCondition:
    words = edge.lower()
    for pattern, condition in _CONDITIONS:
        if re.search(pattern, words):
            return condition
    rest = re.sub(r"[\d\W_]|\b(?:after|minutes?|mins?|hours?|seconds?|h|m|s)\b", "", words)
    if rest and phrases.delay(edge) != timedelta(0):
        ledger.warn(
            "PC107",
            line,
            f"{edge!r} holds no condition that is known; the rung is climbed in any case.",
            "Name one of: no ACK, no resolution, critical, SLA violation.",
        )
    return RungCondition.ALWAYS


def _check_order(rungs: list[Rung], ledger: Ledger) -> None:
    for lower, upper in pairwise(rungs):
        if upper.after < lower.after:
            ledger.warn(
                "PC107",
                upper.line,
                f"{' + '.join(upper.roles)} is due before the rung below it.",
                "Count every time from the alert's start, and let them grow.",
            )
