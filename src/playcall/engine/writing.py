"""Saves post-mortems: a version and its event are committed together, and only on top of the one
that whoever saves it has seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from playcall.core.duty_events import PostMortemSaved
from playcall.core.incident import Incident
from playcall.core.paper_parts import merge_parts, with_actions
from playcall.core.post_mortem import PostMortem, draft, edited, is_outdated, regenerated
from playcall.engine.commit import Committer
from playcall.engine.ports import Transaction


@dataclass(slots=True)
class SavedMeanwhile(Exception):
    """Somebody else saved a version first."""

    current: PostMortem


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The version that somebody began with."""

    version: int  # 0: as generated
    of: int | None = None  # then: from how many events; None: all


def save(
    tx: Transaction,
    committer: Committer,
    incident: int,
    seen: int,
    change: Callable[[PostMortem], PostMortem],
    of: int | None = None,
) -> PostMortem:
    """What `change` makes of the latest version. Of a first version, `of` says how many events the
    text was generated from that somebody began with; None: all. Raises SavedMeanwhile when the
    latest is not `seen`, LookupError when there is no such incident."""
    current = tx.post_mortem(incident) or _draft(tx, committer, incident, of)
    if current.version != seen:
        raise SavedMeanwhile(current)
    return _keep(tx, committer, incident, change(current))


@dataclass(slots=True)
class Clash(Exception):
    """Two people wrote in the same lines; nothing was saved."""

    current: PostMortem  # as the other one saved it
    text: str  # both, with marks


def edit(
    tx: Transaction,
    committer: Committer,
    incident: int,
    seen: Seen,
    change: Callable[[str], str],
    by: str,
    at: datetime,
) -> PostMortem:
    """What `change` makes of the version that was seen, and what others saved since. Raises Clash,
    LookupError."""
    before = tx.post_mortem(incident, seen.version) if seen.version else None
    if before is None and seen.version:
        raise LookupError(f"incident {incident} has no version {seen.version} of its post-mortem")
    before = before or _draft(tx, committer, incident, seen.of)
    mine = change(before.text)
    current = tx.post_mortem(incident) or before
    both = merge_parts(before.text, mine, current.text)
    if both.conflicts:
        raise Clash(current, both.text)
    return _keep(tx, committer, incident, edited(current, both.text, by, at))


def reflect_actions(
    tx: Transaction, committer: Committer, incident: int, by: str, at: datetime
) -> None:
    """The action items of the record, in a post-mortem that was saved; the rest of it stays."""
    current = tx.post_mortem(incident)
    if current is None:
        return
    base = with_actions(current.base, _draft(tx, committer, incident).text)
    text = merge_parts(current.base, current.text, base).text
    if base != current.base:
        _keep(tx, committer, incident, replace(edited(current, text, by, at), base=base))


def compose(tx: Transaction, committer: Committer, incident: int, at: datetime) -> tuple[str, bool]:
    """The text to put on file, and whether a person has been at it. An incident that was resolved
    again after it was written is brought up to date. Others find it by its words from now on."""
    current = tx.post_mortem(incident) or _draft(tx, committer, incident)
    events = [stored.event for stored in tx.events(incident)]
    if current.version and is_outdated(current, events):
        fresh = _draft(tx, committer, incident)
        current = _keep(tx, committer, incident, regenerated(current, fresh, "Playcall", at))
    tx.keep_words(incident, current.text)
    return current.text, current.version > 0


def _draft(
    tx: Transaction, committer: Committer, incident: int, of: int | None = None
) -> PostMortem:
    state = tx.incident(incident)
    if state is None:
        raise LookupError(f"there is no incident {incident}")
    events = [stored.event for stored in tx.events(incident)]
    merged = [
        ([stored.event for stored in tx.events(one.id)], tx.plan(one.plan))
        for one in merged_into(state, tx.incident)
    ]
    review = tx.review(incident, of or len(events))
    known = events[:of] if of else events
    return draft(known, tx.plan(state.plan), committer.url, review, merged)


def merged_into(state: Incident, find: Callable[[int], Incident | None]) -> Iterator[Incident]:
    """What was merged into it, and into those before."""
    for number in state.kin.absorbed:
        if one := find(number):
            yield one
            yield from merged_into(one, find)


def _keep(tx: Transaction, committer: Committer, incident: int, paper: PostMortem) -> PostMortem:
    paper = replace(paper, text=committer.hide(paper.text))
    tx.keep_post_mortem(incident, paper)
    saved = PostMortemSaved(
        at=paper.at,
        by=paper.by,
        version=paper.version,
        asks=paper.asks,
        conflicts=paper.conflicts,
    )
    committer.apply(tx, saved, incident)
    return paper
