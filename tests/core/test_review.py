"""What a review asks, what it reckons, and how it is told; every number computed by hand."""

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from playcall.core import events as ev
from playcall.core.chart import Chart, Mark, Series, holes, runs
from playcall.core.chart_numbers import kept, numbers
from playcall.core.incident import RunStatus
from playcall.core.plan import Comparison, Duty, EffectClass, NamedQuery, Plan, Purpose, Template
from playcall.core.report import write_report
from playcall.core.response import FactQuery, FigureQuery, ReviewPolicy
from playcall.core.review import Review, joined, worth_keeping
from playcall.core.review_asks import Window, asks, judged, unit_of, window
from playcall.core.review_dashboard import as_dashboard
from playcall.core.review_figures import answer, from_charts, questions, say_exactly
from playcall.core.review_marks import MOST, marks
from playcall.core.review_words import describe
from playcall.testing import (
    NOON,
    a_command,
    a_criterion,
    a_plan,
    a_play,
    an_opening,
    minutes,
)

STEP = timedelta(seconds=60)


def a_chart(*series: dict[int, float], **changes: object) -> Chart:
    """Series by minutes since noon."""
    chart = Chart(
        name="latency",
        title="Latency",
        query="latency",
        unit="s",
        start=NOON,
        end=NOON + minutes(10),
        step=STEP,
        series=[
            Series(name=f'{{pod="{n}"}}', points=[(NOON + minutes(m), v) for m, v in one.items()])
            for n, one in enumerate(series)
        ],
        limit=0.5,
        well=Comparison.BELOW,
    )
    return replace(chart, **changes)  # type: ignore[arg-type]


def a_review(*charts: Chart, **changes: object) -> Review:
    review = Review(
        charts=charts,
        figures=(),
        measured_at=NOON + minutes(10),
        start=NOON,
        end=NOON + minutes(10),
        fired_at=NOON + minutes(2),
        over_at=NOON + minutes(8),
        n=3,
    )
    return replace(review, **changes)  # type: ignore[arg-type]


# --- what is asked -------------------------------------------------------------------------------


def queried(*named: tuple[str, str], **play: object) -> Plan:
    plan = a_plan(a_play(**play))  # type: ignore[arg-type]
    return replace(plan, queries=tuple(NamedQuery(name=n, promql=q, line=1) for n, q in named))


def test_each_query_is_asked_once_those_of_the_play_first() -> None:
    own = a_criterion("own", query="max( latency )")
    plan = queried(("Up", "up"), ("Latency, max", "max( latency )"), criteria=[own])
    plan = replace(plan, queries=(*plan.queries, replace(plan.queries[0], name="Up again")))
    found = asks(plan, plan.plays[0])
    assert [(one.name, one.query) for one in found] == [
        ("latency-max", "max( latency )"),
        ("up-again", "up"),
    ]
    assert (found[0].limit, found[0].well) == (own.threshold, own.comparison)
    assert (found[1].limit, found[1].well) == (None, None)


def test_names_of_charts_are_different_and_good_in_addresses() -> None:
    plan = queried(("../Ä b?", "a"), ("../ä B!", "b"), ("<>", "c"))
    plan = replace(plan, plays=())
    assert [one.name for one in asks(plan, None)] == ["b", "b-2", "query"]


def test_what_alarms_a_symptom_is_what_is_not_well() -> None:
    symptom = replace(a_criterion("s", query="q"), purpose=Purpose.SYMPTOM)
    symptom = replace(symptom, comparison=Comparison.ABOVE)
    plan = queried(criteria=[symptom])
    assert asks(plan, plan.plays[0])[0].well is Comparison.AT_MOST
    recovery = replace(a_criterion("r", query="q"), comparison=Comparison.BELOW)
    both = a_play(criteria=[symptom, recovery])
    assert [one.id for one in judged(both)] == ["r"]  # the same limit from its other side


@pytest.mark.parametrize("lasted", [0.5, 12, 60, 600, 9 * 1440, 100 * 1440])
def test_whatever_it_lasts_there_are_some_hundred_points(lasted: float) -> None:
    over = NOON + minutes(lasted)
    seen = window(NOON, over, over + minutes(60), ReviewPolicy())
    assert 290 <= (seen.end - seen.start) / seen.step <= 601
    assert seen.end == over + minutes(5)
    assert (NOON - seen.start) % seen.step == timedelta()
    assert minutes(60) <= NOON - seen.start < minutes(60) + seen.step
    now = window(NOON, over, over, ReviewPolicy())
    assert (now.start, now.end, now.step) == (seen.start, over, seen.step)


