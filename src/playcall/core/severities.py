"""Which level of the document an alert's labels mean: `critical`, `page`, `P1`, `sev-2`."""

import re
from collections.abc import Mapping, Sequence

from playcall.core.plan import Plan

LABELS = ("severity", "priority")
_WORDS = {
    "critical": "CRITICAL",
    "crit": "CRITICAL",
    "page": "CRITICAL",
    "emergency": "CRITICAL",
    "fatal": "CRITICAL",
    "error": "HIGH",
    "high": "HIGH",
    "major": "HIGH",
    "urgent": "HIGH",
    "warning": "WARNING",
    "warn": "WARNING",
    "medium": "WARNING",
    "minor": "WARNING",
    "ticket": "WARNING",
    "low": "INFO",
    "info": "INFO",
    "informational": "INFO",
    "notice": "INFO",
    "none": "INFO",
}
_RANKED = re.compile(r"(?:p|prio|priority|s|sev|severity)?[-_ ]?(\d{1,2})", re.IGNORECASE)
_GAPS = re.compile(r"[-_ ]")


def level_of(
    labels: Mapping[str, str], plan: Plan, names: Sequence[str], said: Mapping[str, str]
) -> str:
    """By the first of the labels `names` that is understood: `said` is this installation's own
    word for a value. Where none is, the document's highest level: if in doubt, wake somebody."""
    for name in names:
        value = labels.get(name, "").strip()
        level = _level(value, plan, said) if value else None
        if level is not None:
            return level
    return plan.severities[0].level if plan.severities else "CRITICAL"


def _level(value: str, plan: Plan, said: Mapping[str, str]) -> str | None:
    own = said.get(value) or said.get(value.lower())
    if own:
        return own if plan.severity(own) or not plan.severities else None
    for name in (value, _GAPS.sub("", value), _WORDS.get(value.lower(), "")):
        row = plan.severity(name) if name else None
        if row is not None:
            return row.level
    if not plan.severities:
        return _WORDS.get(value.lower())
    return _by_rank(value, plan)


def _by_rank(value: str, plan: Plan) -> str | None:
    """'P2' and 'sev-2' are the second level of a document that has no level of that name."""
    ranked = _RANKED.fullmatch(value)
    if ranked is None:
        return None
    index = max(int(ranked[1]) - 1, 0)
    return plan.severities[min(index, len(plan.severities) - 1)].level
