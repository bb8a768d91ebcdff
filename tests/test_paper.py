"""A post-mortem on paper: its words, links, outline and charts; whatever it holds, it ends."""

import re
import time
from typing import Any

import pytest

from playcall.charting import draw_png
from playcall.core.chart import Chart
from playcall.core.merge import merge
from playcall.core.report import write_report
from playcall.paper.bounds import Limits, TooMuch
from playcall.paper.markdown import Picture, pictures, to_html
from playcall.paper.pdf import print_pdf
from playcall.testing import NOON, minutes
from tests.core.test_post_mortem import HOSTILE, OPENING, PLAN, WHOLE, note, resolved
from tests.pdf_text import Read, read

URL = "https://p.example"
CHART = Picture(1, "p99")
PNG = draw_png(
    Chart(
        name="p99",
        title="P99",
        query="q",
        unit="s",
        start=NOON,
        end=NOON + minutes(9),
        step=minutes(1),
        trouble="x",
    )
)


def printed(text: str, **changes: Any) -> Read:
    values: dict[str, Any] = {"title": "Incident 1: slow", "at": NOON, "url": URL, "home": URL}
    return read(print_pdf(text, **{**values, **changes}))


def words(found: Read) -> str:
    return " ".join(" ".join(found.pages).split())


def test_a_whole_post_mortem_keeps_its_words_links_and_outline() -> None:
    found = printed(write_report(WHOLE, PLAN, URL).markdown)
    assert found.outline[0] == "DWCP v3 incident: LatencyHigh: requests are slow"
    assert found.outline[1:] == [
        *("Who was hurt", "What happened when", "Why", "What helped", "What we will do")
    ]
    assert "somebody began to look: Acknowledged by ada (2)" in words(found)
    assert "• 12:03:00 UTC (13:03:00 CET) - the cause was found" in words(found)
    assert "kubectl set env deployment/dwcp-v3" in words(found)
    assert "☐ So that it cannot happen again: To be written by a person." in words(found)
    assert f"{URL}/incidents/1#event-2" in found.links
    assert re.search(r"Incident 1: slow\s*1 / 1", found.pages[0])


def test_every_kind_of_block_is_set() -> None:
    text = (
        "# Größe → ☃ 日本\n\n1. one\n2. two\n   - [x] *done* `code`\n     - deep\n7. three\n\n"
        "> quoted **bold**\n\n---\n\n```\n┌─┐\tbox\n```\n\n#### Fourth\n\n"
        "hard  \nbreak &amp; soft\nend"
    )
    found = printed(text)
    assert found.outline == ["Größe → ☃ ��", "Fourth"]
    said = words(found)
    for part in (
        "1. one",
        "2. two",
        "☑ done code",
        "• deep",
        "3. three",
        "quoted bold",
        "┌─┐",
        "box",
    ):
        assert part in said, part
    assert "hard break & soft end" in said


def test_a_conflict_is_in_plain_sight() -> None:
    text = merge("a\n", "mine\n", "theirs\n").text
    said = words(printed(text))
    assert re.search(
        r"CONFLICT: this was written by a person mine CONFLICT: and .* theirs END", said
    )


def test_a_table_goes_on_over_pages_with_its_head_and_wraps_its_cells() -> None:
    rows = "\n".join(
        f"| row {n} | {'many words in a cell ' * 12}| [{n}]({URL}/{n}) |" for n in range(60)
    )
    found = printed(f"| Name | What | Link |\n|---|---|---|\n{rows}\n")
    assert len(found.pages) > 3
    for page in found.pages:
        assert {"Name", "What", "Link"} <= set(page.split("\n"))
    assert [n for n in range(60) if f"row {n}" in words(found).replace("row\n", "row ")] == [
        *range(60)
    ]
    assert f"{URL}/59" in found.links
    high = printed(f"| a | b |\n|---|---|\n| x | {'tall ' * 6000} |\n")
    assert len(high.pages) > 3
    assert words(high).count("tall") == 6000
    wide = printed("|" + "c|" * 200 + "\n|" + "-|" * 200 + "\n|" + "cell|" * 200)
    assert words(wide).count("cell") == 200


