"""Alerts that join an open incident: whoever is on it hears how many, now and then."""

from dataclasses import replace
from datetime import datetime, timedelta

from playcall.core.effects import Moved, Tell
from playcall.core.events import AlertsJoined
from playcall.core.incident import Incident, Member

BETWEEN = timedelta(minutes=3)  # two notices of one incident


def join(incident: Incident, event: AlertsJoined) -> Incident:
    """Counted only while somebody is on it, who comes later sees them on the page; and only what is
    new, since what flaps is known."""
    joined = {
        alert.fingerprint: Member(alert=alert, firing=True, changed_at=event.at)
        for alert in event.alerts
    }
    more = len(joined.keys() - incident.alerts.keys()) if _on_it(incident) else 0
    return replace(incident, alerts={**incident.alerts, **joined}, joined=incident.joined + more)


def tell(incident: Incident, at: datetime) -> Moved:
    """One notice with the count, as soon as one is due."""
    due_at = next_at(incident)
    if due_at is None or at < due_at:
        return Moved(incident=incident)
    count = incident.joined
    reason = f"{count} more alert{'s' if count > 1 else ''} joined this incident"
    return Moved(
        incident=replace(incident, joined=0, joined_told_at=at),
        effects=tuple(Tell(role=person, reason=reason) for person in _on_it(incident)),
    )


def next_at(incident: Incident) -> datetime | None:
    if not incident.joined or incident.quiet or not _on_it(incident):
        return None
    return (incident.joined_told_at or incident.opened_at) + BETWEEN


def _on_it(incident: Incident) -> tuple[str, ...]:
    owner = incident.acknowledged_by
    parts = (person for people in incident.roles.values() for person in people)
    return tuple(dict.fromkeys([owner, *parts])) if owner else ()
