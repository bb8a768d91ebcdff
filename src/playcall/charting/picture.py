"""A whole picture: the plot, its title above it, and below it what its lines and numbers mean."""

import io
import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from playcall.charting.palette import DARK, LIGHT, MOST_SERIES, STROKES, Palette
from playcall.charting.plot import Plot, marks_inside
from playcall.charting.scales import ticks
from playcall.charting.svg import dress
from playcall.charting.words import (
    LABEL,
    NOTE,
    TITLE,
    cut,
    cut_inside,
    describe,
    lines,
    packed,
    say_marks,
    told_apart,
)
from playcall.core.chart import Chart, Series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 400, 300  # pixels of a screen, at its natural size
_INCH = 96
_LEFT, _RIGHT, _EDGE = 44, 12, 10
_LINE, _ROW = 16, 14  # of a title, of a note
_GAP = 3  # between what the lines are and the notes
_TAKING_TURNS = threading.Lock()  # matplotlib's settings are the process's
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "playcall",
    "hatch.linewidth": 0.6,
    "text.usetex": False,
    "text.parse_math": False,
    "axes.unicode_minus": False,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "path.simplify": True,
    "path.simplify_threshold": 0.2,
}


def draw_svg(chart: Chart, *, dark: bool = False) -> bytes:
    """Text stays text in it."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    data = io.BytesIO()
    with _TAKING_TURNS, rc_context(_SETTINGS):
        figure = _figure(chart, DARK if dark else LIGHT)
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(data, metadata=nothing)  # type: ignore[no-untyped-call]
    return dress(data.getvalue(), WIDTH, HEIGHT, chart.title, describe(chart, _drawn(chart)))


def draw_png(chart: Chart, *, dark: bool = False, zoom: float = 2) -> bytes:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    data = io.BytesIO()
    with _TAKING_TURNS, rc_context(_SETTINGS):
        figure = _figure(chart, DARK if dark else LIGHT)
        figure.set_dpi(_INCH * zoom)
        FigureCanvasAgg(figure).print_png(data, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return data.getvalue()


def _figure(chart: Chart, palette: Palette) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / _INCH, HEIGHT / _INCH), facecolor=palette.paper)
    inner = WIDTH - 2 * _EDGE
    title = lines(chart.title or chart.name, TITLE, inner, 2)
    top = _EDGE + _LINE * len(title)
    for number, line in enumerate(title):
        _write(figure, _EDGE, _EDGE + _LINE * (number + 0.5), line, palette.ink, TITLE.points, True)
    series = _drawn(chart)
    if chart.trouble or not series:
        _say_why(figure, chart, palette, top)
        return figure
    plot = Plot(chart=chart, series=series, palette=palette, width=WIDTH - _LEFT - _RIGHT)
    along = ticks(chart.start, chart.end)
    notes = _notes(chart, plot, inner)
    bottom: float = HEIGHT - _EDGE - _ROW * len(notes)
    bottom -= _key(figure, series, palette, bottom)
    for number, note in enumerate(notes):
        below = HEIGHT - _EDGE - _ROW * (len(notes) - number - 0.5)
        _write(figure, _EDGE, below, note, palette.soft, NOTE.points)
    above = top + 16
    high = bottom - above - 5 - (30 if any("\n" in text for text in along.texts) else 18)
    axes = figure.add_axes(
        (_LEFT / WIDTH, 1 - (above + high) / HEIGHT, plot.width / WIDTH, high / HEIGHT)
    )
    plot.draw(axes)
    if plot.scale.unit:
        unit = cut(plot.scale.unit, NOTE, inner / 3)
        _write(figure, _EDGE, above - 8, unit, palette.soft, NOTE.points)
    return figure


def _notes(chart: Chart, plot: Plot, width: float) -> list[str]:
    more = len([one for one in chart.series if one.points]) - len(plot.series) + chart.left_out
    small = [hole for hole in plot.holes() if not plot.says(*hole)]
    said = [
        ticks(chart.start, chart.end).day,
        *(["hatched: no data"] if small else []),
        *([f"{more} more series are not drawn"] if more > 0 else []),
    ]
    rows = 3 if len(plot.series) <= 4 else 2
    return [*packed(said, width), *say_marks(marks_inside(chart), width, rows)]


def _drawn(chart: Chart) -> Sequence[Series]:
    """With what can be drawn; of too many, those that went furthest."""
    finite = (
        replace(one, points=[point for point in one.points if math.isfinite(point[1])])
        for one in chart.series
    )
    found = [one for one in finite if one.points]
    if len(found) <= MOST_SERIES:
        return found
    sign = -1 if chart.alarming == "below" else 1
    furthest = sorted(found, key=lambda one: -max(sign * value for _, value in one.points))
    return [one for one in found if one in furthest[:MOST_SERIES]]


def _key(figure: "Figure", series: Sequence[Series], palette: Palette, bottom: float) -> float:
    """What the lines are, in rows that end at `bottom`; how much room they take."""
    from matplotlib.lines import Line2D

    if len(series) == 1 and not series[0].name:
        return 0
    columns = 1 if len(series) == 1 else 2
    rows = math.ceil(len(series) / columns)
    each = (WIDTH - 2 * _EDGE) / columns
    names = told_apart([one.name for one in series])
    for number, said in enumerate(names):
        x = _EDGE + each * (number % columns)
        y = bottom - _GAP - _ROW * (rows - number // columns - 0.5)
        mark = Line2D(
            [x / WIDTH, (x + 18) / WIDTH],
            [1 - y / HEIGHT] * 2,
            color=palette.series[number],
            linewidth=1.6,
            linestyle=STROKES[number],
        )
        figure.add_artist(mark)
        name = cut_inside(said or "(no labels)", NOTE, each - 28)
        _write(figure, x + 23, y, name, palette.ink, NOTE.points)
    return _ROW * rows + _GAP


def _say_why(figure: "Figure", chart: Chart, palette: Palette, top: float) -> None:
    """A frame with words, where there is nothing to draw."""
    from matplotlib.patches import Rectangle

    above, below = top + 8, HEIGHT - _EDGE - _ROW - 4
    frame = Rectangle(
        (_EDGE / WIDTH, 1 - below / HEIGHT),
        1 - 2 * _EDGE / WIDTH,
        (below - above) / HEIGHT,
        facecolor="none",
        edgecolor=palette.hole,
        linewidth=0.8,
        linestyle=(0, (3, 3)),
        transform=figure.transFigure,
    )
    figure.add_artist(frame)
    said = lines(chart.trouble or "No data in this window", LABEL, WIDTH - 6 * _EDGE, 6)
    middle = (above + below) / 2
    for number, line in enumerate(said):
        y = middle + _LINE * (number - (len(said) - 1) / 2)
        _write(figure, 3 * _EDGE, y, line, palette.soft, LABEL.points)
    day = ticks(chart.start, chart.end).day
    _write(figure, _EDGE, HEIGHT - _EDGE - _ROW / 2, day, palette.soft, NOTE.points)


def _write(
    figure: "Figure", x: float, y: float, text: str, colour: str, size: float, bold: bool = False
) -> None:
    """Its middle at `y`, in pixels from the top."""
    figure.text(
        x / WIDTH,
        1 - y / HEIGHT,
        text,
        color=colour,
        fontsize=size,
        fontweight="bold" if bold else "normal",
        va="center_baseline",
        parse_math=False,
    )
