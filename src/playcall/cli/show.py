"""`playcall show`: a plan as a person reads it, as JSON, or line by line of its document; of a
number, the incident."""

import argparse
import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from playcall.cli import incidents, remote
from playcall.cli.console import Unreadable, find_documents, harmless, paint, read_bytes, say
from playcall.cli.rehearsed import say_again
from playcall.core.aftermath import lookers
from playcall.core.compiler import compile_document
from playcall.core.compiler.text import read_text
from playcall.core.plan import (
    Command,
    Criterion,
    EffectClass,
    Guard,
    Phase,
    Plan,
    Play,
    Question,
    Step,
)
from playcall.core.policy import digest_of

if TYPE_CHECKING:
    from playcall.cli import Subparsers

_COLOUR = {
    EffectClass.OBSERVE: "green",
    EffectClass.HEAVY: "yellow",
    EffectClass.CHANGE: "red",
    EffectClass.MANUAL: "blue",
}


def add(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "show",
        help="show the plan that a playbook became, or an incident by its number",
        description="Exit code 0: shown; 1: no such play; 2: the document cannot be read.",
    )
    parser.add_argument("document", metavar="DOC", help="a playbook, or an incident's number")
    parser.add_argument("alert", metavar="ALERT", nargs="?", help="show only this alert's play")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument(
        "--digests", action="store_true", help="tell commands' digests for a policy"
    )
    parser.add_argument("--lines", action="store_true", help="say what became of every line")
    parser.add_argument("--json", action="store_const", const="json", dest="format")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if args.document.isdecimal() and not Path(args.document).exists():
        return incidents.show(args, int(args.document), as_json=args.format == "json")
    try:
        paths = find_documents([args.document])
        if len(paths) > 1:
            raise Unreadable(f"{args.document}: holds {len(paths)} documents. Name one of them.")
        data = read_bytes(paths[0])
    except Unreadable as unreadable:
        print(unreadable, file=sys.stderr)
        return 2
    compiled = compile_document(data, str(paths[0]))
    if compiled.plan is None:
        for problem in compiled.problems:
            print(problem, file=sys.stderr)
        return 2
    if args.alert is not None and compiled.plan.play(args.alert) is None:
        print(_no_play(args.alert, compiled.plan), file=sys.stderr)
        return 1
    play = compiled.plan.play(args.alert) if args.alert else None
    if args.format == "json":
        print(_as_json(play or compiled.plan))
    elif args.digests:
        _print(_digest_rows(compiled.plan, play))
    elif args.lines:
        _print(_line_rows(compiled.plan, read_text(data, str(paths[0])).lines, play))
    else:
        _print(_play_rows(play) if play else _plan_rows(compiled.plan))
    return 0


def _print(rows: Iterator[str]) -> None:
    for row in rows:
        print(row)


def _no_play(alert: str, plan: Plan) -> str:
    names = [play.alert for play in plan.plays]
    near = difflib.get_close_matches(alert, names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(names) or 'none'}."
    generic = "An alert of that name gets the generic response: its severity, the escalation path."
    return f"{plan.source}: no play is called {alert!r}. {hint} {generic}"


def _as_json(value: Plan | Play) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _digest_rows(plan: Plan, only: Play | None) -> Iterator[str]:
    rollback = plan.rollback.commands if plan.rollback else ()
    rows = [(p.alert, c) for p in plan.plays if only in (None, p) for c in p.commands()]
    rows += [] if only else [("", command) for command in (*rollback, *plan.essentials)]
    for alert, command in rows:
        effect = paint(f"{command.effect.value:<7}", _COLOUR[command.effect])
        text = harmless(command.text.split("\n")[0])
        yield f"{alert or '-'}  {command.id:<12} {digest_of(command)}  {effect}  {text}"


def _line_rows(plan: Plan, lines: tuple[str, ...], play: Play | None) -> Iterator[str]:
    first, last = (play.line, play.last_line) if play else (1, len(lines))
    for use in plan.lines:
        for number in range(max(use.first, first), min(use.last, last) + 1):
            what = use.what if use.taken else paint(f"({use.what})", "yellow")
            yield f"{number:>5}  {what:<28} {harmless(lines[number - 1])}".rstrip()


def _plan_rows(plan: Plan) -> Iterator[str]:
    yield paint(harmless(plan.title), "bold")
    yield from _policy_rows(plan)
    for play in plan.plays:
        yield ""
        yield from _play_rows(play)
    yield from _after_rows(plan)


def _policy_rows(plan: Plan) -> Iterator[str]:
    if plan.severities:
        yield "\nSeverities"
    for severity in plan.severities:
        yield (
            f"  {severity.level:<10} respond within {say(severity.respond_within, 'best effort')},"
            f" escalate {say(severity.escalate_after, 'never')}, wake: {severity.wake.value}"
        )
    if plan.rungs:
        yield "\nEscalation, counted from the alert's start"
    for rung in plan.rungs:
        yield (
            f"  {say(rung.after):<8} {' + '.join(rung.roles)} ({rung.means}) if {rung.condition}"
        )
    if plan.teams:
        yield "\nTeams"
    for team in plan.teams:
        yield f"  {team.label}={team.value}: {team.primary}, then {team.secondary}; {team.expert}"
    if plan.queries:
        yield "\nQueries"
    for query in plan.queries:
        yield f"  {query.name}: {query.promql}"


