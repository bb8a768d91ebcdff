"""Documents, held against what surrounds them: folder, rules, policy, settings, ShellCheck."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from playcall.beside import with_files
from playcall.cli.console import Unreadable, find_documents, read_bytes
from playcall.core.alert_rule import Rule
from playcall.core.compiler import Compiled, compile_document
from playcall.core.compiler.text import read_text
from playcall.core.place import Level, Place, Problem
from playcall.core.plan import Command, Plan

if TYPE_CHECKING:
    from playcall.settings import Settings

FEW = 20  # documents; ShellCheck takes longer for one than Playcall for ten
MANY = 100  # documents; fewer are done before other processes have started


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Files beside the documents themselves; None: not given."""

    rules: Path | None
    policy: Path | None
    settings: Path | None
    shellcheck: str  # "always", "never"; "auto": for a few documents
    ignored: frozenset[str]  # codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A file and what was found in it; of a rule or policy file there is no plan."""

    path: Path
    data: bytes
    compiled: Compiled

    def with_problems(self, found: Sequence[Problem]) -> "Checked":
        """Those of the problems that have their place in this file."""
        more = (problem for problem in found if problem.place.file == str(self.path))
        both = (*self.compiled.problems, *more)
        ordered = sorted(both, key=lambda p: (p.place.line, p.place.column, p.code))
        return replace(self, compiled=replace(self.compiled, problems=tuple(ordered)))


def check_documents(names: Sequence[str], around: Surroundings) -> list[Checked]:
    """Raises Unreadable."""
    paths = find_documents(names)
    rules = _read_rules(around.rules) if around.rules else ()
    checked = _compile_all(paths, rules)
    found = list[Problem]()
    ignored = around.ignored
    if around.policy:
        checked, stale = _rule(around.policy, checked)
        found += stale
    if around.rules:
        found += _compare(around.rules, rules, checked)
    if around.settings:
        settings = _read_settings(around.settings)
        ignored |= frozenset(settings.ignore)
        found += _unbound(around.settings, settings, checked)
    if around.shellcheck == "always" or (around.shellcheck == "auto" and len(paths) <= FEW):
        found += [problem for each in checked for problem in _shellcheck(each)]
    others = [_without_plan(path) for path in (around.policy, around.rules) if path]
    told = [each.with_problems(found) for each in (*_among_plays(checked), *others)]
    return [_without(each, ignored) for each in told]


def every_command(plan: Plan) -> tuple[Command, ...]:
    """All commands of a plan: plays, rollback, essentials."""
    rollback = plan.rollback.commands if plan.rollback else ()
    played = tuple(command for play in plan.plays for command in play.commands())
    return (*played, *rollback, *plan.essentials)


def _compile_all(paths: Sequence[Path], rules: Sequence[Rule]) -> list[Checked]:
    """Many documents by as many processes as there are processors. Raises Unreadable."""
    if len(paths) < MANY or not hasattr(os, "fork"):
        return [_compile(path, rules) for path in paths]
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial
    from multiprocessing import get_context

    with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
        return list(pool.map(partial(_compile, rules=rules), paths, chunksize=MANY // 4))


def _compile(path: Path, rules: Sequence[Rule]) -> Checked:
    data = read_bytes(path)
    compiled = compile_document(data, str(path), rules)
    if str(path) != "-":
        compiled = with_files(compiled, path)
    return Checked(path=path, data=data, compiled=compiled)


def _without_plan(path: Path) -> Checked:
    return Checked(path=path, data=read_bytes(path), compiled=Compiled(plan=None, problems=()))


def _without(checked: Checked, codes: frozenset[str]) -> Checked:
    kept = tuple(p for p in checked.compiled.problems if p.code not in codes)
    return replace(checked, compiled=replace(checked.compiled, problems=kept))


def _among_plays(checked: Sequence[Checked]) -> Sequence[Checked]:
    """Beside documents with plays, one without any is a page of its own kind, and no error."""
    if not any(each.compiled.plan and each.compiled.plan.plays for each in checked):
        return checked

    def eased(problem: Problem) -> Problem:
        return replace(problem, level=Level.NOTE) if problem.code == "PC101" else problem

    return [
        replace(
            each,
            compiled=replace(each.compiled, problems=tuple(map(eased, each.compiled.problems))),
        )
        for each in checked
    ]


def _read_rules(path: Path) -> tuple[Rule, ...]:
    """Raises Unreadable."""
    from playcall.rulefile import BadRuleFile, read_rules

    try:
        return read_rules(path)
    except BadRuleFile as error:
        raise Unreadable(str(error)) from error


def _compare(path: Path, rules: Sequence[Rule], checked: Sequence[Checked]) -> Sequence[Problem]:
    from playcall.core.coverage import compare

    return compare(_plans(checked), rules, str(path))


def _plans(checked: Sequence[Checked]) -> list[Plan]:
    return [each.compiled.plan for each in checked if each.compiled.plan]


def _rule(path: Path, checked: Sequence[Checked]) -> tuple[list[Checked], set[Problem]]:
    """With a policy's rulings, and those that fit no document. Raises Unreadable."""
    from playcall.core.policy import apply_policy
    from playcall.policyfile import BadPolicy, read_policy

    try:
        rulings = read_policy(path)
    except BadPolicy as error:
        raise Unreadable(str(error)) from error
    done, stale = list[Checked](), list[set[Problem]]()
    for each in checked:
        if each.compiled.plan is not None:
            plan, left = apply_policy(each.compiled.plan, rulings, str(path))
            each = replace(each, compiled=replace(each.compiled, plan=plan))
            stale.append(set(left))
        done.append(each)
    return done, set.intersection(*stale) if stale else set()


def _read_settings(path: Path) -> "Settings":
    """Raises Unreadable."""
    from playcall.settings import BadSettings, read_settings

    try:
        return read_settings(path)
    except BadSettings as error:
        raise Unreadable(str(error)) from error


def _unbound(path: Path, settings: "Settings", checked: Sequence[Checked]) -> Iterator[Problem]:
    """Rungs that the settings bind to nobody."""
    bound = {role.strip().lower() for role, who in settings.on_call.items() if who}
    bound |= {*settings.schedules, *settings.people}
    bound |= {person.name.lower() for person in settings.people.values()}
    for plan in _plans(checked):
        for rung in plan.rungs:
            for role in rung.roles:
                if role.lower() not in bound:
                    yield Problem(
                        code="PC422",
                        level=Level.ERROR,
                        place=Place(file=plan.source, line=rung.line),
                        what=f"{role!r} is paged here, and {path} binds nobody to it.",
                        mend="Add a line for it to [on_call].",
                    )


def _shellcheck(checked: Checked) -> Sequence[Problem]:
    from playcall.shellcheck import check_commands

    plan = checked.compiled.plan
    if plan is None:
        return ()
    lines = read_text(checked.data, str(checked.path)).lines
    return check_commands(every_command(plan), str(checked.path), lines)
