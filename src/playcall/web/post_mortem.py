"""The post-mortem over HTTP: read, saved, brought up to date. A version is saved only on top of the
one that whoever saves it has seen."""

from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from playcall.core.post_mortem import LONGEST, PostMortem, draft, edited, regenerated, tidy
from playcall.core.review import Review
from playcall.engine.ports import Dossier, Views
from playcall.engine.writing import SavedMeanwhile, save
from playcall.web.auth import Identity, Responder, Viewer
from playcall.web.desk import desk, dossier

router = APIRouter(prefix="/api/v1/incidents/{incident}/post-mortem")


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
    fresh = draft(events, found.plan, url_of(request), review, merged)
    return found, saved or fresh, fresh


def _merged(views: Views, found: Dossier) -> list[Dossier]:
    """What was merged into it, and into those before."""
    here = [one for number in found.incident.kin.absorbed if (one := views.dossier(number))]
    return [each for one in here for each in (one, *_merged(views, one))]


def url_of(request: Request) -> str:
    return desk(request).engine.performer.committer.url


@router.get("")
async def show(request: Request, incident: int, _: Viewer) -> PostMortemView:
    """As it was saved, or as it is generated now."""
    _found, current, fresh = await latest(request, incident)
    return view(current, fresh)


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
        await regenerate(request, incident, who, body.version)
    except SavedMeanwhile as error:
        raise _conflict(error, body.version) from None
    return await show(request, incident, who)


# --- what is saved -------------------------------------------------------------------------------


async def _edit(
    request: Request, incident: int, who: Identity, text: str, seen: int, of: int | None
) -> None:
    """Raises SavedMeanwhile, 404, 422."""
    await dossier(request, incident)
    written = tidied(text)
    now, committer = desk(request).clock.now(), desk(request).engine.performer.committer
    await desk(request).store.write(
        lambda tx: save(
            tx, committer, incident, seen, lambda old: edited(old, written, who.id, now), of
        )
    )


def tidied(text: str) -> str:
    """Raises 422."""
    try:
        return tidy(text)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


async def regenerate(request: Request, incident: int, who: Identity, seen: int) -> None:
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


def view(current: PostMortem, fresh: PostMortem) -> PostMortemView:
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
