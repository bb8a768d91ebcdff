"""Notes in the timeline, with pictures, and its older entries."""

import hashlib
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, File, Form, HTTPException, Request, UploadFile
from fastapi.responses import HTMLResponse, Response

from playcall.core.events import NoteAdded
from playcall.engine.pictures import Picture
from playcall.engine.ports import Unavailable
from playcall.web.auth import Responder, Viewer
from playcall.web.desk import act, desk, dossier, refuse_impossible
from playcall.web.forms import back
from playcall.web.templates import render
from playcall.web.timeline_view import Part, Show, latest

router = APIRouter(prefix="/incidents/{incident}")

LARGEST = 2 * 1024 * 1024  # bytes of a picture
_HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",  # a number is given once
    # What somebody pasted is a picture and nothing else, whatever is in it.
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@router.post("/notes")
async def add_note(
    request: Request,
    incident: int,
    who: Responder,
    text: Annotated[str, Form(max_length=20_000)] = "",
    picture: Annotated[UploadFile | None, File()] = None,
) -> Response:
    now = desk(request).clock.now()
    data = await picture.read(LARGEST + 1) if picture and picture.filename else b""
    if not text.strip() and not data:
        raise HTTPException(422, "a note needs a text, or a picture")
    number = await _keep(request, incident, data, who.id, now) if data else 0
    await act(request, incident, NoteAdded(at=now, by=who.id, text=text, picture=number))
    return back(incident, "timeline")


@router.get("/pictures/{number}")
async def show_picture(request: Request, incident: int, number: int, _: Viewer) -> Response:
    refuse_impossible(max(incident, number, key=abs))
    found = await desk(request).store.read(lambda views: views.picture(incident, number))
    if found is None:
        raise HTTPException(404, f"incident {incident} has no picture {number}")
    tag = f'"{hashlib.sha256(found.data).hexdigest()[:32]}"'
    headers = {**_HEADERS, "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.data, media_type=found.kind, headers=headers)


@router.get("/entries")
async def older(
    request: Request, incident: int, who: Viewer, before: int = 0, show: Show = Show.ALL
) -> HTMLResponse:
    """A piece of the page: the entries before one, and what leads to those before them."""
    found = await dossier(request, incident)
    play = found.plan.play(found.incident.play) if found.incident.play else None
    timeline = latest(found.events, found.plan, play, Part(show=show, before=before))
    page = render(
        "older_entries.html",
        base=f"/incidents/{incident}",
        incident=found.incident,
        timeline=timeline,
    )
    return HTMLResponse(page)


async def _keep(request: Request, incident: int, data: bytes, by: str, at: datetime) -> int:
    """Refused with 413, 415 or 404 before anything is stored."""
    if len(data) > LARGEST:
        raise HTTPException(413, f"a picture has at most {LARGEST // 2**20} MB")
    kind = kind_of(data)
    if not kind:
        raise HTTPException(415, "a picture is a PNG, JPEG, WebP or GIF")
    await dossier(request, incident)
    picture = Picture(kind=kind, data=data, by=by, at=at)
    try:
        return await desk(request).store.write(lambda tx: tx.keep_picture(incident, picture))
    except Unavailable as error:
        if error.permanent:
            raise HTTPException(409, str(error)) from error
        raise


def kind_of(data: bytes) -> str:
    """By its first bytes, never by what its sender calls it; empty: no picture that is shown."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return ""
