"""Which hours are like those now, by the clock of a zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from playcall.statistics.usual_hours import usual_hours

BERLIN = ZoneInfo("Europe/Berlin")
FIVE = timedelta(minutes=5)
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_week_back_is_the_same_hour_of_the_week() -> None:
    end = at("2026-11-25T14:00+01:00")
    found = usual_hours(end, FIVE, timedelta(days=21), BERLIN)
    assert found.words == "the same hours of the week"
    assert len(found.spans) == 3
    start, until = found.spans[-1]
    assert (start, until) == (at("2026-11-18T12:55+01:00"), at("2026-11-18T15:00+01:00"))


@pytest.mark.parametrize("day", ["2026-03-31T09:00+02:00", "2026-10-27T09:00+01:00"])
def test_a_change_of_the_clock_moves_nothing(day: str) -> None:
    end = at(day)
    (span,) = usual_hours(end, FIVE, timedelta(days=7), BERLIN).spans
    assert [one.astimezone(BERLIN).hour for one in span] == [7, 10]
    assert abs((end - span[1]) - (timedelta(days=7) - HOUR)) == HOUR


def test_an_hour_that_is_skipped_or_comes_twice_gives_no_span_backwards() -> None:
    for day in ("2026-03-30T02:30+02:00", "2026-10-26T02:30+01:00"):
        for start, until in usual_hours(at(day), FIVE, timedelta(days=3), BERLIN).spans:
            assert HOUR < until - start <= timedelta(hours=3, minutes=5)


def test_less_than_a_week_is_the_same_hour_of_each_day() -> None:
    end = at("2026-11-25T14:00+00:00")
    found = usual_hours(end, FIVE, timedelta(days=3), ZoneInfo("UTC"))
    assert found.words == "the same hours of the day"
    assert [(end - until).days for _, until in found.spans] == [2, 1, 0]


def test_less_than_a_day_is_all_of_it_but_the_latest() -> None:
    end = at("2026-11-25T14:00+00:00")
    found = usual_hours(end, FIVE, timedelta(hours=6), ZoneInfo("UTC"))
    assert found.words == "all of it"
    assert found.spans == ((end - timedelta(hours=6), end - FIVE),)


def test_a_long_time_never_meets_itself() -> None:
    end = at("2026-11-25T14:00+00:00")
    spans = usual_hours(end, timedelta(hours=12), timedelta(days=3), ZoneInfo("UTC")).spans
    edges = [one for span in spans for one in span]
    assert edges == sorted(edges)
    assert edges[-1] <= end - timedelta(hours=12)
