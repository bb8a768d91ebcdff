"""`playcall check`: what was understood of each document, and every problem with its place."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playcall.cli.checking import Checked, Surroundings, check_documents, every_command
from playcall.cli.console import Unreadable, caret, harmless, paint
from playcall.cli.reporting import as_github, as_sarif
from playcall.core.compiler import Compiled
from playcall.core.compiler.text import read_text
from playcall.core.place import Level, Problem
from playcall.core.plan import EffectClass, Plan

if TYPE_CHECKING:
    from playcall.cli import Subparsers

_COLOUR = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "blue"}


def add(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "check",
        help="say what was understood of a playbook and what is wrong with it",
        description="Exit code 0: no errors; 1: errors; 2: a document cannot be read.",
    )
    parser.add_argument("documents", nargs="+", metavar="DOC", help="file, directory, or - ")
    formats = ("text", "json", "sarif", "github")
    parser.add_argument("--format", choices=formats, default="text")
    parser.add_argument("--strict", action="store_true", help="let warnings count as errors")
    parser.add_argument(
        "--rules", type=Path, metavar="FILE", help="compare with the alerts of this rule file"
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="with the rulings of this policy file"
    )
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="whether it binds somebody to every role"
    )
    parser.add_argument(
        "--shellcheck",
        choices=("auto", "always", "never"),
        default="auto",
        help="ask ShellCheck of every command; auto: for a few documents",
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="CODE", help="do not tell such problems"
    )


def run(args: argparse.Namespace) -> int:
    around = Surroundings(
        rules=args.rules,
        policy=args.policy,
        settings=args.settings,
        shellcheck=args.shellcheck,
        ignored=frozenset(args.ignore),
    )
    try:
        checked = check_documents(args.documents, around)
    except Unreadable as unreadable:
        print(unreadable, file=sys.stderr)
        return 2
    problems = [problem for each in checked for problem in each.compiled.problems]
    if args.format == "json":
        documents = [_as_json(each.path, each.compiled) for each in checked]
        told = {"summary": _summed(documents), "documents": documents}
        print(json.dumps(told, indent=2, ensure_ascii=False))
    elif args.format == "sarif":
        print(json.dumps(as_sarif(problems), indent=2, ensure_ascii=False))
    elif args.format == "github":
        print("".join(f"{as_github(problem)}\n" for problem in problems), end="")
    else:
        print("\n\n".join(_as_text(each) for each in checked))
    levels = {problem.level for problem in problems}
    fatal = {Level.ERROR, Level.WARNING} if args.strict else {Level.ERROR}
    return 1 if levels & fatal else 0


def counts(plan: Plan) -> dict[str, int]:
    """How much of each kind was taken, by its plural."""
    plays = plan.plays
    steps = [step for play in plays for phase in play.phases for step in phase.steps]
    return {
        "facts": len(plan.facts),
        "severities": len(plan.severities),
        "rungs": len(plan.rungs),
        "teams": len(plan.teams),
        "plays": len(plays),
        "symptoms": sum(len(play.symptoms) for play in plays),
        "criteria": sum(len(play.criteria) for play in plays),
        "phases": sum(len(play.phases) for play in plays),
        "steps": len(steps),
        "checks": sum(len(step.checks) for step in steps),
        "decisions": sum(step.decision is not None for step in steps),
        "commands": len(every_command(plan)),
        "materials": sum(len(step.materials) for step in steps),
        "templates": sum(len(p.templates) for p in plays)
        + sum(duty.template is not None for duty in plan.duties),
        "channels": len(plan.channels),
        "status texts": len(plan.status_page.texts) if plan.status_page else 0,
        "audiences": len(plan.audiences),
        "rollback items": len(plan.rollback.checklist) if plan.rollback else 0,
        "duties": len(plan.duties),
        "queries": len(plan.queries),
        "contacts": len(plan.contacts),
        "impacts": len(plan.impacts),
    }


def _effects(plan: Plan) -> dict[str, int]:
    return dict(Counter(command.effect.value for command in every_command(plan)))


def _line_counts(plan: Plan) -> dict[str, int]:
    found = {"taken": 0, "blank": 0, "prose": 0}
    for use in plan.lines:
        kind = "prose" if not use.taken else "blank" if use.what == "blank" else "taken"
        found[kind] += use.last - use.first + 1
    return found


def _as_json(path: Path, compiled: Compiled) -> dict[str, Any]:
    plan = compiled.plan
    return {
        "path": str(path),
        "title": plan.title if plan else None,
        "digest": plan.digest if plan else None,
        "counts": counts(plan) if plan else {},
        "effects": _effects(plan) if plan else {},
        "lines": _line_counts(plan) if plan else {},
        "problems": [
            {
                "code": problem.code,
                "level": problem.level.value,
                "line": problem.place.line,
                "column": problem.place.column,
                "what": problem.what,
                "mend": problem.mend,
            }
            for problem in compiled.problems
        ],
    }


def _summed(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts over all documents."""
    counted: Counter[str] = sum((Counter(d["counts"]) for d in documents), Counter())
    effects: Counter[str] = sum((Counter(d["effects"]) for d in documents), Counter())
    codes = Counter(problem["code"] for d in documents for problem in d["problems"])
    levels = Counter(problem["level"] for d in documents for problem in d["problems"])
    return {
        "documents": len(documents),
        "plays": counted["plays"],
        "steps": counted["steps"],
        "commands": {effect.value: effects[effect.value] for effect in EffectClass},
        "criteria": counted["criteria"],
        "problems": dict(sorted(codes.items())),
        "levels": {level.value: levels[level.value] for level in Level},
    }


