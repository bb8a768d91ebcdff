"""Sets a post-mortem on sheets, block by block. Whatever its text is, it ends: with a PDF, or with
a refusal that says why."""

import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from fpdf.enums import WrapMode
from fpdf.util import Padding
from markdown_it.token import Token

from playcall import fonts
from playcall.paper.bounds import Limits
from playcall.paper.markdown import Picture, parse
from playcall.paper.sheets import (
    BOTTOM,
    INK,
    LEAD,
    MARGIN,
    RULE,
    SHORTEST,
    SIZE,
    Sheets,
)
from playcall.paper.spans import Piece, Span, pieces
from playcall.paper.table import Table

_HEADINGS = {"h1": 17.0, "h2": 13.0, "h3": 11.0}
_INDENT = 6.0  # mm
_CHART = 98.0  # mm wide: three of them on a page
_BAR = (179, 32, 27)  # beside a quotation, and so beside a conflict
_CODE = (244, 242, 236)


def print_pdf(
    text: str,
    *,
    title: str,
    at: datetime,
    url: str = "",
    home: str = "",
    charts: Mapping[Picture, bytes] | None = None,
    limits: Limits | None = None,
) -> bytes:
    """`at`: its date. `home` goes before links that lead to the server at `url`; `charts` are PNGs.
    Raises TooMuch."""
    with closing(Sheets(title, limits or Limits())) as sheets:
        sheets.set_creation_date(at)
        setter = _Setter(sheets, url, home, charts or {})
        setter.blocks(parse(text))
        return bytes(sheets.output())


@dataclass(slots=True)
class _List:
    """One that is open; its next item's number, or none."""

    number: int | None


