"""`playcall trend` and `playcall baseline` over a real Prometheus with a week behind it."""

import io
import json
import math
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playcall.cli import main, measuring
from tests.servers import free_port, prometheus, receiver

PLAYBOOK = Path(__file__).parents[1] / "examples" / "dwcp-v3" / "playbooks.md"
EVERY = 15
DAYS = (7, 1)  # of which an hour and a half around the same time is on record


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with prometheus(history=_history(int(time.time()))) as address:
        yield address


def _history(now: int) -> str:
    """Gauges: for half an hour, and around the same time on earlier days."""
    rng = np.random.default_rng(7)
    lately = range(now - 2100, now + 1, EVERY)
    before = [
        at
        for day in DAYS
        for at in range(now - day * 86400 - 4500, now - day * 86400 + 4500, EVERY)
    ]
    whole = [*before, *lately]
    wild = rng.normal(size=len(whole))
    rows: dict[str, list[tuple[int, float]]] = {
        "rising": [(t, 0.4 + (t - now) * 1e-4 + 0.003 * rng.normal()) for t in lately],
        "quiet": [(t, 0.1 + 0.005 * math.sin(7.3 * t)) for t in lately],
        "holes": [(t, 0.1) for t in lately if t < now - 1500 or t > now - 300],
        "gone": [(t, 0.1) for t in lately if t < now - 600],
        "topped": [(t, 0.2 if t < now - 300 else math.inf) for t in lately],
        "flat": [(t, 3.0) for t in whole],
        "usual": [(t, 2.4e9 + 5e7 * n) for t, n in zip(whole, wild, strict=True)],
        "slow": [
            (t, (1.6e9 if t > now - 420 else 2.4e9) + 5e7 * n)
            for t, n in zip(whole, wild, strict=True)
        ],
    }
    lines = []
    for name, points in rows.items():
        lines.append(f"# TYPE {name} gauge")
        lines += [f"{name} {_said(value)} {at}" for at, value in points]
    lines.append("# TYPE pair gauge")
    for pod in ("a", "b"):
        lines += [f'pair{{pod="{pod}"}} 1 {at}' for at in lately]
    return "\n".join([*lines, "# EOF", ""])


def _said(value: float) -> str:
    return "+Inf" if math.isinf(value) else f"{value:.9g}"


Told = tuple[int, str, str]


@pytest.fixture
def asked(url: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: Any) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMETHEUS_URL", url)

    def ask(*words: str) -> Told:
        code = main(words)
        out = capsys.readouterr()
        return code, out.out, out.err

    return ask


# --- trend ----------------------------------------------------------------------------------------


def test_a_rise_is_told_with_when_it_gets_there(asked: Any) -> None:
    code, out, _ = asked("trend", "--query", "rising", "--unit", "s", "--limit", "0.5")
    assert code == 1
    assert out.startswith("rising over 30 min: now 4")
    assert "That is a trend for the worse" in out
    # 0.1 above the latest value, at 0.006 a minute
    assert "it reaches its limit of 500 ms in 16 min" in out or "in 17 min" in out
    assert "╌╌╌" in out


def test_what_programs_get_has_every_figure(asked: Any) -> None:
    code, out, _ = asked("trend", "--query", "rising", "--limit", "0.5", "--json")
    found = json.loads(out)
    assert code == found["exit_code"] == 1
    trend = found["trend"]
    assert trend["slope"] == pytest.approx(1e-4, rel=0.1)
    assert trend["slope_low"] < 1e-4 < trend["slope_high"]
    assert trend["crossing"]["soonest"] < trend["crossing"]["expected"]
    assert trend["crossing"]["expected"] == pytest.approx(1000, rel=0.1)


@pytest.mark.parametrize(
    ("query", "code", "told"),
    [
        ("quiet", 0, "no trend"),
        ("rising * -1", 0, "It gets better"),
        ("flat", 0, "level"),
        ("nobody_has_this", 3, "only 0 values of 121, 100% are missing"),
        ("holes", 3, "are missing"),
        ("gone", 3, "latest value is"),
        ("quiet * NaN", 3, "only 0 values"),
        ("topped", 1, "latest value is infinite"),
    ],
)
def test_every_series_gets_its_exit_code(asked: Any, query: str, code: int, told: str) -> None:
    # the lookback of Prometheus fills five minutes; --duration 20m lies mostly in the holes
    words = ["--duration", "20m"] if query == "holes" else []
    found = asked("trend", "--query", query, *words)
    assert (found[0], found[2]) == (code, "")
    assert told in found[1]


def test_a_fall_is_the_worse_one_when_low_is_bad(asked: Any) -> None:
    code, out, _ = asked("trend", "--query", "rising * -1", "--worse", "down", "--limit=-0.5")
    assert code == 1
    assert "it reaches its limit of -0.5" in out


def test_several_series_are_named_and_not_mixed(asked: Any) -> None:
    code, out, err = asked("trend", "--query", "pair")
    assert (code, out) == (2, "")
    assert 'gives 2 series: {__name__="pair", pod="a"}, {__name__="pair", pod="b"}' in err
    assert asked("trend", "--query", "pair", "--aggregate", "sum")[0] == 0


