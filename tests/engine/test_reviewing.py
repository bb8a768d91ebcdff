"""An incident is measured by a real Prometheus, and its post-mortem says what that knows: computed
here once more, by hand, from Prometheus' own answers."""

import asyncio
import csv
import io
import json
import math
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from playcall.core.compiler import compile_document
from playcall.core.events import (
    Acknowledged,
    MetricsReviewed,
    Reopened,
    Resolved,
    ReviewAsked,
)
from playcall.core.plan import Plan
from playcall.core.response import FigureQuery, ReviewPolicy
from playcall.core.review import Review
from playcall.engine import reviewing
from playcall.engine.monitoring import RangeVector
from playcall.engine.ports import Unavailable
from playcall.prometheus import Prometheus
from playcall.testing import NOON, SetMetrics, an_alert, minutes
from tests.engine.test_failures import NoMetrics
from tests.engine.world import World
from tests.servers import prometheus, wait_until
from tests.web.site import site_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "dwcp-v3" / "playbooks.md"
ALERT = "DWCPv3LatencyP99Critical"
EVERY = 15  # seconds between two scrapes
OVER = NOON + minutes(20)
AFFECTED = "sum(increase(dwcp_v3_migration_latency_seconds_count[$window]))"
BUCKETS = ("0.1", "0.25", "0.5", "1", "+Inf")


def a_plan() -> Plan:
    plan = compile_document(EXAMPLE.read_bytes(), "playbooks.md").plan
    assert plan
    figures = (FigureQuery(name="Migrations affected", promql=AFFECTED),)
    return replace(plan, response=replace(plan.response, review=ReviewPolicy(figures=figures)))


PLAN = a_plan()


def history() -> str:
    """Two migrations a scrape, slow ones from a minute before the alert to eight minutes after it;
    throughput that nobody scraped for a while; a share that is no number for a while."""
    lines = []
    counts = dict.fromkeys(BUCKETS, 0)
    for second in range(-7200, 3600, EVERY):
        at, minute = NOON.timestamp() + second, second / 60
        slow = -1 <= minute < 8
        for bucket in BUCKETS:
            counts[bucket] += 2 if float(bucket) >= (1 if slow else 0.25) else 0
            name = "dwcp_v3_migration_latency_seconds_bucket"
            lines.append(f'{name}{{le="{bucket}"}} {counts[bucket]} {at}')
        lines.append(f"dwcp_v3_migration_latency_seconds_count {counts['+Inf']} {at}")
        lines.append(f"dwcp_v3_errors_total {max(0, second // EVERY)} {at}")
        if not 2 <= minute < 14:
            lines += [f'dwcp_v3_throughput_bytes_per_second{{host="{h}"}} 2.5e9 {at}' for h in "ab"]
        share = "NaN" if 15 <= minute < 17 else "0.25" if slow else "1"
        lines.append(f"dwcp_v3_sla_compliance {share} {at}")
    lines.sort(key=lambda line: line.rsplit(" ", 2)[0])  # by series, and in each by time
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with prometheus(history=history(), scrape_every="1m") as url:
        yield url


@pytest.fixture
async def world(server: str, tmp_path: Path) -> AsyncIterator[World]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield World(folder=tmp_path, plan=PLAN, metrics=Prometheus(server, client))


async def happen(world: World, over: datetime = OVER, fired: datetime = NOON) -> None:
    """An incident from its alert to its resolution."""
    world.clock.at = fired
    await world.receive(an_alert(ALERT, starts_at=fired))
    await world.until(lambda found: True, "there")
    await world.submit(Acknowledged(at=fired + (over - fired) / 10, by="ada"))
    world.clock.at = over
    await world.submit(resolved(over))


def resolved(at: datetime) -> Resolved:
    return Resolved(at=at, by="ada", cause="a slow disk", unverified=True)


async def reviewed(world: World, count: int = 1) -> Review:
    await world.until_event(MetricsReviewed, count=count)
    found = await world.store.read(lambda views: views.review(1))
    assert found
    return found


def ask(server: str, path: str, **form: object) -> list[dict[str, Any]]:
    url = f"{server}/api/v1/{path}?{urllib.parse.urlencode(form)}"
    with urllib.request.urlopen(url) as answer:
        result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return result


def readings(server: str, query: str, step: float) -> list[tuple[float, float]]:
    """Of the incident, by Prometheus itself; what is no number left out."""
    form = {"query": query, "start": NOON.timestamp(), "end": OVER.timestamp(), "step": step}
    (series,) = ask(server, "query_range", **form)
    found = [(at, float(value)) for at, value in series["values"]]
    return [(at, value) for at, value in found if math.isfinite(value)]


