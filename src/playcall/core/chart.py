"""A chart as values: what a query measured over a window, with its limit, what happened meanwhile,
and where nothing is known. Drawing it is for others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Point = tuple[datetime, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    name: str  # its labels as PromQL writes them; empty when the query has only one
    points: Sequence[Point]  # finite values, oldest first; where one is missing, nothing is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened: a line down the chart."""

    at: datetime
    text: str
    n: int  # of its event


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    name: str  # for files and addresses: lower case, digits and hyphens
    title: str
    query: str  # PromQL
    unit: str  # "ms", "%", "B/s"; empty when nobody said
    start: datetime
    end: datetime
    step: timedelta  # between two points
    series: Sequence[Series] = ()
    limit: float | None = None  # in the query's unit
    alarming: Literal["above", "below", ""] = ""  # on which side of the limit; empty: nobody said
    marks: Sequence[Mark] = ()
    trouble: str = ""  # why nothing could be measured, for a person
