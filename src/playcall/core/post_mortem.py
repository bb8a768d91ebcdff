"""An incident's post-mortem as people edit it: what was generated, what was made of it, and what a
new generation does to that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from playcall.core.events import Event, MetricsReviewed, Resolved
from playcall.core.merge import merge, open_conflicts
from playcall.core.plan import Plan
from playcall.core.report import write_report
from playcall.core.report_facts import Merged
from playcall.core.report_form import TO_WRITE
from playcall.core.review import Review

LONGEST = 300_000  # characters
MOST_LINES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMortem:
    """One version of it; every one is kept."""

    version: int  # from 1; 0: nobody saved it yet
    text: str
    base: str  # as it was generated, before anybody wrote in it
    of: int  # how many events it was generated from
    by: str
    at: datetime

    @property
    def asks(self) -> int:
        """What is left for a person to write."""
        return self.text.count(TO_WRITE)

    @property
    def conflicts(self) -> int:
        return open_conflicts(self.text)


def draft(
    events: Sequence[Event],
    plan: Plan,
    url: str = "",
    review: Review | None = None,
    merged: Sequence[Merged] = (),
) -> PostMortem:
    """As the events have it, all of them or the first ones, with what was merged into it; `review`
    is the last of theirs."""
    text = write_report(events, plan, url, review, merged).markdown
    at = events[-1].at
    return PostMortem(version=0, text=text, base=text, of=len(events), by="Playcall", at=at)


def tidy(text: str) -> str:
    """As a browser sends it and an editor leaves it, made one. Raises ValueError, for a person."""
    found = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "␀").rstrip() + "\n"
    if len(found) > LONGEST or found.count("\n") > MOST_LINES:
        raise ValueError(
            f"a post-mortem has up to {LONGEST} characters and {MOST_LINES} lines; "
            f"this one has {len(found)} and {found.count(chr(10))}"
        )
    return found


def edited(current: PostMortem, text: str, by: str, at: datetime) -> PostMortem:
    return replace(current, version=current.version + 1, text=text, by=by, at=at)


def regenerated(current: PostMortem, fresh: PostMortem, by: str, at: datetime) -> PostMortem:
    """What the record says now, with every word that was written."""
    return PostMortem(
        version=current.version + 1,
        text=merge(current.base, current.text, fresh.text).text,
        base=fresh.text,
        of=fresh.of,
        by=by,
        at=at,
    )


def is_outdated(current: PostMortem, events: Sequence[Event]) -> bool:
    """Whether the incident was resolved, or its metrics measured, again after it was written."""
    return any(isinstance(event, Resolved | MetricsReviewed) for event in events[current.of :])
