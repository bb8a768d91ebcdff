"""Absence of data is never health, and a window must be whole."""

import math
from datetime import timedelta

import pytest

from playcall.core.judge import Sample, Verdict, judge
from playcall.core.plan import Comparison, Purpose
from playcall.testing import NOON, a_criterion

STEP = timedelta(seconds=15)
CRITERION = a_criterion(threshold=0.5, holds_for=timedelta(minutes=5))


def series(*values: float | None) -> list[Sample]:
    """Samples one step apart, the last at noon; None leaves one out."""
    last = len(values) - 1
    return [
        Sample(at=NOON - STEP * (last - n), value=value)
        for n, value in enumerate(values)
        if value is not None
    ]


def verdict(*values: float | None) -> Verdict:
    return judge(CRITERION, [series(*values)], NOON, STEP).verdict


def test_a_full_window_holds() -> None:
    judgement = judge(CRITERION, [series(*[0.4] * 21)], NOON, STEP)
    assert judgement.verdict is Verdict.HOLDS
    assert judgement.since == NOON - timedelta(minutes=5)


def test_one_sample_short_is_still_holding() -> None:
    assert verdict(*[0.4] * 20) is Verdict.HOLDING


def test_one_violation_starts_the_window_anew() -> None:
    judgement = judge(CRITERION, [series(*[0.4] * 30, 0.6, 0.4, 0.4)], NOON, STEP)
    assert judgement.verdict is Verdict.HOLDING
    assert judgement.since == NOON - STEP


def test_the_threshold_itself_does_not_satisfy_below() -> None:
    assert verdict(0.5) is Verdict.BROKEN


@pytest.mark.parametrize("hole", [None, math.nan])
def test_missing_data_starts_the_window_anew(hole: float | None) -> None:
    judgement = judge(CRITERION, [series(*[0.4] * 30, hole, *[0.4] * 4)], NOON, STEP)
    assert judgement.since == NOON - STEP * 3


def test_no_data_is_unknown() -> None:
    assert judge(CRITERION, [], NOON, STEP).verdict is Verdict.UNKNOWN
    assert verdict(math.nan, math.nan) is Verdict.UNKNOWN


def test_old_data_is_unknown() -> None:
    assert verdict(*[0.4] * 30, None, None) is Verdict.UNKNOWN


def test_a_recovery_must_hold_in_every_series() -> None:
    bad = judge(CRITERION, [series(*[0.4] * 21), series(*[0.6] * 21)], NOON, STEP)
    assert bad.verdict is Verdict.BROKEN
    gone = judge(CRITERION, [series(*[0.4] * 21), series(0.4, None, None)], NOON, STEP)
    assert gone.verdict is Verdict.UNKNOWN


def test_a_symptom_is_true_when_any_series_shows_it() -> None:
    symptom = a_criterion(
        purpose=Purpose.SYMPTOM, comparison=Comparison.ABOVE, holds_for=timedelta()
    )
    assert judge(symptom, [series(0.1), series(0.9)], NOON, STEP).verdict is Verdict.HOLDS
