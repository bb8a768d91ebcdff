"""What two plans of one document say differently, in words; another line is no difference."""

from dataclasses import replace
from datetime import timedelta

from playcall.core.plan import EffectClass, Plan, Play
from playcall.core.plan_changes import changes
from playcall.testing import a_command, a_criterion, a_plan, a_play
from tests.core.proposing import DOCUMENT, the_plan


def told(old: Plan, new: Plan) -> list[str]:
    return [f"{one.kind} {one.where}: {one.what}" for one in changes(old, new)]


def with_play(**changed: object) -> Plan:
    play: Play = replace(a_play(), **changed)  # type: ignore[arg-type]
    return replace(a_plan(), plays=(play,))


def test_what_only_moved_has_not_changed() -> None:
    moved = the_plan("\n\n" + DOCUMENT)
    assert told(the_plan(), moved) == []


def test_a_command_is_known_again_by_its_text_and_then_by_its_number() -> None:
    old = replace(
        a_plan(), plays=(a_play(commands=(a_command("1.1"), a_command("2.1", text="x"))),)
    )
    raised = a_command("1.2", effect=EffectClass.CHANGE)
    new = replace(a_plan(), plays=(a_play(commands=(raised, a_command("2.1", text="y"))),))
    assert told(old, new) == [
        "changed LatencyHigh: command 1.2, “uptime”: its class is raised, observe → change",
        "changed LatencyHigh: command 2.1: x → y",
    ]
    assert "lowered, change → observe" in told(new, old)[0]


def test_a_limit_a_window_and_a_severity() -> None:
    other = replace(a_criterion(), threshold=0.7, written="700ms", holds_for=timedelta(minutes=1))
    said = told(with_play(), with_play(criteria=(other,), severity="HIGH"))
    name = "criterion “latency <500ms for 5 minutes” (recovery)"
    assert said == [
        "changed LatencyHigh: severity: CRITICAL → HIGH",
        f"changed LatencyHigh: {name}: limit: < 500ms → < 700ms",
        f"changed LatencyHigh: {name}: must hold: 5 min → 60 s",
    ]


def test_what_came_and_what_went() -> None:
    text = DOCUMENT.replace("3. **Drain**", "3. **Drain it**").replace("# Queue Latency", "# Queue")
    said = told(the_plan(), the_plan(text))
    assert "added QueueSlow: step 3 “Drain it”" in said
    assert "removed QueueSlow: step 3 “Drain”" in said
    assert "removed Queries: Queue Latency" in said
    assert told(a_plan(), replace(a_plan(), plays=())) == ["removed LatencyHigh: the play"]
    path = told(a_plan(), replace(a_plan(), rungs=a_plan().rungs[1:]))
    assert path
    assert path[0].startswith("removed Escalation path: ")
