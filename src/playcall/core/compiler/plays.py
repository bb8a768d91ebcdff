"""A play's section to a Play: metadata, symptoms, phases, templates, criteria."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from playcall.core.alert_rule import Rule, limit_of
from playcall.core.compiler import commands, phrases, templates
from playcall.core.compiler.annotations import Demand
from playcall.core.compiler.blocks import Block, Kind, unquoted, walk
from playcall.core.compiler.criteria import Evidence, read_criterion
from playcall.core.compiler.ledger import Ledger
from playcall.core.compiler.questions import measure
from playcall.core.compiler.sections import SEVERITY_WORDS, Section, below_bold, confirms, role_of
from playcall.core.compiler.steps import StepReader, guard_of
from playcall.core.compiler.tables import level_of
from playcall.core.compiler.written_steps import has_steps
from playcall.core.plan import (
    Check,
    Criterion,
    NamedQuery,
    Phase,
    Play,
    PlayEscalation,
    Purpose,
    Role,
    Step,
    Template,
)
from playcall.core.ranks import same_rank

LEAD_WORDS = 4
_RECOVERY = re.compile(
    r"^(?:verify|confirm|ensure|make sure|wait (?:until|for)|check that|until|hold)\b",
    re.IGNORECASE,
)
_SEVERITY_BEHIND = re.compile(
    r"[(\[]\s*(?P<level>critical|high|medium|low|warning|info|p[0-5]|sev-?[0-5])\s*[)\]]\W*$",
    re.IGNORECASE,
)
_RESPONSES = (
    "response time",
    "respond within",
    "response",
    "time to respond",
    "time to acknowledge",
    "acknowledge within",
    "response sla",
)
_APART = re.compile(r"\s+\|\s+(?=\*\*[A-Z])")  # '**Severity:** P1 | **Team:** web'


_REMEDIES = (Role.ACT, Role.RESOLVE)


@dataclass(slots=True)
class _Head:
    """A play's metadata lines."""

    severity: str | None = None
    respond_within: timedelta | None = None
    escalation: PlayEscalation | None = None
    rest: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known before the plays are read."""

    queries: tuple[NamedQuery, ...]
    levels: Mapping[str, str]  # what a severity is called, and its level
    rules: tuple[Rule, ...]
    everywhere: Demand  # of every command

    def evidence(self, section: Section, names: tuple[str, ...]) -> Evidence:
        return Evidence(
            queries=self.queries,
            beside=tuple(q for q in self.queries if section.line <= q.line <= section.last_line),
            limits=tuple(
                (rule.alert, limit)
                for rule in self.rules
                if rule.alert in names and (limit := limit_of(rule)) is not None
            ),
        )


def read_plays(
    section: Section,
    names: tuple[str, ...],
    known: Known,
    ledger: Ledger,
    front: Mapping[str, str],
) -> tuple[Play, ...]:
    """One play for each alert the heading names, with the same content; `front` is what the front
    matter of its own page says."""
    ledger.take(section.line, section.line, f"play {', '.join(names)}")
    head = _read_head(section, known.levels, front.get("severity", ""), ledger)
    body = _Body(ledger, known)
    body.read(section, tuple(head.rest))
    evidence = known.evidence(section, names)
    phases, asked = measure(tuple(body.phases), evidence, ledger)
    criteria = (*_criteria(body, evidence, ledger), *asked)
    return tuple(
        Play(
            alert=name,
            severity=head.severity,
            respond_within=head.respond_within,
            escalation=head.escalation,
            criteria=criteria,
            symptoms=tuple(body.symptoms),
            phases=phases,
            templates=(*body.templates, *body.reader.templates),
            line=section.line,
            last_line=section.last_line,
        )
        for name in names
    )


def _read_head(
    section: Section, levels: Mapping[str, str], otherwise: str, ledger: Ledger
) -> _Head:
    """`otherwise` is the severity that something other than its own lines says."""
    head = _Head()
    for block in section.blocks:
        taken = [_metadata(text, line, head, ledger) for text, line in _pairs(block)]
        if not taken or not any(taken):
            head.rest.append(block)
    head.severity = head.severity or _in_heading(section.title) or otherwise.upper() or None
    if head.severity is not None:
        head.severity = _level(head.severity, levels)
    return head


def _level(written: str, levels: Mapping[str, str]) -> str:
    """The table's level that a play's own line names, in its words or in others that mean it."""
    found = levels.get(written, levels.get(level_of(written)))
    if found is not None:
        return found
    known = list(dict.fromkeys(levels.values()))
    index = same_rank(level_of(written), known)
    return written if index is None else known[index]


def _in_heading(title: str) -> str | None:
    """'DiskFull (P1)', 'DiskFull [critical]'."""
    found = _SEVERITY_BEHIND.search(title)
    return found["level"].upper() if found else None


def _pairs(block: Block) -> list[tuple[str, int]]:
    """The lines of a block that may be metadata: paragraphs, bullets, two-column tables."""
    if block.kind is Kind.PARAGRAPH:
        lines = enumerate(block.text.split("\n"), block.first)
        return [(part, line) for line, text in lines for part in _APART.split(text)]
    if block.kind is Kind.TABLE:
        return [
            (f"**{phrases.plain(row.cells[0])}:** {row.cells[1]}", row.line)
            for row in block.rows
            if len(row.cells) == 2
        ]
    if block.kind in (Kind.LIST, Kind.QUOTE, Kind.ITEM):
        return [pair for child in block.children for pair in _pairs(child) if not child.number]
    return []


def _metadata(text: str, line: int, head: _Head, ledger: Ledger) -> bool:
    found = phrases.plain_pair(text)
    if found is None:
        return False
    name, value = found[0].lower(), phrases.plain(found[1])
    if name in SEVERITY_WORDS:
        head.severity = re.sub(r"^[^\w]+", "", value).upper() or None
    elif name in _RESPONSES:
        head.respond_within = phrases.delay(value)
        if head.respond_within is None and not re.search(r"best effort|none", value.lower()):
            _tell_time(name, value, line, ledger)
    elif name in ("escalation", "escalate", "escalates to", "escalate to"):
        told = f"to {value}" if name.endswith(" to") else value
        head.escalation = _escalation(told, line, ledger)
    else:
        return False
    ledger.take(line, line, name)
    return True


def _escalation(value: str, line: int, ledger: Ledger) -> PlayEscalation | None:
    after = phrases.delay(value)
    if after is None:
        if not re.match(r"(?:none|never|no)\b", value, re.IGNORECASE):
            _tell_time("escalation", value, line, ledger)
        return None
    whom = re.search(r"\bto\s+(?:the\s+)?(?P<whom>[^,;()]+?)(?=\s+after\b|[,;()]|$)", value)
    return PlayEscalation(
        text=value, after=after, whom=whom["whom"].strip(" .") if whom else None, line=line
    )


def _tell_time(name: str, value: str, line: int, ledger: Ledger) -> None:
    ledger.warn(
        "PC105",
        line,
        f"The {name} {value!r} holds no time.",
        "Write it as '<5 minutes', 'After 30 minutes' or 'Immediate to <team>'.",
    )


class _Body:
    """What a play's sections hold, in the order of the document."""

    def __init__(self, ledger: Ledger, known: Known) -> None:
        self.ledger = ledger
        self.levels = known.levels
        self.reader = StepReader(ledger, known.levels, known.everywhere)
        self.symptoms: list[Check] = []
        self.phases: list[Phase] = []
        self.templates: list[Template] = []

    def read(self, section: Section, own: tuple[Block, ...]) -> None:
        first, *below = below_bold(section, own)
        at = next((i for i, b in enumerate(first.blocks) if _is_work(b)), len(first.blocks))
        while 0 < at < len(first.blocks) and _leads(first.blocks[at - 1]):
            at -= 1
        for block in first.blocks[:at]:
            self._symptom(block)
        if at < len(first.blocks):
            self._phase(_only(section, "Actions", first.blocks[at:]), Role.ACT)
        for part in below:
            self.ledger.take(part.line, part.line, "heading")
        for child in (*below, *section.children):
            self._section(child)

    def _section(self, section: Section) -> None:
        role = role_of(section.title)
        if confirms(_unnumbered(section.title)) and any(p.role in _REMEDIES for p in self.phases):
            role = Role.RESOLVE
        if role is Role.SYMPTOMS:
            for inner in section.inside():
                for block in inner.blocks:
                    self._symptom(block)
            self._stray_commands(section, role)
        elif role is Role.COMMUNICATE:
            self._communicate(section)
        else:
            self._phase(section, role or Role.ACT)

    def _symptom(self, block: Block) -> None:
        if block.kind is Kind.PARAGRAPH:
            text = phrases.plain(phrases.task(block.text) or block.text)
            self.ledger.take(block.first, block.last, "symptom")
            if has_steps(block):
                self._tell_step(block)
            if text.endswith(":") and len(text.split()) <= LEAD_WORDS:
                return  # 'Symptoms:' leads to the list below it
            self.symptoms.append(Check(text=text, guard=None, line=block.first))
        for child in block.children:
            self._symptom(unquoted(child))

    def _tell_step(self, block: Block) -> None:
        self.ledger.warn(
            "PC121",
            block.first,
            "This reads like a step, and stands where the play says what is wrong: it is shown as"
            " a symptom, and nobody is asked to do it.",
            "Move it below a heading such as 'Immediate Actions'.",
        )

    def _communicate(self, section: Section) -> None:
        for inner in section.inside():
            for block in walk(inner.blocks):
                if templates.is_text(block) and not commands.is_shell(block):
                    self.templates.append(
                        templates.read_template(block, inner.title, self.levels, self.ledger)
                    )
        if any(b.kind is Kind.FENCE for i in section.inside() for b in walk(i.blocks)):
            self._stray_commands(section, Role.COMMUNICATE)
        else:
            self._phase(section, Role.COMMUNICATE)

    def _stray_commands(self, section: Section, role: Role) -> None:
        """Commands in a section that is not made of steps become a phase of their own."""
        found = [b for i in section.inside() for b in walk(i.blocks) if commands.is_shell(b)]
        if found:
            self._phase(_only(section, section.title, tuple(found)), role)

    def _phase(self, section: Section, role: Role) -> None:
        title, starts, ends = phrases.time_box(section.title)
        title = phrases.title(title)
        steps = self.reader.read(section, title)
        if steps:
            self.ledger.take(section.line, section.line, f"phase {title}")
            self.phases.append(
                Phase(
                    title=title,
                    role=role,
                    starts=starts,
                    ends=ends,
                    steps=steps,
                    line=section.line,
                )
            )


