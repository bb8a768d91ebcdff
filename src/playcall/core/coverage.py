"""Plays beside the alerting rules they are for: who has no counterpart, and who disagrees. Pure."""

import re
from collections.abc import Iterable, Sequence

from playcall.core.alert_rule import Rule, limit_of
from playcall.core.place import Level, Place, Problem
from playcall.core.plan import Criterion, Plan, Play, Purpose


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
    limit = limit_of(rule)
    if limit is None:
        return
    ruled = limit.comparison, limit.number
    for criterion in play.criteria:
        same = criterion.purpose is Purpose.SYMPTOM and _is_same(criterion, limit.query)
        if same and ruled != (criterion.comparison, criterion.threshold):
            said = f"{limit.comparison.value} {limit.number:g}"
            yield _contradicted(rule, criterion, plan, said)


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
