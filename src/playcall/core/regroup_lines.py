"""Merging and splitting, as lines for people."""

from typing import assert_never

from playcall.core.regroup_events import Absorbed, AlertsSplit, MergedInto, Regrouped, SplitOff


def say_regrouped(event: Regrouped) -> str:
    why = _because(event.reason)
    match event:
        case MergedInto():
            return f"MERGED into incident {event.incident} by {event.by}, {event.title}{why}"
        case Absorbed():
            count = len(event.members)
            alerts = f"{count} alert{'' if count == 1 else 's'}"
            who = f"{event.by} merged incident {event.incident} into this one"
            return f"{who}, {event.title} ({event.severity}, {alerts}){why}"
        case AlertsSplit():
            names = ", ".join(event.names)
            return f"{event.by} split off incident {event.incident}, with {names}{why}"
    assert_never(event)


def say_split(split: SplitOff | None) -> str:
    """Follows how an incident opened."""
    if split is None:
        return ""
    return f"; {split.by} split it off from incident {split.incident}{_because(split.reason)}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
