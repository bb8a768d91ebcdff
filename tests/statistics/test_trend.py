"""The robust line: series whose answer is known, properties that must hold, and chance."""

import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, theilslopes

from playcall.statistics.dependence import deflated, inflation
from playcall.statistics.trend import fit

STEP = 15.0
values = st.lists(st.integers(-50, 50), min_size=12, max_size=30)


def series(numbers: object) -> list[tuple[float, float]]:
    return [(STEP * i, float(v)) for i, v in enumerate(numbers)]  # type: ignore[arg-type, var-annotated]


def test_the_slope_is_the_median_of_all_slopes_as_by_hand() -> None:
    # (0,1) (1,2) (2,4) (3,3) (4,8): slopes 1, 3/2, 2/3, 7/4, 2, 1/2, 2, -1, 2, 5; median 13/8
    found = fit([(0, 1), (1, 2), (2, 4), (3, 3), (4, 8)], 1.0)
    assert found.slope == pytest.approx(13 / 8)
    # Of 10 pairs 9 rise and one falls.
    assert found.tau == pytest.approx(0.8)
    # The line goes through the medians, (2, 3); at the last value it is at 3 + 2 * 13/8.
    assert found.now == pytest.approx(3 + 2 * 13 / 8)
    assert (found.count, found.level) == (5, 3)
    assert found.change == pytest.approx(6.5)


def test_independent_values_get_the_interval_of_the_textbook() -> None:
    """Sen (1968), as Hollander and Wolfe and as scipy compute it."""
    numbers = [9, 15, 19, 20, 45, 55, 78]
    times = [1, 2, 3, 4, 10, 12, 18]
    low, high = theilslopes(numbers, times, alpha=0.95)[2:4]
    found = fit([(float(t), float(v)) for t, v in zip(times, numbers, strict=True)], 0.1)
    assert found.slope == 4.0  # Sen's own example
    assert found.slope_low <= low <= found.slope <= high <= found.slope_high


def test_the_limit_is_met_where_the_line_meets_it() -> None:
    found = fit(series(100 + i for i in range(41)), STEP, limit=160)
    assert found.worsens
    assert found.crossing
    assert found.crossing.expected == pytest.approx(20 * STEP)
    assert found.crossing.soonest == pytest.approx(20 * STEP)
    assert not found.beyond


def test_whatever_falls_is_on_its_way_to_a_limit_below() -> None:
    rng = np.random.default_rng(4)
    numbers = [2.5e9 - 5e6 * i + 2e7 * rng.normal() for i in range(60)]
    found = fit(series(numbers), STEP, limit=2.0e9, up=False)
    assert found.worsens
    assert found.crossing
    assert found.crossing.soonest < found.crossing.expected < (found.crossing.latest or math.inf)
    assert not fit(series(numbers), STEP, limit=2.0e9, up=True).worsens


def test_past_its_limit_there_is_nothing_to_cross() -> None:
    found = fit(series(100 + i for i in range(20)), STEP, limit=110)
    assert (found.beyond, found.crossing) == (True, None)
    assert fit(series(100 - i for i in range(20)), STEP, limit=110).crossing is None


def test_a_flat_interval_end_may_never_cross() -> None:
    rng = np.random.default_rng(3)
    found = fit(series(100 + 0.005 * i + rng.normal() for i in range(60)), STEP, limit=110)
    assert found.slope > 0 > found.slope_low
    assert found.crossing
    assert found.crossing.latest is None


def test_a_constant_is_no_trend() -> None:
    found = fit(series([7.0] * 30), STEP, limit=10)
    assert (found.slope, found.p, found.tau, found.worsens) == (0, 1, 0, False)


def test_a_rise_that_is_certain_and_tiny_is_not_worth_a_word() -> None:
    tiny = series(100 + 0.01 * i for i in range(60))
    found = fit(tiny, STEP)
    assert (found.significant, found.large, found.worsens) == (True, False, False)
    assert fit(tiny, STEP, at_least=0.001).worsens
    assert fit(tiny, STEP, limit=100.9).worsens  # but it is nearly there


@given(values, st.integers(1, 9), st.integers(-99, 99))
@settings(max_examples=30, deadline=None)
def test_it_moves_and_grows_with_the_series(numbers: list[int], by: int, up: int) -> None:
    one = fit(series(numbers), STEP)
    other = fit(series(by * v + up for v in numbers), STEP)
    assert other.slope == pytest.approx(by * one.slope)
    assert other.now == pytest.approx(by * one.now + up)
    assert (other.tau, other.p) == pytest.approx((one.tau, one.p))


@given(values)
@settings(max_examples=30, deadline=None)
def test_upside_down_it_is_the_same_the_other_way(numbers: list[int]) -> None:
    one, other = fit(series(numbers), STEP), fit(series(-v for v in numbers), STEP, up=False)
    assert other.slope == pytest.approx(-one.slope)
    assert other.worsens == one.worsens


@given(st.integers(0, 1000), st.floats(-1e6, 1e6))
@settings(max_examples=30, deadline=None)
def test_a_fifth_of_wild_values_hardly_moves_it(seed: int, wild: float) -> None:
    rng = np.random.default_rng(seed)
    numbers = 100 + np.arange(50) + rng.normal(size=50)
    numbers[rng.choice(50, 10, replace=False)] = wild
    found = fit(series(numbers), STEP)
    assert found.slope * STEP == pytest.approx(1, abs=0.35)
    assert found.slope_low * STEP <= 1.2
    assert found.slope_high * STEP >= 0.8


@pytest.mark.parametrize(("memory", "most"), [(0.0, 0.07), (0.5, 0.08), (0.9, 0.10)])
def test_noise_is_seldom_called_a_trend(memory: float, most: float) -> None:
    """Also noise that remembers: Kendall's test alone is wrong about it in every second case."""
    rng = np.random.default_rng(11)
    wrong = naive = 0
    for _ in range(100):
        numbers = noise(rng, 120, memory)
        wrong += fit(series(numbers), STEP, at_least=0).worsens
        naive += bool(kendalltau(range(120), numbers).pvalue < 0.05)
    assert wrong / 100 <= most
    if memory == 0.9:
        assert naive > 30


def noise(rng: np.random.Generator, count: int, memory: float) -> list[float]:
    numbers = [100.0]
    for shock in rng.normal(size=count + 50):
        numbers.append(100 + memory * (numbers[-1] - 100) + shock)
    return numbers[-count:]


def test_neighbours_across_a_hole_are_none() -> None:
    rng = np.random.default_rng(5)
    left = noise(rng, 60, 0.9)
    times = [STEP * i for i in range(60)]
    apart = [10 * STEP * i for i in range(60)]
    whole = inflation(times, [v - median(left) for v in left], STEP)
    assert whole > 4
    assert inflation(apart, left, STEP) == 20  # nothing is known of neighbours: the most careful


def test_a_p_value_is_deflated_through_its_z() -> None:
    assert deflated(0.0455, 4.0) == pytest.approx(0.3173, abs=1e-3)  # two sigma become one
    assert deflated(0.03, 1.0) == 0.03
