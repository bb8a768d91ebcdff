"""Finds what a playbook's pages show: its versions, the one that is asked for, and how it did."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from fastapi import HTTPException, Request

from playcall.core.compiler import Compiled, compile_document
from playcall.core.compiler.text import read_text
from playcall.core.drilled import Kept
from playcall.core.place import Problem
from playcall.core.plan import Plan
from playcall.core.track_record import Brief, Ran, TrackRecord, track
from playcall.engine.playbooks import Served, Use
from playcall.engine.ports import Unavailable, Views
from playcall.web.desk import desk

INCIDENTS = 1000  # the newest, that are looked at
RUNS = 5000  # the latest, of the newest 300 incidents
RUNS_OF = 300
VERSIONS = 100  # plans, the newest
FILE = "file"  # names the document as it lies on disk now
SHORTEST = 6  # digits of a digest that name a version


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A plan of a document. The same text is another plan under other settings."""

    plan: Plan
    digest: str  # of the plan, as incidents name it
    since: datetime | None  # first served, or first used; None: nobody knows
    opened: tuple[Brief, ...]  # incidents, the newest first
    kept: bool  # whether its text is
    current: bool

    @property
    def name(self) -> str:
        return self.digest[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """All that is known of the documents that were ever served. The newest version first."""

    served: Served
    versions: tuple[Version, ...]
    incidents: tuple[Brief, ...]
    ran: tuple[Ran, ...]
    drills: tuple[Kept, ...]
    changed: bool  # the file is another one by now

    @property
    def current(self) -> Version:
        return next(one for one in self.versions if one.current)

    def of(self, name: str) -> tuple[Version, ...]:
        """404 when no document was ever called so."""
        found = tuple(one for one in self.versions if one.plan.source == name)
        if not found:
            known = ", ".join(dict.fromkeys(one.plan.source for one in self.versions))
            raise HTTPException(404, f'there is no playbook "{name[:80]}"; there are: {known}')
        return found

    def pick(self, name: str, wanted: str) -> Version:
        """By the first digits of its digest; none: the one that is served, or else the newest."""
        versions = self.of(name)
        if not wanted:
            return next((one for one in versions if one.current), versions[0])
        found = [one for one in versions if one.digest.startswith(wanted)]
        if len(wanted) < SHORTEST or len(found) != 1:
            raise HTTPException(404, f'{name} has no version "{wanted[:80]}": see its versions')
        return found[0]

    def record(self, plan: Plan) -> TrackRecord:
        return track(plan, self.incidents, self.ran, self.drills)


async def find(request: Request) -> Shelf:
    """404 where no document is served. Raises Unavailable."""
    served = desk(request).library
    if served is None:
        raise HTTPException(404, "no playbook is served here")
    current = desk(request).engine.intake.plan
    drills, changed = await asyncio.gather(
        asyncio.to_thread(served.drills.kept), _is_changed(request, served)
    )

    def look(views: Views) -> Shelf:
        incidents = tuple(views.briefs(INCIDENTS))
        return Shelf(
            served=served,
            versions=_versions(views, incidents, current),
            incidents=incidents,
            ran=tuple(views.ran(RUNS_OF, RUNS)),
            drills=tuple(drills),
            changed=changed,
        )

    return await desk(request).store.read(look)


async def _is_changed(request: Request, served: Served) -> bool:
    try:
        return await read_file(request) != served.data
    except Unavailable:
        return False  # said where it is asked for


async def read_file(request: Request) -> bytes:
    """The document on disk. Raises Unavailable."""
    sources = desk(request).sources
    if sources is None:
        raise Unavailable("Playcall does not know where its document lies.")
    return (await asyncio.to_thread(sources.read)).data


def _versions(views: Views, incidents: Sequence[Brief], current: str) -> tuple[Version, ...]:
    uses: dict[str, Use] = {}
    for use in views.uses():
        uses.setdefault(use.plan, use)
    opened: dict[str, list[Brief]] = {}
    for one in incidents:
        opened.setdefault(one.plan, []).append(one)
    since = {digest: _since(uses.get(digest), opened.get(digest, ())) for digest in views.plans()}
    known = sorted(since, key=lambda digest: (digest == current, _order(since[digest])))
    found = []
    for digest in known[: -VERSIONS - 1 : -1]:
        plan = views.plan(digest)
        found.append(
            Version(
                plan=plan,
                digest=digest,
                since=since[digest],
                opened=tuple(opened.get(digest, ())),
                kept=views.document(plan.digest) is not None,
                current=digest == current,
            )
        )
    return tuple(found)


def _since(use: Use | None, opened: Sequence[Brief]) -> datetime | None:
    known = [one.opened_at for one in opened] + ([use.at] if use else [])
    return min(known, default=None)


def _order(since: datetime | None) -> float:
    return since.timestamp() if since else 0.0


async def text_of(request: Request, shelf: Shelf, version: Version) -> bytes | None:
    """None: it was not kept."""
    if version.plan.digest == hashlib.sha256(shelf.served.data).hexdigest():
        return shelf.served.data
    return await desk(request).store.read(lambda views: views.document(version.plan.digest))


def problems_of(shelf: Shelf, version: Version, data: bytes | None) -> tuple[Problem, ...]:
    """As they were found at the start; in an earlier version those that are in the text alone."""
    if version.current or data is None:
        return shelf.served.problems if version.current else ()
    return compiled(data, version.plan.source).problems


@lru_cache(maxsize=8)
def compiled(data: bytes, name: str) -> Compiled:
    return compile_document(data, name)


def lines_of(data: bytes, name: str) -> tuple[str, ...]:
    """Mended, as the compiler reads them."""
    return read_text(data, name).lines


def as_written(plan: Plan, like: Plan) -> Plan:
    """A plan that was only compiled, with the settings' part of another."""
    return replace(plan, response=like.response)


def levels(problems: Sequence[Problem]) -> Mapping[str, int]:
    found = {"error": 0, "warning": 0, "note": 0}
    for one in problems:
        found[one.level.value] += 1
    return found
