"""An incident's charts as pictures, drawn when they are asked for, and how a page shows them."""

import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from playcall.charting import HEIGHT, WIDTH, draw_png, draw_svg
from playcall.core.chart import Chart
from playcall.paper.markdown import Picture
from playcall.web.auth import Viewer
from playcall.web.desk import dossier
from playcall.web.queueing import CHARTS
from playcall.web.review import review_of

router = APIRouter(prefix="/incidents/{incident}/charts")

_TYPES = {"svg": "image/svg+xml", "png": "image/png"}
_HEADERS = {
    "Cache-Control": "private, no-cache",  # kept, and asked for again: mostly it is still the same
    # A drawing that is opened by itself has its styles, and nothing else.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
_PICTURE = Markup(
    '<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
    '<img class="chart" src="{light}" alt="{alt}" width="{width}" height="{height}" '
    'loading="lazy" decoding="async"></picture>'
)
_LARGER = Markup('<a href="{}">{}</a>')


@router.get("/{name}.{kind}")
async def show(
    request: Request,
    incident: int,
    name: str,
    kind: Literal["svg", "png"],
    _: Viewer,
    dark: Annotated[bool, Query()] = False,
) -> Response:
    """404 where there is no such chart."""
    return answer(request, await draw(await _chart(request, incident, name), kind, dark), kind)


def answer(request: Request, drawn: bytes, kind: str) -> Response:
    tag = f'"{hashlib.sha256(drawn).hexdigest()[:32]}"'
    headers = {**_HEADERS, "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(drawn, media_type=_TYPES[kind], headers=headers)


async def draw(chart: Chart, kind: Literal["svg", "png"], dark: bool = False) -> bytes:
    """In its turn. Raises Unavailable."""
    pen = draw_svg if kind == "svg" else draw_png
    return await CHARTS.run(lambda: pen(chart, dark=dark))


def as_picture(light: str, dark: str, alt: str) -> str:
    """By day and by night; its room is kept free until it is there."""
    return _PICTURE.format(light=light, dark=dark, alt=alt, width=WIDTH, height=HEIGHT)


def on_page(picture: Picture, alt: str) -> str:
    """It leads to the chart by itself, where a phone can be turned and a detail enlarged."""
    light = f"{picture.address}.svg"
    return _LARGER.format(light, Markup(as_picture(light, f"{light}?dark=1", alt)))


async def _chart(request: Request, incident: int, name: str) -> Chart:
    await dossier(request, incident)
    review = await review_of(request, incident)
    found = review.chart(name) if review else None
    if found is None:
        known = ", ".join(one.name for one in review.charts) if review else ""
        detail = f"its charts are {known}" if known else "nothing was measured yet"
        raise HTTPException(404, f'incident {incident} has no chart "{name[:100]}": {detail}')
    return found
