"""What commands print is shown with its colours, folded or drawn; whatever it is, it stays text."""

import json
import re
from typing import Any

import pytest

from playcall.core.incident import RunStatus
from playcall.core.measured import Measured
from playcall.engine.ports import StoredRun
from playcall.testing import a_criterion, a_play
from playcall.web import drawing
from playcall.web.ansi import plain, to_html
from playcall.web.printed import LARGEST_JSON, SHOWN, show
from tests.ports.stored import an_execution

PLAY = a_play(criteria=[a_criterion()])


def a_run(output: bytes, size: int | None = None, **changes: Any) -> StoredRun:
    return StoredRun(
        id="1/1.1/1",
        execution=an_execution(**changes),
        status=RunStatus.SUCCEEDED,
        begun_at=None,
        ended_at=None,
        exit_code=0,
        summary="<found>",
        output=output,
        output_size=len(output) if size is None else size,
    )


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("a <b> & c", "a &lt;b&gt; &amp; c"),
        ("\x1b[31mred\x1b[0m, not", '<span class="ansi-1">red</span>, not'),
        (
            "\x1b[1;92mok\x1b[22m!\x1b[m",
            '<span class="bold ansi-2">ok</span><span class="ansi-2">!</span>',
        ),
        ("\x1b[38;5;196mx\x1b[39my", "xy"),
        ('\x1b[31m<i class="x">\x1b[0m', '<span class="ansi-1">&lt;i class=&#34;x&#34;&gt;</span>'),
        ("a\x1b[2J\x1b[Hb\x1b]0;title\x07c\x1bMd", "abcd"),
        ("10 %\r50 %\r100 %\r\nnext", "100 %\nnext"),
        ("nul \x00 bell \x07", "nul ␀ bell ␇"),
        ("\u202egnp.exe", "�gnp.exe"),
        ("pay\u200bpal \u200fx", "pay�pal �x"),
        ("\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\", "here"),
        ("\x1b[31", "31"),
        ("a\tb", "a\tb"),
    ],
)
def test_colours_are_kept_and_nothing_else_steers(printed: str, shown: str) -> None:
    assert str(to_html(printed)) == shown


def test_hostile_escapes_take_no_time() -> None:
    assert len(plain("\x1b]" * 100_000)) == 0


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    shown = str(show(a_run(bytes(range(256))), PLAY).text)
    assert "␀" in shown
    assert "�" in shown
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", shown)


def test_json_is_folded_and_escaped() -> None:
    deep: Any = {"<key>": ["<script>"] * 9, "n": None, "e": []}
    shown = show(a_run(json.dumps(deep).encode()), PLAY)
    assert shown.text == ""
    html = str(shown.folded)
    assert "<script>" not in html
    assert html.count("<details") == 2
    assert html.count("<details open>") == 1
    assert '<span class="key">&lt;key&gt;</span>: <details><summary>[9]' in html
    nested = "[" * 100 + "]" * 100
    assert "…" in str(show(a_run(nested.encode()), PLAY).folded)


@pytest.mark.parametrize(
    "output", [b"{broken", b"plain", b"[" * 5000, b"[" + b"1," * LARGEST_JSON + b"1]"]
)
def test_what_is_no_document_or_too_large_a_one_is_text(output: bytes) -> None:
    shown = show(a_run(output), PLAY)
    assert shown.folded == ""
    assert shown.text
    assert shown.cut == (len(output) > SHOWN)


def test_an_answer_is_drawn_with_the_threshold_of_its_criterion() -> None:
    output = b"value 0.4\n# last 30 min: 0.2 0.3 0.4\n"
    drawn = str(show(a_run(output, native=True, text="latency"), PLAY).drawing)
    assert 'points="0.0,' in drawn
    assert 'class="limit"' in drawn
    assert 'aria-label="the last 30 min: &lt;found&gt;"' in drawn
    other = str(show(a_run(output, native=True, text="other"), PLAY).drawing)
    assert 'class="limit"' not in other


def test_metrics_are_drawn_only_where_metrics_were_asked_for() -> None:
    output = b'a{x="<"} 1\nb -2\nc +Inf\nd NaN\n'
    drawn = str(show(a_run(output, text="curl h:9091/metrics | grep x"), PLAY).drawing)
    assert drawn.count("<rect") == 2
    assert "a{x=&#34;&lt;&#34;} 1" in drawn
    assert show(a_run(output, text="cat x"), PLAY).drawing == ""
    assert show(a_run(output, size=10_000, text="curl h/metrics"), PLAY).drawing == ""
    assert show(a_run(b"a 1\n", text="curl h/metrics"), PLAY).drawing == ""


def test_bars_stay_inside_the_drawing() -> None:
    drawn = str(drawing.bars([Measured(name="a", value=v) for v in (-3.0, 0.0, 9.0)], 4.0, ""))
    edges = [
        (float(x), float(w)) for x, w in re.findall(r'rect x="([\d.]+)".*?width="([\d.]+)"', drawn)
    ]
    assert all(x >= 0 and x + w <= drawing.WIDTH + 1 for x, w in edges)
    assert len(edges) == 3
    assert drawing.bars([], None, "") == drawing.line([1.0], None, "") == ""


def test_the_last_lines_are_seen_while_it_runs() -> None:
    shown = show(a_run(b"".join(b"line %d\n" % n for n in range(10))), PLAY)
    assert str(shown.live) == "line 5\nline 6\nline 7\nline 8\nline 9"