def _is_work(block: Block) -> bool:
    return any(b.number is not None or commands.is_shell(b) or has_steps(b) for b in walk((block,)))


def _leads(block: Block) -> bool:
    """A line that speaks of what stands below it."""
    if block.kind is not Kind.PARAGRAPH:
        return False
    return block.text.rstrip(" *_").endswith(":") or guard_of(block.text, block.first) is not None


def _only(section: Section, title: str, blocks: tuple[Block, ...]) -> Section:
    """The section with nothing in it but some of its blocks."""
    return replace(section, title=title, blocks=blocks, children=())


def _unnumbered(title: str) -> str:
    """'Step 4: Verify' is 'Verify'."""
    return re.sub(r"^(?:step\s+)?\d+\s*[.:)-]\s*", "", title, flags=re.IGNORECASE)


def _as_check(step: Step, role: Role) -> tuple[Check, ...]:
    """A numbered sentence asserts as a bullet does; where one still looks, it may ask for more of
    the trouble."""
    asserts = role is not Role.DIAGNOSE
    return (Check(text=step.title, guard=None, line=step.line),) if asserts else ()


def _criteria(body: _Body, evidence: Evidence, ledger: Ledger) -> tuple[Criterion, ...]:
    found: list[Criterion] = []
    sentences = [(check, Purpose.SYMPTOM) for check in body.symptoms]
    for phase in body.phases:
        for step in phase.steps:
            sentences += [
                (check, Purpose.RECOVERY)
                for check in (*_as_check(step, phase.role), *step.checks)
                if _RECOVERY.match(check.text) or phase.role is Role.RESOLVE
            ]
    numbers = dict.fromkeys(Purpose, 0)
    for check, purpose in sentences:
        criterion = read_criterion(
            check.text, purpose, numbers[purpose] + 1, check.line, evidence, ledger
        )
        if criterion is not None:
            numbers[purpose] += 1
            found.append(criterion)
            ledger.take(check.line, check.line, f"criterion {criterion.id}")
    return tuple(found)
