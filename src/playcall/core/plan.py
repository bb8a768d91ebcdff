"""What a playbook says, as frozen values: the compiler makes them, everything else reads them.

Knows no Markdown. Every value keeps the line of the document it was read from. Durations
are `timedelta`; thresholds are in the base unit of their query (seconds, bytes/s, 0..1).
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from playcall.core.access import Access
from playcall.core.communication import Audience, Channel, Contact, Impact, StatusPage
from playcall.core.ranks import same_rank
from playcall.core.response import ResponsePolicy


class Wake(StrEnum):
    """Whether a severity may wake somebody (the severity table's 'Wake On-Call')."""

    YES = "yes"
    IF_PERSISTENT = "if persistent"
    NO = "no"


class EffectClass(StrEnum):
    """What a command may do, and so what must happen before it runs."""

    OBSERVE = "observe"  # changes nothing: runs by itself
    HEAVY = "heavy"  # changes nothing, can hurt a sick system: one press
    CHANGE = "change"  # changes something, or may: needs an approval
    MANUAL = "manual"  # needs a person: a terminal, a browser, a value nobody knows


class RungCondition(StrEnum):
    """What must be true of the incident for an escalation rung to be climbed."""

    ALWAYS = "always"
    NO_ACK = "not acknowledged"
    NO_RESOLUTION = "not resolved"
    CRITICAL = "critical"
    SLA_VIOLATION = "SLA violation"


class Comparison(StrEnum):
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="


class Purpose(StrEnum):
    """Why a criterion stands in the document."""

    SYMPTOM = "symptom"  # true while the alert is justified
    RECOVERY = "recovery"  # true, for its whole window, when the incident is over
    QUESTION = "question"  # answers a question of the decision tree


class Role(StrEnum):
    """What a section of a play is for. Never grants safety: commands are judged one by one."""

    SYMPTOMS = "symptoms"
    ACT = "act"
    DIAGNOSE = "diagnose"
    DECIDE = "decide"
    RESOLVE = "resolve"
    COMMUNICATE = "communicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A line of metadata such as 'Version: 1.0.0'."""

    name: str
    value: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """A row of the severity table."""

    level: str  # "CRITICAL"
    respond_within: timedelta | None  # None: best effort
    escalate_after: timedelta | None  # zero: immediately; None: never
    wake: Wake
    examples: tuple[str, ...]
    names: tuple[str, ...] = ()  # what else the cell calls it: ("SEV1",)
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of the escalation path; `after` counts from the alert's start."""

    roles: tuple[str, ...]  # ("VP Engineering", "CTO")
    means: str  # "Page", "Call", "Conference Call"
    after: timedelta
    condition: RungCondition
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A row of the team table: alerts labelled `label=value` belong to it."""

    label: str  # "team"
    value: str  # "performance"
    primary: str
    secondary: str
    expert: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayEscalation:
    """A play's own 'Escalation:' line, which overrides the severity's row."""

    text: str  # as written
    after: timedelta  # zero: immediately
    whom: str | None  # "all teams", "performance team", "on-call"; None: nobody named
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A sentence that can be measured: `query` compared with `threshold` for `holds_for`."""

    id: str  # unique in its play
    purpose: Purpose
    text: str  # as written
    comparison: Comparison
    threshold: float  # in the query's base unit
    written: str  # "500ms"
    unit: str  # "s", "B/s", "1/s", "" for a ratio
    holds_for: timedelta  # zero: one reading is enough
    query: str | None  # PromQL; None: no query could be joined to it
    query_name: str | None  # the named query it was joined to
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The lead line a command stands under: 'If AMST bottleneck', 'Option A: Hotfix'."""

    kind: str  # "if" or "option"
    text: str  # "AMST bottleneck", "Option A: Hotfix"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """Text in a command that stands for a value nobody has given yet."""

    name: str  # "PROBLEM_IP", "pod"
    text: str  # as written: "<pod>", "${i}"
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What runs instead of the command as written, always shown beside it."""

    kind: str  # "shell": `text` is a command; "promql": `text` is a query, asked natively
    text: str
    why: str
    every: timedelta | None = None  # watched: it runs again at this pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a step, with what it may do."""

    id: str  # unique in its play, stable while the play's numbering is: "3.1"
    title: str  # the comment above it, or the step's title
    text: str  # as written, without prompt and comment
    guard: Guard | None
    effect: EffectClass
    reasons: tuple[str, ...]  # why it has that class, part by part
    placeholders: tuple[Placeholder, ...]
    runs_as: Translation | None
    approver: Access = Access.RESPONDER  # the least that who approves it must have
    people: int = 1  # how many different people have to approve it
    time_limit: timedelta | None = None  # None: the settings'
    line: int
    last_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A block that is no command: a statement, a manifest, an example of output. Never runs."""

    language: str  # "sql", "yaml", "logql"; "": plain text
    text: str
    line: int
    last_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A bullet for a person: 'Review recent changes'."""

    text: str
    guard: Guard | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A node of a decision tree; its answers in the order written."""

    text: str
    answers: tuple["Answer", ...]
    criterion: str | None = None  # of the play: it is answered by measuring it
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer to a question: it leads to an outcome, or to further questions, in order."""

    label: str  # "YES"
    outcome: str | None  # "ROLLBACK"
    questions: tuple[Question, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A numbered item of a phase."""

    number: int  # as shown
    title: str
    commands: tuple[Command, ...]
    checks: tuple[Check, ...]
    materials: tuple[Material, ...] = ()
    decision: Question | None
    line: int
    again: str = ""  # "b" when the play has a step of that number already

    @property
    def key(self) -> str:
        """Unique in its play; what the ids of its commands and questions begin with."""
        return f"{self.number}{self.again}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A section of a play with its time box, counted from the alert's start."""

    title: str  # without the time box
    role: Role
    starts: timedelta | None
    ends: timedelta | None
    steps: tuple[Step, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateField:
    """A bracket in a template: '[TIMESTAMP]'."""

    name: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text to be filled and sent, or written."""

    name: str
    subject: str | None
    body: str
    fields: tuple[TemplateField, ...]
    line: int
    last_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """The part of a playbook for one alert."""

    alert: str
    severity: str | None
    respond_within: timedelta | None  # None: the severity's
    escalation: PlayEscalation | None
    criteria: tuple[Criterion, ...]
    symptoms: tuple[Check, ...]  # every symptom as written, measurable or not
    phases: tuple[Phase, ...]
    templates: tuple[Template, ...]
    line: int
    last_line: int

    def commands(self) -> tuple[Command, ...]:
        """All commands in the order of the document."""
        return tuple(
            command for phase in self.phases for step in phase.steps for command in step.commands
        )

    def command(self, command_id: str) -> Command | None:
        return next((c for c in self.commands() if c.id == command_id), None)

    def criterion(self, criterion_id: str) -> Criterion | None:
        return next((c for c in self.criteria if c.id == criterion_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    text: str
    means: str = ""  # "approval" or "execution", when it speaks of the rollback's own
    criterion: Criterion | None = None  # that ticks it
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """The automated rollback, command by command, and the manual checklist."""

    commands: tuple[Command, ...]
    proofs: tuple[Command, ...] = ()  # "rollback.1.proof" only looks whether rollback.1 took hold
    checklist: tuple[ChecklistItem, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What is owed after an incident, and by when."""

    title: str
    within: timedelta
    items: tuple[ChecklistItem, ...]
    template: Template | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedQuery:
    name: str
    promql: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineUse:
    """What became of a run of source lines. Together, a plan's line uses cover every line once."""

    first: int
    last: int
    what: str  # "severity", "rung", "command 3.1", "heading", "blank", "prose"
    taken: bool  # False: prose, listed but not part of the plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A compiled playbook."""

    title: str
    source: str  # the document's name
    digest: str  # SHA-256 of the document's bytes, in hexadecimal
    facts: tuple[Fact, ...]
    severities: tuple[Severity, ...]
    rungs: tuple[Rung, ...]
    teams: tuple[Team, ...]
    plays: tuple[Play, ...]
    channels: tuple[Channel, ...]
    status_page: StatusPage | None
    audiences: tuple[Audience, ...]
    impacts: tuple[Impact, ...] = ()
    rollback: Rollback | None
    duties: tuple[Duty, ...]
    essentials: tuple[Command, ...]  # 'Essential Commands'
    queries: tuple[NamedQuery, ...]
    contacts: tuple[Contact, ...]
    lines: tuple[LineUse, ...]
    response: ResponsePolicy = field(default_factory=ResponsePolicy)

    def play(self, alert: str) -> Play | None:
        return next((p for p in self.plays if p.alert == alert), None)

    def command(self, alert: str | None, command_id: str) -> Command | None:
        """Of the play, if any, of the rollback, or one of the document's essential commands."""
        play = self.play(alert) if alert else None
        found = play.command(command_id) if play else None
        back = (*self.rollback.commands, *self.rollback.proofs) if self.rollback else ()
        return found or next((c for c in (*self.essentials, *back) if c.id == command_id), None)

    def severity(self, level: str) -> Severity | None:
        """By its level, by what else its row is called, or by a name that means the same."""
        asked = level.upper()
        named = next((s for s in self.severities if asked in (s.level, *s.names)), None)
        if named is not None:
            return named
        index = same_rank(asked, [s.level for s in self.severities])
        return None if index is None else self.severities[index]
