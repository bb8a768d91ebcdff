"""The numbers over HTTP and on their page, from a real store."""

import csv
import io
from pathlib import Path

from playcall.core.events import Acknowledged, PageDelivered
from playcall.testing import NOON, an_alert, minutes
from tests.engine.world import World
from tests.web.site import site_of

HOSTILE = '=cmd<b>"'


async def test_the_same_figures_as_page_json_csv_and_metrics(tmp_path: Path) -> None:
    async with site_of(World(folder=tmp_path)) as site:
        world = site.world
        await world.receive(an_alert(), an_alert(name=HOSTILE, fingerprint="f2", team="x"))
        await world.until_event(PageDelivered)
        await world.submit(Acknowledged(at=NOON + minutes(2), by="ada"))
        await world.until(lambda found: True, "there", incident=2)
        async with site.asking("vic") as vic, site.asking() as stranger:
            assert (await stranger.get("/api/v1/insights")).status_code == 401
            found = (await vic.get("/api/v1/insights?by=severity")).json()
            table = (await vic.get("/api/v1/insights.csv")).text
            scraped = (await vic.get("/api/v1/insights.prom")).text
            page = (await vic.get("/insights?by=team&days=1")).text
            assert (await vic.get("/insights?days=0")).status_code == 422
            world.clock.move(minutes(60 * 24 * 100))
            assert (await vic.get("/api/v1/insights")).json()["whole"]["incidents"] == 0
    assert found["whole"]["incidents"] == 2
    (acknowledged,) = [t for t in found["whole"]["times"] if t["what"] == "acknowledge"]
    assert (acknowledged["median"], acknowledged["count"], acknowledged["of"]) == (120, 1, 2)
    rows = list(csv.DictReader(io.StringIO(table)))
    (row,) = [r for r in rows if (r["part"], r["figure"]) == ("all", "acknowledge_median")]
    assert (row["value"], row["made of"]) == ("120.0", found["made_of"]["time to acknowledge"])
    assert not any(row["name"].startswith("=") for row in rows)
    assert 'playcall_insight{part="all",name="all",figure="acknowledge_median"} 120.0' in scraped
    assert "<b>" not in page
    assert "nine of ten within 2 min" in page
