"""What is inside a chart's axes: lines that end where nothing is known, the limit with what lies
beyond it, the bands without data, and the marks of what happened."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from playcall.charting.palette import STROKES, Palette
from playcall.charting.scales import Scale, scale_of, span, ticks
from playcall.charting.words import LABEL, NOTE, cut
from playcall.core.chart import Chart, Mark, Series, holes, runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A chart with what it is drawn by."""

    chart: Chart
    series: Sequence[Series]  # those that are drawn; each with points
    palette: Palette
    width: float  # of the axes, in pixels

    @property
    def long(self) -> float:
        """Seconds."""
        return max((self.chart.end - self.chart.start).total_seconds(), 1e-3)

    def seconds(self, at: datetime) -> float:
        return (at - self.chart.start).total_seconds()

    @property
    def scale(self) -> Scale:
        return scale_of(self.chart.unit, self._values())

    def _values(self) -> list[float]:
        limit = [] if self.chart.limit is None else [self.chart.limit]
        return [*(value for one in self.series for _, value in one.points), *limit]

    def draw(self, axes: "Axes") -> None:
        scale = self.scale
        low, high = span([value / scale.one for value in self._values()])
        axes.set_xlim(0, self.long)
        axes.set_ylim(low, high)
        self._frame(axes)
        self._holes(axes)
        self._marks(axes)
        if self.chart.limit is not None:
            self._limit(axes, self.chart.limit / scale.one, scale.say(self.chart.limit))
        for number, series in enumerate(self.series):
            self._line(axes, number, series, scale)

    def _frame(self, axes: "Axes") -> None:
        colours, along = self.palette, ticks(self.chart.start, self.chart.end)
        axes.set_facecolor(colours.paper)
        axes.set_xticks(along.at, along.texts, parse_math=False)
        for at, label in zip(along.at, axes.get_xticklabels(), strict=True):
            label.set_horizontalalignment(self._beside(at / self.long))
        axes.locator_params(axis="y", nbins=4)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.6g}")
        axes.tick_params(length=0, pad=4, labelsize=LABEL.points, labelcolor=colours.soft)
        axes.grid(axis="y", color=colours.grid, linewidth=0.7)
        axes.set_axisbelow(True)
        for side, spine in axes.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color(colours.soft)
            spine.set_linewidth(0.7)

    def _beside(self, share: float) -> Literal["left", "center", "right"]:
        """So that the words of a tick at the edge stay in the picture."""
        return "right" if share > 0.95 else "center" if share > 0.03 else "left"

    def _line(self, axes: "Axes", number: int, series: Series, scale: Scale) -> None:
        xs: list[float] = []
        ys: list[float] = []
        alone: list[tuple[float, float]] = []
        for run in runs(series, self.chart.step):
            points = [(self.seconds(at), value / scale.one) for at, value in run]
            if len(points) == 1:
                alone += points
            else:
                xs += [*(x for x, _ in points), math.nan]
                ys += [*(y for _, y in points), math.nan]
        colour = self.palette.series[number]
        if xs:
            stroke = STROKES[number]
            axes.plot(xs, ys, color=colour, linewidth=1.3, linestyle=stroke, gid=f"series-{number}")
        if alone:
            dots = [x for x, _ in alone], [y for _, y in alone]
            axes.plot(*dots, color=colour, linestyle="none", marker="o", markersize=2)

    def _limit(self, axes: "Axes", at: float, said: str) -> None:
        colour, (low, high) = self.palette.limit, axes.get_ylim()
        axes.axhline(at, color=colour, linewidth=1.1, linestyle=(0, (4, 2.5)), gid="limit")
        if self.chart.alarming:
            beyond = high if self.chart.alarming == "above" else low
            axes.axhspan(at, beyond, facecolor=colour, alpha=0.09, linewidth=0, gid="beyond")
        upper = (at - low) / (high - low) > 0.85
        axes.annotate(
            cut(f"limit {said}", NOTE, self.width),
            (1, at),
            xytext=(-2, -2 if upper else 2),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            ha="right",
            va="top" if upper else "bottom",
            fontsize=NOTE.points,
            color=colour,
            parse_math=False,
            bbox={"facecolor": self.palette.paper, "alpha": 0.75, "linewidth": 0, "pad": 0.5},
            zorder=5,
        )

    def _holes(self, axes: "Axes") -> None:
        for start, end in self.holes():
            colour = self.palette.hole
            axes.axvspan(
                start,
                end,
                facecolor="none",
                edgecolor=colour,
                hatch="////",
                linewidth=0,
                gid="hole",
            )
            if self.says(start, end):
                self._say_nothing(axes, (start + end) / 2)

    def holes(self) -> list[tuple[float, float]]:
        """In seconds since the start."""
        drawn = replace(self.chart, series=self.series)
        found = ((self.seconds(start), self.seconds(end)) for start, end in holes(drawn))
        return [(start, end) for start, end in found if end > start]

    def says(self, start: float, end: float) -> bool:
        """Whether a hole has room for its words."""
        return (end - start) / self.long * self.width > NOTE.width("no data") + 6

    def _say_nothing(self, axes: "Axes", at: float) -> None:
        axes.text(
            at,
            0.5,
            "no data",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="center",
            fontsize=NOTE.points,
            color=self.palette.soft,
            bbox={"facecolor": self.palette.paper, "alpha": 0.9, "linewidth": 0, "pad": 1.5},
            zorder=5,
        )

    def _marks(self, axes: "Axes") -> None:
        for seconds, _ in self._at():
            axes.axvline(seconds, color=self.palette.soft, linewidth=0.7, alpha=0.8, gid="mark")
        for at, text in self._numbers():
            axes.annotate(
                text,
                (at / self.width, 1),
                xytext=(0, 2),
                xycoords="axes fraction",
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=NOTE.points,
                color=self.palette.soft,
                parse_math=False,
            )

    def _at(self) -> list[tuple[float, Mark]]:
        """In seconds since the start."""
        return [(self.seconds(m.at), m) for m in marks_inside(self.chart)]

    def _numbers(self) -> list[tuple[float, str]]:
        """Where they stand, in pixels; those that would overlap become one."""
        groups: list[list[tuple[float, int]]] = []
        for seconds, mark in self._at():
            pixels = seconds / self.long * self.width
            if groups and pixels - _middle(groups[-1]) < self._room([*groups[-1], (0, mark.n)]):
                groups[-1].append((pixels, mark.n))
            else:
                groups.append([(pixels, mark.n)])
        return [(_middle(group), _numbered(group)) for group in groups]

    def _room(self, group: list[tuple[float, int]]) -> float:
        return NOTE.width(_numbered(group)) + 3


def _middle(group: Sequence[tuple[float, int]]) -> float:
    return (group[0][0] + group[-1][0]) / 2


def _numbered(group: Sequence[tuple[float, int]]) -> str:
    first, last = group[0][1], group[-1][1]
    return str(first) if len(group) == 1 else f"{first}{',' if len(group) == 2 else '–'}{last}"


def marks_inside(chart: Chart) -> list[Mark]:
    found = (mark for mark in chart.marks if chart.start <= mark.at <= chart.end)
    return sorted(found, key=lambda mark: (mark.at, mark.n))
