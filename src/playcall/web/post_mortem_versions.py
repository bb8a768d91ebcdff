"""The versions of a post-mortem on their page: who saved which and when, what any two differ in,
and an earlier one taken back."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from playcall.core.duty_events import PostMortemSaved
from playcall.core.paper_diff import compare
from playcall.core.post_mortem import edited
from playcall.core.sending_events import PostMortemShared
from playcall.engine.papers import Papers, PapersView
from playcall.engine.ports import Transaction
from playcall.engine.writing import SavedMeanwhile, save
from playcall.web.auth import Responder, Viewer
from playcall.web.desk import desk, dossier
from playcall.web.templates import render

forms = APIRouter(prefix="/incidents/{incident}/post-mortem")

Version = Annotated[int, Query(ge=0, le=10_000_000)]


@forms.get("/versions")
async def versions(
    request: Request,
    incident: int,
    who: Viewer,
    old: Annotated[Version | None, Query(alias="from")] = None,
    new: Annotated[Version | None, Query(alias="to")] = None,
) -> HTMLResponse:
    """None named: what the latest changed. Version 0 is what was generated before the first."""
    found = await dossier(request, incident)
    events = [stored.event for stored in found.events]
    saved = [event for event in events if isinstance(event, PostMortemSaved)]
    shared = {event.version for event in events if isinstance(event, PostMortemShared)}
    last = saved[-1].version if saved else 0
    new = last if new is None else new
    old = max(new - 1, 0) if old is None else old
    before, after = await desk(request).store.read(
        lambda views: (_text(views, incident, old), _text(views, incident, new))
    )
    text = render(
        "post_mortem_versions.html",
        who=who,
        incident=found.incident,
        saved=saved[::-1],
        shared=shared,
        last=last,
        old=old,
        new=new,
        rows=await asyncio.to_thread(compare, before, after) if saved else [],
    )
    return HTMLResponse(text)


def _text(views: Papers | PapersView, incident: int, version: int) -> str:
    """Raises 404. Empty: nobody saved any."""
    paper = views.post_mortem(incident, version or 1)
    if paper is None and version:
        raise HTTPException(404, f"incident {incident} has no version {version} of its post-mortem")
    return "" if paper is None else paper.text if version else paper.base


@forms.post("/restore")
async def restore(
    request: Request,
    incident: int,
    who: Responder,
    version: Annotated[int, Form(ge=0)],
    seen: Annotated[int, Form(ge=1)],
) -> Response:
    """Its text as a new version; those between stay. 409 when there is one newer than was seen."""
    await dossier(request, incident)
    now, committer = desk(request).clock.now(), desk(request).engine.performer.committer

    def work(tx: Transaction) -> int:
        text = _text(tx, incident, version)
        paper = save(tx, committer, incident, seen, lambda now_: edited(now_, text, who.id, now))
        return paper.version

    try:
        made = await desk(request).store.write(work)
    except SavedMeanwhile as error:
        current = error.current
        raise HTTPException(
            409, f"{current.by} saved version {current.version} meanwhile: look at it first"
        ) from None
    return RedirectResponse(f"/incidents/{incident}/post-mortem?saved={made}", 303)
