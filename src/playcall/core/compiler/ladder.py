"""The escalation path: drawn with arrows that carry a time and a condition, listed, or a table."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from playcall.core.compiler import phrases
from playcall.core.compiler.blocks import Block, Kind
from playcall.core.compiler.ledger import Ledger
from playcall.core.compiler.tables import Columns
from playcall.core.plan import Rung, RungCondition

_ARROW = re.compile(r"^\s*(?:[↓⬇▼▾↧⇓]|(?:v|V|\||-+>|=+>|\|\s*v)(?=[\s(]|$))+\s*(?P<edge>.*)$")
_LONGEST = 400  # characters of a path drawn in one line
_SIDEWAYS = re.compile(r" (?:→|⟶|⇒|➜|-+>|=+>) ")
_START = re.compile(r"\b(?:alert|alarm|incident|start|trigger)\w*\b(?!.*\()", re.IGNORECASE)
_ROLE = re.compile(r"^(?P<who>.+?)\s*(?:\((?P<means>[^()]*)\))?\s*$")
_LEVEL = re.compile(r"^(?:level|tier|l|step|stage)\s*\d+\s*[:.–—-]\s*(?P<who>.+)$", re.IGNORECASE)
_LEVEL_NAME = re.compile(r"^(?:level|tier|l|step|stage)\s*\d+$", re.IGNORECASE)
_WHO = ("who", "notify", "contact", "role", "person", "responder", "owner", "escalate to", "team")
_WAITS = ("wait", "timeout", "escalate after")
_WHEN = ("time", "after", "when", "wait", "elapsed", "minute", "within")
_CONDITIONS = (
    (r"no\s*ack|unack|not\s+ack|without\s+ack", RungCondition.NO_ACK),
    (r"sla", RungCondition.SLA_VIOLATION),
    (r"resol|not\s+fixed", RungCondition.NO_RESOLUTION),
    (r"critical", RungCondition.CRITICAL),
)


def is_ladder(block: Block) -> bool:
    """Whether a block draws an escalation path: an arrow with a time, and roles around it."""
    drawn = block.is_code or block.kind is Kind.PARAGRAPH
    if not drawn or block.info not in ("", "text", "txt", "plain"):
        return False
    lines = (phrases.one_line(text) for _, text in _drawn(block))
    edges = [found["edge"] for line in lines if (found := _ARROW.match(line))]
    return any(phrases.duration(edge) is not None for edge in edges)


def _drawn(block: Block) -> Iterator[tuple[int, str]]:
    """Its lines; 'Primary → (10 min) → Lead' is the same, drawn sideways."""
    for line, written in enumerate(block.text.split("\n"), block.body_line):
        text = phrases.one_line(written)
        first, *rest = _SIDEWAYS.split(text) if len(text) < _LONGEST else [text]
        if not rest or not first.strip():
            yield line, text
            continue
        yield line, first
        for part in rest:
            edge = re.fullmatch(r"\(.*\)", part.strip()) or phrases.duration(part) is not None
            yield line, f"↓ {part}" if edge else "↓"
            if not edge:
                yield line, part


def read_ladder(block: Block, ledger: Ledger) -> tuple[Rung, ...]:
    ledger.take(block.first, block.last, "escalation path")
    rungs: list[Rung] = []
    edge, edge_line = "", block.body_line
    for line, written in _drawn(block):
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


def speaks_of_escalation(heading: str) -> bool:
    return re.search(r"\bescalat\w*", heading, re.IGNORECASE) is not None


def is_listed(block: Block, heading: str) -> bool:
    """A list of who is told when: '2. Secondary - 5 minutes, no ACK', '- After 1 hour: the CTO'."""
    if block.kind is not Kind.LIST or len(block.children) < 2 or not speaks_of_escalation(heading):
        return False
    if any(
        not item.children or item.children[0].kind is not Kind.PARAGRAPH for item in block.children
    ):
        return False
    numbered = all(item.number is not None for item in block.children)
    times = [phrases.delay(item.children[0].text) for item in block.children]
    return numbered or (any(times[1:]) and None not in times[1:])


def read_listed(block: Block, ledger: Ledger) -> tuple[Rung, ...]:
    rungs: list[Rung] = []
    for item in block.children:
        who, edge = _who_and_edge(phrases.plain(item.children[0].text))
        rungs.append(_rung(who, edge, item.first, item.first, ledger))
        ledger.take(item.first, item.children[0].last, f"rung {len(rungs)}")
    _check_order(rungs, ledger)
    return tuple(rungs)


def is_tabled(block: Block, heading: str) -> bool:
    """A table of who is told when, below a heading on escalation."""
    if block.kind is not Kind.TABLE or len(block.rows) < 3 or not speaks_of_escalation(heading):
        return False
    columns = Columns(block.rows[0])
    times = [phrases.delay(columns.cell(row, *_WHEN)) for row in block.rows[1:]]
    said = times[:-1] if columns.has(*_WAITS) else times[1:]
    return columns.has(*_WHO) and any(times) and None not in said


def read_tabled(block: Block, ledger: Ledger) -> tuple[Rung, ...]:
    """Times count from the alert's start; 'Wait' and 'Timeout' add up from row to row."""
    columns = Columns(block.rows[0])
    waits = columns.has(*_WAITS)
    rungs: list[Rung] = []
    waited = timedelta(0)
    for row in block.rows[1:]:
        when, only_if = columns.cell(row, *_WHEN), columns.cell(row, "condition", "if", "trigger")
        who, means = (
            columns.cell(row, *_WHO),
            columns.cell(row, "means", "method", "how", "channel"),
        )
        text = f"{who} ({means})" if means and "(" not in who else who
        rung = _rung(text, f"{when} {only_if}".strip(), row.line, row.line, ledger)
        rungs.append(replace(rung, after=waited) if waits else rung)
        waited += phrases.delay(when) or timedelta(0)
        ledger.take(row.line, row.line, f"rung {len(rungs)}")
    ledger.take(block.rows[0].line, block.rows[0].line + 1, "escalation path")
    _check_order(rungs, ledger)
    return tuple(rungs)


