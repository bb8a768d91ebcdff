"""The pages of the playbooks: each document with what is wrong in it and how it did, its plays, its
versions and what they changed. They only read."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from playcall.web.auth import Viewer
from playcall.web.playbook_diff import compare
from playcall.web.playbook_notes import Noted, drawn
from playcall.web.playbook_shelf import find, levels, lines_of, problems_of, text_of
from playcall.web.templates import render

router = APIRouter(prefix="/playbooks")

Name = Annotated[str, Query(max_length=300)]
Digest = Annotated[str, Query(max_length=64)]


@router.get("")
async def index(request: Request, who: Viewer) -> HTMLResponse:
    shelf = await find(request)
    record = shelf.record(shelf.current.plan)
    former = {one.plan.source for one in shelf.versions} - {shelf.served.name}
    text = render(
        "playbooks.html",
        who=who,
        shelf=shelf,
        levels=levels(shelf.served.problems),
        record=record,
        undrilled=[one.alert for one in record.plays if one.drill is None],
        beside=[one for one in shelf.served.problems if one.code in _COVERAGE],
        former=sorted(former),
    )
    return HTMLResponse(text)


_COVERAGE = ("PC402", "PC413", "PC414", "PC415", "PC416")


@router.get("/{name}")
async def document(request: Request, name: str, who: Viewer, version: Digest = "") -> HTMLResponse:
    shelf = await find(request)
    shown = shelf.pick(name, version)
    data = await text_of(request, shelf, shown)
    problems = await asyncio.to_thread(problems_of, shelf, shown, data)
    record = shelf.record(shown.plan)
    lines = lines_of(data, name) if data is not None else ()
    text = await asyncio.to_thread(drawn, name, lines, shown.plan, record, problems)
    page = render(
        "playbook.html",
        who=who,
        document=name,
        shelf=shelf,
        shown=shown,
        problems=problems,
        levels=levels(problems),
        lines=len(lines),
        drawn=text,
        kept=data is not None,
    )
    return HTMLResponse(page)


@router.get("/{name}/versions")
async def versions(request: Request, name: str, who: Viewer) -> HTMLResponse:
    shelf = await find(request)
    found = shelf.of(name)
    return HTMLResponse(render("playbook_versions.html", who=who, document=name, versions=found))


@router.get("/{name}/diff")
async def diff(
    request: Request,
    name: str,
    who: Viewer,
    old: Annotated[str, Query(alias="from", max_length=64)] = "",
    new: Annotated[str, Query(alias="to", max_length=64)] = "",
) -> HTMLResponse:
    shelf = await find(request)
    found = await compare(request, shelf, name, old, new)
    return HTMLResponse(
        render("playbook_diff.html", who=who, document=name, found=found, versions=shelf.of(name))
    )


@router.get("/{name}/plays/{alert:path}")
async def play(
    request: Request, name: str, alert: str, who: Viewer, version: Digest = ""
) -> HTMLResponse:
    shelf = await find(request)
    shown = shelf.pick(name, version)
    found = shown.plan.play(alert)
    if found is None:
        known = ", ".join(one.alert for one in shown.plan.plays)
        raise HTTPException(404, f'{name} has no play "{alert[:80]}"; there are: {known[:1000]}')
    record = shelf.record(shown.plan)
    noted = {one.id: Noted(command=one, record=record.of(one)) for one in found.commands()}
    page = render(
        "play.html",
        who=who,
        document=name,
        shown=shown,
        play=found,
        record=next(one for one in record.plays if one.alert == alert),
        commands=noted,
        incidents=[one for one in shelf.incidents if one.play == alert][:20],
        problems=[
            one
            for one in problems_of(shelf, shown, None)
            if one.place.file == name and found.line <= one.place.line <= found.last_line
        ],
    )
    return HTMLResponse(page)
