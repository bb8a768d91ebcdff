"""A plan on a compressed clock: every duration, and every window in its queries, divided by one
factor. For demos and drills only; what a plan says otherwise is untouched."""

import re
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from playcall.core.plan import Criterion, NamedQuery, Plan, Translation
from playcall.core.response import FactQuery, FigureQuery

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_WINDOW = re.compile(r"\[\s*(\d+)(ms|[smhdwy])\s*\]")
# How long a command takes, and how soon somebody presses, does not change with our clock.
_OF_THE_WORLD = ("time_limit", "stand_for")
_PROMQL_FIELDS = {
    Criterion: "query",
    NamedQuery: "promql",
    FactQuery: "promql",
    FigureQuery: "promql",
}

T = TypeVar("T")


def quicken(plan: Plan, factor: float) -> Plan:
    """The plan with every duration divided by `factor` (1 leaves it as it is)."""
    if factor <= 0:
        raise ValueError(f"the pace must be above 0, not {factor}")
    return plan if factor == 1 else _quicken(plan, factor)


def quicken_query(promql: str, factor: float) -> str:
    """The query with its range windows (`[5m]`) divided by `factor`, in milliseconds."""

    def shorten(window: re.Match[str]) -> str:
        seconds = int(window[1]) * _UNITS[window[2]]
        return f"[{max(1, round(seconds * 1000 / factor))}ms]"

    return _WINDOW.sub(shorten, promql)


def _quicken(value: T, factor: float) -> T:
    if isinstance(value, timedelta):
        return value / factor  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(_quicken(item, factor) for item in value)  # type: ignore[return-value]
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes: dict[str, Any] = {
        field.name: _quicken(getattr(value, field.name), factor)
        for field in fields(value)
        if field.name not in _OF_THE_WORLD
    }
    query = _query_field(value)
    if query and changes[query]:
        changes[query] = quicken_query(changes[query], factor)
    return replace(value, **changes)


def _query_field(value: object) -> str | None:
    if isinstance(value, Translation):
        return "text" if value.kind == "promql" else None
    return _PROMQL_FIELDS.get(type(value))
