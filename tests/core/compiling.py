"""Builders for compiler tests: a small document without problems, and parts to exchange in it."""

from playcall.core.compiler import Compiled, compile_document
from playcall.core.plan import Plan, Play

SEVERITIES = """\
| Level | Response Time | Escalation | Wake On-Call | Examples |
|-------|---------------|------------|--------------|----------|
| **CRITICAL** | <5 minutes | Immediate | YES | a full disk |
| **INFO** | Best effort | None | NO | news |
"""

PATH = """\
```
ALERT STARTS
    ↓
On-Call Primary (Page)
    ↓ (5 minutes, no ACK)
Team Lead (Call)
```
"""

PLAY = """\
### DiskAlmostFull

**Severity:** CRITICAL

#### Symptoms
- Disk usage >90% for 2+ minutes

#### Actions

1. **Look**
   ```bash
   # How full is it
   df -h
   ```

2. **End**
   - Verify disk usage <80% for 5 consecutive minutes
"""

QUERIES = """\
```promql
# Disk Usage
max(node_disk_usage_ratio)
```
"""


def a_document(
    *, severities: str = SEVERITIES, path: str = PATH, play: str = PLAY, queries: str = QUERIES
) -> str:
    parts = ("# Disks\n", severities, "## Escalation\n", path, "## Plays\n", play, "## Queries\n")
    return "\n".join((*parts, queries))


def compiled(text: str | bytes) -> Compiled:
    return compile_document(text.encode() if isinstance(text, str) else text, "disks.md")


def plan_of(text: str | bytes) -> Plan:
    plan = compiled(text).plan
    assert plan is not None
    return plan


def play_of(text: str | bytes) -> Play:
    plan = plan_of(text)
    assert len(plan.plays) == 1
    return plan.plays[0]


def codes(text: str | bytes) -> list[str]:
    return [problem.code for problem in compiled(text).problems]


def covers_every_line_once(plan: Plan, count: int) -> bool:
    following = 1
    for use in plan.lines:
        if use.first != following or use.last < use.first:
            return False
        following = use.last + 1
    return following == count + 1
