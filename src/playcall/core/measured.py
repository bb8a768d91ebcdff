"""Numbers in what a diagnostic printed: an answer of Prometheus, or a page of metrics as text."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

MOST = 500  # samples that are read; more are no answer to a question
PAST = timedelta(minutes=30)  # of a single series that is shown beside its value
_PAST = re.compile(r"# last 30 min: (.+)")
_LINE = re.compile(
    r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?[ \t]+(?P<value>[+-]?[\w.+-]+)"
    r"(?:[ \t]+-?\d+)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    name: str  # of the series, with its labels
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    rows: tuple[Measured, ...]
    past: tuple[float, ...] = ()  # of the only series, oldest first


def write_answer(rows: Sequence[tuple[Mapping[str, str], float]], past: Sequence[float]) -> str:
    """An answer of Prometheus as text: a line for each series; `read_answer` reads it."""
    lines = [f"{_say_labels(labels)} {value:.6g}" for labels, value in rows]
    if len(past) > 1:
        lines.append("# last 30 min: " + " ".join(f"{value:.4g}" for value in past))
    return "".join(f"{line}\n" for line in lines)


def read_answer(text: str) -> Numbers | None:
    rows: list[Measured] = []
    past: tuple[float, ...] = ()
    for line in text.splitlines()[: MOST + 1]:
        if found := _PAST.fullmatch(line):
            past = tuple(_numbers(found[1].split()))
            continue
        name, _, value = line.rpartition(" ")
        number = _number(value)
        if number is None:
            return None
        rows.append(Measured(name=name, value=number))
    return Numbers(rows=tuple(rows), past=past) if rows else None


def read_exposition(text: str) -> Numbers | None:
    """A page of metrics, or the lines that `grep` left of it; None: it is something else."""
    rows: list[Measured] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        number = _number(found["value"]) if found else None
        if found is None or number is None or len(rows) == MOST:
            return None
        labels = f"{{{found['labels']}}}" if found["labels"] else ""
        rows.append(Measured(name=found["name"] + labels, value=number))
    return Numbers(rows=tuple(rows)) if rows else None


def _say_labels(labels: Mapping[str, str]) -> str:
    said = ",".join(f"{name}={' '.join(value.split())}" for name, value in sorted(labels.items()))
    return said or "value"


def _numbers(words: Sequence[str]) -> Iterator[float]:
    for word in words:
        number = _number(word)
        if number is not None and math.isfinite(number):
            yield number


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
