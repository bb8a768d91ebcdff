"""Sharing the post-mortem, over HTTP and on its page: who gets it, what they read, what is not
finished. One that nobody saved yet is saved as it is shared: each version that is out is kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from playcall.core.effects import Refused
from playcall.core.post_mortem import PostMortem, edited
from playcall.core.sending import unfinished
from playcall.core.sending_events import PostMortemShared
from playcall.core.shared_post_mortem import Changed, changed_since, compose, say_changed
from playcall.engine.ports import Dossier, Transaction
from playcall.engine.writing import SavedMeanwhile, save
from playcall.web.api_views import Done
from playcall.web.auth import Identity, Responder, Viewer
from playcall.web.desk import desk
from playcall.web.forms import Flag
from playcall.web.post_mortem import latest
from playcall.web.recipients import Recipients, recipients
from playcall.web.templates import render

router = APIRouter(prefix="/api/v1/incidents/{incident}/post-mortem/share")
forms = APIRouter(prefix="/incidents/{incident}/post-mortem/share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """As it would go out now."""

    version: int  # 0: nobody saved it yet; it is saved as it is shared
    subject: str
    text: str
    to: Recipients
    unfinished: str  # what is left to write or to decide; empty: nothing
    changed: str  # since the version that was shared last; empty: none was
    shared_version: int | None
    shared_by: str | None
    shared_at: datetime | None


class Sharing(BaseModel):
    version: int = Field(description="that you saw; another one is refused", ge=0)
    unfinished: bool = Field(False, description="although something is left in it")
    again: bool = Field(False, description="although this version was shared before")


@router.get("")
async def read_share(request: Request, incident: int, _: Viewer) -> Share:
    """What sharing the post-mortem would send, and to whom."""
    return (await _prepare(request, incident))[1]


@router.post("")
async def share(request: Request, incident: int, body: Sharing, who: Responder) -> Done:
    """Send it to the stakeholders, with the post-mortem itself."""
    event = await _share(request, incident, who, body)
    return Done(status=f"version {event.version} is shared with {', '.join(event.to)}")


@forms.get("")
async def share_page(request: Request, incident: int, who: Viewer) -> HTMLResponse:
    return await _draw(request, incident, who)


@forms.post("")
async def share_here(
    request: Request,
    incident: int,
    who: Responder,
    version: Annotated[int, Form(ge=0)],
    unfinished: Flag = False,
    again: Flag = False,
) -> Response:
    wish = Sharing(version=version, unfinished=unfinished, again=again)
    try:
        await _share(request, incident, who, wish)
    except HTTPException as error:
        if error.status_code != 409:
            raise
        return await _draw(request, incident, who, str(error.detail))
    return RedirectResponse(f"/incidents/{incident}/post-mortem", 303)


async def _prepare(request: Request, incident: int) -> tuple[Dossier, Share]:
    found, paper, _ = await latest(request, incident)
    last = _last(found)
    store = desk(request).store
    before = None
    if last:
        before = await store.read(lambda views: views.post_mortem(incident, last.version))
    changed = _changed(before, paper)
    subject, text = compose(paper, incident, changed)
    return found, Share(
        version=paper.version,
        subject=subject,
        text=text,
        to=await recipients(request, found),
        unfinished=unfinished(paper.asks, paper.conflicts),
        changed=say_changed(changed) if changed else "",
        shared_version=last.version if last else None,
        shared_by=last.by if last else None,
        shared_at=last.at if last else None,
    )


def _last(found: Dossier) -> PostMortemShared | None:
    shared = [one.event for one in found.events if isinstance(one.event, PostMortemShared)]
    return shared[-1] if shared else None


def _changed(before: PostMortem | None, now: PostMortem) -> Changed | None:
    if before is None or before.version == now.version:
        return None
    return changed_since(before, now)


async def _share(request: Request, incident: int, who: Identity, wish: Sharing) -> PostMortemShared:
    """Raises HTTPException: 404, and 409 when it is refused or another version is there."""
    found, seen = await _prepare(request, incident)
    last, now = _last(found), desk(request).clock.now()
    committer = desk(request).engine.performer.committer

    def work(tx: Transaction) -> PostMortemShared:
        paper = tx.post_mortem(incident)
        if (paper.version if paper else 0) != wish.version:
            raise HTTPException(409, "somebody saved another version meanwhile; look at it first")
        if paper is None:
            if not found.incident.status.over:
                raise HTTPException(409, f"incident {incident} is {found.incident.status}")
            mine = save(tx, committer, incident, 0, lambda old: edited(old, old.text, who.id, now))
            paper = mine
        before = tx.post_mortem(incident, last.version) if last else None
        subject, text = compose(paper, incident, _changed(before, paper))
        event = PostMortemShared(
            at=now,
            by=who.id,
            version=paper.version,
            subject=subject[:300],
            body=text,
            to=seen.to.names,
            channel=seen.to.channel,
            asks=paper.asks,
            conflicts=paper.conflicts,
            unfinished=wish.unfinished,
            again=wish.again,
        )
        outcome = committer.apply(tx, event, incident)
        if isinstance(outcome, Refused):
            raise HTTPException(409, outcome.reason)  # and what was saved for it is undone
        return event

    try:
        event = await desk(request).store.write(work)
    except SavedMeanwhile:
        raise HTTPException(409, "somebody saved a version meanwhile; look at it first") from None
    return event


async def _draw(request: Request, incident: int, who: Identity, refused: str = "") -> HTMLResponse:
    found, made = await _prepare(request, incident)
    page = render("share.html", who=who, incident=found.incident, made=made, refused=refused)
    return HTMLResponse(page, 409 if refused else 200)
