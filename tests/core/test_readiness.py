"""GO, CAUTION and NO-GO from the ratio that the document's own NO-GO play measures."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from playcall.core.judge import Judgement, Verdict
from playcall.core.plan import Check, Comparison, Criterion, Play, Purpose
from playcall.core.readiness import State, advance, find_gauge, state_of
from playcall.testing import NOON, a_criterion, a_plan, a_play, minutes


def a_gauge(**changes: object) -> Criterion:
    made = a_criterion(
        "symptom.1", purpose=Purpose.SYMPTOM, holds_for=timedelta(), query="avg(compliance)"
    )
    return replace(made, unit="", written="50%", **changes)  # type: ignore[arg-type]


def a_stop(
    alert: str = "Stop", *, symptoms: Sequence[str] = ("The board shows NO-GO",), **changes: object
) -> Play:
    checks = tuple(Check(text=text, guard=None, line=1) for text in symptoms)
    play = a_play(alert, criteria=(a_criterion(), a_gauge(**changes)))
    return replace(play, symptoms=checks)


def judgement(verdict: Verdict, value: float | None = 0.7) -> Judgement:
    return Judgement(verdict=verdict, value=value, since=None)


@pytest.mark.parametrize(
    "play",
    [
        a_stop(),
        a_stop("DWCPv3RolloutNoGo", symptoms=()),
        a_stop("rollout_NO_GO", symptoms=()),
        a_stop(symptoms=("The GO/NO-GO verdict is no go",)),
    ],
    ids=lambda play: play.alert,
)
def test_the_gauge_is_the_ratio_of_the_play_that_answers_a_no_go(play: Play) -> None:
    gauge = find_gauge(a_plan(a_play(), play))
    assert gauge is not None
    assert (gauge.play, gauge.criterion.query) == (play.alert, "avg(compliance)")


@pytest.mark.parametrize(
    "play",
    [
        a_stop(symptoms=("Nothing goes",)),
        a_stop("NoGoogleLogin", symptoms=()),
        a_stop(query=None),
        a_stop(comparison=Comparison.ABOVE),
        a_stop(threshold=50.0),
        a_stop(purpose=Purpose.RECOVERY),
    ],
)
def test_nothing_else_is_a_gauge(play: Play) -> None:
    assert find_gauge(a_plan(a_play(), play)) is None


@pytest.mark.parametrize(
    ("verdict", "value", "before", "state"),
    [
        (Verdict.HOLDS, 0.3, None, State.NO_GO),
        (Verdict.HOLDING, 0.3, State.GO, State.CAUTION),
        (Verdict.HOLDING, 0.3, State.NO_GO, State.NO_GO),
        (Verdict.BROKEN, 0.5, State.NO_GO, State.CAUTION),
        (Verdict.BROKEN, 0.999, None, State.CAUTION),
        (Verdict.BROKEN, 1.0, State.NO_GO, State.GO),
        (Verdict.BROKEN, 0.1 * 10 - 1e-16, None, State.GO),
        (Verdict.UNKNOWN, None, State.GO, State.UNKNOWN),
    ],
)
def test_the_state_follows_the_reading(
    verdict: Verdict, value: float | None, before: State | None, state: State
) -> None:
    assert state_of(judgement(verdict, value), before) is state


def test_a_reading_keeps_since_when_it_is_so() -> None:
    first = advance(None, judgement(Verdict.BROKEN), NOON)
    second = advance(first, judgement(Verdict.BROKEN, 0.8), NOON + minutes(1))
    assert (second.since, second.value, second.read_at) == (NOON, 0.8, NOON + minutes(1))
    third = advance(second, judgement(Verdict.HOLDS, 0.2), NOON + minutes(2))
    assert (third.state, third.since) == (State.NO_GO, NOON + minutes(2))
