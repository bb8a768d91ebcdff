"""What an incident owes by a moment, besides the path: the response target and the time boxes."""

from dataclasses import replace
from datetime import datetime, timedelta

from playcall.core.effects import Moved, Tell
from playcall.core.events import TargetMissed, TimeBoxEnded
from playcall.core.incident import Incident, Status
from playcall.core.people import engaged
from playcall.core.plan import Phase, Plan, Play


def target(plan: Plan, play: Play | None, severity: str) -> timedelta | None:
    """Within which time somebody acknowledges: the play's own line, else the severity's row."""
    if play and play.respond_within:
        return play.respond_within
    row = plan.severity(severity)
    return row.respond_within if row else None


def pass_(incident: Incident, plan: Plan, at: datetime) -> Moved:
    """Every deadline that has passed by `at`, each once."""
    if not _counts(incident):
        return Moved(incident=incident)
    moved = _miss_target(incident, plan, at)
    return _end_boxes(moved, plan, at)


def next_at(incident: Incident, plan: Plan, at: datetime) -> datetime | None:
    if not _counts(incident):
        return None
    dues = [incident.respond_by] if incident.respond_by else []
    dues += [incident.fired_at + ends for _, _, ends in _open_boxes(incident, plan)]
    return min((due for due in dues if due > at), default=None)


def _counts(incident: Incident) -> bool:
    return incident.status in (Status.OPEN, Status.ACKNOWLEDGED) and incident.quiet is None


def _miss_target(incident: Incident, plan: Plan, at: datetime) -> Moved:
    if incident.respond_by is None or at < incident.respond_by or incident.acknowledged_by:
        return Moved(incident=incident)
    play = plan.play(incident.play) if incident.play else None
    within = target(plan, play, incident.severity) or timedelta()
    missed = TargetMissed(at=at, target=within)
    return Moved(incident=replace(incident, respond_by=None), follows=(missed,))


def _end_boxes(moved: Moved, plan: Plan, at: datetime) -> Moved:
    incident = moved.incident
    for index, phase, ends in _open_boxes(incident, plan):
        if incident.fired_at + ends > at:
            continue
        incident = replace(incident, ended_boxes=(*incident.ended_boxes, index))
        reason = f'the time for "{phase.title}" is over'
        told = tuple(Tell(role=role, reason=reason) for role in engaged(incident, plan))
        moved = Moved(
            incident=incident,
            effects=moved.effects + told,
            follows=(*moved.follows, TimeBoxEnded(at=at, phase=phase.title)),
        )
    return moved


def _open_boxes(incident: Incident, plan: Plan) -> list[tuple[int, Phase, timedelta]]:
    play = plan.play(incident.play) if incident.play else None
    return [
        (index, phase, phase.ends)
        for index, phase in enumerate(play.phases if play else ())
        if phase.ends is not None and index not in incident.ended_boxes
    ]
