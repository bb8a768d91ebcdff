"""The post-mortem over HTTP and on its page: read, edited in place, brought up to date.

A version is saved only on top of the one that whoever saves it has seen. On the page nothing that
was typed is lost by that: it is merged with what was saved meanwhile, and shown again.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from playcall.core.merge import merge
from playcall.core.post_mortem import LONGEST, PostMortem, draft, edited, regenerated, tidy
from playcall.core.review import Review
from playcall.engine.ports import Dossier, Views
from playcall.engine.writing import SavedMeanwhile, save
from playcall.paper.markdown import to_html
from playcall.web.auth import Identity, Responder, Viewer
from playcall.web.charts import on_page
from playcall.web.desk import desk, dossier
from playcall.web.templates import render

router = APIRouter(prefix="/api/v1/incidents/{incident}/post-mortem")
forms = APIRouter(prefix="/incidents/{incident}/post-mortem")

_RENDERED = 1_000_000  # characters of a form: a line break may be two


class PostMortemView(BaseModel):
    text: str = Field(description="Markdown")
    version: int = Field(description="0: as generated, nobody saved it yet")
    of: int = Field(description="from how many events it was generated")
    saved_by: str | None
    saved_at: datetime | None
    asks: int = Field(description="what is left for a person to write")
    conflicts: int = Field(description="where a person and the record say different things")
    outdated: bool = Field(description="the record says more by now: regenerate it")


class Edit(BaseModel):
    text: str = Field(max_length=LONGEST)
    version: int = Field(description="that you edited; another one is refused with 409", ge=0)
    of: int | None = Field(None, description="as you got it with version 0", ge=1)


class Seen(BaseModel):
    version: int = Field(description="the latest that you have seen", ge=0)


async def latest(request: Request, incident: int) -> tuple[Dossier, PostMortem, PostMortem]:
    """What is saved, or generated where nothing is; and how it would be generated now."""
    found = await dossier(request, incident)

    def look(views: Views) -> tuple[PostMortem | None, Review | None, list[Dossier]]:
        review = views.review(incident, len(found.events))
        return views.post_mortem(incident), review, _merged(views, found)

    saved, review, others = await desk(request).store.read(look)
    merged = [([each.event for each in one.events], one.plan) for one in others]
    events = [one.event for one in found.events]
    fresh = draft(events, found.plan, _url(request), review, merged)
    return found, saved or fresh, fresh


def _merged(views: Views, found: Dossier) -> list[Dossier]:
    """What was merged into it, and into those before."""
    here = [one for number in found.incident.kin.absorbed if (one := views.dossier(number))]
    return [each for one in here for each in (one, *_merged(views, one))]


def _url(request: Request) -> str:
    return desk(request).engine.performer.committer.url


@router.get("")
async def show(request: Request, incident: int, _: Viewer) -> PostMortemView:
    """As it was saved, or as it is generated now."""
    _found, current, fresh = await latest(request, incident)
    return _view(current, fresh)


@router.put("")
async def put(request: Request, incident: int, body: Edit, who: Responder) -> PostMortemView:
    """Save your text. 409 when somebody else saved a version since the one you edited."""
    try:
        await _edit(request, incident, who, body.text, body.version, body.of)
    except SavedMeanwhile as error:
        raise _conflict(error, body.version) from None
    return await show(request, incident, who)


@router.post("/regenerate")
async def renew(request: Request, incident: int, body: Seen, who: Responder) -> PostMortemView:
    """What the record says now, merged with what was written: no word of that is lost."""
    try:
        await _regenerate(request, incident, who, body.version)
    except SavedMeanwhile as error:
        raise _conflict(error, body.version) from None
    return await show(request, incident, who)


# --- the page ------------------------------------------------------------------------------------


@forms.get("")
async def page(request: Request, incident: int, who: Viewer) -> HTMLResponse:
    return await _draw(request, incident, who)


@forms.post("")
async def keep(
    request: Request,
    incident: int,
    who: Responder,
    version: Annotated[int, Form(ge=0)],
    of: Annotated[int, Form(ge=1)],
    text: Annotated[str, Form(max_length=_RENDERED)] = "",
    began: Annotated[str, Form(max_length=_RENDERED)] = "",
) -> Response:
    """`began`: the text as the form had it, so that two people's edits can be merged."""
    old, mine = _tidy(began), _tidy(text)
    try:
        await _edit(request, incident, who, text, version, of)
    except SavedMeanwhile as error:
        both = merge(old, mine, error.current.text)
        return await _draw(request, incident, who, replace(error.current, text=both.text))
    return _back(incident)


@forms.post("/regenerate")
async def bring_up_to_date(
    request: Request, incident: int, who: Responder, version: Annotated[int, Form(ge=0)]
) -> Response:
    try:
        await _regenerate(request, incident, who, version)
    except SavedMeanwhile:
        return await _draw(request, incident, who)  # which shows what was saved
    return _back(incident)


def _back(incident: int) -> Response:
    return RedirectResponse(f"/incidents/{incident}/post-mortem", 303)


async def _draw(
    request: Request, incident: int, who: Identity, unsaved: PostMortem | None = None
) -> HTMLResponse:
    """`unsaved`: what somebody typed, merged with what another saved meanwhile."""
    found, current, fresh = await latest(request, incident)
    shown = unsaved or current
    text = render(
        "post_mortem.html",
        who=who,
        incident=found.incident,
        paper=shown,
        saved=_view(current, fresh),
        meanwhile=unsaved is not None,
        drawn=await asyncio.to_thread(to_html, shown.text, _url(request), on_page),
    )
    return HTMLResponse(text, 409 if unsaved else 200)


# --- what is saved -------------------------------------------------------------------------------


async def _edit(
    request: Request, incident: int, who: Identity, text: str, seen: int, of: int | None
) -> None:
    """Raises SavedMeanwhile, 404, 422."""
    await dossier(request, incident)
    written = _tidy(text)
    now, committer = desk(request).clock.now(), desk(request).engine.performer.committer
    await desk(request).store.write(
        lambda tx: save(
            tx, committer, incident, seen, lambda old: edited(old, written, who.id, now), of
        )
    )


def _tidy(text: str) -> str:
    """Raises 422."""
    try:
        return tidy(text)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


async def _regenerate(request: Request, incident: int, who: Identity, seen: int) -> None:
    """Raises SavedMeanwhile, 404."""
    found, _current, fresh = await latest(request, incident)
    now, committer = desk(request).clock.now(), desk(request).engine.performer.committer
    await desk(request).store.write(
        lambda tx: save(
            tx,
            committer,
            found.incident.id,
            seen,
            lambda old: regenerated(old, fresh, who.id, now),
        )
    )


def _conflict(error: SavedMeanwhile, seen: int) -> HTTPException:
    current = error.current
    return HTTPException(
        409,
        f"you edited version {seen}, and {current.by} saved version {current.version} meanwhile: "
        "get that one and put your words into it",
    )


def _view(current: PostMortem, fresh: PostMortem) -> PostMortemView:
    return PostMortemView(
        text=current.text,
        version=current.version,
        of=current.of,
        saved_by=current.by if current.version else None,
        saved_at=current.at if current.version else None,
        asks=current.asks,
        conflicts=current.conflicts,
        outdated=current.base != fresh.text,
    )
