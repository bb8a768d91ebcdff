"""Numbers that teach, over HTTP and on their page: JSON, CSV, and what Prometheus may scrape."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from playcall.core.insights import GROUPS, Group, Insights, learn
from playcall.web.auth import Viewer
from playcall.web.csv_cells import cell
from playcall.web.desk import desk, directory
from playcall.web.metrics import TEXT, escaped
from playcall.web.templates import render

router = APIRouter(prefix="/api/v1")
page = APIRouter()

MOST = 1000  # incidents, the newest
Days = Annotated[int, Query(ge=1, le=3660, description="back from now")]
By = Literal["play", "team", "severity", "month"]


@router.get("/insights")
async def show(request: Request, _: Viewer, days: Days = 90, by: By = "play") -> dict[str, Any]:
    """Times (seconds), missed targets, pages by person, noise by alert, use of steps; `made_of`
    says from what each is computed."""
    found: dict[str, Any] = msgspec.to_builtins(await _learn(request, days, by))
    return found


@router.get("/insights.csv")
async def as_csv(request: Request, _: Viewer, days: Days = 90, by: By = "play") -> Response:
    """The same, one figure a line: part, name, figure, value, and what it is made of."""
    found = await _learn(request, days, by)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("part", "name", "figure", "value", "made of"))
    writer.writerows(
        (part, cell(name), figure, value, found.made_of[about])
        for part, name, figure, value, about in _figures(found)
    )
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8")


@router.get("/insights.prom")
async def as_metrics(request: Request, _: Viewer, days: Days = 90, by: By = "play") -> Response:
    """The same for Prometheus: scrape it seldom, every look reads the incidents anew."""
    found = await _learn(request, days, by)
    lines = ["# HELP playcall_insight A figure over the incidents of some days.", _TYPE]
    lines += [
        f'playcall_insight{{part="{part}",name="{escaped(name)}",figure="{figure}"}} {value}'
        for part, name, figure, value, _about in _figures(found)
    ]
    return Response("\n".join(lines) + "\n", media_type=TEXT)


@page.get("/insights")
async def draw(request: Request, who: Viewer, days: Days = 90, by: By = "play") -> HTMLResponse:
    found = await _learn(request, days, by)
    monthly = found if by == "month" else await _learn(request, days, "month")
    nights = sum(one.nights for one in found.pages)
    text = render(
        "insights.html",
        who=who,
        found=found,
        days=days,
        groups=GROUPS,
        monthly=monthly.groups,
        nights=nights,
        names={key: one.name for key, one in directory(request).people.items()},
    )
    return HTMLResponse(text)


async def _learn(request: Request, days: int, by: str) -> Insights:
    since = desk(request).clock.now() - timedelta(days=days)
    zones = {key: person.zone for key, person in directory(request).people.items()}

    def look(views: Any) -> Insights:
        records = views.records(since, MOST)
        usual = records[0].plan.response.zone if records else "UTC"
        return learn(records, zones, by, usual)

    return await desk(request).store.read(look)


_TYPE = "# TYPE playcall_insight gauge"
_Figure = tuple[str, str, str, float, str]  # part, name, figure, value, key of `made_of`


def _figures(found: Insights) -> Iterator[_Figure]:
    yield from _times("all", found.whole)
    for group in found.groups:
        yield from _times(found.by, group)
    for one in found.pages:
        for figure in ("pages", "nights", "nights_broken", "in_worst_week"):
            yield "pages", one.person, figure, getattr(one, figure), "pages"
    for alert in found.noise:
        for figure in ("incidents", "unacted", "reopened", "pages"):
            yield "noise", alert.alert, figure, getattr(alert, figure), "noise"
    for play in found.plays:
        for figure in ("incidents", "helped", "failed", "skipped"):
            yield "plays", play.play, figure, getattr(play, figure), "plays"
    for step in found.steps:
        for figure in ("incidents", "ran", "failed", "helped", "skipped"):
            name = f"{step.play} {step.command}"
            yield "steps", name, figure, getattr(step, figure), "steps"


def _times(part: str, group: Group) -> Iterator[_Figure]:
    yield part, group.name, "incidents", group.incidents, "missed"
    yield part, group.name, "missed", group.missed, "missed"
    for one in group.times:
        for figure in ("count", "median", "ninth", "worst"):
            name = f"{one.what}_{figure}"
            yield part, group.name, name, getattr(one, figure), f"time to {one.what}"
