"""The words around a chart: cut to the room they have, and never read as markup."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from playcall.core.chart import Chart, Mark, Series
from playcall.fonts import BOLD, SANS, shown, width_of

PIXEL = 96 / 72  # of a screen, in a point
_LABEL = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*")')
LONGEST = 500  # characters of anything, before it is cut to its room


@dataclass(frozen=True, slots=True)
class Type:
    """How a text is set."""

    font: str
    points: float

    def width(self, text: str) -> float:
        """In pixels of a screen."""
        return width_of(text, self.font) * self.points * PIXEL


TITLE = Type(BOLD, 9.5)
LABEL = Type(SANS, 8.5)
NOTE = Type(SANS, 8.5)


def lines(text: str, type_: Type, width: float, most: int) -> list[str]:
    """Wrapped at words; what does not fit ends in an ellipsis."""
    words = shown(text[:LONGEST], type_.font).split()
    found: list[str] = []
    while words and len(found) < most:
        taken = 1
        while taken < len(words) and type_.width(" ".join(words[: taken + 1])) <= width:
            taken += 1
        line = " ".join(words[:taken])
        if len(found) == most - 1 and taken < len(words):
            line, taken = " ".join(words), len(words)
        found.append(cut(line, type_, width))
        words = words[taken:]
    return found


def cut(text: str, type_: Type, width: float) -> str:
    """On one line, its end left out where it does not fit."""
    text = shown(text[:LONGEST], type_.font).strip()
    if type_.width(text) <= width:
        return text
    while text and type_.width(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def cut_inside(text: str, type_: Type, width: float) -> str:
    """As `cut`, in the middle: names that begin alike differ at their end."""
    text = shown(text[:LONGEST], type_.font).strip()
    if type_.width(text) <= width:
        return text
    kept = len(text)
    while kept > 2 and type_.width(f"{text[: kept // 2]}…{text[-(kept - kept // 2) :]}") > width:
        kept -= 1
    return f"{text[: kept // 2]}…{text[-(kept - kept // 2) :]}"


def told_apart(names: Sequence[str]) -> list[str]:
    """Series' names without what all of them share: '{pod="a",…}' becomes 'a' beside 'b'."""
    if len(names) < 2:
        return list(names)
    labels = [_LABEL.findall(name[:LONGEST]) for name in names]
    common = set(labels[0]).intersection(*labels[1:])
    rest = [[one for one in own if one not in common] for own in labels]
    if all(len(own) == 1 for own in rest) and len({own[0][0] for own in rest}) == 1:
        return _without_end([own[0][1].strip('"') for own in rest])
    return [
        f"{{{','.join(f'{key}={value}' for key, value in own)}}}" if own else name
        for name, own in zip(names, rest, strict=True)
    ]


def _without_end(values: Sequence[str]) -> list[str]:
    """'worker-1.example.org' and 'worker-2.example.org' differ before the first dot."""
    turned = list(zip(*(value[::-1] for value in values), strict=False))
    same = next((n for n, letters in enumerate(turned) if len(set(letters)) > 1), len(turned))
    shared = values[0][len(values[0]) - same :]
    end = next((shared[n:] for n, c in enumerate(shared) if c in ".:/-_"), "")
    return [f"{value.removesuffix(end)}…" if len(end) > 3 else value for value in values]


def say_marks(marks: Sequence[Mark], width: float, most: int) -> list[str]:
    """What their numbers mean, as far as there is room; how many are left out is said."""
    said = [f"{mark.n} {shown(mark.text[:80]).strip()}" for mark in marks]
    for count in range(len(said), -1, -1):
        more = f"and {len(said) - count} more" if count < len(said) else ""
        found = packed([*said[:count], *([more] if more else [])], width)
        if len(found) <= most:
            return found
    return []


def packed(parts: Sequence[str], width: float) -> list[str]:
    """As many on a line as fit; a mark is not broken over two."""
    found: list[str] = []
    for part in parts:
        longer = f"{found[-1]}  ·  {part}" if found else ""
        if found and NOTE.width(longer) <= width:
            found[-1] = longer
        else:
            found.append(cut(part, NOTE, width))
    return found


def describe(chart: Chart, drawn: Sequence[Series]) -> str:
    """For people who hear the chart instead of seeing it."""
    if chart.trouble or not drawn:
        return f"Nothing is drawn: {chart.trouble or 'no data in this window'}. {chart.query}"
    parts = []
    for series in drawn:
        values = [value for _, value in series.points]
        low, high = f"{min(values):.4g}", f"{max(values):.4g}"
        parts.append(f"{series.name or 'the value'} from {low} to {high} {chart.unit}".rstrip())
    if chart.limit is not None:
        parts.append(f"limit {chart.limit:.4g} {chart.unit}".rstrip())
    parts += [f"{mark.at:%H:%M:%S} {mark.text}" for mark in chart.marks[:20]]
    return f"{'; '.join(parts)}. {chart.query}"
