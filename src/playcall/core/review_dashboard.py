"""A metrics review as a Grafana dashboard: the same queries over the same time, to look closer."""

from collections.abc import Iterator
from typing import Any

from playcall.core.chart import Chart, Mark
from playcall.core.review import Review

SCHEMA = 41  # of Grafana 12; older ones are migrated by Grafana itself
COLUMNS, WIDTH, HEIGHT = 2, 12, 8  # of a grid that is 24 wide
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_UNITS = {"s": "s", "B/s": "Bps", "B": "bytes", "1/s": "ops"}
_MARKS = {"fired": "red", "resolved": "green", "opened again": "red"}


def as_dashboard(review: Review, incident: int, title: str) -> dict[str, Any]:
    """As Grafana imports it; it asks for the Prometheus to look at."""
    marks = review.charts[0].marks if review.charts else ()
    step = review.charts[0].step.total_seconds() if review.charts else 15
    return {
        "uid": f"playcall-incident-{incident}",
        "title": f"Incident {incident}: {title}"[:180],
        "tags": ["playcall", "incident"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "timezone": "utc",
        "refresh": "",
        "time": {"from": _instant(review.start), "to": _instant(review.end)},
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                    "current": {},
                }
            ]
        },
        "annotations": {"list": [_annotation(mark, step) for mark in marks]},
        "panels": list(_panels(review)),
    }


def _instant(at: Any) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.000Z}"


def _annotation(mark: Mark, step: float) -> dict[str, Any]:
    """Grafana keeps no instants in a dashboard: a query that has a value at this one alone."""
    return {
        "name": f"{mark.n} {mark.text}",
        "enable": True,
        "hide": True,
        "iconColor": _MARKS.get(mark.text, "blue"),
        "datasource": _SOURCE,
        "titleFormat": mark.text,
        "textFormat": f"event {mark.n}, {mark.at:%Y-%m-%d %H:%M:%S} UTC",
        "target": {
            "refId": "Anno",
            "expr": f"vector(1) and on() "
            f"(abs(vector(time()) - {mark.at.timestamp():.3f}) <= {step / 2:g})",
            "interval": f"{step:g}s",
        },
    }


def _panels(review: Review) -> Iterator[dict[str, Any]]:
    for number, chart in enumerate(review.charts):
        row, column = divmod(number, COLUMNS)
        yield {
            "id": number + 1,
            "type": "timeseries",
            "title": chart.title,
            "description": chart.query,
            "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
            "datasource": _SOURCE,
            "targets": [
                {
                    "refId": "A",
                    "expr": chart.query,
                    "datasource": _SOURCE,
                    "legendFormat": "__auto",
                    "range": True,
                }
            ],
            "fieldConfig": {"defaults": _field(chart), "overrides": []},
            "options": {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            },
        }


def _field(chart: Chart) -> dict[str, Any]:
    """Holes stay holes: values are joined only where there is one at each step."""
    return {
        "unit": _UNITS.get(chart.unit, "short"),
        "noValue": "nothing known",
        "custom": {
            "spanNulls": False,
            "lineWidth": 2,
            "thresholdsStyle": {"mode": "off" if chart.limit is None else "line+area"},
        },
        "thresholds": {"mode": "absolute", "steps": _thresholds(chart)},
    }


def _thresholds(chart: Chart) -> list[dict[str, Any]]:
    colours = {"above": ("transparent", "red"), "below": ("red", "transparent")}
    low, high = colours.get(chart.alarming, ("transparent", "orange"))
    steps: list[dict[str, Any]] = [{"value": None, "color": low}]
    return steps if chart.limit is None else [*steps, {"value": chart.limit, "color": high}]
