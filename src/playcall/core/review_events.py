"""What happens around the metrics review of an incident: a part of the Events."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsReviewed:
    """What the incident's queries measured is on file; the numbers are kept beside the events."""

    at: datetime
    charts: int
    troubled: int  # charts that could not be measured
    points: int  # of all charts; 0: Prometheus knows nothing of that time


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAsked:
    """Somebody wants the metrics measured again."""

    at: datetime
    by: str


ReviewEvent = MetricsReviewed | ReviewAsked


def say_review_event(event: ReviewEvent) -> str:
    """A line of a timeline."""
    if isinstance(event, ReviewAsked):
        return f"{event.by} asked for the metrics to be measured again"
    failed = f", of which {event.troubled} could not be measured" if event.troubled else ""
    nothing = "" if event.points or event.troubled == event.charts else ", without any data"
    return f"Metrics review: {event.charts} charts are on file{failed}{nothing}"
