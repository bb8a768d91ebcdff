"""The difference between two versions of a document: of its text, and of its plan in words."""

import asyncio
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import HTTPException, Request

from playcall.core.plan import Plan
from playcall.core.plan_changes import Change, changes
from playcall.web.document_html import visible
from playcall.web.playbook_shelf import (
    FILE,
    Shelf,
    Version,
    as_written,
    compiled,
    lines_of,
    read_file,
    text_of,
)

MOST_LINES = 5000  # of a document that is compared by its text
MOST_SHOWN = 2000  # lines of a difference
MOST_CHANGES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    name: str  # of the version, or `FILE`
    plan: Plan
    data: bytes | None  # None: the text was not kept
    version: Version | None  # None: the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """A run of lines: `kind` is " ", "-" or "+"; the number is of the document that has it."""

    heading: str
    lines: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    old: Side
    new: Side
    changes: tuple[Change, ...]
    hunks: tuple[Hunk, ...]
    untold: str  # why the text is not compared, or not all of it; empty: it is


async def compare(request: Request, shelf: Shelf, name: str, old: str, new: str) -> Difference:
    """`old` and `new`: digests, or `FILE`; empty: the one before, and the one that is served. 404
    for a version that there is not. Raises Unavailable."""
    versions = shelf.of(name)
    later = await _side(request, shelf, name, new)
    if not old:
        at = versions.index(later.version) if later.version else -1
        old = versions[min(at + 1, len(versions) - 1)].digest
    earlier = await _side(request, shelf, name, old)
    if FILE in (old, new):
        earlier, later = (_read_again(side, name) for side in (earlier, later))
    return await asyncio.to_thread(_difference, earlier, later, name)


async def _side(request: Request, shelf: Shelf, name: str, wanted: str) -> Side:
    if wanted != FILE:
        version = shelf.pick(name, wanted)
        data = await text_of(request, shelf, version)
        return Side(name=version.name, plan=version.plan, data=data, version=version)
    if name != shelf.served.name:
        raise HTTPException(404, f"{name} is not served any more: its file is not looked at")
    plan = shelf.current.plan
    return Side(name=FILE, plan=plan, data=await read_file(request), version=None)


def _read_again(side: Side, name: str) -> Side:
    """Both by their text alone: the file's policy and settings are not known before a start."""
    found = compiled(side.data, name).plan if side.data is not None else None
    if found is None:
        raise HTTPException(409, f"{name} cannot be read as a playbook: see `playcall check`")
    return Side(
        name=side.name, plan=as_written(found, side.plan), data=side.data, version=side.version
    )


def _difference(old: Side, new: Side, name: str) -> Difference:
    found = changes(old.plan, new.plan)[:MOST_CHANGES]
    told: tuple[Hunk, ...] = ()
    untold = ""
    if old.data is None or new.data is None:
        which = old.name if old.data is None else new.name
        untold = f"The text of {which} was not kept: texts are kept since Playcall has this page."
    else:
        before, after = lines_of(old.data, name), lines_of(new.data, name)
        if max(len(before), len(after)) > MOST_LINES:
            untold = f"The texts have more than {MOST_LINES} lines, and are not compared."
        else:
            told, untold = _bounded(list(_hunks(before, after)))
    return Difference(old=old, new=new, changes=found, hunks=told, untold=untold)


def _hunks(before: Sequence[str], after: Sequence[str]) -> Iterator[Hunk]:
    matcher = difflib.SequenceMatcher(a=before, b=after)
    for group in matcher.get_grouped_opcodes(3):
        lines: list[tuple[str, int, str]] = []
        for tag, a, b, c, d in group:
            if tag == "equal":
                lines += [(" ", c + n + 1, text) for n, text in enumerate(after[c:d])]
                continue
            lines += [("-", a + n + 1, text) for n, text in enumerate(before[a:b])]
            lines += [("+", c + n + 1, text) for n, text in enumerate(after[c:d])]
        first, last = group[0], group[-1]
        heading = f"Lines {first[3] + 1} to {max(last[4], first[3] + 1)}"
        shown = tuple((sign, number, visible(text)) for sign, number, text in lines)
        yield Hunk(heading=heading, lines=shown)


def _bounded(hunks: Sequence[Hunk]) -> tuple[tuple[Hunk, ...], str]:
    kept: list[Hunk] = []
    left = MOST_SHOWN
    for hunk in hunks:
        if len(hunk.lines) > left:
            return tuple(kept), f"More than {MOST_SHOWN} lines differ; these are the first."
        left -= len(hunk.lines)
        kept.append(hunk)
    return tuple(kept), ""
