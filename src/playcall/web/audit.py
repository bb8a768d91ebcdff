"""The audit log over HTTP and on its page: who did what, when and from where; what can be taken
along; and whether the chain of its digests holds."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel, Field

from playcall.core.access import Access
from playcall.core.audit import Entry, Head, Verdict, read_head
from playcall.engine.audit import Asked
from playcall.engine.ports import Views
from playcall.web.auth import Commander, Viewer
from playcall.web.csv_cells import cell
from playcall.web.desk import LARGEST, desk, directory
from playcall.web.templates import render

router = APIRouter(prefix="/api/v1")
page = APIRouter(prefix="/audit")

PAGE = 50  # entries
PIECE = 1000  # entries of a file, read at once
ITSELF = "-"  # asks for what Playcall did by itself
COLUMNS = ("n", "at", "actor", "source", "kind", "incident", "event", "said", "digest")
Cursor = Annotated[int | None, Query(ge=1, le=LARGEST, description="only smaller numbers")]
Size = Annotated[int, Query(ge=1, le=1000)]


class EntryView(BaseModel):
    n: int
    at: datetime
    actor: str = Field(description="a person's id; empty: Playcall itself")
    source: str = Field(description="the face and address it came from; empty: not known")
    kind: str
    incident: int | None
    event: int | None = Field(description="its number in the incident")
    said: str = Field(description="in words; empty for what has none")
    body: Any
    digest: str


class AuditView(BaseModel):
    entries: list[EntryView]
    next: int | None = Field(description="`before` of the next page; null: this was the last")


class FaultView(BaseModel):
    n: int = Field(description="of the entry; 0: there is none")
    said: str


class VerdictView(BaseModel):
    whole: bool
    head: str = Field(description="number and digest of the last entry; note it elsewhere")
    faults: list[FaultView]
    more: int


def which(
    who: str = "", incident: str = "", kind: str = "", since: str = "", until: str = ""
) -> Asked:
    """As a form sends it: what is empty does not matter. 422 for what is no number or time."""
    if incident and not (incident.isdecimal() and int(incident) <= LARGEST):
        raise HTTPException(422, f'incident: "{incident[:40]}" is no number')
    return Asked(
        actor="" if who == ITSELF else who or None,
        incident=int(incident) if incident else None,
        kind=kind or None,
        since=_instant("since", since),
        until=_instant("until", until),
    )


def noted(head: str = "") -> Head | None:
    if not head:
        return None
    try:
        return read_head(head)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


Wanted = Annotated[Asked, Depends(which)]


@router.get("/audit")
async def show(
    request: Request, _: Viewer, asked: Wanted, before: Cursor = None, limit: Size = 100
) -> AuditView:
    """Everything that was done, newest first. Times are UTC where they do not say otherwise."""
    found = await _look(request, asked, before, limit)
    return AuditView(entries=found, next=found[-1].n if len(found) == limit else None)


@router.get("/audit.jsonl")
async def as_lines(request: Request, _: Viewer, asked: Wanted) -> StreamingResponse:
    """All of them, a JSON object a line."""
    return await _file(request, asked, "jsonl", "application/jsonl", _lines)


@router.get("/audit.csv")
async def as_csv(request: Request, _: Viewer, asked: Wanted) -> StreamingResponse:
    """All of them, without their bodies."""
    return await _file(
        request, asked, "csv", "text/csv; charset=utf-8", _rows, ",".join(COLUMNS) + "\r\n"
    )


@router.get("/audit/verdict")
async def judge(
    request: Request, _: Commander, head: Annotated[Head | None, Depends(noted)]
) -> VerdictView:
    """Look at the whole chain. `head`: what an earlier answer said, kept elsewhere: only that shows
    a log that somebody made anew."""
    found = await _verify(request, head)
    faults = [FaultView(n=fault.n, said=fault.said) for fault in found.faults]
    return VerdictView(whole=found.whole, head=str(found.head), faults=faults, more=found.more)


@page.get("")
async def draw(request: Request, who: Viewer, asked: Wanted, before: Cursor = None) -> HTMLResponse:
    found = await _look(request, asked, before, PAGE)
    kinds = await desk(request).store.read(lambda views: views.audit_kinds())
    chosen = {key: value for key, value in request.query_params.items() if value}
    chosen.pop("before", None)
    query = urlencode(chosen)
    text = render(
        "audit.html",
        who=who,
        entries=found,
        names={key: one.name for key, one in directory(request).people.items()},
        may_verify=who.access.allows(Access.COMMANDER),
        kinds=kinds,
        chosen=chosen,
        query=query,
        older=urlencode({**chosen, "before": found[-1].n}) if len(found) == PAGE else "",
        newest=before is None,
        verified=desk(request).verified[-1:],
        itself=ITSELF,
    )
    return HTMLResponse(text)


@page.post("/verify")
async def verify_form(request: Request, _: Commander) -> RedirectResponse:
    await _verify(request, None)
    return RedirectResponse("/audit", 303)


async def _verify(request: Request, head: Head | None) -> Verdict:
    here = desk(request)
    at = here.clock.now()
    found = await here.store.read(lambda views: views.audit_verdict(head))
    here.verified[:] = [(at, found)]
    return found


async def _look(request: Request, asked: Asked, before: int | None, limit: int) -> list[EntryView]:
    def look(views: Views) -> list[EntryView]:
        entries = views.audit(asked, before, limit)
        said = views.audit_words(entries)
        return [_shown(entry, said.get(entry.n, "")) for entry in entries]

    return await desk(request).store.read(look)


def _shown(entry: Entry, said: str) -> EntryView:
    act = entry.act
    try:
        body = msgspec.json.decode(act.body or "null")
    except msgspec.DecodeError:
        body = act.body  # somebody altered it
    return EntryView(
        n=entry.n,
        at=act.at,
        actor=act.actor,
        source=act.source,
        kind=act.kind,
        incident=act.incident,
        event=act.event,
        said=said,
        body=body,
        digest=entry.digest,
    )


async def _file(
    request: Request,
    asked: Asked,
    ending: str,
    media: str,
    write: Callable[[Sequence[EntryView]], str],
    head: str = "",
) -> StreamingResponse:
    """Its first piece is read before the answer begins: what has begun cannot say 503."""
    first = await _look(request, asked, None, PIECE)

    async def pieces() -> AsyncIterator[str]:
        yield head
        found = first
        while found:
            yield write(found)
            found = await _look(request, asked, found[-1].n, PIECE)

    headers = {"Content-Disposition": f'attachment; filename="audit.{ending}"'}
    return StreamingResponse(pieces(), media_type=media, headers=headers)


def _lines(found: Sequence[EntryView]) -> str:
    return "".join(json.dumps(entry.model_dump(mode="json")) + "\n" for entry in found)


def _rows(found: Iterable[EntryView]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([_cell(getattr(one, name)) for name in COLUMNS] for one in found)
    return out.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return cell(str(value)) if value is not None else ""


def _instant(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(422, f'{name}: "{text[:40]}" is no time; 2026-07-03T14:00') from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
