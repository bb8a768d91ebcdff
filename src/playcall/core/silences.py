"""Silences in Alertmanager, as an incident sees them: asked for, renewed, ended, made by others."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from playcall.core.effects import Effect, EndSilence, ExtendSilence, Moved, Refused, Silence
from playcall.core.events import SilenceAsked, Silenced, SilenceEnded, SilenceFailed
from playcall.core.incident import Incident, SilencePurpose, Standing, Status
from playcall.core.plan import Plan
from playcall.core.wording import say_duration

LONGEST = timedelta(days=7)
MOST_SETS = 20  # silences for one incident
RENEW_BEFORE = 4  # a silence is renewed when a quarter of it is left


def on_acknowledge(incident: Incident, plan: Plan, by: str) -> tuple[Effect, ...]:
    lasting = plan.response.silence_acknowledged
    if lasting is None or _standing(incident, SilencePurpose.ACKNOWLEDGED):
        return ()
    return (_silence(incident, lasting, SilencePurpose.ACKNOWLEDGED, "acknowledged", by),)


def on_resolve(incident: Incident, lasting: timedelta | None, by: str) -> tuple[Effect, ...]:
    """Silences that lasted as long as the incident end; the document's own begins."""
    ended = tuple(
        EndSilence(silence=key) for key in _standing(incident, SilencePurpose.ACKNOWLEDGED)
    )
    if lasting is None:
        return ended
    return (*ended, _silence(incident, lasting, SilencePurpose.RESOLVED, "resolved", by))


def on_reopen(incident: Incident) -> tuple[Effect, ...]:
    """What was silenced because it was over must be heard again."""
    return tuple(EndSilence(silence=key) for key in _standing(incident, SilencePurpose.RESOLVED))


def ask(incident: Incident, event: SilenceAsked, plan: Plan) -> Moved | Refused:
    if not timedelta() < event.lasting <= LONGEST:
        return Refused(reason=f"a silence lasts up to {say_duration(LONGEST)}")
    over = incident.status.over  # then it ends when the incident opens again
    purpose = SilencePurpose.RESOLVED if over else SilencePurpose.BY_HAND
    silence = _silence(incident, event.lasting, purpose, "silenced", event.by)
    return Moved(incident=incident, effects=(silence,))


def stand(incident: Incident, event: Silenced, plan: Plan) -> Moved | Refused:
    lasting = event.until - event.at
    ours = event.purpose is SilencePurpose.ACKNOWLEDGED
    standing = Standing(
        until=event.until,
        by=event.by,
        purpose=event.purpose,
        renew_at=event.until - lasting / RENEW_BEFORE if ours else None,
    )
    known = dict.fromkeys(event.silence.split(", "), standing)
    incident = replace(incident, silences={**incident.silences, **known})
    if ours and incident.status.over:  # it was resolved while the silence was being made
        return Moved(incident=incident, effects=tuple(EndSilence(silence=key) for key in known))
    return Moved(incident=incident)


def end(incident: Incident, event: SilenceEnded, plan: Plan) -> Moved | Refused:
    if event.silence not in incident.silences:
        return Refused(reason=f"silence {event.silence} is not known here")
    left = {key: one for key, one in incident.silences.items() if key != event.silence}
    return Moved(incident=replace(incident, silences=left))


def fail(incident: Incident, event: SilenceFailed, plan: Plan) -> Moved | Refused:
    return Moved(incident=incident)


def renew(incident: Incident, plan: Plan, at: datetime) -> tuple[Incident, tuple[Effect, ...]]:
    """Extend what is about to end; asked for once, until the answer is on record."""
    effects: tuple[Effect, ...] = ()
    lasting = plan.response.silence_acknowledged
    if incident.status.over or lasting is None:
        return incident, ()
    standing = dict(incident.silences)
    for key, one in incident.silences.items():
        if one.renew_at is not None and one.renew_at <= at:
            standing[key] = replace(one, renew_at=None)
            effects += (ExtendSilence(silence=key, lasting=lasting),)
    return replace(incident, silences=standing), effects


def next_renewal(incident: Incident) -> datetime | None:
    if incident.status.over:
        return None
    times = [one.renew_at for one in incident.silences.values() if one.renew_at is not None]
    return min(times, default=None)


def silence_asked(plan: Plan) -> timedelta | None:
    """For how long to silence a resolved alert: the deadline of the duty that asks for it, or None
    when the document asks for none."""
    for duty in plan.duties:
        if any("silence" in item.text.lower() for item in duty.items):
            return duty.within
    return None


def closes(incident: Incident, event: Silenced | SilenceFailed) -> bool:
    """A resolved incident is closed as soon as the document's silence stands, or failed."""
    return incident.status is Status.RESOLVED and event.purpose is SilencePurpose.RESOLVED


def _standing(incident: Incident, purpose: SilencePurpose) -> tuple[str, ...]:
    return tuple(key for key, one in incident.silences.items() if one.purpose is purpose)


def _label_sets(incident: Incident) -> tuple[Mapping[str, str], ...]:
    """One set for each alert; for a storm, one set of what all of them share."""
    sets = tuple(member.alert.labels for member in incident.alerts.values())
    if len(sets) <= MOST_SETS:
        return sets
    first, *others = sets
    shared = {
        name: value
        for name, value in first.items()
        if all(labels.get(name) == value for labels in others)
    }
    return (shared,)


def _silence(
    incident: Incident, lasting: timedelta, purpose: SilencePurpose, verb: str, by: str
) -> Silence:
    return Silence(
        label_sets=_label_sets(incident),
        lasting=lasting,
        comment=f"Playcall incident {incident.id}: {incident.title}, {verb} by {by}",
        purpose=purpose,
        by=by,
    )
