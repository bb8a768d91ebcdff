"""What the page shows of a run's output: text with its colours, JSON folded, numbers drawn."""

import json
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from playcall.core.finding import criterion_of
from playcall.core.measured import Numbers, read_answer, read_exposition
from playcall.core.meter import without_meter
from playcall.core.plan import Play
from playcall.engine.ports import StoredRun
from playcall.web import drawing
from playcall.web.ansi import plain, to_html

SHOWN = 4000  # characters of the end of a text that the page carries
LIVE = 5  # lines that are seen while it runs
LARGEST_JSON = 32 * 1024  # bytes of a document that is folded; a larger one is text
OPEN = 4  # entries up to which a part of it is not folded
DEEPEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    text: Markup  # inside <pre>; empty when it is JSON, or nothing
    folded: Markup  # a JSON document
    drawing: Markup
    live: Markup  # the last lines
    cut: bool  # there is more of it than shown


NOTHING = Printed(text=Markup(), folded=Markup(), drawing=Markup(), live=Markup(), cut=False)


def show(run: StoredRun | None, play: Play | None) -> Printed:
    if run is None or not run.output:
        return NOTHING
    whole = run.output_size <= len(run.output)
    text = run.output.decode("utf-8", "replace")
    folded = _folded(without_meter(text)) if whole and len(text) <= LARGEST_JSON else Markup()
    end = text[-SHOWN:]
    return Printed(
        text=Markup() if folded else to_html(end),
        folded=folded,
        drawing=_drawing(run, text, play) if whole else Markup(),
        live=to_html("\n".join(text.rstrip("\n").rsplit("\n", LIVE)[-LIVE:])[-SHOWN:]),
        cut=not folded and (not whole or len(text) > SHOWN),
    )


def _drawing(run: StoredRun, text: str, play: Play | None) -> Markup:
    task = run.execution
    numbers: Numbers | None = None
    if task.native:
        numbers = read_answer(plain(text))
    elif "/metrics" in task.text:
        numbers = read_exposition(plain(without_meter(text)))
    if numbers is None:
        return Markup()
    criterion = criterion_of(task.text, play) if task.native else None
    limit = criterion.threshold if criterion else None
    if numbers.past:
        return drawing.line(numbers.past, limit, f"the last 30 min: {run.summary}")
    if len(numbers.rows) == 1 and limit is None:
        return Markup()  # one bar beside nothing says nothing
    return drawing.bars(numbers.rows, limit, run.summary)


def _folded(text: str) -> Markup:
    if text.lstrip()[:1] not in ("{", "["):
        return Markup()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Markup()
    return _json(value, DEEPEST)


def _json(value: Any, depth: int) -> Markup:
    match value:
        case dict():
            rows = [
                (Markup('<span class="key">{}</span>: ').format(k), v) for k, v in value.items()
            ]
            named = "{" + ", ".join(list(value)[:3]) + (", …}" if len(value) > 3 else "}")
        case list():
            rows = [(Markup(), item) for item in value]
            named = f"[{len(value)}]"
        case _:
            return escape(json.dumps(value, ensure_ascii=False))
    if not rows or depth == 0:
        return escape("…" if rows else named)
    items = Markup().join(
        Markup("<li>{}{}</li>").format(key, _json(item, depth - 1)) for key, item in rows
    )
    opened = Markup(" open") if len(rows) <= OPEN or depth == DEEPEST else Markup()
    return Markup("<details{}><summary>{}</summary><ul>{}</ul></details>").format(
        opened, named, items
    )
