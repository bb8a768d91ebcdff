"""Documents in other teams' styles: their headings, tables, paths and scripts."""

import pytest

from playcall.core.compiler import compile_document
from playcall.core.compiler.shell import split_commands
from playcall.core.plan import EffectClass, Plan, Purpose
from playcall.core.ranks import same_rank

SERVICE = """
# Cache service

## CacheMemoryHigh

**Priority:** P1

### Trigger

Memory usage above 85% for 10m

### Triage

```bash
NODE=$(kubectl get pods -l app=cache -o name)
kubectl describe "$NODE"
```

### Fix

```bash
flush() {
  redis-cli -h "$1" memory purge
}
flush cache-1
redis-cli -h cache-1 info memory
```

### Step 4: Verify

Memory usage below 70% for 5 minutes.

## Escalation

Engineer on call → (15 min) → Team lead → (45 min, critical) → CTO

## Severities

| Priority | Time to respond | Page |
|---|---|---|
| SEV-1 | 5 min | yes |
| SEV-2 | 30 min | no |

## Communication

Post to **#cache-incidents**. Our status page,
https://status.example.org, is updated every 20 minutes.

| Stakeholder | When | Frequency |
|---|---|---|
| Support | SEV-1 | every 30 minutes |

## Contacts

| Who | Role | Phone |
|---|---|---|
| Ann | Team lead | +49 30 1234 |

## Follow-up

Within 2 days:

- Write it down

## Key metrics

```promql
# Memory usage
max(cache_memory_used_ratio)
```
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    found = compile_document(SERVICE.encode(), "cache.md").plan
    assert found is not None
    return found


def test_a_trigger_is_a_symptom_and_what_stands_below_verify_is_a_recovery(plan: Plan) -> None:
    found = [(c.purpose, c.comparison.value, c.threshold) for c in plan.plays[0].criteria]
    assert found == [(Purpose.SYMPTOM, ">", 0.85), (Purpose.RECOVERY, "<", 0.7)]
    assert {c.query for c in plan.plays[0].criteria} == {"max(cache_memory_used_ratio)"}


def test_a_priority_is_a_severity_and_p1_means_sev_1(plan: Plan) -> None:
    assert plan.plays[0].severity == "SEV-1"


def test_what_sets_a_variable_or_a_function_stays_with_what_uses_it(plan: Plan) -> None:
    look, fix, check = plan.plays[0].commands()
    assert look.text.count("\n") == 1
    assert look.effect is EffectClass.OBSERVE
    assert fix.text.endswith("flush cache-1")
    assert fix.effect is EffectClass.CHANGE
    assert check.text == "redis-cli -h cache-1 info memory"
    assert check.effect is EffectClass.OBSERVE


def test_a_path_in_one_line_is_read_like_one_from_top_to_bottom(plan: Plan) -> None:
    rungs = [(r.roles[0], r.after.total_seconds() / 60, r.condition.value) for r in plan.rungs]
    assert rungs == [
        ("Engineer on call", 0, "always"),
        ("Team lead", 15, "always"),
        ("CTO", 45, "critical"),
    ]


def test_people_channels_pages_and_duties_in_other_words(plan: Plan) -> None:
    assert [channel.name for channel in plan.channels] == ["#cache-incidents"]
    assert plan.status_page is not None
    assert plan.status_page.every.total_seconds() == 20 * 60
    assert [(a.severity, a.recipients) for a in plan.audiences] == [("SEV-1", ("Support",))]
    assert [(c.role, c.name) for c in plan.contacts] == [("Team lead", "Ann")]
    assert [(d.title, d.within.days) for d in plan.duties] == [("Follow-up", 2)]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("A=1\nuptime\ndf", ["A=1", "uptime", "df"]),
        ("A=1\nuptime\necho $A\ndf", ["A=1\nuptime\necho $A", "df"]),
        ("export A=1\nuptime\ndf", ["export A=1\nuptime\ndf"]),
        ("uptime\ncd /var/log\nls\nls x", ["uptime", "cd /var/log\nls\nls x"]),
        ("A=1\nB=$A\necho ${B}\ndf", ["A=1\nB=$A\necho ${B}", "df"]),
        ("A=1 uptime\necho $A", ["A=1 uptime", "echo $A"]),
    ],
)
def test_lines_are_kept_together_up_to_the_last_that_needs_the_first(
    block: str, expected: list[str]
) -> None:
    assert [piece.text for piece in split_commands(block)] == expected


@pytest.mark.parametrize(
    ("asked", "levels", "index"),
    [
        ("P1", ["SEV-1", "SEV-2"], 0),
        ("critical", ["SEV-1", "SEV-2"], 0),
        ("critical", ["P0", "P1"], 0),
        ("high", ["P0", "P1"], 1),
        ("sev2", ["CRITICAL", "HIGH", "WARNING"], 1),
        ("page", ["CRITICAL", "HIGH"], 0),
        ("P4", ["P1", "P2"], None),
        ("purple", ["P1", "P2"], None),
        ("", ["P1"], None),
    ],
)
def test_severities_are_known_by_names_that_mean_the_same(
    asked: str, levels: list[str], index: int | None
) -> None:
    assert same_rank(asked, levels) == index
