"""The chart on top of an incident's page: the criterion that is broken, until now, with its limit.

However many pages are open, Prometheus is asked once in a while for each query, and a drawing is
made once. The page never waits for it: it is a picture of its own.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from playcall.charting import HEIGHT, WIDTH
from playcall.core.chart import Chart
from playcall.core.incident import Incident
from playcall.core.plan import Criterion, Purpose
from playcall.core.review_asks import Ask, Window, well
from playcall.core.review_marks import marks
from playcall.engine.ports import Dossier
from playcall.engine.reviewing import Asking
from playcall.web import charts, view
from playcall.web.auth import Viewer
from playcall.web.desk import desk, dossier
from playcall.web.view import IncidentView

router = APIRouter(prefix="/incidents/{incident}/charts")

EVERY = timedelta(seconds=15)  # a new picture
BEFORE, LONGEST = timedelta(minutes=30), timedelta(hours=1)
AFTER = timedelta(minutes=5)  # the end, when it is over
POINTS = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where the picture hangs, and what it says in words."""

    light: str
    dark: str
    alt: str
    at: datetime
    width: int = WIDTH
    height: int = HEIGHT


def frame(found: Dossier, shown: IncidentView, now: datetime) -> Frame | None:
    """None: nothing of the play can be measured."""
    criterion = _worst(found, now)
    if criterion is None:
        return None
    said = next(one for one in shown.criteria if one.id == criterion.id)
    at = _rounded(now, EVERY)
    address = f"/incidents/{found.incident.id}/charts/now.svg?at={int(at.timestamp())}"
    wanted = "wanted" if said.recovery else "alarming"
    return Frame(
        light=address,
        dark=f"{address}&dark=1",
        alt=f"{criterion.query_name or said.text}: now {said.value}, {wanted} {said.limit}",
        at=at,
    )


@router.get("/now.svg")
async def show(
    request: Request,
    incident: int,
    _: Viewer,
    at: Annotated[int, Query()] = 0,
    dark: Annotated[bool, Query()] = False,
) -> Response:
    found, now = await dossier(request, incident), desk(request).clock.now()
    criterion = _worst(found, now)
    if criterion is None:
        raise HTTPException(404, f"no criterion of incident {incident} can be measured")
    asked = _rounded(now, EVERY)
    if now - LONGEST < (wanted := datetime.fromtimestamp(min(max(at, 0), 2**40), UTC)) < asked:
        asked = wanted
    here, seen = desk(request), _window(found.incident, asked)
    key = (incident, criterion.id, found.incident.version, seen.start, seen.end, dark)

    async def make() -> bytes:
        chart = await here.measured.get(
            (criterion.query, seen.start, seen.end, seen.step),
            lambda: _measure(request, criterion, seen),
        )
        return await charts.draw(_of(chart, criterion, found), "svg", dark)

    return charts.answer(request, await here.drawn.get(key, make), "svg")


def _worst(found: Dossier, now: datetime) -> Criterion | None:
    """What is broken comes first, and what proves recovery before a symptom."""
    play = found.plan.play(found.incident.play) if found.incident.play else None
    measured = [
        one
        for one in (play.criteria if play else ())
        if one.query and one.purpose is not Purpose.QUESTION
    ]

    def order(one: Criterion) -> tuple[bool, bool]:
        _, reading = found.readings.get(one.id, (now, None))
        recovery = one.purpose is Purpose.RECOVERY
        return view.state_of(reading, recovery) != "bad", not recovery

    return min(measured, key=order, default=None)


def _window(incident: Incident, until: datetime) -> Window:
    """The last hour, from some time before it fired on; or its end, when it is over."""
    end = until if incident.ended_at is None else min(until, incident.ended_at + AFTER)
    start = max(incident.fired_at - BEFORE, end - LONGEST)
    step = timedelta(seconds=-(-(end - start).total_seconds() // POINTS))
    step = max(EVERY, step)
    start, end = _rounded(start, EVERY), _rounded(end, EVERY)
    return Window(start=start, end=end, step=step, fired_at=incident.fired_at, over_at=end)


async def _measure(request: Request, criterion: Criterion, seen: Window) -> Chart:
    performer = desk(request).engine.performer
    asking = Asking(performer.hands.metrics, seen, performer.committer.hide)
    ask = Ask(
        name="now",
        title=criterion.query_name or criterion.text,
        query=criterion.query or "",
        unit=criterion.unit,
        limit=criterion.threshold,
        well=well(criterion),
    )
    return await asking.chart(ask, ())


def _of(chart: Chart, criterion: Criterion, found: Dossier) -> Chart:
    """Two criteria may share a query, and each has its own limit."""
    play = found.plan.play(found.incident.play) if found.incident.play else None
    happened = marks([one.event for one in found.events], found.plan, play)
    return replace(
        chart,
        title=criterion.query_name or criterion.text,
        unit=criterion.unit,
        limit=criterion.threshold,
        well=well(criterion),
        marks=happened,
    )


def _rounded(at: datetime, to: timedelta) -> datetime:
    seconds = to.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, UTC)
