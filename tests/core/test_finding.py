"""What a diagnostic found is said in one line where its output has a known shape."""

import pytest

from playcall.core.finding import LARGEST, find
from playcall.core.measured import read_answer, read_exposition, write_answer
from playcall.core.plan import Purpose
from playcall.testing import a_criterion, a_play

PODS = """\
NAME          READY   STATUS             RESTARTS   AGE
a             1/1     Running            0          1d
b             0/1     Running            0          1d
c             0/1     CrashLoopBackOff   9 (2m ago) 1d
d             1/1     Running            0          1d
"""
METER = (
    "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
    "                                 Dload  Upload   Total   Spent    Left  Speed\n"
    "\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
    "\r100  8051  100  8051    0     0    263      0  0:00:30  0:00:30 --:--:--  1914\n"
)
EXPOSITION = 'up{job="a b",le="0.5"} 1\ndwcp_x_total 12 1700000000000\ny +Inf\n'


def found(text: str, output: str) -> str | None:
    return find(text, native=False, output=output.encode(), play=None)


@pytest.mark.parametrize(
    ("text", "output", "said"),
    [
        (
            "curl -i u",
            "HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nx",
            "HTTP 503 Service Unavailable",
        ),
        ("curl -iL u", "HTTP/1.1 302 Found\r\n\r\nHTTP/2 200 \r\n\r\n", "HTTP 200 OK"),
        ("curl -sv u", "* x\n< HTTP/1.1 404 Not Found\n", "HTTP 404 Not Found"),
        ("curl -so /dev/null -w '%{http_code}' u", "200", "HTTP 200 OK"),
        (
            "for i in 1 2 3; do curl -w '%{http_code}\n' u; done",
            "200\n599\n200\n",
            "2 × HTTP 200 OK, 1 × HTTP 599",
        ),
        ("kubectl get pods", PODS, "3 of 4 Running (1 not ready), 1 CrashLoopBackOff"),
        ("kubectl get pods -A", "NAMESPACE NAME READY STATUS\nn a 1/1 Running\n", "1 of 1 Running"),
        ("curl u | jq .ratio", "0.97\n", "0.97"),
        ("curl u | jq -c '.[]'", '"a"\n{"b":1}\n', '"a", {"b": 1}'),
        ("curl u | jq '.[]'", "1\n2\n3\n4\n", "4 values, the first 1"),
        ("curl u", '{"a": [1], "b": 2, "c": 3, "d": 4}', "an object of 4: a, b, c, …"),
        ("curl u", "[1, 2]", "2 items"),
        ("curl u | jq", METER + '{\n  "a": 1\n}\n', '{"a": 1}'),
        ("curl u | jq", METER.removesuffix("\n") + "12\n\n", "12"),
        ("curl h:9094/metrics | grep a", METER + "a 1\n", "a = 1"),
        (
            "curl h:9091/metrics | grep x",
            EXPOSITION,
            'up{job="a b",le="0.5"} = 1, dwcp_x_total = 12, y = inf',
        ),
        ("curl h:9091/metrics", "a 1\n" * 4 + "b 2\n", "5 samples of 2 metrics"),
        ("wc -l x", "3 x\n", None),
        ("cat x", "a 1\n", None),
        ("kubectl get pods", "No resources found\n", None),
        ("x | jq .", "1\n" * LARGEST, None),
        ("true", "", None),
    ],
)
def test_a_known_shape_is_said_in_a_line(text: str, output: str, said: str | None) -> None:
    assert found(text, output) == said


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([({}, 0.42)], "420 ms, wanted < 500 ms: yes"),
        (
            [({"i": "a"}, 0.42), ({"i": "b c"}, 0.9)],
            "2 series, 420 ms to 900 ms, wanted < 500 ms: no",
        ),
        ([({}, float("nan"))], "no data"),
        ([], "no data"),
    ],
)
def test_an_answer_is_held_against_the_criterion_that_asks_the_same(
    rows: list[tuple[dict[str, str], float]], said: str
) -> None:
    play = a_play(criteria=[a_criterion(query="max( latency )")])
    output = write_answer(rows, ()).encode()
    assert find("max(  latency )", native=True, output=output, play=play) == said


def test_a_symptom_alarms_when_any_series_has_it() -> None:
    play = a_play(criteria=[a_criterion(purpose=Purpose.SYMPTOM)])
    output = write_answer([({"i": "a"}, 0.4), ({"i": "b"}, 0.6)], ()).encode()
    said = find("latency", native=True, output=output, play=play)
    assert said == "2 series, 400 ms to 600 ms, alarming < 500 ms: yes"


def test_an_answer_without_a_criterion_has_the_unit_of_its_query() -> None:
    output = write_answer([({}, 0.42)], ()).encode()
    query = "histogram_quantile(0.99, rate(x_seconds_bucket[5m]))"
    assert find(query, native=True, output=output, play=None) == "420 ms"


def test_an_answer_is_read_as_it_was_written() -> None:
    numbers = read_answer(write_answer([({"i": "a b\nc"}, 1.5)], (1.0, float("inf"), 2.0)))
    assert numbers is not None
    assert [(row.name, row.value) for row in numbers.rows] == [("i=a b c", 1.5)]
    assert numbers.past == (1.0, 2.0)
    assert read_answer("it was refused") is None


def test_what_is_no_page_of_metrics_is_not_read_as_one() -> None:
    assert read_exposition("# only comments\n") is None
    assert read_exposition("up 1\nand more text\n") is None
    assert read_exposition("a 1\n" * 501) is None
