"""Search over everything somebody may want to go to: incidents, plays, steps, commands, people,
pages, and what can be done with the incident that is open. It only ever leads somewhere."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from playcall.core.access import Access
from playcall.core.incident import Incident
from playcall.core.plan import Plan
from playcall.core.search import LONGEST, Place, has, in_plan, words
from playcall.engine.directory import Directory
from playcall.engine.ports import Views
from playcall.web.auth import Identity, Viewer
from playcall.web.desk import LARGEST, desk, directory
from playcall.web.templates import environment, render

router = APIRouter(prefix="/api/v1")
page = APIRouter()

MOST = 30
MOST_OF_A_KIND = 8
LONGEST_LINE = 200

# What is done on an incident's page: words, the part of the page, who may.
_ACTS = (
    ("Acknowledge", "#acknowledge", Access.RESPONDER),
    ("Escalate: call the next rung, or somebody", "#call", Access.RESPONDER),
    ("Add a note", "#note", Access.RESPONDER),
    ("Snooze the pages", "#snooze", Access.RESPONDER),
    ("Hand over, assign", "#hand-over", Access.RESPONDER),
    ("Silence its alerts", "#silences", Access.RESPONDER),
    ("Change the severity", "#severity", Access.COMMANDER),
    ("Resolve", "#resolve", Access.COMMANDER),
    ("Tell people: status update", "/update", Access.VIEWER),
    ("Post-mortem", "/post-mortem", Access.VIEWER),
)
_WHEN_OVER = ("/update", "/post-mortem")


class Hit(BaseModel):
    kind: str = Field(description="action, incident, play, step, command, person or page")
    title: str
    detail: str
    path: str = Field(description="of its page, below this server's address")


@router.get("/search")
async def search(request: Request, who: Viewer, q: str = "", incident: str = "") -> list[Hit]:
    """What has all of the words, at most 30: what can be done with `incident` first, then
    incidents, plays, steps, commands, people and pages."""
    number = int(incident) if incident.isascii() and incident.isdigit() else 0
    return await find(request, who, q, number if number <= LARGEST else 0)


@page.get("/search")
async def draw(request: Request, who: Viewer, q: str = "") -> HTMLResponse:
    found = await find(request, who, q)
    text = render("search.html", who=who, hits=found, q=q[:LONGEST])
    return HTMLResponse(text)


async def find(request: Request, who: Identity, text: str, incident: int = 0) -> list[Hit]:
    """Without a text: what can be done, and the pages."""
    wanted = words(text)
    if text.strip() and not wanted:
        return []
    digest = desk(request).engine.intake.plan

    def look(views: Views) -> tuple[Incident | None, Sequence[Incident], Plan]:
        dossier = views.dossier(incident) if incident else None
        found = views.found(wanted, MOST_OF_A_KIND)
        return dossier.incident if dossier else None, found, views.plan(digest)

    opened, found, plan = await desk(request).store.read(look)
    kinds: tuple[Iterable[Hit], ...] = (
        map(_incident, found),
        *(_places(plan, kind, wanted) for kind in ("play", "step", "command")),
        _people(directory(request), wanted),
        _pages(wanted, who),
    )
    limited = (itertools.islice(hits, MOST_OF_A_KIND) for hits in kinds)
    acts = _acts(opened, who, wanted)
    return list(itertools.islice(itertools.chain(acts, *limited), MOST))


def _acts(incident: Incident | None, who: Identity, wanted: Sequence[str]) -> Iterator[Hit]:
    if incident is None:
        return
    for title, part, access in _ACTS:
        if part == "#acknowledge" and incident.acknowledged_by:
            continue
        if incident.status.over and part not in _WHEN_OVER:
            continue
        if who.access.allows(access) and has(title, wanted):
            yield Hit(
                kind="action",
                title=title,
                detail=f"#{incident.id} {_short(incident.title)}",
                path=f"/incidents/{incident.id}{part}",
            )


def _incident(incident: Incident) -> Hit:
    return Hit(
        kind="incident",
        title=f"#{incident.id} {_short(incident.title)}",
        detail=f"{incident.severity}, {incident.status}, {incident.fired_at:%Y-%m-%d %H:%M} UTC",
        path=f"/incidents/{incident.id}",
    )


def _places(plan: Plan, kind: str, wanted: Sequence[str]) -> Iterator[Hit]:
    return (_place(plan, one) for one in in_plan(plan, wanted) if one.kind == kind)


def _place(plan: Plan, place: Place) -> Hit:
    document = f"/playbooks/{quote(plan.source, safe='')}"
    of_play = f"{document}/plays/{quote(place.alert)}"
    return Hit(
        kind=place.kind,
        title=_short(place.title),
        detail=f"{_short(place.detail)}, line {place.line}",
        path=of_play if place.kind == "play" else f"{document}#L{place.line}",
    )


def _people(known: Directory, wanted: Sequence[str]) -> Iterator[Hit]:
    if not wanted:
        return
    for person in known.people.values():
        roles = [role for role, bound in known.roles.items() if person.id in bound]
        if has(f"{person.id} {person.name} {' '.join(roles)}", wanted):
            yield Hit(
                kind="person",
                title=person.name,
                detail=", ".join([person.id, *roles]),
                path="/on-call",
            )
    for name in known.schedules:
        if has(f"{name} schedule", wanted):
            yield Hit(kind="page", title=name, detail="schedule", path=f"/on-call/{quote(name)}")


def _pages(wanted: Sequence[str], who: Identity) -> Iterator[Hit]:
    nav = environment.get_template("nav.html").make_module({"who": who})
    entries = getattr(nav, "entries", ())
    known = [*entries, ("/incidents", "All incidents"), ("/me", "How Playcall reaches you: me")]
    for path, name in known:
        if has(name, wanted):
            yield Hit(kind="page", title=name, detail=path, path=path)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