@pytest.mark.parametrize(
    ("query", "unit"),
    [
        ("histogram_quantile(0.99, sum(rate(x_seconds_bucket[5m])) by (le))", "s"),
        ("avg(x_bytes_per_second)", "B/s"),
        ("sum(rate(x_bytes_total[5m]))", "B/s"),
        ("sum(rate(x_total[5m]))", "1/s"),
        ("x_compliance", ""),
        ("node_memory_bytes", "B"),
        ("up", ""),
    ],
)
def test_a_unit_is_found_in_the_words_of_a_query(query: str, unit: str) -> None:
    assert unit_of(query) == unit


# --- what is reckoned ----------------------------------------------------------------------------


def test_a_missing_step_is_a_hole_and_nothing_is_assumed_in_it() -> None:
    chart = a_chart({0: 0.1, 1: 0.1, 2: 0.6, 6: 0.7, 7: 0.2, 8: 0.1}, {6: 0.9})
    assert holes(chart) == (
        (NOON + minutes(3), NOON + minutes(6)),
        (NOON + minutes(9), NOON + minutes(10)),
    )
    first = chart.series[0]
    assert [len(piece) for piece in runs(first, STEP)] == [3, 3]
    found = kept(chart, 0.5, Comparison.BELOW, NOON + minutes(2), NOON + minutes(8))
    assert (found.beyond, found.measured, found.whole) == (minutes(2), minutes(3), minutes(6))
    assert found.unmeasured == 0.5
    assert found.worst == (NOON + minutes(6), 0.9)  # of the worse series
    assert holes(a_chart()) == ((NOON, NOON + minutes(10)),)


def test_a_reading_stands_until_the_next_step_and_no_longer_than_the_incident() -> None:
    chart = a_chart({2: 0.6})
    half = NOON + minutes(2.5)
    assert kept(chart, 0.5, Comparison.BELOW, NOON + minutes(2), half).beyond == minutes(0.5)
    early = kept(chart, 0.5, Comparison.BELOW, half, NOON + minutes(8))
    assert early.beyond == minutes(0.5)
    at_once = kept(chart, 0.5, Comparison.BELOW, NOON + minutes(2), NOON + minutes(2))
    assert (at_once.beyond, at_once.unmeasured) == (timedelta(), 0)


def test_where_less_is_worse_the_least_series_counts() -> None:
    chart = a_chart({2: 5, 3: 1}, {2: 2, 3: 9}, well=Comparison.ABOVE, limit=3)
    found = numbers(chart, NOON, NOON + minutes(10))
    assert found
    assert (found.least, found.most, found.last, found.worst) == (1, 2, 1, (NOON + minutes(3), 1))
    assert (chart.alarming, a_chart().alarming, a_chart(limit=None).alarming) == (
        "below",
        "above",
        "",
    )


def test_a_quantile_is_a_value_that_was_measured() -> None:
    found = numbers(
        a_chart(dict(enumerate([3.0, 1, 2, 4, 5, 6, 7, 8, 9, 10]))), NOON, NOON + STEP * 9
    )
    assert found
    assert (found.median, found.p95) == (5, 10)
    assert numbers(a_chart({1: 3}), NOON + minutes(2), NOON + minutes(3)) is None


def test_a_violated_limit_is_told_with_its_worst_value_and_what_is_not_known() -> None:
    recovery = replace(a_criterion("r", query="latency"), threshold=0.5, written="500ms", unit="s")
    span = (NOON + minutes(2), NOON + minutes(8))
    chart = a_chart({2: 0.812, 3: 0.6, 4: 0.1, 6: 0.1, 7: 0.5})
    (figure,) = from_charts([chart], a_play(criteria=[recovery]), span)
    assert figure.text == (
        "SLA, Latency < 500ms: violated for 3 min of 6 min; worst 812 ms at 12:02:00 UTC; "
        "17 % of the time was not measured"
    )
    assert (figure.value, figure.unit) == (3, "min")
    (gone,) = from_charts([a_chart(trouble="no route")], a_play(criteria=[recovery]), span)
    assert gone.value is None
    assert gone.text == "SLA, Latency < 500ms: not known, no route"


