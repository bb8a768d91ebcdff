"""The instants of an incident that its numbers come from, found in its events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from playcall.core import events as ev
from playcall.core.incident import RunStatus
from playcall.core.plan import EffectClass, Play


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestones:
    """None for what has not happened."""

    fired: datetime
    opened: datetime
    paged: datetime | None
    diagnosed: datetime | None  # the first diagnostic finished
    acknowledged: datetime | None
    approved: datetime | None  # the first approval
    mitigated: datetime | None  # the last change that succeeded
    recovered: datetime | None  # alerts cleared and criteria held
    resolved: datetime | None  # the latest time, unless it was opened again since then


def milestones(events: Sequence[ev.Event], play: Play | None) -> Milestones:
    """Only a change mitigates: what looks may be approved as well."""
    opened = next(event for event in events if isinstance(event, ev.Opened))
    runs = {e.run: e for e in events if isinstance(e, ev.CommandFinished)}
    approved = {e.command for e in events if isinstance(e, ev.RunApproved)}
    changes = {c.id for c in play.commands() if c.effect is EffectClass.CHANGE} if play else set()
    fixes = [
        e.at
        for e in runs.values()
        if e.command in approved & changes and e.status is RunStatus.SUCCEEDED
    ]
    looks = [e.at for e in runs.values() if e.command not in approved]
    return Milestones(
        fired=min((opened.at, *(alert.starts_at for alert in opened.alerts))),
        opened=opened.at,
        paged=_first(events, ev.PageDelivered),
        diagnosed=min(looks, default=None),
        acknowledged=_first(events, ev.Acknowledged),
        approved=_first(events, ev.RunApproved),
        mitigated=max(fixes, default=None),
        recovered=max((e.at for e in events if isinstance(e, ev.Recovered)), default=None),
        resolved=_over(events),
    )


def _first(events: Sequence[ev.Event], kind: type[ev.Event]) -> datetime | None:
    return next((event.at for event in events if isinstance(event, kind)), None)


def _over(events: Sequence[ev.Event]) -> datetime | None:
    ends = [event for event in events if isinstance(event, ev.Resolved | ev.Reopened)]
    return ends[-1].at if ends and isinstance(ends[-1], ev.Resolved) else None
