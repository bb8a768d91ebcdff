"""Edits of the document that the record proves: as values, as a patch, and on a page."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from playcall.core.compiler.text import MAX_BYTES, read_text
from playcall.core.events import ActionAdded
from playcall.core.insights import Record
from playcall.core.proposals import Edit, Proposal, Proposed, propose
from playcall.engine.ports import Dossier, Unavailable
from playcall.engine.source import Source
from playcall.web.auth import Responder, Viewer
from playcall.web.desk import act, desk, dossier
from playcall.web.templates import render

router = APIRouter(prefix="/api/v1")
forms = APIRouter(prefix="/incidents/{incident}/proposals")

MOST = 1000  # incidents, the newest
PATCH = "text/x-diff; charset=utf-8"
KEPT, KEPT_FOR = 1000, timedelta(minutes=1)
Days = Annotated[int, Query(ge=1, le=3660, description="back from now")]


class EvidenceView(BaseModel):
    incident: int
    event: int = Field(description="its number in the incident; 0: the incident as a whole")
    what: str


class EditView(BaseModel):
    """`new` in place of `old`; nothing old: put in before the line."""

    line: int
    old: list[str]
    new: list[str]
    what: str


class ProposalView(BaseModel):
    kind: str
    play: str
    line: int
    reason: str
    advice: str = Field(description="what the edit does, or what a person should do")
    edit: EditView | None = Field(description="null: only a person can word it")
    evidence: list[EvidenceView]


class ProposedView(BaseModel):
    document: str
    digest: str = Field(description="SHA-256 of the bytes that the patch is against")
    changed: bool = Field(description="the document is another one than the incidents had")
    incidents: int = Field(description="looked at")
    proposals: list[ProposalView]
    patch: str = Field(description="Base64 of the unified diff, whose bytes may be no text")
    unpatched: str = Field(description="why there is no patch")


@router.get("/proposals")
async def show(request: Request, _: Viewer, days: Days = 365) -> ProposedView:
    """What all incidents prove of the document: a place, the reason, the evidence, an edit."""
    return view(await _propose(request, await _source(request), days=days))


@router.get("/proposals.patch")
async def patch(request: Request, _: Viewer, days: Days = 365) -> Response:
    """For `git apply` or `patch -p0` where the document lies. 409 when none can be made."""
    return _as_patch(await _propose(request, await _source(request), days=days))


@router.post("/proposals")
async def show_of(
    request: Request,
    _: Viewer,
    name: Annotated[str, Query(min_length=1, max_length=200)],
    incident: Annotated[int, Query(ge=0, le=2**62)] = 0,
    days: Days = 365,
) -> ProposedView:
    """The same of another version of the document, which is the body; it is not kept."""
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > MAX_BYTES:
            raise HTTPException(413, f"a document has at most {MAX_BYTES} bytes")
    if not read_text(bytes(data), name).lines:
        raise HTTPException(422, f"{name} is no document that can be read: see `playcall check`")
    source = replace(await _source(request), name=name, data=bytes(data))
    about = await dossier(request, incident) if incident else None
    return view(await _propose(request, source, about, days))


@router.get("/incidents/{incident}/proposals")
async def show_one(request: Request, incident: int, _: Viewer) -> ProposedView:
    """What this incident proves, with the others that do."""
    found = await dossier(request, incident)
    return view(await _propose(request, await _source(request), found))


@router.get("/incidents/{incident}/proposals.patch")
async def patch_one(request: Request, incident: int, _: Viewer) -> Response:
    found = await dossier(request, incident)
    return _as_patch(await _propose(request, await _source(request), found))


@forms.get("")
async def page(request: Request, incident: int, who: Viewer) -> HTMLResponse:
    found = await dossier(request, incident)
    proposed, trouble = None, ""
    try:
        proposed = await _propose(request, await _source(request), found)
    except Unavailable as error:
        trouble = str(error)
    text = render(
        "proposals.html",
        who=who,
        incident=found.incident,
        found=proposed and view(proposed),
        trouble=trouble,
        noted=_noted(request, found),
    )
    return HTMLResponse(text)


@forms.post("/action")
async def note(request: Request, incident: int, who: Responder) -> Response:
    """One action item, however often it is pressed."""
    found = await dossier(request, incident)
    if not _noted(request, found):
        now = desk(request).clock.now()
        event = ActionAdded(at=now, by=who.id, text=_action(request, incident))
        await act(request, incident, event)
    return RedirectResponse(f"/incidents/{incident}/proposals", 303)


async def lately(request: Request, found: Dossier) -> int:
    """How many there are, for a page that is drawn over and over: as of a minute ago. 0 before
    the incident is over, and where the document cannot be read."""
    if not found.incident.status.over:
        return 0
    known, now = desk(request).proposed, desk(request).clock.now()
    at, count = known.get(found.incident.id, (None, 0))
    if at is None or not at <= now < at + KEPT_FOR:
        try:
            count = len((await _propose(request, await _source(request), found)).proposals)
        except Unavailable:
            count = 0
        if len(known) >= KEPT:
            known.clear()
        known[found.incident.id] = (now, count)
    return count


# --- how it is found ------------------------------------------------------------------------------


async def _source(request: Request) -> Source:
    sources = desk(request).sources
    if sources is None:
        raise Unavailable("Playcall does not know where its document lies.")
    return await asyncio.to_thread(sources.read)


async def _propose(
    request: Request, source: Source, about: Dossier | None = None, days: int = 365
) -> Proposed:
    """Raises Unavailable."""
    since = desk(request).clock.now() - timedelta(days=days)
    records = await desk(request).store.read(lambda views: views.records(since, MOST))
    if about:
        records = _with(records, about)
    number = about.incident.id if about else 0
    found = await asyncio.to_thread(
        propose, source.data, source.name, source.rules, records, number
    )
    if found is None:
        raise Unavailable(f"{source.name} cannot be read as a playbook: see `playcall check`.")
    return found


def _with(records: Sequence[Record], about: Dossier) -> Sequence[Record]:
    """However long ago it was."""
    if any(one.incident.id == about.incident.id for one in records):
        return records
    mine = Record(
        incident=about.incident,
        plan=about.plan,
        events=[stored.event for stored in about.events],
        numbers=[stored.n for stored in about.events],
    )
    return [*records, mine]


# --- how it is said -------------------------------------------------------------------------------


def view(found: Proposed) -> ProposedView:
    return ProposedView(
        document=found.name,
        digest=found.digest,
        changed=bool(found.other),
        incidents=len(found.of),
        proposals=[_proposal(one) for one in found.proposals],
        patch=base64.b64encode(found.patch).decode(),
        unpatched=found.unpatched,
    )


def _proposal(one: Proposal) -> ProposalView:
    return ProposalView(
        kind=one.kind.value,
        play=one.play,
        line=one.line,
        reason=one.reason,
        advice=one.advice,
        edit=_edit(one.edit) if one.edit else None,
        evidence=[
            EvidenceView(incident=e.incident, event=e.event, what=e.what) for e in one.evidence
        ],
    )


def _edit(edit: Edit) -> EditView:
    return EditView(line=edit.line, old=list(edit.old), new=list(edit.new), what=edit.what)


def _as_patch(found: Proposed) -> Response:
    if found.unpatched:
        raise HTTPException(409, found.unpatched)
    name = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in found.name)
    headers = {"Content-Disposition": f'attachment; filename="{name}.patch"'}
    return Response(found.patch, media_type=PATCH, headers=headers)


def _action(request: Request, incident: int) -> str:
    url = desk(request).engine.performer.committer.url
    return f"Apply the proposed edits of the playbook: {url}/incidents/{incident}/proposals"


def _noted(request: Request, found: Dossier) -> bool:
    text = _action(request, found.incident.id)
    return any(one.text == text and not one.done_by for one in found.incident.owed.actions)