@dataclass(slots=True)
class _Setter:
    sheets: Sheets
    url: str
    home: str
    charts: Mapping[Picture, bytes]
    lists: list[_List] = field(default_factory=list)
    quotes: list[tuple[int, float]] = field(default_factory=list)  # page and height of each's start
    marker: str = ""  # of an item, until its first block is set
    tight: bool = False
    table: Table | None = None

    def blocks(self, tokens: Sequence[Token]) -> None:
        heading = ""
        for number, token in enumerate(tokens):
            self.sheets.check()
            match token.type:
                case "heading_open":
                    heading = token.tag
                case "heading_close":
                    heading = ""
                case "inline" if self.table is not None:
                    cell = [one for one in self._pieces(token) if isinstance(one, Span)]
                    self.table.rows[-1].append(cell)
                case "inline" if heading:
                    self._heading(token, heading, self._after(tokens[number + 2 : number + 4]))
                case "inline":
                    self._paragraph(self._pieces(token))
                case "fence" | "code_block":
                    self._code(token.content)
                case "hr":
                    self._rule()
                case _:
                    self._nest(token)

    def _nest(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self.lists.append(_List(None))
            case "ordered_list_open":
                self.lists.append(_List(int(token.attrs.get("start", 1))))
            case "bullet_list_close" | "ordered_list_close":
                self.lists.pop()
                if not self.lists:
                    self._space(1.5)
            case "list_item_open":
                self.marker = self._next_marker()
            case "list_item_close":
                self.marker = ""
            case "paragraph_open":
                self.tight = token.hidden
            case "blockquote_open":
                self.quotes.append((self.sheets.page, self.sheets.y))
            case "blockquote_close":
                self._bar(*self.quotes.pop())
            case "table_open":
                self.table = Table()
            case "tr_open" if self.table is not None:
                self.table.rows.append([])
            case "table_close" if self.table is not None:
                table, self.table = self.table, None
                table.set(self.sheets, self._left)
                self._space(3)
            case _:
                pass

    @property
    def _left(self) -> float:
        deep = _INDENT * len(self.lists) + (_INDENT - 1) * len(self.quotes)
        return min(MARGIN + deep, self.sheets.w - MARGIN - SHORTEST)

    def _pieces(self, token: Token) -> list[Piece]:
        return list(pieces(token.children or (), self.url, self.home))

    def _next_marker(self) -> str:
        current = self.lists[-1]
        if current.number is None:
            return "•" if len(self.lists) % 2 else "–"
        current.number += 1
        return f"{current.number - 1}."

    def _after(self, tokens: Sequence[Token]) -> float:
        """How much room a heading wants below it, in mm: for a few lines, or for a chart."""
        first = self._pieces(tokens[1])[:1] if len(tokens) > 1 and tokens[1].children else []
        return _CHART * 3 / 4 + 4 if any(one in self.charts for one in first) else 4 * LEAD

    def _heading(self, token: Token, tag: str, after: float) -> None:
        size = _HEADINGS.get(tag, SIZE)
        spans = [one for one in self._pieces(token) if isinstance(one, Span)]
        name = fonts.shown("".join(span.text for span in spans)).strip()
        if self.sheets.y > self.sheets.t_margin:
            self._space(4 if tag == "h1" else 3)
        self.sheets.need(size * 0.6 + after)
        self.sheets.set_font("sans", "", SIZE)
        if name:
            self.sheets.start_section(name[:200], int(tag[1]) - 1, strict=False)
        bold = [Span(one.text, True, one.italic, one.code, one.link) for one in spans]
        self.sheets.spans(bold, self._left, size)
        if tag == "h2":
            self._line(self.sheets.y + 0.8)
        self._space(2.2)

    def _paragraph(self, found: Iterable[Piece]) -> None:
        spans: list[Span] = []
        for one in found:
            if isinstance(one, Span):
                spans.append(one)
            elif one in self.charts:
                self._text(spans)
                spans = []
                self._chart(self.charts[one])
            else:
                address = f"{self.home}{one.address}.svg" if self.home else ""
                spans.append(Span(f"[chart: {one.name}]", link=address))
        self._text(spans)
        self._space(0.6 if self.tight or self.lists else 2.2)

    def _text(self, spans: Sequence[Span]) -> None:
        if not any(span.text.strip() for span in spans):
            return
        self.sheets.need(LEAD)
        self._mark(spans[0].text[:2])
        self.sheets.spans(spans, self._left)

    def _mark(self, begins: str = "") -> None:
        """An item's bullet or number, left of its first line; a task has its box instead."""
        if self.marker and begins not in ("☐ ", "☑ "):
            y = self.sheets.y
            said = self.sheets.dress(Span(self.marker), SIZE)
            width = self.sheets.get_string_width(said)
            self.sheets.set_xy(self._left - width - 1.8, y)
            self.sheets.cell(width, LEAD, said)
            self.sheets.set_xy(self._left, y)
        self.marker = ""

    def _chart(self, png: bytes) -> None:
        width = min(_CHART, self.sheets.w - MARGIN - self._left)
        height = width * 3 / 4
        self.sheets.need(height + 2)
        self._mark()
        self._space(1)
        x, y = self._left, self.sheets.y
        self.sheets.image(io.BytesIO(png), x, y, width, height)
        self.sheets.set_draw_color(*RULE)
        self.sheets.set_line_width(0.2)
        self.sheets.rect(x, y, width, height)
        self.sheets.set_y(y + height)
        self._space(2)

    def _code(self, text: str) -> None:
        self.sheets.need(LEAD * 2)
        self._mark()
        left = self._left
        self.sheets.set_fill_color(*_CODE)
        for line in text.rstrip("\n").split("\n"):
            for start in range(0, max(len(line), 1), 5000):
                self.sheets.check()
                said = fonts.shown(line[start : start + 5000].expandtabs(4), fonts.MONO)
                self.sheets.set_font("mono", "", 8)
                self.sheets.set_text_color(*INK)
                self.sheets.set_x(left)
                self.sheets.multi_cell(
                    self.sheets.w - MARGIN - left,
                    4.1,
                    said or " ",
                    fill=True,
                    wrapmode=WrapMode.CHAR,
                    align="L",
                    padding=Padding(0, 1.5, 0, 1.5),
                    new_x="LEFT",
                    new_y="NEXT",
                )
        self._space(2.4)

    def _rule(self) -> None:
        self._space(1.5)
        self.sheets.need(3)
        self._line(self.sheets.y)
        self._space(3)

    def _line(self, y: float) -> None:
        self.sheets.set_draw_color(*RULE)
        self.sheets.set_line_width(0.3)
        self.sheets.line(self._left, y, self.sheets.w - MARGIN, y)

    def _space(self, height: float) -> None:
        """Below a block; none where a page begins."""
        self.sheets.set_y(min(self.sheets.y + height, self.sheets.page_break_trigger))

    def _bar(self, page: int, top: float) -> None:
        """Down the left of a quotation, on every page that it is on."""
        sheets, last, end = self.sheets, self.sheets.page, self.sheets.y - 1.8
        x = self._left + 1.5
        for number in range(page, last + 1):
            sheets.page = number
            above = top if number == page else sheets.t_margin
            below = end if number == last else sheets.h - BOTTOM
            sheets.set_draw_color(*_BAR)
            sheets.set_line_width(0.8)
            if below > above:
                sheets.line(x, above, x, below)
        sheets.page = last