def _play_rows(play: Play) -> Iterator[str]:
    severity = play.severity or "no severity"
    yield paint(f"{play.alert}  ({severity}, line {play.line})", "bold")
    if play.respond_within is not None:
        yield f"  respond within {say(play.respond_within)}"
    if play.escalation is not None:
        whom = f" to {play.escalation.whom}" if play.escalation.whom else ""
        yield f"  escalate {say(play.escalation.after)}{whom}"
    for criterion in play.criteria:
        yield from _criterion_rows(criterion)
    for symptom in play.symptoms:
        yield f"  symptom: {harmless(symptom.text)}"
    for phase in play.phases:
        yield from _phase_rows(phase, play)
    for template in play.templates:
        yield f"\n  Template: {template.name} ({len(template.fields)} fields, line {template.line})"


def _criterion_rows(criterion: Criterion) -> Iterator[str]:
    span = f" for {say(criterion.holds_for)}" if criterion.holds_for else ""
    unit = f" {criterion.unit}" if criterion.unit else ""
    joined = criterion.query_name or "no query"
    yield (
        f"  {criterion.id}: {joined} {criterion.comparison} {criterion.threshold:g}{unit}{span}"
        f"  (line {criterion.line})"
    )
    if criterion.query:
        yield paint(f"    {criterion.query}", "dim")


def _phase_rows(phase: Phase, play: Play) -> Iterator[str]:
    box = ""
    if phase.starts is not None or phase.ends is not None:
        starts = say(phase.starts) if phase.starts else "the start"
        box = f", {starts} to {say(phase.ends, 'the end')}"
    yield f"\n  {paint(phase.title, 'bold')} ({phase.role}{box})"
    for step in phase.steps:
        yield from _step_rows(step, play)


def _step_rows(step: Step, play: Play) -> Iterator[str]:
    yield f"    {step.key}. {harmless(step.title)}"
    guard: Guard | None = None
    for command in step.commands:
        if command.guard is not None and command.guard != guard:
            yield f"       {_guard(command.guard)}"
        guard = command.guard
        yield from _command_rows(command, lookers(play, command))
    for check in step.checks:
        lead = f"{_guard(check.guard)}: " if check.guard else ""
        yield f"       [ ] {lead}{harmless(check.text)}"
    for material in step.materials:
        rows = material.text.count("\n") + 1
        yield f"       {material.language or 'text'}, {rows} lines, to read (line {material.line})"
    if step.decision is not None:
        yield from _question_rows(step.decision, 7)


def _guard(guard: Guard) -> str:
    return f"If {guard.text}" if guard.kind == "if" else guard.text


def _command_rows(command: Command, again: tuple[Command, ...] = ()) -> Iterator[str]:
    effect = paint(f"{command.effect.value:<8}", _COLOUR[command.effect])
    yield f"       {effect}{command.id:<6}{harmless(command.title)}  (line {command.line})"
    for line in command.text.split("\n"):
        yield f"               {harmless(line)}"
    if command.runs_as is not None:
        ran = harmless(" ".join(command.runs_as.text.split("\n")))
        yield f"            -> {command.runs_as.kind}: {ran}"
        yield paint(f"               ({command.runs_as.why})", "dim")
    names = dict.fromkeys(placeholder.text for placeholder in command.placeholders)
    if names:
        yield f"               needs: {', '.join(map(harmless, names))}"
    if again and command.effect is EffectClass.CHANGE:
        yield f"               then {say_again(tuple(one.id for one in again))}"


def _question_rows(question: Question, indent: int) -> Iterator[str]:
    yield f"{' ' * indent}{harmless(question.text)}"
    for answer in question.answers:
        outcome = f": {harmless(answer.outcome)}" if answer.outcome else ""
        yield f"{' ' * indent}  {answer.label}{outcome}"
        for inner in answer.questions:
            yield from _question_rows(inner, indent + 4)


def _after_rows(plan: Plan) -> Iterator[str]:
    if plan.rollback is not None:
        yield "\n" + paint("Rollback", "bold")
        for command in plan.rollback.commands:
            yield from _command_rows(command)
        for item in plan.rollback.checklist:
            yield f"       [ ] {harmless(item.text)}"
    if plan.essentials:
        yield "\n" + paint("Essential commands", "bold")
    for command in plan.essentials:
        yield from _command_rows(command)
    if plan.status_page is not None:
        yield f"\nStatus page {plan.status_page.url}, every {say(plan.status_page.every)}"
    for channel in plan.channels:
        yield f"  {channel.name}: {harmless(channel.purpose)}"
    for audience in plan.audiences:
        yield (
            f"  {audience.name}: first within {say(audience.first_within)}, then every"
            f" {say(audience.every)}, to {', '.join(audience.recipients)}"
        )
    for duty in plan.duties:
        yield f"  owed within {say(duty.within)}: {harmless(duty.title)}"
    for contact in plan.contacts:
        reach = " ".join(part for part in (contact.phone, contact.email) if part)
        yield f"  {contact.role}: {contact.name or '(to be filled in)'} {reach}"
