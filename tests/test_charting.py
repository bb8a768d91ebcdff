"""Charts as pictures: what is measured is drawn, nothing else; whatever a label holds is text."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from playcall.charting import draw_png, draw_svg
from playcall.charting.scales import scale_of, span, ticks
from playcall.charting.words import NOTE, cut, lines, told_apart
from playcall.core.chart import Chart, Mark, Series
from playcall.core.plan import Comparison
from playcall.fonts import shown
from playcall.testing import NOON

STEP = timedelta(seconds=15)


def points(*numbers: int, value: float = 0.2) -> list[tuple[Any, float]]:
    return [(NOON + n * STEP, value + n % 3 / 100) for n in numbers]


def a_chart(**changes: Any) -> Chart:
    values: dict[str, Any] = {
        "name": "p99",
        "title": "P99 latency",
        "query": "histogram_quantile(0.99, rate(x_bucket[5m]))",
        "unit": "s",
        "start": NOON,
        "end": NOON + 240 * STEP,
        "step": STEP,
        "series": [Series(name="", points=points(*range(241)))],
        "limit": 0.5,
        "well": Comparison.BELOW,
    }
    return Chart(**{**values, **changes})


def drawn(chart: Chart, dark: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(draw_svg(chart, dark=dark))


def named(svg: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [one for one in svg.iter() if one.get("id") == name]


def paths(group: ElementTree.Element) -> list[str]:
    return [one.get("d", "") for one in group.iter() if one.tag.endswith("path")]


def texts(svg: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in svg.iter() if one.tag.endswith("}text")]


def test_the_limit_is_a_line_with_its_value_and_what_lies_beyond_it_is_marked() -> None:
    svg = drawn(a_chart())
    (line,) = named(svg, "limit")
    (beyond,) = named(svg, "beyond")
    at = float(paths(line)[0].split()[2])
    heights = [float(number) for number in re.findall(r"[\d.]+", paths(beyond)[0])[1::2]]
    assert max(heights) == pytest.approx(at, abs=0.1)
    assert min(heights) < at, "above it, where trouble is"
    below = re.findall(
        r"[\d.]+", paths(named(drawn(a_chart(well=Comparison.ABOVE)), "beyond")[0])[0]
    )
    assert max(float(number) for number in below[1::2]) > at
    assert "limit 500 ms" in texts(svg)
    assert not named(drawn(a_chart(limit=None)), "limit")
    assert not named(drawn(a_chart(well=None)), "beyond")


def test_a_line_ends_where_nothing_is_known_and_the_hole_is_marked() -> None:
    broken = [*range(80), *range(120, 160), 200, *range(220, 241)]
    svg = drawn(a_chart(series=[Series(name="", points=points(*broken))]))
    ((line,), holes) = (paths(named(svg, "series-0")[0]), named(svg, "hole"))
    assert line.count("M") == 3, "and one point that stands alone is a dot"
    assert len(holes) == 3
    assert "no data" in texts(svg)
    whole = drawn(a_chart())
    assert paths(named(whole, "series-0")[0])[0].count("M") == 1
    assert not named(whole, "hole")


def test_a_hole_of_one_series_is_none_where_another_was_measured() -> None:
    some = Series(name='{pod="a"}', points=points(*range(50)))
    rest = Series(name='{pod="b"}', points=points(*range(50, 241)))
    svg = drawn(a_chart(series=[some, rest]))
    assert not named(svg, "hole")
    assert len(named(svg, "series-0")) == len(named(svg, "series-1")) == 1


def test_what_happened_is_a_line_with_a_number_that_is_told_below() -> None:
    marks = [
        Mark(at=NOON + timedelta(minutes=m), text=text, n=n)
        for m, text, n in ((10, "the alert fired", 1), (30, "rolled back", 7), (99, "later", 9))
    ]
    svg = drawn(a_chart(marks=marks))
    assert len(named(svg, "mark")) == 2
    assert {"1", "7", "1 the alert fired  ·  7 rolled back"} <= set(texts(svg))
    crowd = [Mark(at=NOON + n * STEP, text=f"event {n} of many", n=n) for n in range(1, 200)]
    assert any(re.search(r"and 19\d more", text) for text in texts(drawn(a_chart(marks=crowd))))


@pytest.mark.parametrize(
    "hostile",
    [
        r"$\frac{1}{0}$ {a} \alpha^2 $",
        '</text><script>alert(1)</script> & "quoted" \x00\x1b[31m\u202egnp.exe',
        "日本語 🎉 \ud800 ﷽",
        "w" * 100_000,
        "word " * 20_000,
        "$" * 50,
    ],
)
def test_a_label_is_text_whatever_it_holds(hostile: str) -> None:
    series = [Series(name=f'{{a="{hostile}{n}"}}', points=points(*range(9))) for n in range(3)]
    marks = [Mark(at=NOON, text=hostile, n=1)]
    for chart in (
        a_chart(title=hostile, unit=hostile, series=series, marks=marks, query=hostile),
        a_chart(title=hostile, series=(), trouble=hostile),
    ):
        svg = drawn(chart)
        assert not [one for one in svg.iter() if "script" in str(one.tag)]
        said = "".join(texts(svg))
        assert not re.search("[\x00-\x1f\u202a-\u202e]", said)
        assert draw_png(chart).startswith(b"\x89PNG")
    if "frac" in hostile:
        assert hostile in texts(drawn(a_chart(title=hostile)))


def test_what_could_not_be_measured_is_said_in_words() -> None:
    trouble = "Prometheus did not answer: connection refused"
    assert trouble in texts(drawn(a_chart(series=(), trouble=trouble)))
    assert "No data in this window" in texts(drawn(a_chart(series=())))
    empty = [Series(name="a", points=[]), Series(name="b", points=[(NOON, float("nan"))])]
    assert "No data in this window" in texts(drawn(a_chart(series=empty)))


def test_of_too_many_series_those_that_went_furthest_are_drawn() -> None:
    series = [Series(name=f'{{pod="p{n}"}}', points=points(*range(9), value=n)) for n in range(12)]
    svg = drawn(a_chart(series=series, left_out=3))
    assert {"p4", "p11"} <= set(texts(svg))
    assert "p3" not in texts(svg)
    assert any("7 more series are not drawn" in text for text in texts(svg))
    assert "p0" in texts(drawn(a_chart(series=series, well=Comparison.ABOVE)))


def test_the_same_chart_gives_the_same_bytes_in_any_thread() -> None:
    marks = [Mark(at=NOON + 9 * STEP, text="x", n=1)]
    charts = [a_chart(marks=marks), a_chart(series=(), trouble="x"), a_chart(limit=None)] * 2
    with ThreadPoolExecutor(6) as pool:
        first, second, *_ = svgs = list(pool.map(draw_svg, charts))
        pngs = list(pool.map(draw_png, charts))
    assert svgs[:3] == svgs[3:]
    assert pngs[:3] == pngs[3:]
    assert first != second
    assert draw_svg(charts[0], dark=True) != first
    assert len(first) < 20_000


def test_who_hears_it_is_told_what_is_drawn() -> None:
    svg = drawn(a_chart(title="P99 <latency>"))
    assert svg.get("role") == "img"
    title, description = (
        next(one for one in svg if one.tag.endswith(n)) for n in ("title", "desc")
    )
    assert title.text == "P99 <latency>"
    assert "from 0.2 to 0.22 s; limit 0.5 s" in (description.text or "")
    assert {title.get("id"), description.get("id")} == set(svg.get("aria-labelledby", "").split())


@pytest.mark.parametrize(
    ("unit", "largest", "said"),
    [
        ("s", 0.5, "500 ms"),
        ("s", 2.0, "2 s"),
        ("seconds", 0.0005, "500 µs"),
        ("ms", 2500.0, "2.5 s"),
        ("s", 7200.0, "2 h"),
        ("B/s", 5e7, "50 MB/s"),
        ("bytes", 900.0, "900 B"),
        ("%", 1.0, "1 %"),
        ("ratio", 0.012, "1.2 %"),
        ("", 1500.0, "1.5k"),
        ("1/s", 3.0, "3 per second"),
        ("", 0.0, "0"),
        ("s", 1e308, "1 ×1e308 s"),
    ],
)
def test_units_are_those_that_a_person_would_choose(unit: str, largest: float, said: str) -> None:
    scale = scale_of(unit, [largest, -largest / 2])
    assert scale.say(largest) == said


def test_values_far_outside_of_what_can_be_read_are_drawn() -> None:
    for values in ((-1.7e308, 1.7e308), (5e-324, 0.0), (0.0, 0.0), (-3.0, -3.0), (99.9, 99.95)):
        series = [Series(name="", points=[(NOON + n * STEP, v) for n, v in enumerate(values)])]
        assert named(drawn(a_chart(series=series, limit=None)), "series-0")
    assert span([99.9, 99.95])[0] > 99
    assert span([0.2, 0.9])[0] == 0


@pytest.mark.parametrize(
    ("long", "first", "day"),
    [
        (timedelta(seconds=30), "12:00:00", "2026-03-01 UTC"),
        (timedelta(hours=1), "12:00", "2026-03-01 UTC"),
        (timedelta(hours=13), "12:00\n1 Mar", "2026-03-01 to 2026-03-02 UTC"),
        (timedelta(days=9), "3 Mar", "2026-03-01 to 2026-03-10 UTC"),
        (timedelta(days=400), None, "2026-03-01 to 2027-04-05 UTC"),
        (timedelta(0), "12:00:00", "2026-03-01 UTC"),
    ],
)
def test_the_clock_has_few_round_ticks(long: timedelta, first: str | None, day: str) -> None:
    found = ticks(NOON, NOON + long)
    assert 1 <= len(found.at) <= 7
    assert first in (None, found.texts[0])
    assert found.day == day
    assert all(0 <= at <= long.total_seconds() for at in found.at)


def test_words_are_cut_to_their_room() -> None:
    assert cut("short", NOTE, 100) == "short"
    assert NOTE.width(cut("a long name " * 9, NOTE, 100)) <= 100
    assert lines("one two three four", NOTE, NOTE.width("one two"), 2) == ["one two", "three…"]
    names = [f'{{instance="worker-{n}.example.org:9091",job="x"}}' for n in (1, 2)]
    assert told_apart(names) == ["worker-1…", "worker-2…"]
    assert told_apart(['{a="1",b="2"}', '{a="2",b="3"}']) == ['{a="1",b="2"}', '{a="2",b="3"}']
    assert told_apart(["same", "same"]) == ["same", "same"]
    assert shown("a\tb\u202ec\x00 ☐ 日") == "a b�c� ☐ �"
