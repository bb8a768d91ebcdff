"""What a plan implies for Prometheus and Alertmanager, proven by their own tools."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from playcall.core import rules
from playcall.core.compiler import compile_document
from playcall.core.plan import Plan

PLAY = """
# Shop

| Severity | Response | Escalation | Examples |
|---|---|---|---|
| CRITICAL | <5 minutes | 10 minutes | x |

## ShopIsSlow

**Severity:** CRITICAL

### Symptoms

- {claim}

### Actions

1. **Look**

   ```bash
   kubectl get pods
   ```

## Queries

```promql
# {name}
{query}
```
"""


def plan_of(claim: str, name: str, query: str) -> Plan:
    text = PLAY.format(claim=claim, name=name, query=query)
    plan = compile_document(text.encode(), "shop.md").plan
    assert plan
    return plan


def tool(*words: str | Path) -> None:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def written(path: Path, value: Any) -> Path:
    path.write_text(yaml.safe_dump(value, sort_keys=False), "utf-8")
    return path


@pytest.mark.parametrize(
    ("claim", "name", "query", "expr", "tests"),
    [
        ("Queue length above 500 for 5 minutes", "Queue length", "max(shop_queue_length)", ">", 2),
        ("Stock below 20% for 2 minutes", "Stock", 'shop_stock_ratio{kind="all"}', "<", 2),
        ("Error rate >10 errors/sec", "Error rate", "sum(rate(shop_errors_total[5m]))", ">", 2),
        (
            "P99 latency >500ms for 2+ minutes",
            "P99 latency",
            "histogram_quantile(0.99, sum(rate(shop_seconds_bucket[5m])) by (le))",
            ">",
            2,
        ),
        ("Backlog above 5 for 1 hour", "Backlog", "shop_a - shop_b > 0 or shop_c", ">", 0),
    ],
)
def test_rules_are_taken_by_promtool_and_hold_at_both_sides_of_the_threshold(
    tmp_path: Path, claim: str, name: str, query: str, expr: str, tests: int
) -> None:
    plan = plan_of(claim, name, query)
    made = rules.rule_groups(plan)
    (rule,) = made["groups"][0]["rules"]
    assert rule["alert"] == "ShopIsSlow"
    assert f" {expr} " in rule["expr"]
    assert rule["labels"] == {"severity": "critical"}
    assert rule["annotations"]["runbook_url"] == "shop.md#shopisslow"
    tool("promtool", "check", "rules", written(tmp_path / "rules.yml", made))
    cases = rules.rule_tests(plan, "rules.yml")
    assert len(cases["tests"]) == tests
    tool("promtool", "test", "rules", written(tmp_path / "test.yml", cases))


def test_a_rule_test_fails_where_the_rule_says_something_else(tmp_path: Path) -> None:
    plan = plan_of("Queue length above 500", "Queue length", "max(shop_queue_length)")
    made = rules.rule_groups(plan)
    made["groups"][0]["rules"][0]["expr"] = "max(shop_queue_length) > 400"
    written(tmp_path / "rules.yml", made)
    path = written(tmp_path / "test.yml", rules.rule_tests(plan, "rules.yml"))
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, check=False)
    assert done.returncode == 1


def test_routes_lead_every_alert_to_playcall(tmp_path: Path) -> None:
    plan = plan_of("Queue length above 500", "Queue length", "max(shop_queue_length)")
    made = rules.routes(plan, "http://127.0.0.1:8000/hook", "token")
    path = written(tmp_path / "alertmanager.yml", made)
    tool("amtool", "check-config", path)
    config = f"--config.file={path}"
    ours = ["amtool", "config", "routes", "test", config, "alertname=ShopIsSlow"]
    assert subprocess.check_output(ours, text=True).strip() == "playcall"
    other = [*ours[:-1], "alertname=Other"]
    assert subprocess.check_output(other, text=True).strip() == "elsewhere"


def test_a_play_that_nothing_measures_has_no_rule_and_is_named() -> None:
    plan = plan_of("Customers complain", "Queue length", "max(shop_queue_length)")
    assert rules.rule_groups(plan) == {"groups": []}
    assert rules.plays_without_rule(plan) == ("ShopIsSlow",)


def test_braces_of_a_document_are_no_template(tmp_path: Path) -> None:
    plan = plan_of("Queue length above 500 for 5 minutes {{ x", "Queue length", "max(shop_q)")
    tool("promtool", "check", "rules", written(tmp_path / "r.yml", rules.rule_groups(plan)))
