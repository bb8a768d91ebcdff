"""A question of a decision tree that is a measurable sentence is joined to a query; no other is."""

import pytest

from playcall.core import events as ev
from playcall.core.judge import Verdict
from playcall.core.plan import Comparison, Criterion, Plan, Play, Purpose
from playcall.core.verification import recovery_criteria
from playcall.testing import NOON, a_plan, an_opening, minutes
from tests.core.compiling import PLAY, QUERIES, a_document, codes, compiled
from tests.core.responding import moved, read

LATENCY = """
```promql
# P99 Latency
histogram_quantile(0.99, sum(rate(request_seconds_bucket[5m])) by (le))
```
"""


def a_deciding_document(first: str, second: str = "Is the fix risky?", yes: str = "YES") -> str:
    tree = f"""
3. **Decide**
   ```
   {first}
   ├─ NO → ROLLBACK
   └─ {yes}
       └─ {second}
          ├─ YES → ROLLBACK
          └─ NO → Apply hotfix
   ```
"""
    return a_document(play=PLAY + tree, queries=QUERIES + LATENCY)


def play_of(text: str) -> Play:
    plan = compiled(text).plan
    assert plan is not None
    return plan.plays[0]


def asked(play: Play) -> list[Criterion]:
    return [c for c in play.criteria if c.purpose is Purpose.QUESTION]


@pytest.mark.parametrize(
    ("text", "comparison", "threshold", "query"),
    [
        ("Is P99 latency below 500 ms?", Comparison.BELOW, 0.5, "P99 Latency"),
        ("P99 latency >500ms?", Comparison.ABOVE, 0.5, "P99 Latency"),
        ("Is the P99 latency still above 0.5 s?", Comparison.ABOVE, 0.5, "P99 Latency"),
        ("Has disk usage dropped below 80%?", Comparison.BELOW, 0.8, "Disk Usage"),
    ],
)
def test_a_measurable_question_has_its_criterion(
    text: str, comparison: Comparison, threshold: float, query: str
) -> None:
    play = play_of(a_deciding_document(text))
    [criterion] = asked(play)
    [step] = [step for phase in play.phases for step in phase.steps if step.decision]
    assert step.decision is not None
    assert step.decision.criterion == criterion.id == "question.1"
    assert (criterion.comparison, criterion.threshold, criterion.query_name, criterion.text) == (
        comparison,
        threshold,
        query,
        text,
    )
    inner = step.decision.answers[1].questions[0]
    assert (inner.text, inner.criterion) == ("Is the fix risky?", None)


@pytest.mark.parametrize(
    "text",
    [
        "Can we fix it in <15 minutes?",
        "Is the queue longer than 500 ms?",
        "Is queue depth below 10?",
        "Do we know the cause?",
    ],
)
def test_what_no_query_speaks_of_is_a_question_for_a_person(text: str) -> None:
    document = a_deciding_document(text)
    assert asked(play_of(document)) == []
    assert set(codes(document)) == set(codes(a_deciding_document("Do we know the cause?")))


def test_a_question_without_yes_or_no_is_not_measured() -> None:
    assert asked(play_of(a_deciding_document("Is P99 latency below 500 ms?", yes="SLOWLY"))) == []


def test_the_same_question_twice_is_one_criterion() -> None:
    text = "Is P99 latency below 500 ms?"
    assert len(asked(play_of(a_deciding_document(text, second=text)))) == 1


def test_a_question_neither_ends_an_incident_nor_contradicts_its_limits() -> None:
    document = a_deciding_document("Is disk usage below 70%?", second="Is disk usage above 95%?")
    play = play_of(document)
    assert len(asked(play)) == 2
    plan = a_plan(play)
    incident = moved(None, an_opening(play=play.alert), plan).incident
    assert all(c.purpose is Purpose.RECOVERY for c in recovery_criteria(incident, plan))
    assert set(codes(document)) == set(codes(a_deciding_document("Do we know the cause?")))


def test_a_question_that_was_measured_before_it_is_asked_is_answered_at_once() -> None:
    play = play_of(
        a_deciding_document("Do we know the cause?", second="Is P99 latency above 500 ms?")
    )
    plan: Plan = a_plan(play)
    incident = moved(None, an_opening(play=play.alert), plan).incident
    incident = moved(incident, read(Verdict.HOLDS, 1, "question.1"), plan).incident
    assert incident.answers == {}
    answer = ev.QuestionAnswered(at=NOON + minutes(2), by="ada", question="3", answer="YES")
    incident = moved(incident, answer, plan).incident
    assert [(given.answer, given.measured) for given in incident.answers.values()] == [
        ("YES", False),
        ("YES", True),
    ]
