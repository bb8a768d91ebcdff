"""Who was told of an incident, and when: pages, the status page and stakeholders, on one list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from playcall.core import events as ev
from playcall.core import timeline
from playcall.core.plan import Play
from playcall.engine.ports import Dossier

MOST_LINES = 20  # on the page; the timeline has all

_Telling = (
    ev.PageDelivered
    | ev.PageFailed
    | ev.PageLost
    | ev.UpdatePublished
    | ev.UpdateMissed
    | ev.StakeholdersTold
    | ev.StakeholdersMissed
    | ev.TextSent
    | ev.SendingEvent
)
_Wrong = ev.PageFailed | ev.PageLost | ev.UpdateMissed | ev.StakeholdersMissed


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    at: datetime
    text: str
    wrong: bool  # it did not arrive, or came too late


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldView:
    coming: tuple[Next, ...]  # the soonest first
    lines: tuple[Line, ...]  # newest first
    more: int  # that are not shown


def told(found: Dossier, play: Play | None) -> ToldView:
    lines = sorted(_lines(found, play), key=lambda line: line.at, reverse=True)
    return ToldView(
        coming=tuple(sorted(_coming(found), key=lambda one: one.at)),
        lines=tuple(lines[:MOST_LINES]),
        more=max(0, len(lines) - MOST_LINES),
    )


def _lines(found: Dossier, play: Play | None) -> Iterator[Line]:
    for stored in found.events:
        event = stored.event
        if not isinstance(event, _Telling):
            continue
        said = timeline.entry(event, found.plan, play)
        if said:
            yield Line(at=said.at, text=said.text, wrong=isinstance(event, _Wrong))


def _coming(found: Dossier) -> Iterator[Next]:
    telling = found.incident.telling
    if telling.due_at:
        yield Next(at=telling.due_at, text="Status update")
    for name, audience in telling.audiences.items():
        if audience.next_at:
            yield Next(at=audience.next_at, text=f"{name}: summary {audience.number + 1}")