def said(seconds: float) -> str:
    minutes_, rest = divmod(round(seconds), 60)
    return " ".join([*([f"{minutes_} min"] if minutes_ else []), *([f"{rest} s"] if rest else [])])


async def test_the_numbers_are_those_that_prometheus_has(server: str, world: World) -> None:
    async with site_of(world) as site, site.asking("vic") as vic:
        await happen(world)
        await reviewed(world)
        got = (await vic.get("/api/v1/incidents/1/review")).json()
        text = (await vic.get("/api/v1/incidents/1/post-mortem")).json()["text"]
        rows = list(csv.reader(io.StringIO((await vic.get("/api/v1/incidents/1/review.csv")).text)))
    charts = {chart["title"]: chart for chart in got["charts"]}
    assert next(iter(charts)) == "P99 Latency"
    assert len(charts) == len(PLAN.queries) == 5
    p99 = charts["P99 Latency"]
    step = p99["step_seconds"]
    found = readings(server, p99["query"], step)
    values = sorted(value for _, value in found)
    beyond = sum(step for at, value in found if not value < 0.5 and at < OVER.timestamp())
    assert 300 < beyond < 1200
    numbers = p99["numbers"]
    assert (numbers["min"], numbers["max"]) == (values[0], values[-1])
    assert (numbers["median"], numbers["p95"]) == (
        values[math.ceil(len(values) / 2) - 1],
        values[math.ceil(len(values) * 0.95) - 1],
    )
    assert (numbers["last"], numbers["seconds"]) == (found[-1][1], 1200)
    assert numbers["seconds_beyond"] == beyond
    worst_at = next(at for at, value in found if value == values[-1])
    clock = f"{datetime.fromtimestamp(worst_at, UTC):%H:%M:%S}"
    assert f"violated for {said(beyond)} of 20 min; worst {values[-1] * 1000:.3g} ms" in text
    assert f"ms at {clock} UTC ([" in text

    (counted,) = ask(
        server, "query", query=AFFECTED.replace("$window", "1200s"), time=OVER.timestamp()
    )
    affected = float(counted["value"][1])
    assert affected == pytest.approx(160)  # two for each of 80 scrapes
    figures = {figure["name"]: figure for figure in got["figures"]}
    assert figures["Migrations affected"]["value"] == affected
    assert "- Migrations affected: 160 ([" in text
    assert figures["Error Rate"]["value"] == pytest.approx(80)
    shares = [value for _, value in readings(server, "avg(dwcp_v3_sla_compliance)", step)]
    mean = sum(shares) / len(shares)
    assert figures["SLA Compliance on average"]["value"] == pytest.approx(mean)
    assert f"SLA Compliance: {mean * 100:.3g} % on average, 25 % at worst" in text

    points = sum(len(one["points"]) for chart in got["charts"] for one in chart["series"])
    assert len(rows) == points + 1
    assert {row[0] for row in rows[1:]} == {chart["name"] for chart in got["charts"]}
    marks = [(mark["text"], mark["n"]) for mark in p99["marks"]]
    assert ("fired", 1) in marks
    assert [text for text, _ in marks if text.startswith(("ack", "res"))] == [
        "acknowledged by ada",
        "resolved",
    ]


async def test_the_dashboard_asks_the_same_queries_and_hits_the_marks(
    server: str, world: World
) -> None:
    async with site_of(world) as site, site.asking("vic") as vic:
        await happen(world)
        await reviewed(world)
        got = (await vic.get("/api/v1/incidents/1/review")).json()
        dashboard = (await vic.get("/api/v1/incidents/1/dashboard.json")).json()
    (p99, *_) = got["charts"]
    step = p99["step_seconds"]
    assert {panel["targets"][0]["expr"] for panel in dashboard["panels"]} == {
        chart["query"] for chart in got["charts"]
    }
    for mark, annotation in zip(p99["marks"], dashboard["annotations"]["list"], strict=True):
        target = annotation["target"]
        span = {"start": got["start"], "end": got["end"], "step": target["interval"]}
        (series,) = ask(server, "query_range", query=target["expr"], **span)
        at = datetime.fromisoformat(mark["at"]).timestamp()
        assert {abs(when - at) <= step / 2 for when, _ in series["values"]} == {True}


