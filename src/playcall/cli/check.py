"""`playcall check`: what was understood of each document, and every problem with its place."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playcall.beside import with_files
from playcall.cli.console import Unreadable, caret, find_documents, harmless, paint, read_bytes
from playcall.cli.reporting import as_github, as_sarif
from playcall.core.alert_rule import Rule
from playcall.core.compiler import Compiled, compile_document
from playcall.core.compiler.text import read_text
from playcall.core.place import Level, Problem
from playcall.core.plan import Command, EffectClass, Plan

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
        "--no-shellcheck", action="store_true", help="do not ask ShellCheck, where it is installed"
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="CODE", help="do not tell such problems"
    )


def run(args: argparse.Namespace) -> int:
    try:
        read = [(path, read_bytes(path)) for path in find_documents(args.documents)]
        rules = _rules(args.rules) if args.rules else ()
        checked = [(path, data, _compiled(path, data, rules, args)) for path, data in read]
        checked = _among_plays(checked)
        if args.policy:
            checked = _ruled(args.policy, checked, args.ignore)
        if args.rules:
            checked = _compared(args.rules, rules, checked, args.ignore)
    except Unreadable as unreadable:
        print(unreadable, file=sys.stderr)
        return 2
    problems = [problem for _, _, compiled in checked for problem in compiled.problems]
    if args.format == "json":
        documents = [_as_json(path, compiled) for path, _, compiled in checked]
        told = {"summary": _summed(documents), "documents": documents}
        print(json.dumps(told, indent=2, ensure_ascii=False))
    elif args.format == "sarif":
        print(json.dumps(as_sarif(problems), indent=2, ensure_ascii=False))
    elif args.format == "github":
        print("".join(f"{as_github(problem)}\n" for problem in problems), end="")
    else:
        print("\n\n".join(_as_text(path, data, compiled) for path, data, compiled in checked))
    levels = {problem.level for problem in problems}
    fatal = {Level.ERROR, Level.WARNING} if args.strict else {Level.ERROR}
    return 1 if levels & fatal else 0


Checked = tuple[Path, bytes, Compiled]


def _among_plays(checked: Sequence[Checked]) -> list[Checked]:
    """Beside documents with plays, one without any is a page of its own kind, and no error."""
    if not any(compiled.plan and compiled.plan.plays for _, _, compiled in checked):
        return list(checked)

    def eased(problem: Problem) -> Problem:
        return replace(problem, level=Level.NOTE) if problem.code == "PC101" else problem

    return [
        (path, data, replace(compiled, problems=tuple(map(eased, compiled.problems))))
        for path, data, compiled in checked
    ]


def _rules(path: Path) -> tuple[Rule, ...]:
    """Raises Unreadable."""
    from playcall.rulefile import BadRuleFile, read_rules

    try:
        return read_rules(path)
    except BadRuleFile as error:
        raise Unreadable(str(error)) from error


def _compared(
    path: Path, rules: Sequence[Rule], checked: Sequence[Checked], ignored: Sequence[str]
) -> list[Checked]:
    """With what the rule file shows, which itself follows as a document without a plan.

    Raises Unreadable.
    """
    from playcall.core.coverage import compare

    plans = [compiled.plan for _, _, compiled in checked if compiled.plan]
    told = compare(plans, rules, str(path))
    kept = [problem for problem in told if problem.code not in ignored]
    ruled = (path, read_bytes(path), Compiled(plan=None, problems=()))
    return [(each, data, _with(kept, each, found)) for each, data, found in (*checked, ruled)]


def _ruled(path: Path, checked: Sequence[Checked], ignored: Sequence[str]) -> list[Checked]:
    """With the rulings of a policy file; it follows as a document of its own. Raises Unreadable."""
    from playcall.core.policy import apply_policy
    from playcall.policyfile import BadPolicy, read_policy

    try:
        rulings = read_policy(path)
    except BadPolicy as error:
        raise Unreadable(str(error)) from error
    done, unmatched = [], set[Problem]()
    for number, (each, data, compiled) in enumerate(checked):
        if compiled.plan is None:
            done.append((each, data, compiled))
            continue
        plan, stale = apply_policy(compiled.plan, rulings, str(path))
        unmatched = set(stale) if not number else unmatched & set(stale)
        done.append((each, data, replace(compiled, plan=plan)))
    kept = [problem for problem in unmatched if problem.code not in ignored]
    ruled = (path, read_bytes(path), Compiled(plan=None, problems=()))
    return [(each, data, _with(kept, each, found)) for each, data, found in (*done, ruled)]


def _with(problems: Sequence[Problem], path: Path, compiled: Compiled) -> Compiled:
    more = (problem for problem in problems if problem.place.file == str(path))
    both = sorted((*compiled.problems, *more), key=lambda p: (p.place.line, p.place.column, p.code))
    return replace(compiled, problems=tuple(both))


def _compiled(path: Path, data: bytes, rules: Sequence[Rule], args: argparse.Namespace) -> Compiled:
    compiled = compile_document(data, str(path), rules)
    if str(path) != "-":
        compiled = with_files(compiled, path)
    if compiled.plan is not None and not args.no_shellcheck:
        from playcall.shellcheck import check_commands

        lines = read_text(data, str(path)).lines
        told = check_commands(every_command(compiled.plan), str(path), lines)
        compiled = _with(told, path, compiled)
    kept = tuple(p for p in compiled.problems if p.code not in args.ignore)
    return replace(compiled, problems=kept)


def every_command(plan: Plan) -> tuple[Command, ...]:
    """All commands of a plan: plays, rollback, essentials."""
    rollback = plan.rollback.commands if plan.rollback else ()
    played = tuple(command for play in plan.plays for command in play.commands())
    return (*played, *rollback, *plan.essentials)


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
        "templates": sum(len(p.templates) for p in plays)
        + sum(duty.template is not None for duty in plan.duties),
        "channels": len(plan.channels),
        "status texts": len(plan.status_page.texts) if plan.status_page else 0,
        "audiences": len(plan.audiences),
        "rollback items": len(plan.rollback.checklist) if plan.rollback else 0,
        "duties": len(plan.duties),
        "queries": len(plan.queries),
        "contacts": len(plan.contacts),
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


def _as_text(path: Path, data: bytes, compiled: Compiled) -> str:
    parts = [paint(f"{path}", "bold")]
    if compiled.plan is not None:
        parts.append(_summary(compiled.plan))
    if compiled.problems:
        lines = read_text(data, str(path)).lines
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
