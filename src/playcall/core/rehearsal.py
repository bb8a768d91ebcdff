"""What a play would do, in order, before anybody does it: what each command would run as, what lets
it run, where its values come from, where each answer leads. Touches nothing and measures nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from playcall.core.access import Access
from playcall.core.aftermath import lookers
from playcall.core.approvals import needed_access, needed_people
from playcall.core.bound import Ready, as_written, ready
from playcall.core.commands import first_look
from playcall.core.compiler.shell import Unbindable
from playcall.core.decision import Lead, lead_of
from playcall.core.incident import Incident, Whence
from playcall.core.parameters import Kind, kind_of
from playcall.core.plan import (
    ChecklistItem,
    Command,
    Criterion,
    EffectClass,
    Guard,
    Phase,
    Plan,
    Play,
    PlayEscalation,
    Question,
    Role,
    Step,
)


class Start(StrEnum):
    """What makes a command run."""

    ITSELF = "runs at once, by itself"
    PRESS = "runs when somebody asks for it"
    APPROVAL = "waits for an approval"
    PERSON = "is done by a person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    name: str
    written: str  # as the command has it: "<pod>"
    kind: Kind
    value: str | None  # None: nobody has given it yet
    whence: Whence  # TYPED while it has none: somebody is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandPreview:
    id: str
    title: str
    line: int
    guard: str | None  # under which lead line it stands: "If AMST bottleneck"
    option: bool  # the guard is one of several ways, rather than a condition
    effect: EffectClass
    reasons: tuple[str, ...]
    start: Start
    then: tuple[str, ...]  # what looks again by itself once it has ended
    approver: Access | None  # the least access of whoever lets it run; None: nobody is asked
    approvals: int
    written: str
    runs: str  # with the values that are known
    native: bool  # `runs` is PromQL, asked of Prometheus itself
    why: str  # it does not run as written; empty: it does
    values: tuple[Value, ...]
    refused: str  # why it cannot run with these values; empty: it can

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(v.name for v in self.values if v.value is None))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPreview:
    label: str
    outcome: str | None
    lead: Lead | None  # what the outcome starts
    commands: tuple[str, ...]  # what it leads to
    questions: tuple["QuestionPreview", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPreview:
    text: str
    line: int
    criterion: str | None  # it is answered by measuring it
    answers: tuple[AnswerPreview, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPreview:
    number: int
    title: str
    line: int
    commands: tuple[CommandPreview, ...]
    checks: tuple[str, ...]
    decision: QuestionPreview | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhasePreview:
    title: str
    role: Role
    starts: timedelta | None
    ends: timedelta | None
    steps: tuple[StepPreview, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    document: str
    alert: str
    line: int
    severity: str | None
    respond_within: timedelta | None
    escalation: PlayEscalation | None
    at_once: tuple[str, ...]  # commands that run when the incident opens
    phases: tuple[PhasePreview, ...]
    criteria: tuple[Criterion, ...]
    rollback: tuple[CommandPreview, ...]
    rollback_checklist: tuple[ChecklistItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The values that are known, and whence."""

    values: Mapping[str, str] = field(default_factory=dict)
    whence: Mapping[str, Whence] = field(default_factory=dict)


def known_to(incident: Incident) -> Known:
    whence = {name: origin.whence for name, origin in incident.origins.items()}
    return Known(values=incident.values, whence=whence)


def rehearse(plan: Plan, play: Play, known: Known) -> Rehearsal:
    alone = {c.id for c in first_look(play, plan)}
    phases = tuple(_phase(phase, plan, play, known, alone) for phase in play.phases)
    commands = [c for phase in phases for step in phase.steps for c in step.commands]
    rollback = plan.rollback
    return Rehearsal(
        document=plan.source,
        alert=play.alert,
        line=play.line,
        severity=play.severity,
        respond_within=play.respond_within,
        escalation=play.escalation,
        at_once=tuple(c.id for c in commands if c.start is Start.ITSELF),
        phases=phases,
        criteria=play.criteria,
        rollback=tuple(
            preview(_demanding(c, play, plan), known, alone=False) for c in rollback.commands
        )
        if rollback
        else (),
        rollback_checklist=rollback.checklist if rollback else (),
    )


