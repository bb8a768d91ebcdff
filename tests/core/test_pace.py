"""A compressed clock divides every duration and every window, and nothing else."""

from datetime import timedelta

import pytest

from playcall.core.pace import quicken, quicken_query
from playcall.testing import a_criterion, a_plan, a_play


def test_durations_and_windows_are_divided() -> None:
    plan = a_plan(a_play(criteria=(a_criterion(query="rate(x[5m])"),)))
    quick = quicken(plan, 20)
    assert [rung.after.total_seconds() for rung in quick.rungs] == [0, 15, 30, 45, 60]
    criterion = quick.plays[0].criteria[0]
    assert criterion.holds_for == timedelta(seconds=15)
    assert criterion.query == "rate(x[15000ms])"
    assert criterion.threshold == 0.5


def test_a_pace_of_one_changes_nothing() -> None:
    plan = a_plan()
    assert quicken(plan, 1) is plan


def test_a_pace_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        quicken(a_plan(), 0)


def test_subscripts_that_are_no_windows_stay() -> None:
    assert quicken_query('x{path=~"[5a]"}[1h]', 60) == 'x{path=~"[5a]"}[60000ms]'