def test_a_chart_stands_in_one_piece_below_its_heading() -> None:
    text = "\n\n".join(f"## Chart {n}\n\n![P99](/incidents/1/charts/p99.svg)" for n in range(5))
    found = printed(text, charts={CHART: PNG})
    assert [re.findall(r"Chart \d", page) for page in found.pages] == [
        ["Chart 0", "Chart 1"],
        ["Chart 2", "Chart 3"],  # two have room with their headings, and the third would not
        ["Chart 4"],
    ]
    assert found.pictures == 1, "the same picture is in it once"
    missing = printed(text)
    assert "[chart: p99]" in words(missing)
    assert f"{URL}/incidents/1/charts/p99.svg" in missing.links


def test_links_of_our_server_are_whole_and_those_that_lead_nowhere_are_none() -> None:
    text = "[a](/incidents/1#event-1) [b](//evil.example/x) [c](file:///etc/passwd) [d](#x)"
    assert printed(text).links == [f"{URL}/incidents/1#event-1"]
    assert printed(text, home="", url="").links == []


def test_the_same_text_gives_the_same_bytes() -> None:
    first, second = (print_pdf("# a\n\nb *c*", title="t", at=NOON) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("text", HOSTILE)
def test_a_note_with_any_markup_stays_text(text: str) -> None:
    found = printed(write_report([OPENING, note(1, text), resolved(2, text)], PLAN, URL).markdown)
    assert all(link.startswith(f"{URL}/incidents/1#event-") for link in found.links)
    assert "javascript:" not in "".join(found.links)
    for part in re.findall(r"[a-z]{4,}", text):
        assert part in words(found)


@pytest.mark.parametrize(
    "text",
    [
        ">" * 10_000 + " deep",
        "- " * 5000 + "deep",
        "x" * 60_000,
        "![" * 10_000,
        "```\n" + "y" * 50_000 + "\n```",
        "| a | b |\n|---|---|\n| " + "z" * 30_000 + " | c |",
        "# " + "h" * 20_000,
        "\u202e\ufeff\x00\x1b[2J \U0001f389\u200d\U0001f4a9",
        "",
    ],
    ids=lambda text: text[:4].encode().hex() or "nothing",
)
def test_a_hostile_document_ends_in_bounded_time(text: str) -> None:
    began = time.monotonic()
    found = printed(text, title=text or "t")
    assert found.pages
    assert time.monotonic() - began < 60


def test_what_would_take_too_long_is_refused_with_what_to_do() -> None:
    for limits in (Limits(seconds=0.0), Limits(pages=2)):
        with pytest.raises(TooMuch, match="shorten it, or take it as HTML or Markdown"):
            print_pdf("# x\n\n" * 500, title="t", at=NOON, limits=limits)


def test_only_our_own_charts_are_pictures() -> None:
    own = "/incidents/1/charts/p99.svg"
    for address in (own, f"{URL}{own}"):
        drawn = to_html(f"![a <b>]({address})", URL, lambda one, alt: f"[{one.address} {alt}]")
        assert drawn == "<p>[/incidents/1/charts/p99 a <b>]</p>\n"
    for address in (
        f"https://evil.example{own}",
        f"//evil.example{own}",
        f"{own}?x=1",
        f"{own}#x",
        "/incidents/1/charts/../../x.svg",
        "/incidents/x/charts/p99.svg",
        "/incidents/1/charts/p99.png",
        f"{URL}.evil.example{own}",
        "data:image/png;base64,AAAA",
    ):
        drawn = to_html(f"![a]({address})", URL, lambda one, alt: "[drawn]")
        assert "[drawn]" not in drawn, address
        assert "<img" not in drawn
    assert pictures(f"![a]({own}) ![b]({URL}{own})\n\n- ![c](https://evil.example{own})", URL) == [
        CHART
    ]
    assert pictures(f"![a]({URL}{own})", "") == []
