"""A profile, read again field by field as `profile.proto` says."""

import gzip
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from dwcp import profile
from dwcp.web import Answer

# Of perftools.profiles.Profile: which fields are messages or text, which are packed numbers.
VARINT, LENGTH = 0, 2
PROFILE = {1: LENGTH, 2: LENGTH, 4: LENGTH, 5: LENGTH, 6: LENGTH}
PROFILE |= {9: VARINT, 10: VARINT, 11: LENGTH, 12: VARINT}
SAMPLE = {1: LENGTH, 2: LENGTH, 3: LENGTH}
LOCATION = {1: VARINT, 4: LENGTH}
FUNCTION = {1: VARINT, 2: VARINT, 3: VARINT, 4: VARINT, 5: VARINT}
PAIR = {1: VARINT, 2: VARINT}  # ValueType, Label and Line

Fields = dict[int, list[int | bytes]]


def varints(data: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0
    assert shift == 0, "a number that does not end"


def message(data: bytes, allowed: dict[int, int]) -> Fields:
    """The fields of a message, each of the wire type that it must have."""
    found: Fields = defaultdict(list)
    at = 0

    def read() -> int:
        nonlocal at
        end = at
        while data[end] > 0x7F:
            end += 1
        at, began = end + 1, at
        return next(varints(data[began : end + 1]))

    while at < len(data):
        key = read()
        assert allowed[key >> 3] == key & 7
        value: int | bytes = read()
        if key & 7 == LENGTH:
            end = at + whole(value)
            value, at = data[at:end], end
            assert at <= len(data)
        found[key >> 3].append(value)
    return found


@dataclass
class Decoded:
    types: list[tuple[str, str]] = field(default_factory=list)
    samples: list[tuple[list[tuple[str, str, int]], list[int], dict[str, str]]] = field(
        default_factory=list
    )
    nanoseconds: int = 0
    period: int = 0
    at: int = 0

    def spent_in(self, function: str) -> int:
        return sum(
            values[1]
            for stack, values, _ in self.samples
            if any(name == function for name, _, _ in stack)
        )


def whole(value: int | bytes) -> int:
    assert isinstance(value, int)
    return value


def content(value: int | bytes) -> bytes:
    assert isinstance(value, bytes)
    return value


def decode(data: bytes) -> Decoded:
    fields = message(gzip.decompress(data), PROFILE)
    text = [content(each).decode() for each in fields[6]]
    assert text[0] == ""

    def pair(data: int | bytes) -> tuple[str, str]:
        found = message(content(data), PAIR)
        return text[whole(found[1][0])], text[whole(found[2][0])]

    functions: dict[int, tuple[str, str]] = {}
    for each in fields[5]:
        found = message(content(each), FUNCTION)
        number, name, system, file, first = (whole(found[key][0]) for key in (1, 2, 3, 4, 5))
        assert number > 0
        assert name == system
        assert first >= 0
        functions[number] = (text[name], text[file])
    places: dict[int, tuple[str, str, int]] = {}
    for each in fields[4]:
        found = message(content(each), LOCATION)
        line = message(content(found[4][0]), PAIR)
        places[whole(found[1][0])] = (*functions[whole(line[1][0])], whole(line[2][0]))
    decoded = Decoded(
        types=[pair(each) for each in fields[1]],
        nanoseconds=whole(fields[10][0]),
        period=whole(fields[12][0]),
        at=whole(fields[9][0]),
    )
    assert pair(fields[11][0]) == ("cpu", "nanoseconds")
    for each in fields[2]:
        found = message(content(each), SAMPLE)
        stack = [places[number] for number in varints(content(found[1][0]))]
        values = list(varints(content(found[2][0])))
        assert len(values) == len(decoded.types)
        decoded.samples.append((stack, values, dict(pair(label) for label in found[3])))
    return decoded


def work_hard(until: threading.Event) -> None:
    while not until.is_set():
        sum(range(1000))


def get(query: bytes) -> Answer:
    return profile.routes()[("GET", "/debug/pprof/profile")](query)


def test_a_profile_says_who_used_the_processor_and_who_only_waited() -> None:
    stop = threading.Event()
    busy = threading.Thread(target=work_hard, args=(stop,), name="busy")
    idle = threading.Thread(target=stop.wait, name="idle")
    for thread in (busy, idle):
        thread.start()
    began = time.time_ns()
    try:
        answer = get(b"seconds=1")
    finally:
        stop.set()
        busy.join()
        idle.join()
    assert answer.status == 200
    found = decode(answer.body)
    assert found.types == [("samples", "count"), ("cpu", "nanoseconds")]
    assert found.period == 10_000_000
    assert found.at >= began
    assert found.nanoseconds >= 1e9
    spent = found.spent_in("work_hard")
    assert 0 < spent <= 1.1 * found.nanoseconds
    assert spent > 100 * found.spent_in("Event.wait")
    stack, values, labels = max(found.samples, key=lambda sample: sample[1][1])
    assert labels == {"thread": "busy"}
    assert values[0] > 0
    _, file, line = next(place for place in stack if place[0] == "work_hard")
    first = work_hard.__code__.co_firstlineno
    assert file == __file__
    assert first < line <= first + 2
    assert [place[0] for place in stack][-1] == "Thread._bootstrap"


@pytest.mark.parametrize("query", [b"seconds=0", b"seconds=61", b"seconds=x", b"seconds=nan"])
def test_a_length_that_no_profile_has_is_refused(query: bytes) -> None:
    answer = get(query)
    assert answer.status == 400
    assert "1 to 60" in json.loads(answer.body)["error"]


def test_an_empty_length_is_refused() -> None:
    assert get(b"seconds=").status == 400


def test_one_profile_is_taken_at_a_time() -> None:
    route = profile.routes()[("GET", "/debug/pprof/profile")]
    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(route, b"seconds=1") for _ in range(3)]
        assert sorted(each.result().status for each in answers) == [200, 503, 503]
    assert route(b"seconds=1").status == 200


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, b"\0"), (1, b"\1"), (127, b"\x7f"), (128, b"\x80\1"), (300, b"\xac\2")],
)
def test_numbers_are_written_seven_bits_at_a_time(value: int, encoded: bytes) -> None:
    assert profile._varint(value) == encoded
    assert list(varints(encoded)) == [value]
