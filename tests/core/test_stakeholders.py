"""Stakeholders: first summary before its deadline, then at the document's pace, and the end; what a
summary says, and what it never says."""

from dataclasses import replace

import pytest

from playcall.core import events as ev
from playcall.core.decide import decide
from playcall.core.effects import Inform, Moved, Page, Refused
from playcall.core.facts import gather
from playcall.core.incident import Part
from playcall.core.judge import Judgement, Verdict
from playcall.core.pace import quicken
from playcall.core.response import FactQuery, UpdatePolicy
from playcall.core.stakeholders import compose
from playcall.core.updates import state_of, title_of
from playcall.testing import NOON, an_alert, minutes
from tests.core.responding import resolved
from tests.core.telling import CRITICAL, Walk, telling_plan

PLAN = telling_plan()
URL = "http://playcall.example/incidents/1"


def reopened(minute: float) -> ev.Reopened:
    again = an_alert(starts_at=NOON + minutes(minute))
    return ev.Reopened(at=NOON + minutes(minute), alerts=(again,))


def severity(walk: Walk, level: str) -> None:
    walk.do(ev.SeverityChanged(at=walk.at, by="ada", severity=level, reason="as it is"))


def test_a_critical_incident_over_an_hour() -> None:
    walk = Walk.of(PLAN).to(59)
    times = [4, 19, 34, 49]
    assert walk.when(ev.StakeholdersTold) == times
    assert walk.informed() == [(at, role) for at in times for role in ("VP Engineering", "CTO")]
    walk.do(resolved(59))
    assert walk.when(ev.StakeholdersTold) == [*times, 59]
    last = [one for _, one in walk.effects if isinstance(one, Inform)][-1]
    assert (last.number, last.next_at) == (5, None)
    assert walk.to(120).when(ev.StakeholdersTold)[-1] == 59


def test_a_high_one_is_slower_and_goes_to_others() -> None:
    walk = Walk.of(PLAN, severity="HIGH").to(80)
    assert walk.informed("High Priority") == [
        (12, "Engineering Manager"),
        (42, "Engineering Manager"),
        (72, "Engineering Manager"),
    ]
    assert walk.informed() == []


def test_each_summary_has_a_deadline_and_wakes_nobody() -> None:
    walk = Walk.of(PLAN).to(19.5)
    informed = [one for _, one in walk.effects if isinstance(one, Inform)]
    assert {one.due_at for one in informed} == {NOON + minutes(5), NOON + minutes(20)}
    assert not any(isinstance(one, Page) and one.role == "CTO" for _, one in walk.effects)


def test_what_is_over_at_once_is_told_once() -> None:
    walk = Walk.of(PLAN).to(2)
    walk.do(resolved(2))
    assert walk.when(ev.StakeholdersTold) == [2]


def test_a_severity_that_changes_brings_its_own_audience() -> None:
    walk = Walk.of(PLAN, severity="HIGH").to(13)
    severity(walk, "CRITICAL")
    walk.to(50)
    assert walk.informed("High Priority") == [(12, "Engineering Manager")]
    assert [at for at, _ in walk.informed()] == [17, 17, 32, 32, 47, 47]
    walk.do(resolved(50))
    assert walk.informed("High Priority")[-1] == (50, "Engineering Manager")  # it is owed the end
    assert walk.informed()[-1] == (50, "CTO")


def test_whoever_heard_of_nothing_is_owed_no_end() -> None:
    walk = Walk.of(PLAN, severity="HIGH").to(2)
    severity(walk, "WARNING")
    walk.do(resolved(3))
    assert walk.when(ev.StakeholdersTold) == []


def test_opened_again_they_hear_of_it_anew() -> None:
    walk = Walk.of(PLAN).to(5)
    walk.do(resolved(6))
    walk.do(reopened(10))
    walk.to(15)
    assert walk.when(ev.StakeholdersTold) == [4, 6, 14]
    numbers = [one.number for _, one in walk.effects if isinstance(one, Inform)]
    assert numbers == [1, 1, 2, 2, 3, 3]


