"""Now beside what was usual: published answers, properties that must hold, and chance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playcall.statistics.baseline import compare, effect_of
from playcall.statistics.trend import Point
from tests.statistics.test_trend import STEP, noise

WEEK = 7 * 86400.0


def at(numbers: object, start: float, step: float = STEP) -> list[Point]:
    return [(start + step * i, float(v)) for i, v in enumerate(numbers)]  # type: ignore[arg-type, var-annotated]


def test_the_tortoise_and_the_hare() -> None:
    """The textbook's race, T H H H H H T T T T T H: U is 11 for one and 25 for the other."""
    places = "THHHHHTTTTTH"
    tortoise = [12 - i for i, who in enumerate(places) if who == "T"]
    hare = [12 - i for i, who in enumerate(places) if who == "H"]
    found = compare(at(hare, WEEK), at(tortoise, 0), STEP)
    assert found.u == 25
    assert found.delta == pytest.approx((25 - 11) / 36)
    assert found.effect == "medium"


def test_a_small_sample_has_the_p_of_the_tables() -> None:
    """U = 0 for 3 beside 5: 2 / C(8, 3), in every table. Every second value is up, so that no
    neighbour resembles the other."""
    found = compare(at([11, 13, 12], WEEK), at([3, 1, 4, 2, 5], 0), STEP)
    assert (found.u, found.delta) == (15, 1)
    assert found.independent == 3
    assert found.p == pytest.approx(2 / 56)


def test_the_shift_is_the_median_of_all_differences() -> None:
    # 10, 12, 17 less 1, 2, 4: 9 8 6, 11 10 8, 16 15 13
    found = compare(at([10, 12, 17], WEEK), at([1, 2, 4], 0), STEP)
    assert found.shift == 10
    assert found.shift_low <= 10 <= found.shift_high


def test_the_usual_is_told_by_its_median_and_spread() -> None:
    found = compare(at([5] * 5, WEEK), at(range(101), 0), STEP)
    usual = found.usual
    assert (usual.count, usual.median, usual.mad, usual.low, usual.high) == (101, 50, 25, 5, 95)


@pytest.mark.parametrize(
    ("delta", "word"),
    [(0.1, "negligible"), (-0.2, "small"), (0.4, "medium"), (-0.474, "large"), (1, "large")],
)
def test_effects_have_the_words_of_the_paper(delta: float, word: str) -> None:
    assert effect_of(delta) == word


def test_what_never_varied_may_differ_all_the_same() -> None:
    same = compare(at([7] * 20, WEEK), at([7] * 200, 0), STEP)
    assert (same.usual.mad, same.delta, same.p, same.differs) == (0, 0, 1, False)
    other = compare(at([9] * 20, WEEK), at([7] * 200, 0), STEP)
    assert (other.shift, other.delta, other.differs) == (2, 1, True)


def test_infinite_values_are_the_largest() -> None:
    rng = np.random.default_rng(1)
    found = compare(at([math.inf] * 20, WEEK), at(rng.normal(5, 1, 200), 0), STEP)
    assert (found.now, found.shift, found.differs) == (math.inf, math.inf, True)
    usual = compare(at([math.inf] * 20, WEEK), at([math.inf] * 200, 0), STEP)
    assert (usual.usual.mad, usual.shift, usual.differs) == (0, 0, False)


def test_a_clear_difference_is_seen_even_in_what_resembles_itself() -> None:
    rng = np.random.default_rng(2)
    found = compare(at(np.array(noise(rng, 20, 0.9)) - 40, WEEK), at(noise(rng, 480, 0.9), 0), STEP)
    assert found.differs
    assert found.independent < 10
    assert found.shift_low < found.shift < found.shift_high < 0


@given(
    st.lists(st.integers(0, 99), min_size=5, max_size=12),
    st.lists(st.integers(0, 99), min_size=20, max_size=40),
    st.integers(1, 9),
    st.integers(-99, 99),
)
@settings(max_examples=30, deadline=None)
def test_it_moves_and_grows_with_the_metric(
    now: list[int], before: list[int], by: int, up: int
) -> None:
    one = compare(at(now, WEEK), at(before, 0), STEP)
    other = compare(
        at([by * v + up for v in now], WEEK), at([by * v + up for v in before], 0), STEP
    )
    assert other.shift == pytest.approx(by * one.shift)
    assert other.usual.mad == pytest.approx(by * one.usual.mad)
    assert (other.delta, other.p) == pytest.approx((one.delta, one.p))


@given(st.integers(0, 1000), st.floats(-1e6, 1e6))
@settings(max_examples=30, deadline=None)
def test_a_fifth_of_wild_values_hardly_moves_it(seed: int, wild: float) -> None:
    rng = np.random.default_rng(seed)
    now, before = rng.normal(110, 1, 20), rng.normal(100, 1, 200)
    before[rng.choice(200, 40, replace=False)] = wild
    now[rng.choice(20, 4, replace=False)] = wild
    found = compare(at(now, WEEK), at(before, 0), STEP, at_least=0.05)
    assert found.usual.median == pytest.approx(100, abs=1)
    assert found.shift == pytest.approx(10, abs=2)


@pytest.mark.parametrize(("memory", "most"), [(0.0, 0.03), (0.8, 0.04), (0.95, 0.13)])
def test_noise_is_seldom_called_different(memory: float, most: float) -> None:
    rng = np.random.default_rng(12)
    wrong = sum(
        compare(
            at(noise(rng, 20, memory), WEEK), at(noise(rng, 480, memory), 0), STEP, at_least=0
        ).differs
        for _ in range(100)
    )
    assert wrong / 100 <= most