def read_levels(headings: tuple[tuple[str, int], ...], ledger: Ledger) -> tuple[Rung, ...]:
    """Headings such as 'Level 2: Team Lead (15-30 minutes)', with their lines."""
    rungs: list[Rung] = []
    for title, line in headings:
        found = _LEVEL.match(title)
        name, box = phrases.time_box(found["who"])[0] if found else "", title.rpartition("(")[2]
        if found is None or phrases.delay(box) is None:
            continue
        at = phrases.delay(_start_of(box)) if re.search(r"\d\s*[-–—+]|to", box) else timedelta(0)
        rungs.append(replace(_rung(name, "", line, line, ledger), after=at or timedelta(0)))
        ledger.take(line, line, f"rung {len(rungs)}")
    _check_order(rungs, ledger)
    return tuple(rungs)


def _who_and_edge(text: str) -> tuple[str, str]:
    """What is said of whom, and what of when, whichever comes first."""
    parts = [part.strip() for part in re.split(r"\s+(?:-|–|—|→|->)\s+|:\s+|\s+(?=after\b)", text)]
    timed = [part for part in parts if phrases.delay(part) is not None]
    edge = timed[0] if timed else ""
    who = next((part for part in parts if part != edge and not _LEVEL_NAME.match(part)), "")
    if not who and edge:
        who, _, inside = edge.partition(" (")
        edge = inside.rstrip(")") or edge  # 'Team lead (after 30 minutes)'
        return who.strip(), _start_of(edge)
    rest = [part for part in parts if part not in (who, edge) and not _LEVEL_NAME.match(part)]
    return who, " ".join([_start_of(edge), *rest]).strip()


def _start_of(edge: str) -> str:
    """'15-30 min' begins at 15 minutes."""
    return re.sub(r"(\d+)\s*(?:-|–|—|to)\s*\d+\+?(\s*[A-Za-z]+)", r"\1\2", edge).replace("+", "")


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
