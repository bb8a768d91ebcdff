"""A table of Markdown on sheets: columns as wide as their words want, cells wrapped, the head again
on every page, a row that is higher than a page continued on the next."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from playcall.paper.sheets import MARGIN, RULE, Sheets
from playcall.paper.spans import Span

SIZE, LINE, PAD = 8.5, 4.3, 1.3  # points; mm
NARROWEST = 13.0  # mm of a column
_MOST = 3000  # characters of a cell that are measured

Cell = Sequence[Span]


@dataclass(slots=True)
class Table:
    """As it is read; the first row is its head."""

    rows: list[list[Cell]] = field(default_factory=list)

    def set(self, sheets: Sheets, left: float) -> None:
        """Raises TooMuch."""
        count = max((len(row) for row in self.rows), default=0)
        room = sheets.w - MARGIN - left
        if count and count * NARROWEST <= room:
            _Setter(sheets, left, _widths(sheets, self.rows, count, room)).rows(self.rows)
            return
        for row in self.rows:  # of too many columns to stand side by side
            joined = [span for cell in row for span in (*cell, Span("  |  "))]
            sheets.spans(joined[:-1], left, SIZE)


def _widths(sheets: Sheets, rows: Sequence[Sequence[Cell]], count: int, room: float) -> list[float]:
    """What each column wants, when there is room; else the wide ones share what is left."""
    sheets.set_font("sans", "B", SIZE)
    wanted = [NARROWEST] * count
    for row in rows[:500]:
        for column, cell in enumerate(row):
            text = _text(cell)[:_MOST]
            width = sheets.get_string_width(text.replace("\n", " ")) + 2 * PAD + 1.5
            wanted[column] = max(wanted[column], width)
    if sum(wanted) <= room:
        return wanted
    open_, left = set(range(count)), room
    while True:
        fair = left / len(open_)
        small = {column for column in open_ if wanted[column] <= fair}
        if not small:
            return [fair if column in open_ else wanted[column] for column in range(count)]
        left -= sum(wanted[column] for column in small)
        open_ -= small


@dataclass(frozen=True, slots=True)
class _Setter:
    sheets: Sheets
    left: float
    widths: Sequence[float]

    def rows(self, rows: Sequence[Sequence[Cell]]) -> None:
        head, *body = [self._wrapped(row, bold=not n) for n, row in enumerate(rows)]
        self.sheets.need(_height(head) + (_height(body[0]) if body else 0))
        self._row(head, bold=True)
        for row in body:
            rest = row
            while any(cell.lines for cell in rest):
                self.sheets.check()
                fits = int((self.sheets.room() - 2 * PAD) // LINE)
                if fits < min(_lines(rest), 3) and self.sheets.y > self.sheets.t_margin:
                    self.sheets.add_page()
                    self._row(head, bold=True)
                    fits = int((self.sheets.room() - 2 * PAD) // LINE)
                if _lines(rest) > fits and _lines(rest) <= 12:
                    self.sheets.add_page()
                    self._row(head, bold=True)
                    fits = int((self.sheets.room() - 2 * PAD) // LINE)
                fits = max(fits, 1)
                self._row([_Wrapped(cell.lines[:fits], cell.link) for cell in rest])
                rest = [_Wrapped(cell.lines[fits:], cell.link) for cell in rest]

    def _wrapped(self, row: Sequence[Cell], bold: bool = False) -> "list[_Wrapped]":
        found = []
        for column, width in enumerate(self.widths):
            cell = row[column] if column < len(row) else ()
            text = self.sheets.dress(Span(_text(cell), bold=bold), SIZE)
            self.sheets.check()
            lines: list[str] = self.sheets.multi_cell(  # type: ignore[assignment]
                width - 2 * PAD, LINE, text or " ", dry_run=True, output="LINES", padding=0
            )
            link = next((span.link for span in cell if span.link), "")
            found.append(_Wrapped(lines or [" "], link))
        return found

    def _row(self, row: "Sequence[_Wrapped]", bold: bool = False) -> None:
        sheets, x, y = self.sheets, self.left, self.sheets.y
        for cell, width in zip(row, self.widths, strict=True):
            sheets.dress(Span("", bold=bold, link=cell.link), SIZE)
            for n, line in enumerate(cell.lines):
                sheets.set_xy(x + PAD, y + PAD + n * LINE)
                sheets.cell(width - 2 * PAD, LINE, line, link=cell.link or "")
            x += width
        below = y + _height(row)
        sheets.set_draw_color(*RULE)
        sheets.set_line_width(0.4 if bold else 0.2)
        sheets.line(self.left, below, x, below)
        sheets.set_xy(self.left, below)


@dataclass(frozen=True, slots=True)
class _Wrapped:
    lines: list[str]
    link: str


def _lines(row: Sequence[_Wrapped]) -> int:
    return max(len(cell.lines) for cell in row)


def _height(row: Sequence[_Wrapped]) -> float:
    return _lines(row) * LINE + 2 * PAD


def _text(cell: Cell) -> str:
    return "".join(span.text for span in cell)