def test_the_settings_and_the_document_say_what_is_counted() -> None:
    plan = queried(
        ("Error Rate", 'sum(rate(errors_total{job="a"}[5m]))'),
        ("Failed share", "sum(rate(errors_total[5m])) / sum(rate(jobs_total[5m]))"),
        ("Throughput", "sum(rate(bytes_total[5m]))"),
        ("Jobs", "increase(jobs_total[1h])"),
    )
    updates = replace(
        plan.response.updates,
        facts=(
            FactQuery(name="jobs hurt", promql="sum(increase(hurt_total[5m]))"),
            FactQuery(name="waiting", promql="sum(queue)"),
            FactQuery(name="LOST", promql="lost"),
            FactQuery(name="still waiting", promql="sum(queue)"),
        ),
    )
    figures = (FigureQuery(name="Lost", promql="100 * increase(x[$window]) / 3", unit="%"),)
    response = replace(plan.response, updates=updates, review=ReviewPolicy(figures=figures))
    seen = window(NOON, NOON + minutes(12.34), NOON + minutes(20), ReviewPolicy())
    asked = questions(replace(plan, response=response), seen)
    assert [(one.name, one.query) for one in asked] == [
        ("Lost", "100 * increase(x[741s]) / 3"),
        ("jobs hurt", "sum(increase(hurt_total[741s]))"),
        ("waiting", "sum(queue)"),
        ("Error Rate", 'sum(increase(errors_total{job="a"}[741s]))'),
        ("Jobs", "sum(increase(jobs_total[741s]))"),
    ]
    texts = [answer(one, 1203.7).text for one in asked[:4]]
    assert texts == [
        "Lost: 1,204 %",
        "jobs hurt: 1,204",
        "waiting: 1,204 when it ended",
        "Error Rate: 1,204 in all",
    ]
    assert answer(asked[0], math.nan).value is None
    assert answer(asked[0], None, "no route").text == "Lost: not known, no route"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.2, "0.2 s"), (45, "45 s"), (440, "7 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_are_said_to_the_second(seconds: float, said: str) -> None:
    assert say_exactly(timedelta(seconds=seconds)) == said


def test_what_prometheus_has_forgotten_stays_on_file() -> None:
    earlier, later = a_review(a_chart({2: 1, 3: 2})), a_review(a_chart(trouble="gone"))
    both = joined(earlier, later)
    assert both.charts == earlier.charts
    assert not worth_keeping(earlier, both)
    longer = replace(later, over_at=NOON + minutes(9))
    assert joined(earlier, longer) == longer
    assert worth_keeping(earlier, longer)
    assert worth_keeping(later, earlier)


# --- what happened meanwhile ---------------------------------------------------------------------


def test_marks_are_bounded_and_the_turns_are_among_them() -> None:
    change = a_command("2.1", effect=EffectClass.CHANGE)
    plan = a_plan(a_play(commands=[a_command("1.1"), change]))
    play = plan.plays[0]
    many: list[ev.Event] = [an_opening(play=play.alert)]
    look = ev.Acknowledged(at=NOON + minutes(200), by="ada")
    for n in range(25_000):
        at = NOON + timedelta(seconds=n)
        many.append(ev.CommandBegun(at=at, command=("1.1", "2.1")[n % 2], run=f"{n}"))
        many.append(
            ev.CommandFinished(
                at=at,
                command="2.1",
                run=f"{n}",
                status=RunStatus.SUCCEEDED,
                exit_code=0,
                summary="ok",
            )
        )
    many.append(look)
    many.append(ev.Resolved(at=NOON + minutes(500), by="ada", cause=""))
    found = marks(many, plan, play)
    assert len(found) == MOST
    assert (found[0].text, found[0].n) == ("fired", 1)
    assert (found[-1].text, found[-1].n) == ("resolved", 50_003)
    texts = [one.text for one in found]
    assert [text for text in texts if text not in (change.title, "fired", "resolved")] == [
        "12464 more until 18:56:03",
        "acknowledged by ada",
    ]
    assert [one.at for one in found] == sorted(one.at for one in found)


# --- how it is told ------------------------------------------------------------------------------

TITLE = "An alert"
FOREIGN = 'x](http://evil/p.png) ![y"'


def test_a_picture_links_to_our_server_with_its_facts_in_words() -> None:
    chart = a_chart({0: 0.1, 3: 0.8, 4: 0.1}, title=FOREIGN)
    events: list[ev.Event] = [an_opening(), ev.Resolved(at=NOON + minutes(8), by="ada", cause="")]
    text = write_report(events, a_plan(), "http://p", a_review(chart)).markdown
    pictures = [line for line in text.split("\n") if line.startswith("![")]
    assert len(pictures) == 1
    assert pictures[0].endswith("](http://p/incidents/1/charts/latency.svg)")
    assert "beyond it for 1 min of 6 min of the incident" in pictures[0]
    assert "](http://evil" not in text.replace("\\](", "")
    assert "| 100 ms | 100 ms | 800 ms | 800 ms | 100 ms | 1 min | 67 % |" in text
    alone = write_report(events, a_plan(), None, a_review(chart)).markdown
    assert "![" not in alone.replace("!\\[", "")
    assert "800 ms" in alone
    assert describe(a_chart(trouble="no route"), a_review()) == "Latency: not measured, no route"


TEMPLATES = [
    ("# X\n## Impact\n- [who]\n## Actions\n- [ ] [what]", ["Impact", "Metrics", "Actions"]),
    ("# X\n## Why\n[why]\n## Actions\n- [ ] [what]", ["Why", "Metrics", "Actions"]),
    ("# X\n## Why\n[why]", ["Why", "Metrics"]),
    ("# X\n## Graphs\n[paste them]\n## Impact\n[who]", ["Graphs", "Impact"]),
]


@pytest.mark.parametrize(("body", "headings"), TEMPLATES)
def test_charts_stand_where_the_template_has_a_place_for_them(
    body: str, headings: list[str]
) -> None:
    template = Template(name="x", subject=None, body=body, fields=(), line=1, last_line=9)
    duty = Duty(title="x", within=minutes(60), items=(), template=template, line=1)
    plan = replace(a_plan(), duties=(duty,))
    review = a_review(a_chart({3: 0.1}))
    lines = write_report([an_opening()], plan, "", review).markdown.split("\n")
    assert [line[3:] for line in lines if line.startswith("## ")] == headings
    place = next(name for name in headings if name in ("Metrics", "Graphs"))
    below = lines[lines.index(f"## {place}") : lines.index("### Latency") + 3]
    assert not [line for line in below[1:] if line.startswith("## ")]
    assert below[-1].startswith("![Latency")
    assert "paste them" not in "\n".join(lines)


def test_a_dashboard_has_every_query_once_and_nothing_overlaps() -> None:
    mark = Mark(at=NOON + minutes(2), text="fired", n=1)
    charts = [a_chart({2: 1}, name=f"c{n}", query=f"q{n}", marks=[mark]) for n in range(5)]
    charts[1] = replace(charts[1], well=Comparison.AT_LEAST, limit=2.0, unit="B/s")
    charts[2] = replace(charts[2], well=None, limit=None)
    made = as_dashboard(a_review(*charts), 7, TITLE)
    panels = made["panels"]
    assert [panel["targets"][0]["expr"] for panel in panels] == [f"q{n}" for n in range(5)]
    assert len({panel["id"] for panel in panels}) == 5
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    limits = [panel["fieldConfig"]["defaults"]["thresholds"]["steps"] for panel in panels]
    assert [step["color"] for step in limits[0]] == ["transparent", "red"]
    assert [step["color"] for step in limits[1]] == ["red", "transparent"]
    assert [step["value"] for step in limits[1]] == [None, 2.0]
    assert len(limits[2]) == 1
    assert [panel["fieldConfig"]["defaults"]["unit"] for panel in panels[:2]] == ["s", "Bps"]
    assert made["time"] == {"from": "2026-03-01T12:00:00.000Z", "to": "2026-03-01T12:10:00.000Z"}
    (source,) = made["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    (annotation,) = made["annotations"]["list"]
    assert annotation["titleFormat"] == "fired"
    at = datetime.fromisoformat("2026-03-01T12:02:00+00:00").timestamp()
    assert annotation["target"]["expr"] == (
        f"vector(1) and on() (abs(vector(time()) - {at:.3f}) <= 30)"
    )
    assert made["schemaVersion"] >= 39
    assert (made["uid"], made["title"]) == ("playcall-incident-7", "Incident 7: An alert")


def test_a_window_ends_no_earlier_than_it_begins() -> None:
    seen = window(NOON, NOON - minutes(5), NOON, ReviewPolicy())
    assert isinstance(seen, Window)
    assert (seen.fired_at, seen.over_at, seen.lasted) == (NOON, NOON, timedelta())
