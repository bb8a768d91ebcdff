"""Announced maintenance: pages for alerts under a window are held until it ends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from playcall.core.alert import Alert
from playcall.core.events import QuietShortened
from playcall.core.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From `starts` until just before `ends`, for alerts with all of these labels."""

    starts: datetime
    ends: datetime
    matchers: Mapping[str, str]  # label to value; `*` and `?` stand for anything
    reason: str

    def covers(self, alert: Alert, at: datetime) -> bool:
        return self.starts <= at < self.ends and all(
            fnmatchcase(alert.labels.get(label, ""), value)
            for label, value in self.matchers.items()
        )


def window_for(alerts: Iterable[Alert], windows: Sequence[Window], at: datetime) -> Window | None:
    """The window that holds the pages for these alerts: every one of them must be under some
    window, and the one that ends first is the one to wait for."""
    found: list[Window] = []
    for alert in alerts:
        over = [window for window in windows if window.covers(alert, at)]
        if not over:
            return None
        found.append(max(over, key=lambda window: window.ends))
    return min(found, key=lambda window: window.ends, default=None)


def called_off(
    incident: Incident, windows: Sequence[Window], at: datetime
) -> QuietShortened | None:
    """Where an incident's pages are held for longer than the windows of today say. A clock that was
    set back does not call off what had begun."""
    quiet = incident.quiet
    if quiet is None or quiet.snoozed or quiet.until <= at:
        return None
    members = incident.alerts.values()
    firing = [member.alert for member in members if member.firing]
    begun = max(at, incident.opened_at)
    window = window_for(firing or [member.alert for member in members], windows, begun)
    until = window.ends if window else at
    return QuietShortened(at=at, until=until) if until < quiet.until else None
