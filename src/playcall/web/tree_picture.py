"""A decision tree as a picture: each answer below its question, the way that was walked lit, and
what is asked now marked. It grows downwards, so that it fits a phone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from playcall.core.incident import Given
from playcall.core.plan import Question

WIDTH = 340
INDENT, DEEPEST = 18, 8  # a step to the right; beyond so many of them it stays
LINE, PAD, GAP = 16, 7, 10
LETTER = 7.0  # the width of most, at 13 pixels
MOST_LINES = 6  # of one text
MOST_ROWS = 150

_SVG = Markup(
    '<svg class="tree-picture" role="img" aria-label="{label}" viewBox="0 0 {width} {height}" '
    'width="{width}" height="{height}">{inner}</svg>'
)
_BOX = Markup(
    '<g class="{classes}"><rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{round}"/>'
    "{lines}</g>"
)
_TEXT = Markup('<text x="{x}" y="{y}">{text}</text>')
_WAY = Markup('<path class="{classes}" d="M{x1} {y1}V{y2}H{x2}"/>')


@dataclass(frozen=True, slots=True)
class _Row:
    """A question, or an answer with what it leads to."""

    text: str
    depth: int
    answer: bool
    walked: bool
    asked: bool
    above: int  # the row that it hangs on; -1: none


def draw(key: str, tree: Question, answers: Mapping[str, Given], asked: str) -> Markup:
    """`key` is the first question's id, `asked` the id of the one that waits."""
    rows: list[_Row] = []
    for row in _rows(key, tree, answers, asked):
        rows.append(row)
        if len(rows) > MOST_ROWS:
            return Markup()  # as text it can still be read
    boxes, ways, y = Markup(), Markup(), 2
    places: list[tuple[int, int]] = []  # left edge, and bottom
    for row in rows:
        x = 2 + INDENT * min(row.depth, DEEPEST)
        lines = _wrapped(row.text, int((WIDTH - x - 2 - 2 * PAD) / LETTER))
        height = LINE * len(lines) + 2 * PAD - 3
        if row.above >= 0:
            left, bottom = places[row.above]
            ways += _WAY.format(
                classes=_classes("way", row), x1=left + 8, y1=bottom, y2=y + height // 2, x2=x
            )
        boxes += _box(row, lines, x, y, height)
        places.append((x, y + height))
        y += height + GAP
    label = f"The decision tree: {tree.text} {_said(rows)}"
    return _SVG.format(label=label, width=WIDTH, height=y, inner=ways + boxes)


def _box(row: _Row, lines: list[str], x: int, y: int, height: int) -> Markup:
    text = Markup().join(
        _TEXT.format(x=x + PAD, y=y + PAD + 9 + LINE * n, text=line) for n, line in enumerate(lines)
    )
    kind = "answer" if row.answer else "question"
    return _BOX.format(
        classes=_classes(kind, row),
        x=x,
        y=y,
        width=WIDTH - x - 2,
        height=height,
        round=12 if row.answer else 4,
        lines=text,
    )


def _rows(key: str, question: Question, answers: Mapping[str, Given], asked: str) -> Iterator[_Row]:
    """Depth first; a row's number is its place in what comes out."""
    count = 0

    def walk(key: str, question: Question, depth: int, above: int, on: bool) -> Iterator[_Row]:
        nonlocal count
        here, count = count, count + 1
        given = answers.get(key) if on else None
        yield _Row(question.text, depth, False, given is not None, key == asked, above)
        for index, answer in enumerate(question.answers):
            taken = given is not None and given.answer == answer.label
            mine, count = count, count + 1
            text = f"{answer.label} → {answer.outcome}" if answer.outcome else answer.label
            yield _Row(text, depth + 1, True, taken, False, here)
            for n, below in enumerate(answer.questions):
                yield from walk(f"{key}.{index}.{n}", below, depth + 2, mine, taken)

    yield from walk(key, question, 0, -1, True)


def _classes(kind: str, row: _Row) -> str:
    return " ".join([kind, *(["walked"] if row.walked else []), *(["asked"] if row.asked else [])])


def _wrapped(text: str, most: int) -> list[str]:
    """In lines of at most so many letters; a longer word is cut."""
    lines = [""]
    for word in text.split():
        for piece in (word[n : n + most] for n in range(0, len(word), most)):
            if len(lines[-1]) + len(piece) + 1 > most and lines[-1]:
                lines.append("")
            lines[-1] = f"{lines[-1]} {piece}".strip()
        if len(lines) > MOST_LINES:
            return [*lines[: MOST_LINES - 1], f"{lines[MOST_LINES - 1][: most - 1]}…"]
    return lines


def _said(rows: list[_Row]) -> str:
    walked = [row.text for row in rows if row.walked and row.answer]
    way = f"Walked: {', '.join(walked)}. " if walked else "Not walked yet. "
    asked = next((row.text for row in rows if row.asked), "")
    return f"{way}Asked now: {asked}" if asked else way.strip()
