"""What Alertmanager says, compared with what is on record: alerts whose message never came,
clearings that were lost, relapses that a silence of ours hides, silences made or ended elsewhere,
pages that reached nobody. Pure: one look in, repairs out.

Absence of data is never health: an alert is missed only in a look that succeeded, twice in a row,
at an Alertmanager that has been up for long enough to have been told of everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from playcall.core import escalation
from playcall.core.alert import HEARTBEATS, Alert, is_own
from playcall.core.events import (
    AlertsCleared,
    AlertsJoined,
    Event,
    PageLost,
    Reopened,
    Silenced,
    SilenceEnded,
)
from playcall.core.incident import Incident, Member, SilencePurpose, Standing
from playcall.core.maintenance import Window, called_off
from playcall.core.plan import Plan

MOST_SILENCES = 20  # recorded for one incident
_SECOND = timedelta(seconds=1)
_HIDING = (SilencePurpose.RESOLVED, SilencePurpose.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedAlert:
    """An alert that Alertmanager holds to be firing."""

    alert: Alert
    suppressed: bool  # no message is sent for it
    silenced_by: tuple[str, ...] = ()  # ids
    inhibited: bool = False  # or muted by a time interval: anything but a silence


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSilence:
    """A silence in Alertmanager that has not ended."""

    id: str
    until: datetime
    by: str
    comment: str
    active: bool  # False: it begins later


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What Alertmanager said at one moment."""

    at: datetime
    up_since: datetime
    alerts: Sequence[WatchedAlert]
    silences: Sequence[FoundSilence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a difference must last before it counts as one."""

    grace: timedelta = timedelta(minutes=2)  # for a message on its way
    settled: timedelta = timedelta(minutes=5)  # for an Alertmanager that was started


# A firing member that a look missed: incident, fingerprint, start.
Missed = frozenset[tuple[int, str, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """An event for one incident; `kind` is what the metrics count it under."""

    kind: str
    incident: int
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairs:
    found: tuple[Alert, ...] = ()  # to be taken in as if their message had come
    repairs: tuple[Repair, ...] = ()
    missed: Missed = frozenset()  # to be compared with the next look


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The incidents that are live, and those that were over a short while ago, with their plans."""

    live: Sequence[Incident]
    over: Sequence[Incident]
    plans: Mapping[str, Plan] = field(default_factory=dict)  # by digest


def compare(
    look: Look, record: Record, before: Missed, patience: Patience, created_by: str
) -> Repairs:
    """The repairs that make the record agree with what was seen."""
    held = {
        fingerprint
        for incident in record.live
        for fingerprint, member in incident.alerts.items()
        if member.firing
    }
    hiding = _hiding(look, record, created_by)
    relapsed, spoken_for = _relapses(look, record, hiding, patience)
    found = []
    joined: dict[int, list[Alert]] = {}
    members = {key: one.id for one in record.live for key in one.alerts}
    for watched in look.alerts:
        alert = watched.alert
        if alert.fingerprint in held or alert.fingerprint in spoken_for:
            continue
        if not _overdue(alert, look, patience):
            continue
        if not watched.suppressed:
            found.append(replace(alert, found=True))
        elif _hidden(watched, hiding) and alert.fingerprint in members:
            joined.setdefault(members[alert.fingerprint], []).append(replace(alert, found=True))
    missed = _missed(look, record, patience)
    cleared = _cleared(look, record, missed & before)
    hidden = (
        Repair(kind="found", incident=key, event=AlertsJoined(at=look.at, alerts=tuple(alerts)))
        for key, alerts in joined.items()
    )
    return Repairs(
        found=tuple(found),
        repairs=(*relapsed, *hidden, *cleared, *_silences(look, record, created_by)),
        missed=missed,
    )


def lost_pages(
    unpaged: Sequence[Incident], plans: Mapping[str, Plan], at: datetime, patience: Patience
) -> tuple[Repair, ...]:
    """For incidents of which no page was ever delivered and none is under way: knock again, once a
    round, where somebody should have been woken and nobody has heard."""
    return tuple(
        Repair(kind="page", incident=incident.id, event=PageLost(at=at, round=incident.round))
        for incident in unpaged
        if at - incident.ladder_from > patience.grace
        and incident.page_lost_in < incident.round
        and escalation.is_page_due(incident, plans[incident.plan], at)
    )


def over_announced(
    live: Sequence[Incident], windows: Sequence[Window], at: datetime
) -> tuple[Repair, ...]:
    """For incidents whose pages are held for longer than the announced maintenance lasts."""
    found = ((incident.id, called_off(incident, windows, at)) for incident in live)
    return tuple(
        Repair(kind="maintenance", incident=number, event=event) for number, event in found if event
    )


# --- Alerts --------------------------------------------------------------------------------------


def _overdue(alert: Alert, look: Look, patience: Patience) -> bool:
    return alert.name not in HEARTBEATS and look.at - alert.starts_at > patience.grace


def _hiding(look: Look, record: Record, created_by: str) -> frozenset[str]:
    """The silences that Playcall made because an incident was resolved or acknowledged. An alert
    under them and nothing else is one that Alertmanager tells nobody of on our account."""
    ours = {silence.id for silence in look.silences if silence.by == created_by}
    return frozenset(
        key
        for incident in (*record.live, *record.over)
        for key, one in incident.silences.items()
        if key in ours and one.purpose in _HIDING
    )


def _hidden(watched: WatchedAlert, hiding: frozenset[str]) -> bool:
    silenced = watched.silenced_by
    return bool(silenced) and not watched.inhibited and all(key in hiding for key in silenced)


def _relapses(
    look: Look, record: Record, hiding: frozenset[str], patience: Patience
) -> tuple[tuple[Repair, ...], frozenset[str]]:
    """Incidents that are over and whose alerts fire: anew, though a silence of ours hides it; or
    still, a while after somebody resolved it unverified. Also the alerts that are so spoken for."""
    latest = _latest_over(look, record)
    relapsed: dict[int, list[Alert]] = {}
    for watched in look.alerts:
        incident = latest.get(watched.alert.fingerprint)
        if incident and _fires_again(watched, incident, look, hiding, patience):
            relapsed.setdefault(incident.id, []).append(replace(watched.alert, found=True))
    repairs = tuple(
        Repair(kind="relapse", incident=key, event=Reopened(at=look.at, alerts=tuple(alerts)))
        for key, alerts in relapsed.items()
    )
    return repairs, frozenset(latest)


def _latest_over(look: Look, record: Record) -> dict[str, Incident]:
    """For each alert of an incident that may still be opened again, that incident."""
    live_groups = {incident.group for incident in record.live}
    latest: dict[str, Incident] = {}
    for incident in sorted(record.over, key=lambda one: one.id):
        within = record.plans[incident.plan].response.reopen_within
        over = incident.resolved_at
        if over and look.at - over <= within and incident.group not in live_groups:
            latest |= dict.fromkeys(incident.alerts, incident)
    return latest


def _fires_again(
    watched: WatchedAlert,
    incident: Incident,
    look: Look,
    hiding: frozenset[str],
    patience: Patience,
) -> bool:
    resolved_at = incident.resolved_at or look.at
    if watched.alert.starts_at > resolved_at:
        heard = not watched.suppressed and _overdue(watched.alert, look, patience)
        return heard or _hidden(watched, hiding)
    return not watched.suppressed and look.at - resolved_at > patience.grace


def _missed(look: Look, record: Record, patience: Patience) -> Missed:
    if look.at - look.up_since <= patience.settled:
        return frozenset()
    seen = {watched.alert.fingerprint for watched in look.alerts}
    return frozenset(
        (incident.id, fingerprint, member.alert.starts_at)
        for incident in record.live
        for fingerprint, member in incident.alerts.items()
        if member.firing and fingerprint not in seen and not is_own(member.alert)
    )


def _cleared(look: Look, record: Record, gone: Missed) -> Iterator[Repair]:
    of_incident: dict[int, list[str]] = {}
    for number, fingerprint, _ in sorted(gone):
        of_incident.setdefault(number, []).append(fingerprint)
    for incident in record.live:
        members = [incident.alerts[key] for key in of_incident.get(incident.id, ())]
        if members:
            alerts = tuple(_ended(member, look.at) for member in members)
            event = AlertsCleared(at=look.at, alerts=alerts)
            yield Repair(kind="cleared", incident=incident.id, event=event)


def _ended(member: Member, at: datetime) -> Alert:
    return replace(member.alert, firing=False, ends_at=at, found=True)


# --- Silences ------------------------------------------------------------------------------------


def _silences(look: Look, record: Record, created_by: str) -> Iterator[Repair]:
    standing = {silence.id: silence for silence in look.silences}
    covering = {
        watched.alert.fingerprint: watched.silenced_by
        for watched in look.alerts
        if watched.silenced_by
    }
    for incident in (*record.live, *record.over):
        for key, known in incident.silences.items():
            event = _known_silence(look, known, key, standing.get(key))
            if event is not None:
                yield Repair(kind="silence", incident=incident.id, event=event)
    for incident in record.live:
        for silence in _unknown(incident, covering, standing, created_by):
            event = Silenced(
                at=look.at,
                silence=silence.id,
                until=silence.until,
                purpose=SilencePurpose.FOREIGN,
                by=silence.by,
            )
            yield Repair(kind="silence", incident=incident.id, event=event)


def _known_silence(
    look: Look, known: Standing, key: str, found: FoundSilence | None
) -> Silenced | SilenceEnded | None:
    if found is None:
        return SilenceEnded(at=look.at, silence=key)
    if abs(found.until - known.until) <= _SECOND:
        return None
    return Silenced(at=look.at, silence=key, until=found.until, purpose=known.purpose, by=known.by)


def _unknown(
    incident: Incident,
    covering: Mapping[str, tuple[str, ...]],
    standing: Mapping[str, FoundSilence],
    created_by: str,
) -> Iterator[FoundSilence]:
    """Silences over its alerts that it does not know. One of ours for this very incident is being
    made at this moment, and its own event is on the way."""
    ours = f"Playcall incident {incident.id}:"
    keys = (key for fingerprint in incident.alerts for key in covering.get(fingerprint, ()))
    room = MOST_SILENCES - len(incident.silences)
    for key in dict.fromkeys(keys):
        silence = standing.get(key)
        if room <= 0 or silence is None or key in incident.silences:
            continue
        if silence.by == created_by and silence.comment.startswith(ours):
            continue
        room -= 1
        yield silence
