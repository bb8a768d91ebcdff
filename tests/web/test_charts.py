"""An incident's charts on its post-mortem's page, by themselves, and in the files that leave it."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from playcall.core.chart import Chart, Mark, Series
from playcall.core.events import Acknowledged
from playcall.core.plan import Comparison
from playcall.core.review import Review
from playcall.testing import NOON, an_alert, minutes
from tests.engine.world import World
from tests.pdf_text import read
from tests.web.site import Site, site_of

API = "/api/v1/incidents/1/post-mortem"
PAGE = "/incidents/1/post-mortem"
CHART = "/incidents/1/charts/p99.svg"
EVIL = '<script>alert(1)</script> " onerror="x'
P99 = Chart(
    name="p99",
    title=f"P99 {EVIL}",
    query="latency",
    unit="s",
    start=NOON,
    end=NOON + minutes(20),
    step=minutes(1),
    series=[Series(name="", points=[(NOON + minutes(n), n / 10) for n in range(21)])],
    limit=0.5,
    well=Comparison.BELOW,
    marks=[Mark(at=NOON + minutes(5), text=EVIL, n=2)],
)
REVIEW = Review(
    charts=(P99, replace(P99, name="other", trouble="Prometheus did not answer")),
    figures=(),
    measured_at=NOON,
    start=P99.start,
    end=P99.end,
    fired_at=NOON,
    over_at=P99.end,
    n=1,
)
TEXT = f"""# Slow

![P99 "{EVIL}]({CHART}) ![elsewhere](https://evil.example{CHART})

![other](/incidents/1/charts/other.svg) ![gone](/incidents/1/charts/gone.svg)

- [ ] mend it ([1](/incidents/1#event-1))
"""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """With one incident that was measured, and a post-mortem that shows its charts."""
    async with site_of(World(folder=tmp_path)) as site:
        await site.world.receive(an_alert())
        await site.world.until(lambda found: True, "there")
        await site.world.submit(Acknowledged(at=NOON, by="ada"))
        await site.world.store.write(lambda tx: tx.keep_review(1, REVIEW))
        async with site.asking("ada") as ada:
            first = (await ada.get(API)).json()
            body = {"text": TEXT, "version": 0, "of": first["of"]}
            assert (await ada.put(API, json=body)).status_code == 200
        yield site


async def test_a_chart_is_a_picture_that_a_phone_keeps(site: Site) -> None:
    async with site.with_session("vic") as vic:
        svg = await vic.get(CHART)
        assert (svg.status_code, svg.headers["content-type"]) == (200, "image/svg+xml")
        assert "style-src 'unsafe-inline'" in svg.headers["content-security-policy"]
        assert "script" not in svg.headers["content-security-policy"]
        assert b"<script" not in svg.content
        png = await vic.get(CHART.replace(".svg", ".png"), params={"dark": "1"})
        assert png.content.startswith(b"\x89PNG")
        again = await vic.get(CHART, headers={"if-none-match": svg.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        dark = await vic.get(f"{CHART}?dark=1", headers={"if-none-match": svg.headers["etag"]})
        assert dark.status_code == 200
    async with site.asking() as nobody:
        assert (await nobody.get(CHART)).status_code == 303


async def test_a_chart_that_is_not_there_is_said_with_those_that_are(site: Site) -> None:
    async with site.with_session("vic") as vic:
        gone = await vic.get("/incidents/1/charts/gone.svg")
        assert gone.status_code == 404
        assert "has no chart &#34;gone&#34;: its charts are p99, other" in gone.text
        assert (await vic.get("/incidents/7/charts/p99.svg")).status_code == 404


async def test_the_page_shows_our_charts_and_no_other_picture(site: Site) -> None:
    async with site.with_session("vic") as vic:
        page = (await vic.get(PAGE)).text
    assert page.count("<picture>") == page.count("<img") == 3
    assert f'<source media="(prefers-color-scheme: dark)" srcset="{CHART}?dark=1">' in page
    (image,) = re.findall(rf'<img [^>]*src="{CHART}"[^>]*>', page)
    assert {'width="400"', 'height="300"', 'loading="lazy"'} <= set(image.split())
    assert "onerror=" not in image.replace("&#34;", "").split('alt="')[0]
    assert "<script>alert" not in page
    assert not re.search(r'(src|srcset)="https?://evil', page)
    assert f'!<a href="https://evil.example{CHART}">elsewhere</a>' in page
    for kind in ("pdf", "html", "md"):
        assert f'href="{PAGE}.{kind}"' in page


async def test_as_html_it_is_one_file_that_asks_nobody_for_anything(site: Site) -> None:
    async with site.with_session("vic") as vic:
        answer = await vic.get(f"{PAGE}.html")
    text = answer.text
    assert "attachment" in answer.headers["content-disposition"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "default-src &#39;none&#39;; img-src data:" in text
    sources = re.findall(r'(?:src|srcset|data|poster|action)="([^"]*)"', text)
    assert len(sources) == 4, "two charts, by day and by night"
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert not re.search(r"<(?:link|script|iframe|object)|@import|url\(", text)
    links = re.findall(r'href="([^"]*)"', text)
    assert all(link.startswith(("http://", "https://")) for link in links)
    assert any(link.endswith("/incidents/1#event-1") for link in links)
    assert "☐ mend it" in text


async def test_as_pdf_it_has_its_charts_and_its_links(site: Site) -> None:
    async with site.asking("vic") as vic:
        answer = await vic.get(f"{API}.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert 'filename="incident-1-post-mortem.pdf"' in answer.headers["content-disposition"]
    found = read(answer.content)
    assert found.outline == ["Slow"]
    assert found.pictures == 2
    assert "[chart: gone]" in found.pages[0]
    assert "Incident 1: LatencyHigh: requests are slow" in found.pages[0]
    assert [link for link in found.links if link.endswith("/incidents/1#event-1")]


async def test_as_markdown_it_is_what_was_written(site: Site) -> None:
    async with site.asking("vic") as vic:
        assert (await vic.get(f"{API}.md")).text == TEXT
        assert (await vic.get(f"{API}.doc")).status_code == 422
        assert (await vic.get("/api/v1/incidents/7/post-mortem.pdf")).status_code == 404


async def test_what_is_too_long_for_a_pdf_is_refused_in_words(site: Site) -> None:
    async with site.asking("ada") as ada:
        text = f"![P99]({CHART})\n\n" * 2000
        assert (await ada.put(API, json={"text": text, "version": 1})).status_code == 200
        refused = await ada.get(f"{API}.pdf", timeout=60)
        assert refused.status_code == 422
        assert "would take more than 500 pages" in refused.json()["detail"]
        assert (await ada.get(f"{API}.md")).text.startswith("![P99]")
