"""The content of a play's section: numbered steps, guards, commands, checks, decisions."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playcall.core.compiler import (
    asked,
    commands,
    fences,
    flowchart,
    phrases,
    templates,
    tree,
    written_steps,
)
from playcall.core.compiler.annotations import Demand
from playcall.core.compiler.blocks import Block, Kind, unquoted
from playcall.core.compiler.commands import CommandReader
from playcall.core.compiler.ledger import Ledger
from playcall.core.compiler.numbering import Numbering
from playcall.core.compiler.sections import Section
from playcall.core.plan import Check, Command, Guard, Material, Question, Step, Template

_IF = re.compile(r"^(?:if|when|in case of|in case|case)\s+(?P<text>\S.*)$", re.IGNORECASE)
_OTHER = re.compile(r"^(?:otherwise|else|unless\s+\S.*)$", re.IGNORECASE)
_OPTION = re.compile(r"^(?:option|scenario|variant|case)\s+[A-Z0-9]{1,3}\b.*$", re.IGNORECASE)
_STEP_HEAD = re.compile(
    r"^(?:step\s+)?(?P<number>\d{1,9})\s*[.:)-]\s*(?P<title>\S.*)$", re.IGNORECASE
)
_BOLD_LEAD = re.compile(r"^\*\*(?P<title>[^*]+)\*\*:?\s*(?P<rest>.*)$", re.DOTALL)


@dataclass(slots=True)
class Draft:
    """A step being read."""

    number: int
    title: str
    line: int
    commands: list[Command] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    materials: list[Material] = field(default_factory=list)
    decision: Question | None = None
    again: str | None = None  # not known before it holds a command or a decision

    def finish(self) -> Step:
        return Step(
            number=self.number,
            again=self.again or "",
            title=self.title,
            commands=tuple(self.commands),
            checks=tuple(self.checks),
            materials=tuple(self.materials),
            decision=self.decision,
            line=self.line,
        )


class StepReader:
    """Reads a play's sections in order; step numbers run on from one to the next."""

    def __init__(self, ledger: Ledger, levels: Mapping[str, str], everywhere: Demand) -> None:
        self.ledger = ledger
        self.levels = levels
        self.templates: list[Template] = []
        self._commands = CommandReader(ledger, everywhere)
        self._numbering = Numbering(ledger)
        self._steps: list[Draft] = []
        self._step: Draft | None = None
        self._guard: Guard | None = None
        self._lead = ""
        self._heading = ""

    def read(self, section: Section, title: str) -> tuple[Step, ...]:
        """The steps of a section and of all sections in it."""
        self._steps = []
        self._section(section, title)
        return tuple(draft.finish() for draft in self._steps)

    def _section(self, section: Section, title: str) -> None:
        self._step, self._guard, self._lead, self._heading = None, None, "", title
        self._blocks(section.blocks)
        for child in section.children:
            self._child(child)

    def _child(self, child: Section) -> None:
        step = _STEP_HEAD.match(child.title)
        guard = guard_of(f"**{child.title}**", child.line)
        if step is not None:
            self._open(int(step["number"]), step["title"], child.line)
            self._blocks(child.blocks)
        elif guard is not None:
            self.ledger.take(child.line, child.line, "guard")
            self._guard = guard
            self._blocks(child.blocks)
        else:
            self._section(child, child.title)
            return
        for inner in child.children:
            self._child(inner)

    def _open(self, number: int, title: str, line: int) -> Draft:
        self._numbering.use(number)
        self._step = Draft(number=number, title=phrases.title(title), line=line)
        self._steps.append(self._step)
        self._guard, self._lead = None, ""
        self.ledger.take(line, line, f"step {number}")
        return self._step

    def _current(self, line: int) -> Draft:
        """The open step; a section that numbers nothing becomes one step with its title."""
        if self._step is not None:
            return self._step
        guard, lead = self._guard, self._lead
        step = Draft(number=self._numbering.free(), title=self._heading, line=line)
        self._numbering.use(step.number)
        self._step, self._guard, self._lead = step, guard, lead
        self._steps.append(step)
        return step

    def _key(self, step: Draft) -> str:
        """What the ids of its commands and questions begin with."""
        if step.again is None:
            step.again = self._numbering.mark(step.number, step.line)
        return f"{step.number}{step.again}"

    def _blocks(self, blocks: tuple[Block, ...]) -> None:
        before: Block | None = None
        for index, block in enumerate(blocks, 1):
            asks = before is not None and before.kind is Kind.PARAGRAPH
            if before is None or not (asks and self._ask(before.text, before.first, block)):
                self._block(before, block, blocks[index] if index < len(blocks) else None)
            before = block

    def _without_answers(
        self, head: str, line: int, blocks: tuple[Block, ...]
    ) -> tuple[Block, ...]:
        """The blocks below a step or bullet, less the list that answers the question it asks."""
        answers = asked.answers_in(blocks)
        if answers is None or not self._ask(head, line, answers):
            return blocks
        return tuple(block for block in blocks if block is not answers)

    def _ask(self, question: str, line: int, answers: Block) -> bool:
        """Whether a list became the step's decision; commands below an answer hold only then."""
        if not (asked.is_question(question) and asked.is_answers(answers)):
            return False
        step = self._current(line)
        if step.decision is not None:
            return False
        step.decision = asked.read_question(question, line, answers)
        self._key(step)
        self.ledger.take(answers.first, answers.last, "decision tree")
        outer = self._guard
        for text, blocks in asked.branches(question, answers):
            self._guard = Guard(kind="if", text=text, line=line)
            self._blocks(tuple(block for block in blocks if block.is_code))
        self._guard = outer
        return True

    def _block(self, before: Block | None, block: Block, following: Block | None) -> None:
        if block.kind is Kind.LIST:
            self._list(block)
        elif written_steps.has_steps(block):
            self._written(written_steps.cut_steps(block), following)
        elif block.kind is Kind.PARAGRAPH:
            self._paragraph(block, following)
        elif block.is_code:
            self._code(block, before.text if before and before.kind is Kind.PARAGRAPH else "")
        elif block.kind is Kind.QUOTE:
            self._blocks(block.children)

    def _written(self, parts: tuple[Block, ...], following: Block | None) -> None:
        for part in parts:
            if part.kind is Kind.ITEM:
                self._items((part,))
            elif part.text.rstrip(" *_").endswith(":"):
                self.ledger.take(part.first, part.last, "heading")
            else:
                self._paragraph(part, following)

    def _list(self, block: Block) -> None:
        self._items(block.children)

    def _items(self, items: tuple[Block, ...]) -> None:
        for item in items:
            if item.number is not None and self._is_step(item):
                self._item(item, item.number)
            else:
                self._bullet(item)

    def _is_step(self, item: Block) -> bool:
        """A numbered item nested in a step is one of its checks, not a step."""
        indent = self._indent(item.first)
        return self._step is None or indent <= self._indent(self._step.line)

    def _indent(self, line: int) -> int:
        text = self.ledger.lines[line - 1]
        return len(text) - len(text.lstrip(" \t"))

    def _item(self, item: Block, number: int) -> None:
        head, rest = _first_paragraph(item)
        bold = _BOLD_LEAD.match(head)
        title = bold["title"] if bold else head
        step = self._open(number, title, item.first)
        extra = phrases.plain(bold["rest"]) if bold else ""
        if extra.strip(" -–—:"):
            step.checks.append(Check(text=extra.lstrip("-–—: "), guard=None, line=item.first))
        self._claim_head(item, f"step {number}")
        self._named(head, item.first, step)
        self._blocks(self._without_answers(head, item.first, rest))

    def _bullet(self, item: Block) -> None:
        head, rest = _first_paragraph(item)
        text = phrases.plain(phrases.task(head) or head)
        step = self._current(item.first)
        self._claim_head(item, f"step {step.number}")
        guard = guard_of(head, item.first) if rest else None
        if guard is not None:
            outer, self._guard = self._guard, guard
            self._blocks(rest)
            self._guard = outer
            return
        self._named(head, item.first, step)
        rest = self._without_answers(head, item.first, rest)
        if any(commands.is_shell(block) for block in rest):
            self._lead = text.rstrip(":")
        elif text:
            step.checks.append(Check(text=text, guard=self._guard, line=item.first))
        self._blocks(rest)
        self._lead = ""

    def _claim_head(self, item: Block, what: str) -> None:
        first = item.children[0] if item.children else None
        if first is not None and first.kind is Kind.PARAGRAPH:
            self.ledger.take(item.first, first.last, what)

    def _paragraph(self, block: Block, following: Block | None) -> None:
        guard = guard_of(block.text, block.first)
        if guard is not None:
            self.ledger.take(block.first, block.last, "guard")
            self._guard = guard
            return
        text = phrases.plain(block.text)
        step = self._current(block.first)
        self.ledger.take(block.first, block.last, f"step {step.number}")
        self._named(block.text, block.first, step)
        leads = following is not None and (following.is_code or following.kind is Kind.LIST)
        if text.endswith(":") and leads:
            self._lead = text.rstrip(":")
        elif text:
            step.checks.append(Check(text=text, guard=self._guard, line=block.first))

    def _named(self, text: str, line: int, step: Draft) -> None:
        """Commands within a sentence."""
        if "`" not in text:
            return
        title = phrases.title(text)
        for code in commands.in_prose(text, line):
            step.commands += self._commands.read_prose(code, self._key(step), title, self._guard)

    def _code(self, block: Block, said: str) -> None:
        """`said` is the paragraph right above it."""
        if commands.is_shell(block) and not commands.is_output(said or self._lead, block):
            step = self._current(block.first)
            title = self._lead or step.title
            step.commands += self._commands.read(block, self._key(step), title, self._guard)
            self._lead = ""
        elif flowchart.is_flowchart(block):
            self._decide(flowchart.read_flowchart, block, self._current(block.first))
        elif tree.is_tree(block):
            self._decide(tree.read_tree, block, self._current(block.first))
        elif templates.is_message(block):
            name = self._step.title if self._step else self._heading
            self.templates.append(templates.read_template(block, name, self.levels, self.ledger))
        elif block.text.strip() and fences.language_of(block) != "promql":
            self._material(block)

    def _material(self, block: Block) -> None:
        """A query for a log store, a statement, a manifest, an example: shown beside the step."""
        step = self._current(block.first)
        language = fences.language_of(block)
        self.ledger.take(block.first, block.last, f"material {language}".strip())
        step.materials.append(
            Material(language=language, text=block.text, line=block.first, last_line=block.last)
        )

    def _decide(
        self, read: Callable[[Block, Ledger], Question | None], block: Block, step: Draft
    ) -> None:
        if step.decision is None:
            step.decision = read(block, self.ledger)
            self._key(step)
            return
        self.ledger.warn(
            "PC104",
            block.first,
            "This step has a decision tree already; the second one was not read.",
            "Give each tree its own numbered step.",
        )


def guard_of(text: str, line: int) -> Guard | None:
    """The guard a lead line sets: bold as a whole, or ending in a colon."""
    words = phrases.plain(text)
    bold = re.fullmatch(r"\*\*[^*]+\*\*:?", text.strip()) is not None
    if "\n" in text or not (bold or words.endswith(":")):
        return None
    words = words.rstrip(": ")
    if _OPTION.match(words):
        return Guard(kind="option", text=words, line=line)
    found = _IF.match(words)
    if found is not None:
        return Guard(kind="if", text=found["text"], line=line)
    return Guard(kind="if", text=words, line=line) if _OTHER.match(words) else None


def _first_paragraph(item: Block) -> tuple[str, tuple[Block, ...]]:
    first = unquoted(item.children[0]) if item.children else None
    if first is not None and first.kind is Kind.PARAGRAPH:
        return first.text, item.children[1:]
    return "", item.children
