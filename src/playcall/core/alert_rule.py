"""An alerting rule of Prometheus, and the limit it holds a query against. Pure."""

import re
from dataclasses import dataclass

from playcall.core.plan import Comparison

_ENDS = re.compile(
    r"^(?P<query>.*?)\s*(?P<sign><=|>=|<|>)\s*(?P<number>-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\s*$",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An alerting rule as a rule file has it; `line` counts from 1."""

    alert: str
    expr: str
    labels: tuple[tuple[str, str], ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """`query`, compared with `number` in the query's own unit."""

    query: str
    comparison: Comparison
    number: float


def limit_of(rule: Rule) -> Limit | None:
    """None for an expression that is more than one comparison with a number."""
    found = _ENDS.match(rule.expr.strip())
    if found is None:
        return None
    return Limit(
        query=found["query"],
        comparison=Comparison(found["sign"]),
        number=float(found["number"]),
    )
