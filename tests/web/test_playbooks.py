"""The playbooks' pages: over HTTP, by incidents and drills that are on record, and in a browser."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from playcall.core.compiler import compile_document
from playcall.core.events import CommandFinished, Resolved
from playcall.drillreports import DrillReports
from playcall.engine.playbooks import Served as ServedDocument
from playcall.runner.local import Local
from playcall.sourcefile import SourceFile
from playcall.testing import NOON, SetMetrics, an_alert, minutes
from tests.core.proposing import DOCUMENT, NAME
from tests.drills.crash import PLAYBOOK
from tests.engine.world import World
from tests.servers import smtp
from tests.web.accessibility import faults, signed_in
from tests.web.served import PHONE, Served, chromium
from tests.web.site import Site, site_of

HOSTILE = """
## Notes <script>alert(1)</script>

[bad](javascript:alert(1)) [good](https://example.org/a) ![pic](http://example.org/p.png) \u202eevil
"""
TEXT = DOCUMENT + HOSTILE
EARLIER = TEXT.replace("kubectl rollout restart", "kubectl rollout status").replace(
    "500ms", "700ms"
)
FAULTY = """
## Essential Commands

```bash
# Look
curl http://prometheus:9090/api/v1/query?query=up
```
"""
BASE = f"/playbooks/{NAME}"
DRAINED = "kubectl rollout restart deployment/queue"


def a_library(text: str, folder: Path) -> ServedDocument:
    compiled = compile_document(text.encode(), NAME)
    assert compiled.plan
    return ServedDocument(
        name=NAME,
        data=text.encode(),
        plan=compiled.plan,
        problems=compiled.problems,
        rules=0,
        drills=DrillReports(folder=folder),
    )


def keep_report(folder: Path, outcome: str, digest: str) -> None:
    place = folder / f"drill-{outcome}"
    place.mkdir(parents=True)
    record = {
        "drill": "drain",
        "alert": "QueueSlow",
        "document": NAME,
        "digest": digest,
        "outcome": outcome,
        "at": (NOON - timedelta(days=1)).isoformat(),
        "commands": [{"text": DRAINED, "status": "succeeded"}],
    }
    (place / "report.json").write_text(json.dumps(record), "utf-8")
    (folder / "torn").mkdir()
    (folder / "torn" / "report.json").write_text("{", "utf-8")


async def keep(world: World, one: ServedDocument, at: datetime) -> None:
    await world.store.write(lambda tx: tx.keep_document(one.data, one.plan, at))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """An earlier version was served; one incident of this one is over, one had no play."""
    (tmp_path / NAME).write_text(TEXT + "\nMore.\n", "utf-8")
    library = a_library(TEXT, tmp_path / "drills")
    keep_report(tmp_path / "drills", "passed", library.plan.digest)
    world = World(
        folder=tmp_path,
        plan=library.plan,
        runner=Local({"PATH": "/usr/bin:/bin"}, directory=tmp_path),
        metrics=SetMetrics(value=0.7),
    )
    async with site_of(world, SourceFile(playbook=tmp_path / NAME), library) as site:
        for text, at in ((EARLIER, NOON - minutes(60)), (TEXT, NOON)):
            one = a_library(text, tmp_path)
            await keep(world, one, at)
        await world.receive(an_alert(name="QueueSlow"))
        await world.until_event(CommandFinished, count=4)
        await world.submit(Resolved(at=NOON + minutes(9), by="ada", cause="x", unverified=True))
        await world.receive(an_alert(name="Unheard<b>", fingerprint="f2"))
        await world.until(lambda found: True, "opened", incident=2)
        yield site


async def see(site: Site, path: str, status: int = 200) -> str:
    async with site.with_session("vic") as browser:
        answer = await browser.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_the_overview_says_what_worked_and_what_is_not_covered(site: Site) -> None:
    page = await see(site, "/playbooks")
    said = words(page)
    assert "since 2026-03-01 12:00 UTC" in said
    assert "2 incidents opened with it" in said
    assert "The file is another one by now" in said
    assert "held 2026-02-28 12:00 UTC by drill drain" in said
    assert "Last worked 2026-03-01 12:09 UTC" in said
    assert "3 of 5 have worked" in said
    assert re.search(r"have no play Unheard&lt;b&gt; incident 2", said)
    assert "<b>" not in page
    async with site.asking() as stranger:
        for path in ("/playbooks", BASE, f"{BASE}/versions", f"{BASE}/diff"):
            assert (await stranger.get(path)).status_code == 303
            assert (await stranger.get(f"/api/v1{path}")).status_code == 401


async def test_beside_each_command_stands_what_it_is_and_what_became_of_it(site: Site) -> None:
    page = await see(site, BASE)
    beside = {}
    for part in page.split('<div class="line">')[1:]:
        code, said = part.split("</pre>", 1)
        line = int(re.findall(r'id="L(\d+)"', code)[-1])
        beside[line] = words(said.split("</div>")[0])
    assert "observe 1.1 · " in beside[15]
    assert "Asked of Prometheus as: rate(queue_total[5m])" in beside[15]
    assert "in incident 1" in beside[15]
    assert "failed" in beside[26]
    assert "exit 1" in beside[26]
    assert "change 3.1 · worked 2026-02-28 12:00 UTC in drill drain" in beside[31]
    assert "PC203" in beside[15]
    lines = [int(number) for number in re.findall(r'id="L(\d+)"', page)]
    assert lines == list(range(1, len(TEXT.splitlines()) + 1))
    for number in re.findall(r'href="#L(\d+)"', page):
        assert int(number) in lines


async def test_what_a_document_says_stays_text(site: Site) -> None:
    page = await see(site, BASE)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert '<a href="https://example.org/a" rel="noreferrer">good</a>' in page
    assert "<img" not in page
    assert "[U+202E]evil" in page


async def test_a_play_has_its_phases_criteria_and_incidents(site: Site) -> None:
    said = words(await see(site, f"{BASE}/plays/QueueSlow"))
    assert "Queue latency &gt;500ms for 2 minutes symptom line 8" in said
    assert "&gt; 500ms, for 2 min · queue_latency_seconds" in said
    assert "3. Drain line 29" in said
    assert "incident 1" in said
    assert "there are: QueueSlow" in words(await see(site, f"{BASE}/plays/None", status=404))
    await see(site, "/playbooks/other.md", status=404)


async def test_versions_and_what_they_changed(site: Site) -> None:
    said = words(await see(site, f"{BASE}/versions"))
    assert "First used 2026-03-01 11:00 UTC" in said
    assert "Opened with it: incident 2 Unheard&lt;b&gt;, no play , incident 1 QueueSlow" in said
    changed = words(await see(site, f"{BASE}/diff"))
    assert "its class is raised, observe → change" in changed or "command 3.1" in changed
    assert "limit: &gt; 700ms → &gt; 500ms" in changed
    assert "+ kubectl rollout restart deployment/queue" in changed
    now = site.world.engine.intake.plan
    file = words(await see(site, f"{BASE}/diff?to=file&from={now}"))
    assert "For whoever responds Nothing." in file
    assert "+ More." in file
    await see(site, f"{BASE}/diff?to=zzzzzzzz", status=404)


async def test_programs_get_the_same(site: Site) -> None:
    async with site.asking("vic") as vic:
        (one,) = (await vic.get("/api/v1/playbooks")).json()
        whole = (await vic.get(f"/api/v1{BASE}")).json()
        versions = (await vic.get(f"/api/v1{BASE}/versions")).json()
        diff = (await vic.get(f"/api/v1{BASE}/diff?from={versions[1]['digest']}")).json()
        text = await vic.get(f"/api/v1{BASE}/text")
        early = await vic.get(f"/api/v1{BASE}/text?version={versions[1]['digest'][:8]}")
        assert (await vic.get("/api/v1/playbooks/x")).status_code == 404
    assert (one["name"], one["file_changed"], one["without_play"]) == (NAME, True, ["Unheard<b>"])
    assert one["plays"][0]["last_drill_outcome"] == "passed"
    assert [v["current"] for v in versions] == [True, False]
    assert versions[0]["incidents"] == [2, 1]
    kinds = {(c["id"], c["effect"], c["last_status"]) for c in whole["commands"]}
    assert ("2.1", "observe", "failed") in kinds
    assert {"kind": "changed", "where": "QueueSlow"}.items() <= diff["changes"][0].items()
    assert "+   kubectl rollout restart deployment/queue" in diff["hunks"][-1]["lines"]
    assert text.content == TEXT.encode()
    assert early.content == EARLIER.encode()
    assert text.headers["content-type"].startswith("text/plain")


async def test_a_huge_document_is_cut_and_says_so(tmp_path: Path) -> None:
    huge = TEXT + "x" * 30_000 + "\n" + ("[a](<b *c **d\n" * 70_000)
    library = a_library(huge, tmp_path)
    world = World(folder=tmp_path, plan=library.plan)
    async with site_of(world, None, library) as site:
        page = await see(site, BASE)
    assert "more lines are not shown here" in page
    assert len(page) < 1_000_000


async def test_a_server_without_a_document_says_so(tmp_path: Path) -> None:
    async with site_of(World(folder=tmp_path)) as site:
        assert "no playbook is served here" in await see(site, "/playbooks", status=404)


# --- In a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with smtp() as mailbox:
        found = Served(tmp_path_factory.mktemp("served"), mailbox.port, PLAYBOOK + HOSTILE + FAULTY)
        found.start()
        yield found
        found.stop()


def test_nothing_is_inaccessible_or_wider_than_the_phone(browser: Browser, at_work: Served) -> None:
    base = "/playbooks/playbook.md"
    paths = ("/playbooks", base, f"{base}/versions", f"{base}/diff", f"{base}/plays/ServiceSlow")
    assert faults(browser, at_work, *paths) == []


def test_a_problem_leads_to_its_line_by_keyboard(browser: Browser, at_work: Served) -> None:
    with signed_in(browser, at_work, PHONE, javascript=False) as page:
        page.goto("/playbooks")
        expect(page.locator('.nav a[aria-current="page"]')).to_have_text("Playbooks")
        page.goto("/playbooks/playbook.md")
        page.locator("#problems summary").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        line = page.url.split("#")[1]
        expect(page.locator(f"#{line}")).to_be_in_viewport()
