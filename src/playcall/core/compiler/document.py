"""The whole journey of a document: text, blocks, sections, policies, plays, rules, plan."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import PurePath

from playcall.core.alert_rule import Rule
from playcall.core.compiler import annotations
from playcall.core.compiler.blocks import Block, Blocks, Kind, read_blocks, walk
from playcall.core.compiler.consistency import check_consistency
from playcall.core.compiler.ledger import Ledger
from playcall.core.compiler.links import check_anchors, read_links
from playcall.core.compiler.plays import Known, read_plays
from playcall.core.compiler.policies import Policies, PolicyReader
from playcall.core.compiler.queries import read_queries
from playcall.core.compiler.sections import Section, alerts_of, read_sections
from playcall.core.compiler.text import read_text
from playcall.core.compiler.whole import check_whole
from playcall.core.place import Level, Problem
from playcall.core.plan import Fact, Plan, Play

_IGNORE = re.compile(r"<!--\s*playcall:\s*ignore=([\w,\s]+?)\s*-->")


def read_document(
    data: bytes, path: str, rules: Sequence[Rule]
) -> tuple[Plan | None, tuple[Problem, ...]]:
    text = read_text(data, path)
    if not text.lines:
        return None, text.problems
    ledger = Ledger(path, text.lines)
    blocks = read_blocks(text.lines)
    _take_marks(blocks, ledger)
    document = read_sections(blocks.top, len(text.lines))
    queries = read_queries(document, ledger)
    known = Known(
        queries=queries,
        levels=_levels(blocks.top),
        rules=tuple(rules),
        everywhere=annotations.of_document(blocks.front, ledger),
    )
    reading = _Reading(ledger, known, PurePath(path).stem)
    reading.read(document, "")
    facts = (*_front_facts(blocks, ledger), *reading.policies.found.facts)
    plan = _plan(document, path, data, reading, facts)
    check_whole(plan, frozenset(reading.policies.found.without_play), ledger)
    check_consistency(plan, tuple(rule.expr for rule in rules), ledger)
    check_anchors(blocks.top, text.lines, ledger)
    _tell_links(blocks.top, text.lines, ledger)
    told, ignored = (*text.problems, *ledger.problems()), _ignored(text.lines)
    return plan, _in_order(tuple(p for p in told if (p.place.line, p.code) not in ignored))


def _tell_links(blocks: tuple[Block, ...], lines: tuple[str, ...], ledger: Ledger) -> None:
    """Files that links lead to; whoever has the folder drops those that are there."""
    for link in read_links(blocks, lines):
        if link.path:
            ledger.tell(
                "PC117",
                Level.NOTE,
                link.line,
                f"The link {link.path} leads to a file beside the document.",
                "Keep the file where the link says.",
                column=link.column,
                about=link.path,
            )


def _ignored(lines: tuple[str, ...]) -> frozenset[tuple[int, str]]:
    """Lines and the codes that a comment on them, or on the line above, says not to tell."""
    return frozenset(
        (line, code)
        for number, text in enumerate(lines, 1)
        if "<!--" in text
        for codes in _IGNORE.findall(text)
        for code in re.findall(r"PC\d+", codes)
        for line in (number, number + 1)
    )


class _Reading:
    """Sends each section to the reader of plays or of policies."""

    def __init__(self, ledger: Ledger, known: Known, stem: str) -> None:
        self.ledger = ledger
        self.known = known
        self.stem = stem
        self.plays: list[Play] = []
        self.policies = PolicyReader(ledger, known.levels, known.everywhere)

    def read(self, section: Section, topic: str) -> None:
        names = alerts_of(section, self.stem)
        if names:
            self.plays += read_plays(section, names, self.known, self.ledger)
            return
        topic = self.policies.read(section, topic)
        for child in section.children:
            self.read(child, topic)


def _levels(blocks: tuple[Block, ...]) -> dict[str, str]:
    """What severities are called and their levels, before other sections speak of them."""
    from playcall.core.compiler.tables import read_table

    found: dict[str, str] = {}
    scratch = Ledger("", ())
    for block in walk(blocks):
        if block.kind is Kind.TABLE:
            for severity in read_table(block, scratch).severities:
                for name in (severity.level, *severity.names):
                    found.setdefault(name, severity.level)
    return found


def _take_marks(blocks: Blocks, ledger: Ledger) -> None:
    """Headings and rules are accounted for; fences that never end are told."""
    for block in walk(blocks.top):
        if block.kind is Kind.HEADING:
            ledger.take(block.first, block.last, "heading")
        elif block.kind is Kind.RULE:
            ledger.take(block.first, block.last, "rule")
        elif block.kind is Kind.FENCE and not block.closed:
            ledger.error(
                "PC102",
                block.first,
                "This code block is never closed, so everything after it was read as code.",
                "Close it with the same marks, indented as it was opened.",
            )
    if blocks.too_deep is not None:
        ledger.error(
            "PC112",
            blocks.too_deep,
            "Lists or quotes are nested too deeply here; what lies below was not read.",
            "Keep nesting under ten levels.",
        )


def _front_facts(blocks: Blocks, ledger: Ledger) -> list[Fact]:
    if blocks.front is None:
        return []
    first, last = blocks.front
    ledger.take(first, last, "front matter")
    facts: list[Fact] = []
    for line in range(first + 1, last):
        name, mark, value = ledger.lines[line - 1].partition(":")
        if mark and value.strip() and not name.startswith((" ", "-", "#")):
            facts.append(Fact(name=name.strip(), value=value.strip(" \"'"), line=line))
    return facts


def _plan(
    document: Section, path: str, data: bytes, reading: _Reading, facts: tuple[Fact, ...]
) -> Plan:
    found: Policies = reading.policies.found
    return Plan(
        title=document.children[0].title if document.children else PurePath(path).stem,
        source=path,
        digest=hashlib.sha256(data).hexdigest(),
        facts=facts,
        severities=tuple(found.severities),
        rungs=tuple(found.rungs),
        teams=tuple(found.teams),
        plays=tuple(reading.plays),
        channels=tuple(found.channels),
        status_page=found.status_page,
        audiences=tuple(found.audiences),
        impacts=tuple(found.impacts),
        rollback=found.aftermath.as_rollback(),
        duties=tuple(found.aftermath.duties),
        essentials=tuple(found.essentials),
        queries=reading.known.queries,
        contacts=tuple(found.contacts),
        lines=reading.ledger.uses(),
    )


def _in_order(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda p: (p.place.line, p.place.column, p.code)))
