"""A small chart of one series for a terminal: braille dots, or plain ASCII where there are none."""

import math
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from playcall.cli.console import paint

HEIGHT = 8
WIDEST = 72
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille cell, row by row
_BRAILLE = 0x2800
_SIGNS = {  # what is behind the data, in dots and in ASCII
    "limit": ("╌", "-", "red"),
    "fit": ("·", ".", "yellow"),
    "usual": ("░", ":", "dim"),
    "": (" ", " ", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Where a value is missing the chart is empty. Infinite ones are at its edge."""

    points: Sequence[tuple[float, float]]
    start: float
    end: float
    limit: float | None = None
    fit: tuple[float, float] | None = None  # at the first point and at the last one
    band: tuple[float, float] | None = None  # what is usual


def draw(plot: Plot, say: Callable[[float], str]) -> list[str]:
    """Lines without their ends; `say` writes a value. Empty when there is nothing to draw."""
    finite = [value for _, value in plot.points if math.isfinite(value)]
    if not finite:
        return []
    others = [one for one in (plot.limit, *(plot.fit or ()), *(plot.band or ())) if one is not None]
    known = [*finite, *(one for one in others if math.isfinite(one))]
    low, high = min(known), max(known)
    if low == high:
        low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
    labels = [say(high - (high - low) * row / (HEIGHT - 1)) for row in range(HEIGHT)]
    labels = [text if row in (0, HEIGHT - 1) else "" for row, text in enumerate(labels)]
    margin = max(map(len, labels))
    width = max(20, min(WIDEST, shutil.get_terminal_size((80, 24)).columns) - margin - 4)
    cells = _Cells(plot, low, high, width)
    lines = [f"{labels[row]:>{margin}} {_edge()}{cells.line(row)}" for row in range(HEIGHT)]
    return [*lines, " " * (margin + 2) + _clock(plot, width)]


class _Cells:
    """The chart's characters: behind, what it is compared with; before it, the data."""

    def __init__(self, plot: Plot, low: float, high: float, width: int) -> None:
        self._plot, self._low, self._high, self._width = plot, low, high, width
        self._bits = [[0] * width for _ in range(HEIGHT)]
        for at, value in plot.points:
            x = self._along(at, 2 * width)
            y = self._down(value, 4 * HEIGHT)
            self._bits[y // 4][x // 2] |= _DOTS[y % 4][x % 2]

    def line(self, row: int) -> str:
        cells = [self._cell(row, column) for column in range(self._width)]
        runs = groupby(cells, key=lambda cell: cell[1])
        return "".join(
            paint("".join(char for char, _ in run), colour)
            if colour
            else "".join(char for char, _ in run)
            for colour, run in runs
        ).rstrip()

    def _cell(self, row: int, column: int) -> tuple[str, str]:
        if bits := self._bits[row][column]:
            return (chr(_BRAILLE + bits) if _has_dots() else "*"), "bold"
        dots, plain, colour = _SIGNS[self._behind(row, column)]
        return (dots if _has_dots() else plain), colour

    def _behind(self, row: int, column: int) -> str:
        plot = self._plot
        if plot.limit is not None and self._down(plot.limit, HEIGHT) == row:
            return "limit"
        if plot.fit is not None and len(plot.points) > 1:
            first = self._along(plot.points[0][0], self._width)
            last = self._along(plot.points[-1][0], self._width)
            share = (column - first) / max(1, last - first)
            value = plot.fit[0] + share * (plot.fit[1] - plot.fit[0])
            if 0 <= share <= 1 and self._down(value, HEIGHT) == row:
                return "fit"
        if plot.band is not None:
            low, high = (self._down(one, HEIGHT) for one in plot.band)
            return "usual" if high <= row <= low else ""
        return ""

    def _along(self, at: float, count: int) -> int:
        share = (at - self._plot.start) / max(1e-9, self._plot.end - self._plot.start)
        return max(0, min(count - 1, round(share * (count - 1))))

    def _down(self, value: float, count: int) -> int:
        share = (value - self._low) / (self._high - self._low)
        return round((1 - max(0.0, min(1.0, share))) * (count - 1))


def _clock(plot: Plot, width: int) -> str:
    starts, ends = (datetime.fromtimestamp(at, UTC) for at in (plot.start, plot.end))
    form = "%H:%M:%S" if plot.end - plot.start < 600 else "%H:%M"
    if plot.end - plot.start > 86400:
        form = "%m-%d %H:%M"
    left, right = f"{starts:{form}}", f"{ends:{form}} UTC"
    return left + " " * max(1, width - len(left) - len(right)) + right


def _edge() -> str:
    return "│" if _has_dots() else "|"


def _has_dots() -> bool:
    return "utf" in (sys.stdout.encoding or "").lower()
