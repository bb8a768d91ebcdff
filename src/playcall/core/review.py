"""The metrics review of an incident, as values: what its queries measured, in charts, and the
numbers that its post-mortem tells. It is kept, because Prometheus forgets."""

from dataclasses import dataclass
from datetime import datetime

from playcall.core.chart import Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number for the post-mortem, and what it was computed from."""

    name: str  # "Migrations affected"
    text: str  # for people, complete: "Migrations affected: 1,204"
    value: float | None  # None: nothing was measured, and `text` says why
    unit: str  # of the value; "" for a share and for a number of things
    query: str  # PromQL, as it was asked
    how: str  # how the value came from the query's answer
    n: int = 0  # of the event that it belongs to; 0: the review's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    charts: tuple[Chart, ...]
    figures: tuple[Figure, ...]
    measured_at: datetime
    start: datetime  # of the charts
    end: datetime
    fired_at: datetime  # of the incident; the figures are of this part
    over_at: datetime
    n: int = 0  # of the event that says that it was measured

    def chart(self, name: str) -> Chart | None:
        return next((one for one in self.charts if one.name == name), None)

    @property
    def troubled(self) -> int:
        """How many of its charts could not be measured."""
        return sum(1 for one in self.charts if one.trouble)


def address(incident: int, chart: Chart) -> str:
    """Of a chart's picture, on the server."""
    return f"/incidents/{incident}/charts/{chart.name}.svg"