def _as_text(checked: Checked) -> str:
    path, compiled = checked.path, checked.compiled
    parts = [paint(f"{path}", "bold")]
    if compiled.plan is not None:
        parts.append(_summary(compiled.plan))
    if compiled.problems:
        lines = read_text(checked.data, str(path)).lines
        parts += ["", "\n\n".join(_problem(problem, lines) for problem in compiled.problems), ""]
    parts.append(_verdict(compiled.problems))
    return "\n".join(parts)


def _summary(plan: Plan) -> str:
    taken = [_counted(number, kind) for kind, number in counts(plan).items() if number]
    effects = [f"{number} {effect}" for effect, number in sorted(_effects(plan).items())]
    lines = _line_counts(plan)
    rows = [f"  {harmless(plan.title)}"]
    rows += [f"  {', '.join(taken[i : i + 7])}" for i in range(0, len(taken), 7)]
    if effects:
        rows.append(f"  commands by effect: {', '.join(effects)}")
    rows.append(
        f"  {sum(lines.values())} lines: {lines['taken']} taken, {lines['blank']} blank,"
        f" {lines['prose']} prose"
    )
    return "\n".join(rows)


def _counted(number: int, kind: str) -> str:
    if number != 1:
        return f"{number} {kind}"
    irregular = {"criteria": "criterion", "severities": "severity", "queries": "query"}
    return f"1 {irregular.get(kind, kind.removesuffix('s'))}"


def _problem(problem: Problem, lines: tuple[str, ...]) -> str:
    level = paint(problem.level.value, _COLOUR[problem.level])
    place = problem.place
    rows = [f"{place}: {level} {problem.code} {harmless(problem.what)}"]
    if place.line <= len(lines):
        source, mark = caret(lines[place.line - 1], place.column)
        number = f"{place.line:>6} | "
        rows += [
            paint(number, "dim") + source,
            paint(" " * 6 + " | ", "dim") + paint(mark, "yellow"),
        ]
    rows.append(f"       = {harmless(problem.mend)}")
    return "\n".join(rows)


def _verdict(problems: tuple[Problem, ...]) -> str:
    found = Counter(problem.level for problem in problems)
    if not found:
        return paint("No problems.", "green")
    words = [f"{found[level]} {level.value}{'s' * (found[level] != 1)}" for level in Level]
    return ", ".join(words) + "."
