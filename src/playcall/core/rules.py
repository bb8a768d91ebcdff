"""The alerting rules, routes and rule tests that a plan implies, as plain values. Pure.

The shapes are Prometheus' and Alertmanager's: a rule group, a route tree, a unit test of rules.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from playcall.core.plan import Comparison, Criterion, Plan, Play, Purpose

_SIGNS = {
    Comparison.BELOW: "<",
    Comparison.AT_MOST: "<=",
    Comparison.ABOVE: ">",
    Comparison.AT_LEAST: ">=",
}
_STEP = 15  # seconds from one sample of a rule test to the next
_SAMPLES = 400
_LONGEST_WINDOW = timedelta(minutes=10)  # of a rate


def rule_groups(plan: Plan) -> dict[str, Any]:
    """A rule file: a rule for every play whose symptoms can be measured."""
    rules = [rule for play in plan.plays if (rule := _rule(play, plan))]
    return {"groups": [{"name": _group_name(plan), "rules": rules}]} if rules else {"groups": []}


def plays_without_rule(plan: Plan) -> tuple[str, ...]:
    """Plays that no symptom with a query leads to."""
    return tuple(play.alert for play in plan.plays if not _measured(play))


def routes(plan: Plan, webhook: str, token_file: str) -> dict[str, Any]:
    """An Alertmanager configuration that delivers every alert of the plan to `webhook`."""
    names = "|".join(dict.fromkeys(re.escape(play.alert) for play in plan.plays))
    receiver = {
        "url": webhook,
        "send_resolved": True,
        "http_config": {"authorization": {"credentials_file": token_file}},
    }
    route: dict[str, Any] = {
        "receiver": "elsewhere",
        "group_by": ["alertname"],
        "group_wait": "1s",
        "group_interval": "10s",
        "repeat_interval": "1h",
    }
    if names:
        ours = {"receiver": "playcall", "matchers": [f'alertname=~"{names}"'], "continue": True}
        route["routes"] = [ours]
    return {
        "route": route,
        "receivers": [{"name": "elsewhere"}, {"name": "playcall", "webhook_configs": [receiver]}],
    }


def rule_tests(plan: Plan, rule_file: str) -> dict[str, Any]:
    """For every threshold of a metric, a rate or a quantile of one: just beyond it the alert fires
    once its time has passed, at the other side it does not."""
    tests = [
        test
        for play in plan.plays
        if len(measured := _measured(play)) == 1
        for test in _tests(play, measured[0], plan)
    ]
    return {"rule_files": [rule_file], "evaluation_interval": "15s", "tests": tests}


def _rule(play: Play, plan: Plan) -> dict[str, Any] | None:
    measured = _measured(play)
    if not measured:
        return None
    labels = {"severity": (play.severity or "warning").lower(), **_team(play, plan)}
    told = "; ".join(criterion.text for criterion in measured)
    return {
        "alert": play.alert,
        "expr": " and ".join(_expressions(measured)),
        **_for(measured),
        "labels": labels,
        "annotations": {
            "summary": _escaped(told),
            "runbook_url": f"{plan.source}#{play.alert.lower()}",
            "playbook_line": str(play.line),
        },
    }


def _measured(play: Play) -> list[Criterion]:
    """The symptoms that Prometheus can see. The first is what the alert is for: further ones of a
    play describe what else is seen, and are kept only where they speak of the same query."""
    found = [c for c in play.criteria if c.purpose is Purpose.SYMPTOM and c.query]
    return found[:1]


def _expressions(criteria: Iterable[Criterion]) -> list[str]:
    return [
        f"{_operand(c.query or '')} {_SIGNS[c.comparison]} {c.threshold:.12g}" for c in criteria
    ]


def _operand(query: str) -> str:
    """A query that an operator may follow: comparisons bind more loosely than arithmetic, and
    "and", "or", "unless" and comparisons more loosely still."""
    one = " ".join(query.split())
    plain = re.fullmatch(r"[\w:]+(?:\{[^{}]*\})?|[a-z_]+\s*\((?:[^()]|\([^()]*\))*\)", one)
    return one if plain else f"({one})"


def _for(criteria: Iterable[Criterion]) -> dict[str, str]:
    longest = max((c.holds_for for c in criteria), default=timedelta(0))
    return {"for": _span(longest)} if longest else {}


def _span(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _team(play: Play, plan: Plan) -> dict[str, str]:
    """The label of the team that the play itself escalates to, where the table knows it."""
    whom = (play.escalation.whom or "").lower() if play.escalation else ""
    for team in plan.teams:
        if team.value and team.value.lower() in whom.split():
            return {team.label: team.value}
    return {}


def _group_name(plan: Plan) -> str:
    return " ".join(plan.title.split()) or "playbook"


def _escaped(text: str) -> str:
    """Annotations are templates: braces of a document are text."""
    return text.replace("{{", "{ {").replace("}}", "} }")


def _tests(play: Play, criterion: Criterion, plan: Plan) -> list[dict[str, Any]]:
    """None for a query whose shape is not one of `_SHAPES`."""
    beyond, within = _sides(criterion)
    fires, quiet = _input(criterion, beyond), _input(criterion, within)
    rule = _rule(play, plan)
    if not fires or not quiet or rule is None:
        return []
    wait = criterion.holds_for + _LONGEST_WINDOW + timedelta(minutes=1)
    alert = {
        "exp_labels": {**_kept_labels(criterion.query or ""), **rule["labels"]},
        "exp_annotations": rule["annotations"],
    }
    return [
        _test(f"{play.alert} fires at {beyond:g}", fires, wait, play.alert, [alert]),
        _test(f"{play.alert} is quiet at {within:g}", quiet, wait, play.alert, []),
    ]


def _sides(criterion: Criterion) -> tuple[float, float]:
    """A value that breaks the threshold, and one that does not."""
    step = abs(criterion.threshold) * 0.05 or 1.0
    up, down = criterion.threshold + step, criterion.threshold - step
    rises = criterion.comparison in (Comparison.ABOVE, Comparison.AT_LEAST)
    return (up, down) if rises else (down, up)


def _input(criterion: Criterion, value: float) -> list[dict[str, str]]:
    """Series for which the query gives `value`, or nearly; none where that is not known."""
    query = " ".join((criterion.query or "").split())
    for pattern, made in _SHAPES:
        if found := pattern.fullmatch(query):
            return made(found["metric"], value)
    return []


def _level(selector: str, value: float) -> list[dict[str, str]]:
    return [{"series": _series(selector), "values": f"{value:.12g}x{_SAMPLES}"}]


def _rising(selector: str, value: float) -> list[dict[str, str]]:
    """A counter that grows by `value` in a second."""
    return [{"series": _series(selector), "values": f"0+{value * _STEP:.12g}x{_SAMPLES}"}]


def _buckets(selector: str, value: float) -> list[dict[str, str]]:
    """A histogram with everything between just below `value` and `value`."""
    grows = f"0+{100 * _STEP}x{_SAMPLES}"
    return [
        {"series": _series(selector, le=f"{value * 0.999:.12g}"), "values": f"0x{_SAMPLES}"},
        {"series": _series(selector, le=f"{value:.12g}"), "values": grows},
        {"series": _series(selector, le="+Inf"), "values": grows},
    ]


def _test(
    name: str, series: list[dict[str, str]], wait: timedelta, alert: str, fires: list[Any]
) -> dict[str, Any]:
    return {
        "name": name,
        "interval": f"{_STEP}s",
        "input_series": series,
        "alert_rule_test": [{"eval_time": _span(wait), "alertname": alert, "exp_alerts": fires}],
    }


def _series(selector: str, **more: str) -> str:
    """A series that the selector finds: patterns are left out, for no value is sure to fit."""
    name = selector.partition("{")[0]
    labels = {**_labels_of(selector), **more}
    inside = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{inside}}}" if inside else name


def _labels_of(selector: str) -> dict[str, str]:
    return dict(re.findall(r'([a-zA-Z_]\w*)\s*=\s*"([^"]*)"', selector))


def _kept_labels(query: str) -> dict[str, str]:
    """What an aggregation takes away is not on the alert."""
    return {} if "(" in query else _labels_of(query)


_METRIC = r"(?P<metric>[a-zA-Z_:][\w:]*(?:\{[^{}]*\})?)"
_RATE = rf"(?:rate|irate)\(\s*{_METRIC}\s*\[\w+\]\s*\)"
_BY = r"(?:\s*by\s*\([\w\s,]*\)\s*)?"
_SHAPES = (
    (re.compile(rf"(?:avg|min|max|sum)?\s*\(?\s*{_METRIC}\s*\)?"), _level),
    (re.compile(rf"(?:(?:avg|min|max|sum){_BY}\s*\(\s*)?{_RATE}\s*\)?"), _rising),
    (
        re.compile(
            rf"histogram_quantile\(\s*[\d.]+\s*,\s*(?:sum{_BY}\(\s*)?{_RATE}\s*\)?{_BY}\s*\)"
        ),
        _buckets,
    ),
)