def test_a_named_query_brings_its_limit_and_unit(asked: Any) -> None:
    code, out, _ = asked("trend", "--playbook", str(PLAYBOOK), "--metric", "throughput", "--json")
    found = json.loads(out)
    assert (code, found["worse"], found["unit"]) == (3, "down", "B/s")
    assert found["limit"] == pytest.approx(2e9, rel=0.1)
    assert found["query"] == "avg(dwcp_v3_throughput_bytes_per_second)"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Say what is asked"),
        (("--query", "up", "--metric", "p95"), "Say what is asked"),
        (("--metric", "p95"), "give --playbook FILE"),
        (("--metric", "p9", "--playbook", str(PLAYBOOK)), "several queries"),
        (("--metric", "p42", "--playbook", str(PLAYBOOK)), "It has P99 Latency"),
        (("--query", "sum("), "Mend the query"),
        (("--query", "up", "--prometheus", "http://["), "is no address"),
    ],
)
def test_what_is_asked_wrongly_is_said(asked: Any, words: tuple[str, ...], told: str) -> None:
    code, out, err = asked("trend", *words)
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.parametrize("words", [("--duration", "30"), ("--limit", "much"), ("--at-least", "-1")])
def test_what_is_no_number_is_a_usage_error(asked: Any, words: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as ended:
        asked("trend", "--query", "up", *words)
    assert ended.value.code == 2


@pytest.mark.parametrize("command", ["trend", "baseline"])
def test_without_prometheus_one_sentence_says_so(asked: Any, command: str) -> None:
    where = f"http://127.0.0.1:{free_port()}"
    code, out, err = asked(command, "--query", "up", "--prometheus", where)
    assert (code, out) == (3, "")
    assert f"Prometheus at {where} did not answer" in err
    assert err.count("\n") == 1


def test_what_is_no_prometheus_is_not_believed(asked: Any) -> None:
    with receiver() as other:
        other.body = b"<html>"
        code, _, err = asked("trend", "--query", "up", "--prometheus", other.url)
    assert code == 3
    assert "not an answer of" in err


def test_the_address_may_come_from_the_settings(
    url: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROMETHEUS_URL", raising=False)
    assert main(["trend", "--query", "quiet"]) == 2
    assert "Say where Prometheus is" in capsys.readouterr().err
    text = f'[documents]\nplaybook = "{PLAYBOOK}"\n[prometheus]\nurl = "{url}"\n'
    (tmp_path / "playcall.toml").write_text(text, "utf-8")
    assert main(["trend", "--query", "quiet"]) == 0
    assert main(["baseline", "--metric", "throughput", "--settings", "playcall.toml"]) == 3


@pytest.mark.parametrize(
    ("words", "code", "signs"),
    [
        (("trend", "--query", "rising * 1e-4", "--limit", "5e-5", "--unit", "s"), 1, "|*-"),
        (("baseline", "--query", "usual", "--name", "träge", "--unit", "B/s"), 0, "|*:"),
    ],
)
def test_where_there_are_no_dots_the_chart_is_plain(
    asked: Any, monkeypatch: Any, words: tuple[str, ...], code: int, signs: str
) -> None:
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr("sys.stdout", plain)
    assert main(words) == code
    plain.flush()
    written = plain.buffer.getvalue().decode("ascii")
    assert all(sign in written for sign in signs)


# --- baseline -------------------------------------------------------------------------------------


def test_as_usual(asked: Any) -> None:
    code, out, _ = asked("baseline", "--query", "usual", "--unit", "B/s", "--window", "7d")
    assert code == 0
    assert out.startswith("usual now 2.4")
    assert "the same hours of the week, once" in out
    assert "It is as usual" in out
    assert "░" in out


def test_slower_than_usual(asked: Any) -> None:
    words = ("--unit", "B/s", "--limit", "2e9", "--worse", "down")
    code, out, _ = asked("baseline", "--query", "slow", *words)
    assert code == 1
    assert "It is lower than usual, which is worse: shift -7" in out
    assert "large effect, delta -1.00" in out


def test_what_programs_get_of_a_comparison(asked: Any) -> None:
    code, out, _ = asked("baseline", "--query", "slow", "--window", "7d", "--json")
    found = json.loads(out)
    assert code == found["exit_code"] == 1
    assert found["hours"] == "the same hours of the week"
    assert len(found["spans"]) == 1
    assert found["comparison"]["shift"] == pytest.approx(-8e8, rel=0.1)
    assert found["comparison"]["usual"]["median"] == pytest.approx(2.4e9, rel=0.02)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("usual", "--window", "2d"), 0, "the same hours of the day, in 2 of them"),
        (("quiet", "--window", "30m"), 0, "all of it"),
        (("flat",), 0, "now 3, usually 3 ± 0"),
        (("flat * 2 - flat * (time() < bool 0) - flat",), 0, "as usual"),
        (("rising",), 3, "values of"),
        (("gone",), 3, "only 0 values of 20 now"),
        (("nobody_has_this",), 3, "only 0 values of 20 now"),
    ],
)
def test_every_window_gets_its_exit_code(
    asked: Any, words: tuple[str, ...], code: int, told: str
) -> None:
    found = asked("baseline", "--query", *words)
    assert (found[0], found[2]) == (code, "")
    assert told in found[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--window", "5m"), "at most half the window"),
        (("--window", "300d"), "26 weeks"),
        (("--zone", "Mars/Phobos"), "is no time zone"),
    ],
)
def test_a_comparison_that_makes_no_sense_is_refused(
    asked: Any, words: tuple[str, str], told: str
) -> None:
    code, out, err = asked("baseline", "--query", "usual", *words)
    assert (code, out) == (2, "")
    assert told in err


def test_long_spans_are_asked_for_piece_by_piece(url: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(measuring, "AT_ONCE", 50)
    end = measuring.now()
    question = measuring.Question(name="q", promql="vector(1)", prometheus=url)
    step = timedelta(seconds=1)
    (read,) = measuring.ask(question, [(end - timedelta(seconds=130), end)], step)
    assert read.missing == 0
    assert [at for at, _ in read.points] == [end.timestamp() - 130 + i for i in range(131)]