def test_maintenance_is_no_news_and_a_compressed_clock_keeps_the_proportions() -> None:
    held = Walk.of(PLAN, quiet_until=NOON + minutes(20), quiet_reason="maintenance").to(25)
    assert held.when(ev.StakeholdersTold) == [24]
    assert Walk.of(quicken(PLAN, 20)).to(1).when(ev.StakeholdersTold) == [0.2, 0.95]


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": None},
        {"recipients": ()},
        {"first_within": None, "every": None},
    ],
)
def test_an_audience_that_says_too_little_has_no_times(changes: dict[str, object]) -> None:
    audience = replace(CRITICAL, **changes)  # type: ignore[arg-type]
    walk = Walk.of(replace(PLAN, audiences=(audience,))).to(60)
    assert walk.when(ev.StakeholdersTold) == []


def test_one_without_a_cadence_hears_the_beginning_and_the_end() -> None:
    walk = Walk.of(replace(PLAN, audiences=(replace(CRITICAL, every=None),))).to(60)
    walk.do(resolved(60))
    assert walk.when(ev.StakeholdersTold) == [4, 60]


def test_a_summary_that_missed_its_time_is_on_record_once() -> None:
    walk = Walk.of(PLAN).to(6)
    missed = ev.StakeholdersMissed(
        at=walk.at, audience=CRITICAL.name, role="CTO", due_at=NOON + minutes(5)
    )
    walk.do(missed)
    assert isinstance(decide(walk.incident, missed, PLAN), Refused)
    other = replace(missed, role="VP Engineering")
    assert isinstance(decide(walk.incident, other, PLAN), Moved)


# --- what it says --------------------------------------------------------------------------------


def summary(walk: Walk, readings: dict[str, Judgement] | None = None) -> str:
    plan = walk.plan
    facts = gather(
        walk.incident,
        plan,
        walk.at,
        title=title_of(walk.incident, plan),
        state=state_of(walk.incident, plan),
        readings=readings,
    )
    effect = [one for _, one in walk.effects if isinstance(one, Inform)][-1]
    message = compose(walk.incident, effect, facts, URL)
    assert message.link == URL
    assert not message.urgent
    return f"{message.subject}\n{message.body}"


def reading(value: float | None) -> Judgement:
    return Judgement(verdict=Verdict.HOLDS, value=value, since=None)


def test_a_summary_says_what_how_bad_since_when_what_now_and_when_more() -> None:
    policy = UpdatePolicy(facts=(FactQuery(name="migrations affected", promql="sum(x)"),))
    walk = Walk.of(telling_plan(policy)).to(4)
    walk.do(ev.PartTaken(at=walk.at, by="cleo", part=Part.COMMANDER, person="cleo"))
    assert summary(walk, {"fact: migrations affected": reading(1234.4)}) == (
        "[CRITICAL] Slow moves (incident 1, update 1)\n"
        "What: Slow moves\n"
        "Severity: CRITICAL\n"
        "Since: 2026-03-01 12:00 UTC, 4 min ago\n"
        "Impact: 1,234 migrations affected\n"
        "Now: The cause is being looked for. cleo leads.\n"
        "Next update: 2026-03-01 12:19 UTC"
    )


def test_what_was_not_measured_is_not_said() -> None:
    policy = UpdatePolicy(facts=(FactQuery(name="moves", promql="sum(x)"),))
    walk = Walk.of(telling_plan(policy)).to(4)
    for unknown in (None, float("nan"), float("inf")):
        assert "Impact: not measured yet" in summary(walk, {"fact: moves": reading(unknown)})
    assert "Impact: Latency 587 ms" in summary(walk, {"recovery": reading(0.587)})


def test_the_last_summary_says_that_it_is_over() -> None:
    walk = Walk.of(PLAN).to(10)
    walk.do(resolved(10))
    said = summary(walk)
    assert said.startswith("[RESOLVED] Slow moves (incident 1, update 2)")
    assert "lasted 10 min" in said
    assert said.endswith("Now: It is over.\nThis is the last update.")


def test_no_word_of_an_alert_reaches_a_stakeholder() -> None:
    """Titles, labels and annotations are whatever a sender put there."""
    hostile = "db1.internal `rm -rf /` <!channel>\r\nBcc: all@example.org \u202e"
    alert = replace(
        an_alert(host=hostile), annotations={"summary": hostile, "description": "x" * 10_000}
    )
    walk = Walk.of(PLAN, alerts=(alert,), title=hostile).to(4)
    said = summary(walk)
    for word in ("db1", "rm -rf", "channel", "Bcc", "LatencyHigh", "\u202e", "restart"):
        assert word not in said
    assert len(said) < 400
