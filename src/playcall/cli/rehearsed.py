"""A rehearsal as rows of text: also what a command looks like before a person decides on it."""

from collections.abc import Iterator

from playcall.cli.console import harmless, harmless_lines, paint, say
from playcall.cli.explain import COLOUR
from playcall.core.decision import Lead
from playcall.core.plan import Criterion, Phase
from playcall.core.rehearsal import (
    AnswerPreview,
    CommandPreview,
    PhasePreview,
    QuestionPreview,
    Rehearsal,
    Start,
    StepPreview,
    Value,
)
from playcall.core.wording import say_value

LEADS = {
    Lead.DIAGNOSE: "what only looks runs again",
    Lead.OPTION: "may then be approved",
    Lead.ROLLBACK: "rollback",
    Lead.PERSON: "told to people",
}


def rows(found: Rehearsal) -> Iterator[str]:
    yield paint(f"{found.alert}  ({found.severity or 'no severity'}, line {found.line})", "bold")
    yield "  Nothing is run, asked or sent by this list."
    if found.respond_within is not None:
        yield f"  respond within {say(found.respond_within)}"
    if found.escalation is not None:
        yield f"  escalation: {harmless(found.escalation.text)}  (line {found.escalation.line})"
    at_once = ", ".join(found.at_once) or "nothing"
    yield f"\n{paint('When the incident opens', 'bold')}: {at_once}, all at once"
    for phase in found.phases:
        yield from _phase(phase)
    yield f"\n{paint('Verification', 'bold')}"
    if not found.criteria:
        yield "  nothing that can be measured: a person says when it is over"
    for criterion in found.criteria:
        yield from _criterion(criterion)
    if found.rollback or found.rollback_checklist:
        yield f"\n{paint('Rollback', 'bold')}: of the whole document, if it comes to that"
        for command in found.rollback:
            yield from command_rows(command)
        for item in found.rollback_checklist:
            yield f"    [ ] {harmless(item.text)}  (line {item.line})"


def heading(phase: Phase | PhasePreview) -> str:
    box = ""
    if phase.starts is not None or phase.ends is not None:
        starts = say(phase.starts) if phase.starts else "the start"
        box = f", {starts} to {say(phase.ends, 'the end')}"
    return f"\n{paint(harmless(phase.title), 'bold')} ({phase.role}{box})"


def _phase(phase: PhasePreview) -> Iterator[str]:
    yield heading(phase)
    for step in phase.steps:
        yield from _step(step)


def _step(step: StepPreview) -> Iterator[str]:
    yield f"  {step.number}. {harmless(step.title)}  (line {step.line})"
    guard = None
    for command in step.commands:
        if command.guard is not None and command.guard != guard:
            choice = "one of several ways" if command.option else "asked: does it apply?"
            yield f"    {paint(harmless(command.guard), 'yellow')}: {choice}"
        guard = command.guard
        yield from command_rows(command)
    for check in step.checks:
        yield f"    [ ] {harmless(check)}"
    if step.decision is not None:
        yield from _question(step.decision, 4)


def command_rows(command: CommandPreview) -> Iterator[str]:
    """Everything a person would want to know before letting it run."""
    effect = paint(f"{command.effect.value:<8}", COLOUR[command.effect])
    yield f"    {effect}{command.id:<5} {harmless(command.title)}  (line {command.line})"
    yield from _text("as written", command.written)
    if command.runs != command.written:
        yield from _text("as query" if command.native else "as run", command.runs)
        if command.why:
            yield f"              since {harmless(command.why)}"
    for value in command.values:
        yield f"              {harmless(value.written)}: {_value(value)}"
    yield f"              {command.effect.value}: {harmless('; '.join(command.reasons))}"
    yield f"              {_start(command)}"
    if command.then:
        yield f"              then {say_again(command.then)}"
    if command.refused:
        yield f"              {paint('cannot run', 'red')}: {harmless(command.refused)}"


def say_again(ids: tuple[str, ...]) -> str:
    """What follows a change without being asked for."""
    looks, itself = ("look", "themselves") if len(ids) > 1 else ("looks", "itself")
    return f"{', '.join(ids)} {looks} again, by {itself}"


def _text(name: str, text: str) -> Iterator[str]:
    first, *more = harmless_lines(text) or [""]
    yield f"      {name:<11} {first}"
    for line in more:
        yield f"      {'':<11} {line}"


def _value(value: Value) -> str:
    if value.value is None:
        return f"a {value.kind}, asked of whoever responds"
    return f"{harmless(value.value)} ({value.whence})"


def _start(command: CommandPreview) -> str:
    if command.start is not Start.APPROVAL:
        return command.start.value
    people = "one person" if command.approvals == 1 else f"{command.approvals} people"
    return f"{command.start.value} of {people} with the access of a {command.approver} or more"


def _question(question: QuestionPreview, indent: int) -> Iterator[str]:
    measured = f" (measured: {question.criterion})" if question.criterion else ""
    yield f"{' ' * indent}{paint(harmless(question.text), 'yellow')}{measured}"
    for answer in question.answers:
        yield f"{' ' * indent}  {harmless(answer.label)}{_leads(answer)}"
        for below in answer.questions:
            yield from _question(below, indent + 4)


def _leads(answer: AnswerPreview) -> str:
    if answer.outcome is None or answer.lead is None:
        return ""
    commands = f": {', '.join(answer.commands)}" if answer.commands else ""
    return f" -> {harmless(answer.outcome)} ({LEADS[answer.lead]}{commands})"


def _criterion(criterion: Criterion) -> Iterator[str]:
    limit = f"{criterion.comparison} {say_value(criterion.threshold, criterion.unit)}"
    held = f", for {say(criterion.holds_for)} without a break" if criterion.holds_for else ""
    name = criterion.query_name or criterion.text
    yield f"  {criterion.purpose}: {harmless(name)} {limit}{held}  (line {criterion.line})"
    query = harmless(criterion.query) if criterion.query else "no query: a person looks"
    yield f"    {paint(query, 'dim')}"
