"""Merging and splitting over HTTP and by the forms: who may, what is refused, what is shown."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playcall.testing import an_alert
from tests.engine.world import World
from tests.web.site import INTAKE, Site, site_of

API = "/api/v1/incidents"
EVIL = "<script>alert(1)</script>"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Two incidents; the first has two alerts."""
    async with site_of(World(folder=tmp_path, group_by=("host",))) as site:
        first = (an_alert(fingerprint=name, host="a", pod=name) for name in ("a1", "a2"))
        await site.world.receive(*first, an_alert(fingerprint="b1", host="b"))
        await site.world.until(lambda _: True, "there", 2)
        yield site


async def test_a_commander_merges_and_a_responder_splits(site: Site) -> None:
    async with site.asking("ada") as ada, site.asking("cleo") as cleo, site.asking("vic") as vic:
        assert (await ada.post(f"{API}/2/merge", json={"into": 1})).status_code == 403
        assert (await cleo.post(f"{API}/2/merge", json={"into": 9})).status_code == 404
        assert (await cleo.post(f"{API}/2/merge", json={"into": 2})).status_code == 409
        assert (await cleo.post(f"{API}/2/merge", json={"into": 10**40})).status_code == 404
        done = await cleo.post(f"{API}/2/merge", json={"into": 1, "reason": EVIL})
        assert done.json() == {"status": "merged into incident 1", "into": 1}
        again = await cleo.post(f"{API}/2/merge", json={"into": 1})
        assert again.status_code == 409
        assert "was merged into incident 1" in again.json()["detail"]
        assert (await vic.post(f"{API}/1/split", json={"alerts": ["b1"]})).status_code == 403
        gone, kept = [(await vic.get(f"{API}/{n}")).json() for n in (2, 1)]
        assert (gone["status"], gone["merged_into"]) == ("merged", 1)
        assert (kept["absorbed"], sorted(kept["fingerprints"])) == ([2], ["a1", "a2", "b1"])
        made = (await ada.post(f"{API}/1/split", json={"alerts": ["b1"]})).json()
        assert made == {"status": "incident 3 is split off, and ada has it", "incident": 3}
        report = (await vic.get(f"{API}/1/report")).text
        assert "Incident 2: MERGED into incident 1" in report
        assert EVIL not in report
    async with site.asking(token=INTAKE) as prometheus:
        text = (await prometheus.get("/metrics")).text
    assert 'playcall_incidents_regrouped_total{how="merged"} 1' in text
    assert 'playcall_incidents_regrouped_total{how="split"} 1' in text


async def test_the_forms_lead_to_the_incident_that_goes_on(site: Site) -> None:
    async with site.with_session("cleo") as cleo:
        page = (await cleo.get("/incidents/2")).text
        assert '<option value="1">#1 CRITICAL' in page
        assert 'name="alert"' not in page  # nothing would be left
        merged = await cleo.post("/incidents/2/merge", data={"into": "1", "reason": EVIL})
        assert merged.headers["location"] == "/incidents/1"
        gone, kept = [(await cleo.get(f"/incidents/{n}")).text for n in (2, 1)]
        assert '<a href="/incidents/1">incident 1</a> goes on' in gone
        assert 'href="/incidents/1/post-mortem"' in gone
        assert "What is owed now" not in gone
        assert 'Merged into it: <a href="/incidents/2#timeline">incident 2</a>' in kept
        assert EVIL not in gone + kept
        assert "merged into #1" in (await cleo.get("/")).text
        none = await cleo.post("/incidents/1/split", data={})
        assert none.status_code == 409
        assert "choose at least one alert" in none.text
        split = await cleo.post("/incidents/1/split", data={"alert": ["a2", "b1"]})
        assert split.headers["location"] == "/incidents/3"
        made, kept = [(await cleo.get(f"/incidents/{n}")).text for n in (3, 1)]
        assert 'Split off from <a href="/incidents/1">incident 1</a>' in made
        assert 'Split off from it: <a href="/incidents/3">incident 3</a>' in kept
