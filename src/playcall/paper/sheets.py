"""The pages of a PDF: their size and fonts, a footer with the title, text set in spans, and how
long making them may take."""

import time
from collections.abc import Sequence
from typing import Literal

from fpdf import FPDF
from fpdf.fonts import TTFFont

from playcall import fonts
from playcall.paper.bounds import Limits, TooMuch
from playcall.paper.spans import Span

MARGIN, BOTTOM = 18.0, 20.0  # mm
SIZE, LEAD = 9.5, 5.0  # points of the text, mm from line to line
SHORTEST = 50.0  # mm of a line, however deep it is nested
MOST_AT_ONCE = 20_000  # characters of a paragraph; a longer one is set in several
INK, SOFT, LINK, ASKED, RULE = (
    (26, 29, 33),
    (93, 100, 112),
    (31, 87, 164),
    (138, 83, 0),
    (217, 214, 205),
)
_FACES: tuple[tuple[str, Literal["", "B", "I", "BI"], str], ...] = (
    ("sans", "", fonts.SANS),
    ("sans", "B", fonts.BOLD),
    ("sans", "I", fonts.OBLIQUE),
    ("sans", "BI", fonts.BOLD_OBLIQUE),
    ("mono", "", fonts.MONO),
    ("mono", "B", fonts.MONO_BOLD),
)


class Sheets(FPDF):
    """A4, from the first page on."""

    def __init__(self, title: str, limits: Limits) -> None:
        super().__init__(format="A4")
        self.name = fonts.shown(title[:200])
        self._limits, self._began = limits, time.monotonic()
        for family, style, font in _FACES:
            self.add_font(family, style, fonts.path_of(font))
        self.set_title(self.name)
        self.set_creator("Playcall")
        self.set_lang("en")
        self.set_margins(MARGIN, MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(True, BOTTOM)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-BOTTOM + 6)
        self.set_left_margin(MARGIN)
        self.set_font("sans", "", 7.5)
        self.set_text_color(*SOFT)
        room = self.epw - 30
        title = self.name
        while self.get_string_width(title) > room:
            title = f"{title[:-2]}…"
        self.cell(room, 4, title)
        self.cell(30, 4, f"{self.page_no()} / {{nb}}", align="R")

    def close(self) -> None:
        """The files of its fonts, which are open from the first word on."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    def check(self) -> None:
        """Raises TooMuch."""
        limits = self._limits
        if time.monotonic() - self._began > limits.seconds or self.page_no() > limits.pages:
            raise TooMuch(
                f"as a PDF this post-mortem would take more than {limits.pages} pages or "
                f"{limits.seconds:g} seconds to make; shorten it, or take it as HTML or Markdown"
            )

    def room(self) -> float:
        """mm that are left on the page."""
        return self.page_break_trigger - self.y

    def need(self, height: float) -> None:
        """Begins a page where less is left."""
        if self.room() < height and self.y > self.t_margin:
            self.add_page()

    def dress(self, span: Span, size: float) -> str:
        """Sets the font and the colour; the text in characters that they have."""
        style: Literal["", "B", "I", "BI"] = (
            "BI" if span.bold and span.italic else "B" if span.bold else "I" if span.italic else ""
        )
        family = "mono" if span.code else "sans"
        if span.code:
            style = "B" if span.bold else ""
        self.set_font(family, style, size * 0.93 if span.code else size)
        colour = LINK if span.link else ASKED if span.italic else INK
        self.set_text_color(*colour)
        font = next(f for name, s, f in _FACES if (name, s) == (family, style))
        return "\n".join(fonts.shown(line, font) for line in span.text.split("\n"))

    def spans(self, spans: Sequence[Span], left: float, size: float = SIZE) -> None:
        """A paragraph. Raises TooMuch."""
        for part in _portions(spans):
            self.check()
            columns = self.text_columns(
                l_margin=left, r_margin=self.r_margin, line_height=LEAD / SIZE * 72 / 25.4
            )
            with columns, columns.paragraph() as paragraph:
                for span in part:
                    text = self.dress(span, size)
                    paragraph.write(text, span.link or None)
        self.set_text_color(*INK)


def _portions(spans: Sequence[Span]) -> list[list[Span]]:
    """Of bounded length, each."""
    found: list[list[Span]] = [[]]
    left = MOST_AT_ONCE
    for span in spans:
        rest = span.text
        while rest:
            piece, rest = rest[:left], rest[left:]
            found[-1].append(Span(piece, span.bold, span.italic, span.code, span.link))
            left -= len(piece)
            if left <= 0:
                found.append([])
                left = MOST_AT_ONCE
    return [part for part in found if part]
