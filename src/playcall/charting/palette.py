"""The colours of a chart, by day and by night; told apart also by the colour-blind, after Okabe and
Ito, and on a printer without colours by their strokes."""

from dataclasses import dataclass
from typing import Literal

MOST_SERIES = 8

Stroke = Literal["solid"] | tuple[float, tuple[float, float]]
_SOLID: Stroke = "solid"
_BROKEN: Stroke = (0.0, (5.0, 1.5))
_DOTTED: Stroke = (0.0, (1.2, 1.2))
STROKES = (_SOLID, _SOLID, _BROKEN, _DOTTED, _BROKEN, _DOTTED, _SOLID, _BROKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    paper: str
    ink: str
    soft: str
    grid: str
    limit: str
    hole: str
    series: tuple[str, ...]


LIGHT = Palette(
    paper="#ffffff",
    ink="#1a1d21",
    soft="#5d6470",
    grid="#e6e3db",
    limit="#b3201b",
    hole="#b9b5a9",
    series=(
        *("#0072b2", "#d98200", "#008f68", "#b85c92"),
        *("#3d9fd6", "#c45200", "#30343a", "#8a7400"),
    ),
)
DARK = Palette(
    paper="#1c1f25",
    ink="#e9e7e1",
    soft="#a5acb8",
    grid="#343943",
    limit="#ff8178",
    hole="#565d69",
    series=(
        *("#62bdf5", "#eda522", "#3cc99d", "#e39ac4"),
        *("#a9d9f7", "#ff9757", "#e9e7e1", "#e6dc63"),
    ),
)
