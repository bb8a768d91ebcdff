"""A document with the faults that records prove, and records of incidents that do."""

from dataclasses import replace

from playcall.core import events as ev
from playcall.core.compiler import compile_document
from playcall.core.incident import Incident, RunStatus, Status
from playcall.core.insights import Record
from playcall.core.judge import Judgement, Verdict
from playcall.core.plan import Plan
from playcall.core.proposals import Proposal, Proposed, propose
from playcall.testing import NOON, an_alert, an_opening, minutes
from tests.core.responding import after, opened

DOCUMENT = """\
# Playbook

### QueueSlow

**Severity:** CRITICAL

#### Symptoms
- Queue latency >500ms for 2 minutes

#### Immediate Actions

1. **Look**
   ```bash
   # By query
   curl -s "http://prometheus:9090/api/v1/query?query=rate(queue_total[5m])"

   # By promtool
   promtool query instant 'rate(queue_total[5m])'

   # Elsewhere
   curl -s http://127.0.0.1:9/series?match[5m]=queue
   ```

2. **Read the notes**
   ```bash
   cat /nowhere/notes.txt
   ```

3. **Drain**
   ```bash
   kubectl rollout restart deployment/queue
   ```

## Queries

```promql
# Queue Latency
queue_latency_seconds
```
"""
NAME = "queue.md"


def the_plan(text: str = DOCUMENT) -> Plan:
    plan = compile_document(text.encode(), NAME).plan
    assert plan is not None
    return plan


def a_record(
    number: int,
    *events: ev.Event,
    plan: Plan | None = None,
    play: str = "QueueSlow",
    pod: str = "",
    skipped: bool = False,
    **changes: object,
) -> Record:
    """`skipped`: the last step was; otherwise something of every step was begun."""
    plan = plan or the_plan()
    alert = an_alert(pod=pod) if pod else an_alert()
    opening = an_opening(incident=number, play=play, alerts=[alert])
    state: Incident = after(opened(plan, play=play, alerts=[alert]), plan=plan)
    state = replace(state, **{"id": number, "status": Status.RESOLVED, **changes})  # type: ignore[arg-type]
    begun = [
        ev.CommandBegun(at=NOON, command=one, run=f"{one}/9")
        for one in ("1.1", "2.1", *(() if skipped else ("3.1",)))
    ]
    return Record(incident=state, plan=plan, events=(opening, *events, *begun))


def ran(
    command: str, summary: str = "1 series", status: RunStatus = RunStatus.SUCCEEDED
) -> ev.CommandFinished:
    return ev.CommandFinished(
        at=NOON, command=command, run=f"1/{command}/1", status=status, exit_code=None,
        summary=summary,
    )  # fmt: skip


def failed(command: str, error: str, code: int = 1) -> ev.CommandFinished:
    return ran(command, f"exit code {code}: {error}", RunStatus.FAILED)


def edited(command: str, text: str) -> tuple[ev.Event, ...]:
    """A person had it run with another text, which succeeded."""
    run = f"1/{command}/2"
    asked = ev.RunEdited(
        at=NOON, by="ada", command=command, original="", text=text, diff="", effect="observe",
        reasons=(), again=True,
    )  # fmt: skip
    begun = ev.CommandBegun(at=NOON, command=command, run=run)
    return asked, begun, replace(ran(command), run=run)


def changed(command: str = "3.1") -> tuple[ev.Event, ...]:
    return ev.RunApproved(at=NOON, by="ada", command=command), ran(command, "restarted")


def broken(value: float) -> dict[str, Judgement]:
    """Readings of an incident."""
    return {"recovery.1": Judgement(verdict=Verdict.BROKEN, value=value, since=None)}


def resolved() -> ev.Resolved:
    return ev.Resolved(at=NOON + minutes(9), by="ada", cause="", unverified=True)


def proposed(*records: Record, text: str = DOCUMENT, about: int = 0) -> Proposed:
    found = propose(text.encode(), NAME, (), records, about)
    assert found is not None
    return found


def of(found: Proposed, line: int) -> Proposal:
    (one,) = [one for one in found.proposals if one.line == line]
    return one
