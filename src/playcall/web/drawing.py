"""Small drawings, made here and sent as SVG: a bar for each value, or a line of how one came about,
both with the threshold they are held against."""

from collections.abc import Sequence

from markupsafe import Markup

from playcall.core.measured import Measured

MOST_BARS = 12
WIDTH, HEIGHT, BAR = 320, 48, 18

_SVG = Markup(
    '<svg class="drawing" role="img" aria-label="{label}" viewBox="0 0 {width} {height}" '
    'width="{width}" height="{height}">{inner}</svg>'
)
_LIMIT = Markup('<line class="limit" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')


def line(past: Sequence[float], limit: float | None, label: str) -> Markup:
    """Oldest first, at even distances."""
    if len(past) < 2:
        return Markup()
    low, high = _span([*past, *([limit] if limit is not None else [])])
    points = " ".join(
        f"{WIDTH * n / (len(past) - 1):.1f},{_y(value, low, high):.1f}"
        for n, value in enumerate(past)
    )
    inner = Markup('<polyline points="{}"/>').format(points)
    if limit is not None:
        at = _y(limit, low, high)
        inner += _LIMIT.format(x1=0, x2=WIDTH, y1=at, y2=at)
    return _SVG.format(label=label, width=WIDTH, height=HEIGHT, inner=inner)


def bars(rows: Sequence[Measured], limit: float | None, label: str) -> Markup:
    """The largest first; what is not a finite number has no bar."""
    finite = sorted((row for row in rows if abs(row.value) < float("inf")), key=lambda r: -r.value)
    shown = finite[:MOST_BARS]
    if not shown:
        return Markup()
    low, high = _span([0.0, *(row.value for row in shown), *([limit] if limit is not None else [])])
    inner = Markup()
    for n, row in enumerate(shown):
        start, end = sorted((_x(0.0, low, high), _x(row.value, low, high)))
        inner += Markup(
            '<g><title>{name} {value:.6g}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" '
            'height="{height}"/><text x="4" y="{text}">{short} {value:.4g}</text></g>'
        ).format(
            name=row.name,
            short=row.name if len(row.name) <= 40 else row.name[:39] + "…",
            value=row.value,
            x=start,
            y=n * BAR + 1,
            width=max(end - start, 1.0),
            height=BAR - 2,
            text=n * BAR + 13,
        )
    height = len(shown) * BAR
    if limit is not None:
        at = _x(limit, low, high)
        inner += _LIMIT.format(x1=at, x2=at, y1=0, y2=height)
    return _SVG.format(label=label, width=WIDTH, height=height, inner=inner)


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 1, high + 1)


def _x(value: float, low: float, high: float) -> float:
    return WIDTH * (value - low) / (high - low)


def _y(value: float, low: float, high: float) -> float:
    return 2 + (HEIGHT - 4) * (high - value) / (high - low)
