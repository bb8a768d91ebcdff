"""Plays beside the alerting rules they are for: who has no counterpart, and who disagrees. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from playcall.core.place import Level, Place, Problem
from playcall.core.plan import Comparison, Criterion, Plan, Play, Purpose

_ENDS = re.compile(
    r"^(?P<query>.*?)\s*(?P<sign><=|>=|<|>)\s*(?P<number>-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\s*$",
    re.DOTALL | re.IGNORECASE,
)
_SIGNS = {
    "<": Comparison.BELOW,
    "<=": Comparison.AT_MOST,
    ">": Comparison.ABOVE,
    ">=": Comparison.AT_LEAST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An alerting rule as a rule file has it; `line` counts from 1."""

    alert: str
    expr: str
    labels: tuple[tuple[str, str], ...]
    line: int


def compare(plans: Sequence[Plan], rules: Sequence[Rule], rule_file: str) -> tuple[Problem, ...]:
    """Problems with their places in the rule file, or in a plan's document."""
    plays = {play.alert: (play, plan) for plan in plans for play in plan.plays}
    found: list[Problem] = []
    for rule in rules:
        if rule.alert not in plays:
            found.append(_without_play(rule, rule_file))
            continue
        play, plan = plays[rule.alert]
        found += _labels(rule, plan, rule_file)
        found += _thresholds(rule, play, plan)
    ruled = {rule.alert for rule in rules}
    found += [
        _without_rule(p, plan, rule_file) for p, plan in plays.values() if p.alert not in ruled
    ]
    return tuple(found)


def _without_play(rule: Rule, rule_file: str) -> Problem:
    return Problem(
        code="PC413",
        level=Level.WARNING,
        place=Place(file=rule_file, line=rule.line),
        what=f"{rule.alert} can fire, and no play answers it.",
        mend="Write a play with its name, or take the rule away.",
    )


def _without_rule(play: Play, plan: Plan, rule_file: str) -> Problem:
    return Problem(
        code="PC414",
        level=Level.WARNING,
        place=Place(file=plan.source, line=play.line),
        what=f"{play.alert} has a play, and no rule in {rule_file} ever fires it.",
        mend="Write a rule with its name: 'playcall rules' proposes one.",
    )


def _labels(rule: Rule, plan: Plan, rule_file: str) -> Iterable[Problem]:
    labels = dict(rule.labels)
    severity = labels.get("severity", "")
    if severity and plan.severities and plan.severity(severity.upper()) is None:
        known = ", ".join(each.level for each in plan.severities)
        yield _unknown(rule, rule_file, "severity", severity, known)
    for name in dict.fromkeys(team.label for team in plan.teams):
        value = labels.get(name)
        values = [team.value for team in plan.teams if team.label == name]
        if value is not None and value not in values:
            yield _unknown(rule, rule_file, name, value, ", ".join(values))


def _unknown(rule: Rule, rule_file: str, name: str, value: str, known: str) -> Problem:
    return Problem(
        code="PC415",
        level=Level.WARNING,
        place=Place(file=rule_file, line=rule.line),
        what=f"{rule.alert} has {name}={value!r}, which no table of the document knows.",
        mend=f"Use one of {known}, or add it to the table.",
    )


def _thresholds(rule: Rule, play: Play, plan: Plan) -> Iterable[Problem]:
    ends = _ENDS.match(rule.expr)
    if ends is None:
        return
    for criterion in play.criteria:
        if criterion.purpose is Purpose.SYMPTOM and _is_same(criterion, ends["query"]):
            sign, number = _SIGNS[ends["sign"]], float(ends["number"])
            if (sign, number) != (criterion.comparison, criterion.threshold):
                yield _contradicted(rule, criterion, plan, f"{ends['sign']} {ends['number']}")


def _is_same(criterion: Criterion, query: str) -> bool:
    return re.sub(r"[\s()]", "", criterion.query or "") == re.sub(r"[\s()]", "", query)


def _contradicted(rule: Rule, criterion: Criterion, plan: Plan, ruled: str) -> Problem:
    return Problem(
        code="PC416",
        level=Level.WARNING,
        place=Place(file=plan.source, line=criterion.line),
        what=f"{criterion.text!r} says {criterion.written}, and the rule of {rule.alert} {ruled}.",
        mend="Let both say the same: people read this, and Prometheus reads that.",
    )