async def test_holes_stay_holes_and_are_told(world: World) -> None:
    async with world.working():
        await happen(world)
        review = await reviewed(world)
        text = await world.store.write(lambda tx: draft_of(tx, world))
    throughput, share = review.chart("throughput"), review.chart("sla-compliance")
    assert throughput
    assert share
    gap = (NOON + minutes(7), NOON + minutes(14))  # Prometheus looks back for five minutes
    for one in throughput.series:
        assert not [at for at, _ in one.points if gap[0] < at < gap[1]]
        assert one.points
    # The last one before it was at 12:01:45, and a point stands at every tenth second.
    assert "nothing is known from 12:06:50 to 12:14:00 UTC (7 min 10 s)" in text
    assert "| 2.5 GB/s | 2.5 GB/s | 0 s | 36 % |" in text  # 430 s of 1200 s
    assert not [at for at, _ in share.series[0].points if 15 <= (at - NOON) / minutes(1) < 17]


def draft_of(tx: Any, world: World) -> str:
    from playcall.engine.writing import compose

    text, _saved = compose(tx, world.engine.performer.committer, 1, world.clock.at)
    return text


async def test_time_after_the_resolution_is_measured_when_it_has_passed(world: World) -> None:
    async with world.working():
        await happen(world)
        first = await reviewed(world)
        assert first.end == OVER
        world.clock.at = OVER + minutes(6)
        later = await reviewed(world, 2)
    assert later.end == OVER + minutes(5)
    assert later.n > first.n
    assert [(one.text, one.n) for one in later.figures] == [
        (one.text, first.n) for one in first.figures
    ], "what is as it was keeps its event, and so its line in the post-mortem"


@pytest.mark.parametrize("lasted", [timedelta(seconds=30), timedelta(days=9)])
async def test_short_and_long_ones_have_some_hundred_points(
    world: World, lasted: timedelta
) -> None:
    async with world.working():
        await happen(world, NOON + lasted)
        review = await reviewed(world)
    chart = review.charts[0]
    assert 300 <= (review.end + minutes(5) - review.start) / chart.step <= 600
    assert review.start <= NOON - minutes(60)
    assert (NOON - chart.start) % chart.step == timedelta()
    assert review.figures[0].text.startswith("SLA, P99 Latency < 500ms: ")


async def test_an_incident_opened_again_is_measured_again_and_words_stay(world: World) -> None:
    async with site_of(world) as site, site.asking("ada") as ada:
        await happen(world, NOON + minutes(10))
        await reviewed(world)
        api = "/api/v1/incidents/1/post-mortem"
        first = (await ada.get(api)).json()
        mine = first["text"].replace("## Why\n", "## Why\n\nMy own words.\n")
        mine = mine.replace("- What it cost: _To be written by a person._", "- It cost a day.")
        body = {"text": mine, "version": 0, "of": first["of"]}
        assert (await ada.put(api, json=body)).status_code == 200
        alert = an_alert(ALERT, starts_at=NOON + minutes(12))
        await world.submit(Reopened(at=NOON + minutes(12), alerts=(alert,)))
        world.clock.at = OVER
        await world.submit(resolved(OVER))
        again = await reviewed(world, 2)
        await world.until(lambda one: one.incident.owed.reviewed, "proven")

        async def brought_up_to_date() -> bool:
            return "of 20 min; worst" in (await ada.get(api)).json()["text"]

        await wait_until(brought_up_to_date, "post-mortem with the new numbers")
        renewed = (await ada.get(api)).json()
    assert again.over_at == OVER
    assert "of 10 min; worst" in first["text"]
    assert "of 10 min; worst" not in renewed["text"]
    assert "My own words." in renewed["text"]
    assert "- It cost a day." in renewed["text"]
    assert renewed["conflicts"] == 0
    assert any(mark.text == "opened again" for mark in again.charts[0].marks)


# --- Prometheus gone -----------------------------------------------------------------------------


class GoneForAWhile(SetMetrics):
    gone = True

    async def query_series(self, *args: Any) -> Any:
        if self.gone:
            raise Unavailable("Prometheus does not answer")
        return await SetMetrics.query_series(self, *args)


