"""The post-mortem as a file that stands alone: Markdown as it is, HTML with its charts in it, or
PDF."""

import asyncio
import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from markupsafe import Markup

from playcall.charting import draw_png
from playcall.core.chart import Chart
from playcall.paper.bounds import TooMuch
from playcall.paper.markdown import Picture, pictures, to_html
from playcall.web.auth import Viewer
from playcall.web.charts import as_picture, draw
from playcall.web.desk import desk
from playcall.web.post_mortem import latest
from playcall.web.queueing import CHARTS, PAPERS
from playcall.web.review import review_of
from playcall.web.templates import render

router = APIRouter(prefix="/api/v1/incidents/{incident}")
files = APIRouter(prefix="/incidents/{incident}")

Kind = Literal["md", "html", "pdf"]
MOST_CHARTS = 60  # in one file; the others are named
_TYPES = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}
_ELSEWHERE = Markup('<a href="{link}">{alt}</a>')
_FINE = 3  # times a screen's pixels, for a printer
_SECURITY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@router.get("/post-mortem.{kind}")
@files.get("/post-mortem.{kind}")
async def export(request: Request, incident: int, kind: Kind, _: Viewer) -> Response:
    """One file, for who has no access here. 422 when it is too long for a PDF."""
    found, paper, _fresh = await latest(request, incident)
    title = f"Incident {incident}: {found.incident.title}"
    match kind:
        case "md":
            made = paper.text.encode()
        case "html":
            made = await _html(request, incident, paper.text, title)
        case "pdf":
            made = await _pdf(request, incident, paper.text, title, paper.at)
    headers = {
        "Content-Disposition": f'attachment; filename="incident-{incident}-post-mortem.{kind}"',
        "Content-Security-Policy": _SECURITY,
    }
    return Response(made, media_type=_TYPES[kind], headers=headers)


async def _html(request: Request, incident: int, text: str, title: str) -> bytes:
    url, home = _addresses(request)
    drawn: dict[Picture, tuple[str, str]] = {}
    for picture, chart in (await _charts(request, incident, text)).items():
        light, dark = [await draw(chart, "svg", dark) for dark in (False, True)]
        drawn[picture] = _inline(light), _inline(dark)

    def show(picture: Picture, alt: str) -> str:
        """Each once: a text that shows one a thousand times would make a file of that size."""
        found = drawn.pop(picture, None)
        if found is None:
            return _ELSEWHERE.format(link=f"{home}{picture.address}.svg", alt=alt)
        return as_picture(*found, alt)

    body = await PAPERS.run(lambda: to_html(text, url, show, home))
    return render("paper.html", title=title, body=body, security=_SECURITY).encode()


async def _pdf(request: Request, incident: int, text: str, title: str, at: datetime) -> bytes:
    url, home = _addresses(request)
    drawn = {
        picture: await CHARTS.run(lambda chart=chart: draw_png(chart, zoom=_FINE))  # type: ignore[misc]
        for picture, chart in (await _charts(request, incident, text)).items()
    }

    def set_it() -> bytes:
        from playcall.paper.pdf import print_pdf  # what it needs is heavy

        return print_pdf(text, title=title, at=at, url=url, home=home, charts=drawn)

    try:
        return await PAPERS.run(set_it)
    except TooMuch as error:
        raise HTTPException(422, str(error)) from None


async def _charts(request: Request, incident: int, text: str) -> Mapping[Picture, Chart]:
    """Of this incident, as far as the text shows them."""
    review = await review_of(request, incident)
    if review is None:
        return {}
    asked = await asyncio.to_thread(pictures, text, _addresses(request)[0])
    known = {Picture(incident, chart.name): chart for chart in review.charts}
    return {one: known[one] for one in [one for one in asked if one in known][:MOST_CHARTS]}


def _addresses(request: Request) -> tuple[str, str]:
    """Of this server as its settings have it, and as it is reached just now."""
    url = desk(request).engine.performer.committer.url
    return url, url or str(request.base_url).rstrip("/")


def _inline(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
