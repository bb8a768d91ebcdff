"""The way back and what is owed afterwards: rollback commands, its checklist, duties."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from playcall.core.compiler import commands, phrases, templates
from playcall.core.compiler.blocks import Block, Kind, walk
from playcall.core.compiler.commands import CommandReader
from playcall.core.compiler.ledger import Ledger
from playcall.core.compiler.sections import Section
from playcall.core.plan import ChecklistItem, Command, Duty, Rollback, Template

_APPROVAL = re.compile(
    r"\b(?:approv|agree|consent)\w*\b.*\bcommander\b|\bcommander\b.*\b(?:approv|agree|consent)",
    re.IGNORECASE,
)
_EXECUTION = re.compile(
    r"^(?:execute|run|start|perform|launch)\b.*\b(?:roll-?back|script)\b"
    r"|\b(?:commands|script)\b.*\b(?:have|has) (?:been )?(?:run|executed)\b",
    re.IGNORECASE,
)
_WITHIN = re.compile(r"^\s*(?:within|by|in|after)\b.*$", re.IGNORECASE)


@dataclass(slots=True)
class Aftermath:
    """Collected while the document is read."""

    rollback_line: int | None = None
    commands: list[Command] = field(default_factory=list)
    checklist: list[ChecklistItem] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)

    def as_rollback(self) -> Rollback | None:
        if self.rollback_line is None or not (self.commands or self.checklist):
            return None
        return Rollback(
            commands=tuple(self.commands),
            proofs=tuple(commands.proofs(self.commands)),
            checklist=tuple(self.checklist),
            line=self.rollback_line,
        )


class AftermathReader:
    def __init__(self, ledger: Ledger, levels: Mapping[str, str], reader: CommandReader) -> None:
        self.ledger = ledger
        self.levels = levels
        self._commands = reader

    def rollback(self, section: Section, found: Aftermath) -> None:
        if found.rollback_line is None:
            found.rollback_line = section.line
        for block in walk(section.blocks):
            if commands.is_shell(block):
                found.commands += self._commands.read(block, "rollback", section.title, None)
            elif block.kind is Kind.ITEM:
                text = _head(block)
                found.checklist.append(
                    ChecklistItem(text=text, means=_means(text), line=block.first)
                )
                self.ledger.take(block.first, block.last_text, "rollback checklist")

    def duties(self, section: Section, found: Aftermath) -> None:
        """Each numbered item of a section with a deadline; without numbers, the section itself."""
        title, _, box = phrases.time_box(section.title)
        within = box or phrases.duration(section.title)
        lists = [block for block in section.blocks if block.kind is Kind.LIST]
        items = [item for block in lists for item in block.children]
        if not items:
            return
        if within is None:
            self._led(section, found)
            return
        self.ledger.take(section.line, section.line, "deadline")
        if any(item.number is not None for item in items):
            for item, following in zip(items, (*items[1:], None), strict=True):
                end = following.first if following else section.last_line + 1
                found.duties.append(self._duty(item, section, within, end))
            return
        name = phrases.title(_WITHIN.sub("", title)) or section.title
        self.ledger.take(section.line, section.line, "duty")
        found.duties.append(
            Duty(
                title=name,
                within=within,
                items=tuple(self._item(item) for item in items),
                template=self._template(section.blocks, name),
                line=section.line,
            )
        )

    def _led(self, section: Section, found: Aftermath) -> None:
        """Lists below a line of their own such as 'Within 2 days:'."""
        led = [
            (before, block, deadline)
            for before, block in pairwise(section.blocks)
            if block.kind is Kind.LIST
            and before.kind is Kind.PARAGRAPH
            and before.text.rstrip("* ").endswith(":")
            and (deadline := phrases.duration(before.text)) is not None
        ]
        for before, block, deadline in led:
            self.ledger.take(before.first, before.last, "deadline")
            found.duties.append(
                Duty(
                    title=section.title,
                    within=deadline,
                    items=tuple(self._item(item) for item in block.children),
                    template=self._template(block.children, section.title),
                    line=before.first,
                )
            )
        if not led:
            self._tell_deadline(section)

    def _duty(self, item: Block, section: Section, within: timedelta, end: int) -> Duty:
        """A numbered item, with the blocks that follow it unindented."""
        title = _head(item)
        self.ledger.take(item.first, item.last_text, "duty")
        loose = tuple(b for b in section.blocks if item.last < b.first < end)
        inner = (*item.children[1:], *loose)
        nested = [b for b in walk(inner) if b.kind is Kind.ITEM]
        return Duty(
            title=title,
            within=within,
            items=tuple(self._item(child) for child in nested),
            template=self._template(inner, title),
            line=item.first,
        )

    def _item(self, item: Block) -> ChecklistItem:
        self.ledger.take(item.first, item.last_text, "duty item")
        return ChecklistItem(text=_head(item), line=item.first)

    def _template(self, blocks: tuple[Block, ...], name: str) -> Template | None:
        for block in walk(blocks):
            if templates.is_text(block) and not commands.is_shell(block):
                return templates.read_template(block, name, self.levels, self.ledger)
        return None

    def _tell_deadline(self, section: Section) -> None:
        self.ledger.warn(
            "PC111",
            section.line,
            f"{section.title!r} names no deadline, so its duties were not taken.",
            "Put it in the heading: 'Within 24 Hours'.",
        )


def _means(item: str) -> str:
    if _APPROVAL.search(item):
        return "approval"
    return "execution" if _EXECUTION.search(item) else ""


def _head(item: Block) -> str:
    first = item.children[0] if item.children else None
    text = first.text if first is not None and first.kind is Kind.PARAGRAPH else ""
    return phrases.plain(phrases.task(text) or text).rstrip(":")
