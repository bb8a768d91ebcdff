"""The timeline as the page shows it: the latest entries of a kind, older ones on demand. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from playcall.core import events as ev
from playcall.core import timeline
from playcall.core.plan import Plan, Play
from playcall.core.rollback_events import RollbackEvent
from playcall.engine.ports import StoredEvent

MOST = 200  # entries at once


class Show(StrEnum):
    """Which entries."""

    ALL = "all"
    MILESTONES = "milestones"
    COMMANDS = "commands"
    PAGES = "pages"
    NOTES = "notes"
    PEOPLE = "people"


_Commands = (
    ev.RunApproved
    | ev.RunDeclined
    | ev.RunRequested
    | ev.RunEdited
    | ev.ApprovalLapsed
    | ev.RequestExpired
    | ev.CommandBegun
    | ev.CommandFinished
    | ev.CommandInterrupted
    | ev.OutcomeDecided
    | RollbackEvent
)
_Pages = (
    ev.PageDelivered
    | ev.PageFailed
    | ev.PageLost
    | ev.PersonGone
    | ev.StoodIn
    | ev.RungClimbed
    | ev.TargetMissed
    | ev.Escalated
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which part of the timeline is looked at."""

    show: Show = Show.ALL
    before: int = 0  # older than that entry; 0: the latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    entry: timeline.Entry
    kinds: tuple[Show, ...]
    picture: int  # its number in the incident; 0: it has none


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineView:
    show: Show
    rows: tuple[Row, ...]  # newest first
    older: int  # the last one's number, when there are more before it; else 0


def latest(
    stored: Sequence[StoredEvent],
    plan: Plan,
    play: Play | None,
    part: Part,
) -> TimelineView:
    """The newest entries by their times, which is not always the order of the log; or those before
    one. Only what is shown is put into words."""
    show, before = part.show, part.before
    order = sorted(stored, key=lambda one: one.event.at)[::-1]
    if before:
        place = next((n for n, one in enumerate(order) if one.n == before), len(order))
        order = order[place + 1 :]
    rows: list[Row] = []
    for one in order:
        row = _row(one, plan, play)
        if row is None or not (show is Show.ALL or show in row.kinds):
            continue
        if len(rows) == MOST:
            return TimelineView(show=show, rows=tuple(rows), older=rows[-1].entry.n)
        rows.append(row)
    return TimelineView(show=show, rows=tuple(rows), older=0)


def _row(stored: StoredEvent, plan: Plan, play: Play | None) -> Row | None:
    event = stored.event
    entry = timeline.entry(event, plan, play)
    if entry is None:
        return None
    return Row(
        entry=replace(entry, n=stored.n),
        kinds=tuple(_kinds(event, entry)),
        picture=event.picture if isinstance(event, ev.NoteAdded) else 0,
    )


def _kinds(event: ev.Event, entry: timeline.Entry) -> Iterator[Show]:
    if entry.milestone:
        yield Show.MILESTONES
    if isinstance(event, _Commands):
        yield Show.COMMANDS
    if isinstance(event, _Pages):
        yield Show.PAGES
    if isinstance(event, ev.NoteAdded | ev.PinEvent):
        yield Show.NOTES
    if entry.by:
        yield Show.PEOPLE