async def test_prometheus_gone_is_said_and_it_is_asked_again(tmp_path: Path) -> None:
    metrics = GoneForAWhile(0.7)
    async with World(folder=tmp_path, plan=PLAN, metrics=metrics).working() as world:
        await happen(world)
        gone = await reviewed(world)
        assert {chart.trouble for chart in gone.charts} == {"Prometheus does not answer"}
        assert not (await world.state()).owed.reviewed
        assert "not known, Prometheus does not answer" in gone.figures[0].text
        metrics.gone = False
        world.clock.at += minutes(1)
        back = await reviewed(world, 2)
        assert not back.troubled
        assert (await world.state()).owed.reviewed
        metrics.gone = True  # what is on file stays, whatever comes later
        await world.submit(ReviewAsked(at=world.clock.at, by="ada"))
        kept = await reviewed(world, 3)
    assert [one.series[0].points[:1] for one in kept.charts] == [
        one.series[0].points[:1] for one in back.charts
    ]


class OneFails(SetMetrics):
    async def query_series(self, promql: str, *rest: Any) -> Any:
        if "0.95" in promql:
            raise Unavailable("it is refused", permanent=True)
        return await SetMetrics.query_series(self, promql, *rest)


async def test_one_query_that_fails_spoils_no_other(tmp_path: Path) -> None:
    world = World(folder=tmp_path, plan=PLAN, metrics=OneFails(0.7))
    async with world.working():
        await happen(world)
        review = await reviewed(world)
    assert [chart.name for chart in review.charts if chart.trouble] == ["p95-latency"]
    assert all(chart.series for chart in review.charts if not chart.trouble)


class Many(SetMetrics):
    """Twenty series, of which the last ones are the worst."""

    async def query_series(
        self, promql: str, start: datetime, end: datetime, step: timedelta
    ) -> Sequence[RangeVector]:
        samples = await SetMetrics.query_range(self, promql, start, end, step)
        return [
            RangeVector(
                labels={"pod": f'"{n:02}\n'},
                samples=[replace(sample, value=float(n)) for sample in samples[0]],
            )
            for n in range(20)
        ]


async def test_of_very_many_series_the_worst_are_kept(tmp_path: Path) -> None:
    async with World(folder=tmp_path, plan=PLAN, metrics=Many(1)).working() as world:
        await happen(world)
        review = await reviewed(world)
    p99, throughput = review.charts[0], review.chart("throughput")
    assert throughput
    assert [one.name for one in p99.series][:2] == ['{pod="\\"08\\n"}', '{pod="\\"09\\n"}']
    assert (len(p99.series), p99.left_out) == (12, 8)
    assert throughput.series[0].points[0][1] == 0, "the less, the worse"


class Hanging(SetMetrics):
    async def query_series(self, promql: str, *rest: Any) -> Any:
        if "0.95" in promql:
            await asyncio.Event().wait()
        return await SetMetrics.query_series(self, promql, *rest)


async def test_a_query_that_hangs_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewing, "ONE_TAKES", 0.05)
    async with World(folder=tmp_path, plan=PLAN, metrics=Hanging(0.7)).working() as world:
        await happen(world)
        review = await reviewed(world)
    troubles = {chart.name: chart.trouble for chart in review.charts if chart.trouble}
    assert troubles == {"p95-latency": "Prometheus did not answer in time"}


async def test_who_may_look_and_who_may_measure(tmp_path: Path) -> None:
    world = World(folder=tmp_path, plan=PLAN, metrics=SetMetrics(0.7))
    async with site_of(world) as site, site.asking("vic") as vic, site.asking("ada") as ada:
        await happen(world, NOON + minutes(5))
        await reviewed(world)
        api = "/api/v1/incidents/1"
        for path in ("review", "review.csv", "dashboard.json"):
            assert (await vic.get(f"{api}/{path}")).status_code == 200
            assert (await vic.get(f"/api/v1/incidents/9/{path}")).status_code == 404
            assert (await vic.get(f"/api/v1/incidents/{2**70}/{path}")).status_code == 404
            async with site.asking() as nobody:
                assert (await nobody.get(f"{api}/{path}")).status_code == 401
        assert (await vic.post(f"{api}/review")).status_code == 403
        assert (await ada.post("/api/v1/incidents/9/review")).status_code == 404
        assert (await ada.post(f"{api}/review")).status_code == 202
        await reviewed(world, 2)
        async with site.with_session("ada") as browser:
            page = (await browser.get("/incidents/1/post-mortem")).text
            assert 'action="/incidents/1/review"' in page
            assert (await browser.post("/incidents/1/review")).status_code == 303


async def test_without_any_prometheus_the_post_mortem_is_there(tmp_path: Path) -> None:
    async with World(folder=tmp_path, plan=PLAN, metrics=NoMetrics()).working() as world:
        await happen(world)
        await reviewed(world)
        text = await world.store.write(lambda tx: draft_of(tx, world))
    assert "Not measured: Prometheus does not answer" in text
