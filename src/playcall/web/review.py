"""The metrics review of an incident over HTTP: its numbers, and a dashboard to look closer."""

import csv
import io

import msgspec
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from playcall.core.events import ReviewAsked
from playcall.core.review import Review
from playcall.core.review_dashboard import as_dashboard
from playcall.core.review_export import HEADER, as_document, as_rows
from playcall.web.auth import Responder, Viewer
from playcall.web.desk import LARGEST, act, desk

router = APIRouter(prefix="/api/v1/incidents/{incident}")
forms = APIRouter(prefix="/incidents/{incident}")

_JSON = "application/json"
NONE_YET = "nothing was measured of it: that is done when it is resolved, or when somebody asks"


async def review_of(request: Request, incident: int) -> Review | None:
    """None: nothing was measured, or not yet. Raises Unavailable."""
    if abs(incident) > LARGEST:
        return None
    return await desk(request).store.read(lambda views: views.review(incident))


@router.get("/review")
async def show(request: Request, incident: int, _: Viewer) -> Response:
    """Figures and charts with all their points; a point that is missing was not measured."""
    document = as_document(await _there(request, incident), incident)
    return Response(msgspec.json.encode(document), media_type=_JSON)


@router.get("/review.csv")
async def as_csv(request: Request, incident: int, _: Viewer) -> Response:
    """The points of all charts, one on a line."""
    review = await _there(request, incident)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for name, title, unit, series, at, value in as_rows(review):
        writer.writerow((name, _cell(title), unit, _cell(series), at, value))
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8")


@router.get("/dashboard.json")
async def dashboard(request: Request, incident: int, _: Viewer) -> Response:
    """For Grafana to import: the same queries over the same time."""
    review = await _there(request, incident)
    found = await desk(request).store.read(lambda views: views.dossier(incident))
    title = found.incident.title if found else ""
    made = as_dashboard(review, incident, title)
    headers = {"content-disposition": f'attachment; filename="incident-{incident}.json"'}
    return Response(msgspec.json.encode(made), media_type=_JSON, headers=headers)


@router.post("/review", status_code=202)
async def measure(request: Request, incident: int, who: Responder) -> dict[str, str]:
    """Have everything measured again; what Prometheus has forgotten meanwhile stays on file."""
    await _ask(request, incident, who.id)
    return {"status": "asked"}


@forms.post("/review")
async def measure_by_form(request: Request, incident: int, who: Responder) -> Response:
    await _ask(request, incident, who.id)
    return RedirectResponse(f"/incidents/{incident}/post-mortem", 303)


async def _ask(request: Request, incident: int, who: str) -> None:
    """404 when there is no such incident. Raises Unavailable."""
    await act(request, incident, ReviewAsked(at=desk(request).clock.now(), by=who))


async def _there(request: Request, incident: int) -> Review:
    found = await review_of(request, incident)
    if found is None:
        raise HTTPException(404, f"incident {incident}: {NONE_YET}")
    return found


def _cell(text: str) -> str:
    """No formula for whoever opens it as a sheet."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
