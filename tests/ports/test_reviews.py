"""Both databases: what was measured of an incident is kept, every time."""

from dataclasses import replace
from datetime import timedelta

from playcall.core.chart import Chart, Mark, Series
from playcall.core.plan import Comparison
from playcall.core.review import Figure, Review
from playcall.storage import Database
from playcall.storage.codec import dump
from playcall.testing import NOON, minutes

CHART = Chart(
    name="p99-latency",
    title="P99 Latency",
    query='up{pod="a"}',
    unit="s",
    start=NOON,
    end=NOON + minutes(1),
    step=timedelta(seconds=10),
    series=(Series(name='{pod="naïve"}', points=((NOON, 1.5), (NOON + minutes(1), 2e-9))),),
    limit=0.5,
    well=Comparison.BELOW,
    marks=(Mark(at=NOON, text="fired", n=1),),
)
REVIEW = Review(
    charts=(CHART, replace(CHART, name="x", series=(), trouble="Prometheus did not answer")),
    figures=(Figure(name="a", text="a: 1", value=1.0, unit="", query="up", how="sum"),),
    measured_at=NOON,
    start=NOON,
    end=NOON + minutes(1),
    fired_at=NOON,
    over_at=NOON + minutes(1),
    n=7,
)


async def test_the_latest_review_is_read_and_none_is_replaced(store: Database) -> None:
    later = replace(REVIEW, n=9, charts=())

    async def read(incident: int, of: int | None = None) -> str:
        found = await store.read(lambda views: views.review(incident, of))
        return dump(found) if found else ""

    assert await read(1) == ""
    await store.write(lambda tx: tx.keep_review(1, REVIEW))
    await store.write(lambda tx: tx.keep_review(1, later))
    assert await read(1) == dump(later)
    assert (await read(1, 8), await read(1, 6), await read(2)) == (dump(REVIEW), "", "")
