"""What a diagnostic found, in one line, where the shape of its output allows it."""

import http
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from playcall.core.compiler.criteria import query_unit
from playcall.core.judge import satisfies
from playcall.core.measured import Numbers, read_answer, read_exposition
from playcall.core.meter import without_meter
from playcall.core.plan import Criterion, Play, Purpose
from playcall.core.wording import say_value

LARGEST = 64 * 1024  # bytes of an output that is looked at; a longer one has no single finding
NAMED = 3  # things of a list that are told one by one
_HTTP = re.compile(r"^(?:< )?HTTP/[\d.]+ (\d{3})\b", re.MULTILINE)
_STATUS_ASKED = re.compile(r"%\{(?:http_code|response_code)\}")
_JQ = re.compile(r"\|\s*jq\b(?![^|]*\|)")  # the last of the pipeline
_METRICS = re.compile(r"/metrics\b")


def find(text: str, *, native: bool, output: bytes, play: Play | None) -> str | None:
    """`text` as it ran, `output` all that it printed; None: nothing that can be said in a line."""
    if len(output) > LARGEST:
        return None
    printed = output.decode("utf-8", "replace")
    if native:
        return _answer(printed, text, criterion_of(text, play))
    printed = without_meter(printed)
    looks: Sequence[Callable[[str, str], str | None]] = (_http, _metrics, _pods, _json)
    return next((found for look in looks if (found := look(text, printed))), None)


def criterion_of(query: str, play: Play | None) -> Criterion | None:
    """The criterion of the play that asks the same."""
    asked = query.split()
    return next(
        (c for c in (play.criteria if play else ()) if c.query and c.query.split() == asked), None
    )


def _answer(printed: str, query: str, criterion: Criterion | None) -> str:
    numbers = read_answer(printed)
    values = [row.value for row in numbers.rows if not math.isnan(row.value)] if numbers else []
    if not values:
        return "no data"
    unit = criterion.unit if criterion else (query_unit(query) or "")
    if len(values) == 1:
        said = say_value(values[0], unit)
    else:
        low, high = say_value(min(values), unit), say_value(max(values), unit)
        said = f"{len(values)} series, {low} to {high}"
    return f"{said}, {_against(criterion, values)}" if criterion else said


def _against(criterion: Criterion, values: Sequence[float]) -> str:
    met = [satisfies(value, criterion.comparison, criterion.threshold) for value in values]
    symptom = criterion.purpose is Purpose.SYMPTOM
    said = {Purpose.SYMPTOM: "alarming", Purpose.RECOVERY: "wanted"}.get(criterion.purpose, "asked")
    limit = say_value(criterion.threshold, criterion.unit)
    answer = "yes" if (any(met) if symptom else all(met)) else "no"
    return f"{said} {criterion.comparison} {limit}: {answer}"


def _http(text: str, printed: str) -> str | None:
    found = _HTTP.findall(printed)
    if not found and _STATUS_ASKED.search(text):
        found = re.findall(r"\b[1-5]\d\d\b", printed)
    if not found:
        return None
    said = [_say_status(int(code)) for code in found]
    if len(said) == 1 or _HTTP.search(printed):
        return said[-1]  # of a chain of redirections, what it led to
    return ", ".join(f"{count} × {one}" for one, count in Counter(said).items())


def _say_status(code: int) -> str:
    try:
        return f"HTTP {code} {http.HTTPStatus(code).phrase}"
    except ValueError:
        return f"HTTP {code}"


def _metrics(text: str, printed: str) -> str | None:
    numbers = read_exposition(printed) if _METRICS.search(text) else None
    return say_numbers(numbers) if numbers else None


def say_numbers(numbers: Numbers) -> str:
    rows = numbers.rows
    if len(rows) > NAMED:
        names = {row.name.partition("{")[0] for row in rows}
        return f"{len(rows)} samples of {len(names)} metric{'s' if len(names) > 1 else ''}"
    return ", ".join(f"{row.name} = {row.value:.6g}" for row in rows)


def _pods(text: str, printed: str) -> str | None:
    """'3 of 4 Running, 1 CrashLoopBackOff' from the table of `kubectl get pods`."""
    head, *lines = [line for line in printed.splitlines() if line.strip()] or [""]
    columns = head.split()
    if not {"NAME", "READY", "STATUS"} <= set(columns):
        return None
    status, ready = columns.index("STATUS"), columns.index("READY")
    rows = [row for line in lines if len(row := line.split()) > max(status, ready)]
    counts = Counter(row[status] for row in rows)
    running = counts.pop("Running", 0)
    unready = sum(row[status] == "Running" and not _is_ready(row[ready]) for row in rows)
    said = f"{running} of {len(rows)} Running"
    if unready:
        said += f" ({unready} not ready)"
    return ", ".join([said, *(f"{count} {state}" for state, count in counts.most_common())])


def _is_ready(text: str) -> bool:
    there, _, wanted = text.partition("/")
    return there == wanted


def _json(text: str, printed: str) -> str | None:
    """A JSON document in a line; of `jq`, its values."""
    values = _values(printed)
    if not values or (len(values) > 1 and not _JQ.search(text)):
        return None
    if len(values) > NAMED:
        return f"{len(values)} values, the first {say_json(values[0])}"
    return ", ".join(say_json(value) for value in values)


def _values(printed: str) -> list[Any]:
    try:
        return [json.loads(printed)]
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(line) for line in printed.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return []


def say_json(value: Any) -> str:
    match value:
        case list():
            return f"{len(value)} item{'' if len(value) == 1 else 's'}"
        case dict() if len(value) > NAMED or any(
            isinstance(v, list | dict) for v in value.values()
        ):
            names = ", ".join(list(value)[:NAMED]) + (", …" if len(value) > NAMED else "")
            return f"an object of {len(value)}: {names}"
        case _:
            return json.dumps(value, ensure_ascii=False)
