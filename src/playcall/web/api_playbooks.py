"""The playbooks over HTTP: documents, how they did, versions, and what these changed."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

from playcall.core.place import Problem
from playcall.core.track_record import CommandRecord, PlayRecord, TrackRecord, every_command
from playcall.web.auth import Viewer
from playcall.web.playbook_diff import Difference, compare
from playcall.web.playbook_shelf import Shelf, Version, find, levels, problems_of, text_of

router = APIRouter(prefix="/api/v1/playbooks")

Digest = Annotated[str, Query(max_length=64, description="its first digits; empty: the newest")]


class VersionView(BaseModel):
    digest: str = Field(description="of the plan, as incidents name it")
    document: str = Field(description="SHA-256 of the document's bytes")
    since: datetime | None = Field(description="first used; null: nobody knows")
    current: bool
    text_kept: bool
    incidents: list[int] = Field(description="that opened with it, of the latest 1000")


class PlayView(BaseModel):
    alert: str
    severity: str | None
    line: int
    commands: int
    commands_worked: int = Field(description="of these, how many ever have")
    incidents: int
    last_incident: int | None
    last_drill: datetime | None
    last_drill_outcome: str | None
    last_drill_digest: str | None = Field(description="of the document that was drilled")
    last_worked: datetime | None


class Summary(BaseModel):
    name: str
    title: str
    version: VersionView
    file_changed: bool = Field(description="the file is another one since the start")
    problems: dict[str, int] = Field(description="how many, by level")
    plays: list[PlayView]
    without_play: list[str] = Field(description="alerts that fired and have no play")
    undrilled: list[str] = Field(description="plays that were never drilled")


class ProblemView(BaseModel):
    code: str
    level: str
    file: str
    line: int
    column: int
    what: str
    mend: str


class CommandView(BaseModel):
    id: str
    line: int
    text: str
    runs_as: str | None
    effect: str
    reasons: list[str]
    worked_at: datetime | None = Field(description="in an incident or in a drill")
    worked_in: int | None = Field(description="the latest incident in which it did")
    last_status: str | None = Field(description="of its latest run")
    last_exit_code: int | None
    last_incident: int | None


class Detail(Summary):
    found: list[ProblemView]
    commands: list[CommandView]


class ChangeView(BaseModel):
    kind: str
    where: str
    what: str
    line: int


class HunkView(BaseModel):
    heading: str
    lines: list[str] = Field(description="each with its sign: ' ', '-' or '+'")


class DiffView(BaseModel):
    old: str = Field(description="a version's digest, or 'file'")
    new: str
    changes: list[ChangeView] = Field(description="of the plan, in words")
    hunks: list[HunkView] = Field(description="of the text")
    untold: str = Field(description="why the text is not compared, or not all of it")


@router.get("")
async def list_playbooks(request: Request, _: Viewer) -> list[Summary]:
    """The documents that are served."""
    shelf = await find(request)
    return [_summary(shelf, shelf.current, shelf.served.problems)]


@router.get("/{name}")
async def show_playbook(request: Request, name: str, _: Viewer, version: Digest = "") -> Detail:
    """One document, with every problem and every command."""
    shelf = await find(request)
    shown = shelf.pick(name, version)
    data = await text_of(request, shelf, shown)
    problems = await asyncio.to_thread(problems_of, shelf, shown, data)
    record = shelf.record(shown.plan)
    return Detail(
        **_summary(shelf, shown, problems).model_dump(),
        found=[_problem(one) for one in problems],
        commands=list(_commands(shown, record)),
    )


@router.get("/{name}/text")
async def show_text(request: Request, name: str, _: Viewer, version: Digest = "") -> Response:
    """The document's bytes. 404 for a version whose text was not kept."""
    shelf = await find(request)
    data = await text_of(request, shelf, shelf.pick(name, version))
    if data is None:
        raise HTTPException(404, "the text of this version was not kept")
    return Response(data, media_type="text/plain; charset=utf-8")


@router.get("/{name}/versions")
async def list_versions(request: Request, name: str, _: Viewer) -> list[VersionView]:
    """The newest first."""
    return [_version(one) for one in (await find(request)).of(name)]


@router.get("/{name}/diff")
async def show_diff(
    request: Request,
    name: str,
    _: Viewer,
    old: Annotated[str, Query(alias="from", max_length=64)] = "",
    new: Annotated[str, Query(alias="to", max_length=64)] = "",
) -> DiffView:
    """What changed between two versions, `file` being the document as it lies on disk."""
    return _diff(await compare(request, await find(request), name, old, new))


# --- how it is said -------------------------------------------------------------------------------


def _version(one: Version) -> VersionView:
    return VersionView(
        digest=one.digest,
        document=one.plan.digest,
        since=one.since,
        current=one.current,
        text_kept=one.kept,
        incidents=[each.id for each in one.opened],
    )


def _summary(shelf: Shelf, shown: Version, problems: Sequence[Problem]) -> Summary:
    record = shelf.record(shown.plan)
    return Summary(
        name=shown.plan.source,
        title=shown.plan.title,
        version=_version(shown),
        file_changed=shelf.changed,
        problems=dict(levels(problems)),
        plays=[_play(one) for one in record.plays],
        without_play=[one.alert for one in record.without_play],
        undrilled=[one.alert for one in record.plays if one.drill is None],
    )


def _play(one: PlayRecord) -> PlayView:
    return PlayView(
        alert=one.alert,
        severity=one.severity,
        line=one.line,
        commands=one.commands,
        commands_worked=one.worked,
        incidents=one.incidents,
        last_incident=one.last.id if one.last else None,
        last_drill=one.drill.at if one.drill else None,
        last_drill_outcome=one.drill.outcome if one.drill else None,
        last_drill_digest=one.drill.digest if one.drill else None,
        last_worked=one.worked_at,
    )


def _problem(one: Problem) -> ProblemView:
    return ProblemView(
        code=one.code,
        level=one.level,
        file=one.place.file,
        line=one.place.line,
        column=one.place.column,
        what=one.what,
        mend=one.mend,
    )


def _commands(shown: Version, record: TrackRecord) -> Sequence[CommandView]:
    def view(of: CommandRecord) -> dict[str, object]:
        return {
            "worked_at": of.worked_at,
            "worked_in": of.worked.incident if of.worked else None,
            "last_status": of.ran.status if of.ran else None,
            "last_exit_code": of.ran.exit_code if of.ran else None,
            "last_incident": of.ran.incident if of.ran else None,
        }

    return [
        CommandView.model_validate(
            {
                "id": one.id,
                "line": one.line,
                "text": one.text,
                "runs_as": one.runs_as.text if one.runs_as else None,
                "effect": one.effect,
                "reasons": list(one.reasons),
                **view(record.of(one)),
            }
        )
        for one in every_command(shown.plan)
    ]


def _diff(found: Difference) -> DiffView:
    return DiffView(
        old=found.old.version.digest if found.old.version else found.old.name,
        new=found.new.version.digest if found.new.version else found.new.name,
        changes=[
            ChangeView(kind=one.kind, where=one.where, what=one.what, line=one.line)
            for one in found.changes
        ],
        hunks=[
            HunkView(
                heading=one.heading, lines=[f"{sign}{text}" for sign, _number, text in one.lines]
            )
            for one in found.hunks
        ],
        untold=found.untold,
    )