def _demanding(command: Command, play: Play, plan: Plan) -> Command:
    """With what the document, the settings and its class demand of approvals taken together."""
    access = needed_access(command, play.alert, plan)
    return replace(command, approver=access, people=needed_people(command, play.alert, plan))


def _phase(phase: Phase, plan: Plan, play: Play, known: Known, alone: set[str]) -> PhasePreview:
    return PhasePreview(
        title=phase.title,
        role=phase.role,
        starts=phase.starts,
        ends=phase.ends,
        steps=tuple(_step(step, plan, play, known, alone) for step in phase.steps),
    )


def _step(step: Step, plan: Plan, play: Play, known: Known, alone: set[str]) -> StepPreview:
    return StepPreview(
        number=step.number,
        title=step.title,
        line=step.line,
        commands=tuple(
            preview(_demanding(c, play, plan), known, alone=c.id in alone, play=play)
            for c in step.commands
        ),
        checks=tuple(check.text for check in step.checks),
        decision=_question(step.decision, play) if step.decision else None,
    )


def _question(question: Question, play: Play) -> QuestionPreview:
    answers = []
    for answer in question.answers:
        reached = lead_of(answer.outcome, play) if answer.outcome else None
        answers.append(
            AnswerPreview(
                label=answer.label,
                outcome=answer.outcome,
                lead=reached.lead if reached else None,
                commands=reached.commands if reached else (),
                questions=tuple(_question(below, play) for below in answer.questions),
            )
        )
    return QuestionPreview(
        text=question.text,
        line=question.line,
        criterion=question.criterion,
        answers=tuple(answers),
    )


def preview(
    command: Command, known: Known, *, alone: bool, play: Play | None = None
) -> CommandPreview:
    """`alone`: it belongs to what runs by itself as soon as its values are known; `play`: of which
    something may look again once it has ended."""
    bound, refused = _bound(command, known)
    start = _start(bound, alone)
    guard = command.guard
    asked = start in (Start.PRESS, Start.APPROVAL)
    return CommandPreview(
        id=command.id,
        title=command.title,
        line=command.line,
        guard=say_guard(guard) if guard else None,
        option=guard is not None and guard.kind != "if",
        effect=bound.effect,
        reasons=bound.reasons,
        start=start,
        then=tuple(c.id for c in lookers(play, command)) if start is Start.APPROVAL else (),
        approver=command.approver if asked else None,
        approvals=command.people if asked else 0,
        written=command.text,
        runs=bound.text,
        native=bound.native,
        why=command.runs_as.why if command.runs_as else "",
        values=_values(command, known),
        refused=refused,
    )


def say_guard(guard: Guard) -> str:
    return f"If {guard.text}" if guard.kind == "if" else guard.text


def _start(bound: Ready, alone: bool) -> Start:
    match bound.effect:
        case EffectClass.MANUAL:
            return Start.PERSON
        case EffectClass.CHANGE:
            return Start.APPROVAL
        case EffectClass.HEAVY:
            return Start.PRESS
        case EffectClass.OBSERVE:
            return Start.ITSELF if alone and not bound.missing else Start.PRESS


def _values(command: Command, known: Known) -> tuple[Value, ...]:
    found = {}
    for placeholder in command.placeholders:
        name = placeholder.name
        found[name] = Value(
            name=name,
            written=placeholder.text,
            kind=kind_of(command, name),
            value=known.values.get(name),
            whence=known.whence.get(name, Whence.TYPED),
        )
    return tuple(found.values())


def _bound(command: Command, known: Known) -> tuple[Ready, str]:
    """What would run with the known values, and why they must not enter it, if so."""
    if not command.placeholders or command.effect is EffectClass.MANUAL:
        return as_written(command), ""
    try:
        return ready(command, known.values), ""
    except Unbindable as error:
        return as_written(command), str(error)
