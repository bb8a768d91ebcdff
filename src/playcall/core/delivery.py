"""What becomes of a message between its decision and its delivery: moot, failed, its person gone.

Pages are retried for as long as it takes; meanwhile somebody may have acknowledged, or left.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from playcall.core.effects import Inform, Moved, Page, Refused, SendText, Tell
from playcall.core.events import PageDelivered, PageFailed, PersonGone
from playcall.core.incident import Incident, Unreached
from playcall.core.plan import Plan

MOST_REDIRECTED = 100  # kept in mind for an incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The decision behind a message in the outbox."""

    at: datetime
    reason: str
    rung: int | None = None
    until_acknowledged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """By when a stakeholder has to have a message."""

    audience: str
    due_at: datetime


def origin_of(effect: Page | Tell | Inform | SendText, at: datetime) -> Origin:
    if isinstance(effect, Inform):
        return Origin(at=at, reason=f"summary {effect.number} for {effect.audience}")
    if isinstance(effect, SendText):
        return Origin(at=at, reason=effect.subject)
    if isinstance(effect, Tell):
        return Origin(at=at, reason=effect.reason)
    return Origin(
        at=at,
        reason=effect.reason,
        rung=effect.rung,
        until_acknowledged=effect.until_acknowledged,
    )


def is_moot(
    incident: Incident, origin: Origin | None, person: str, repeats: datetime | None
) -> bool:
    """Whether a page need not be sent any more: the incident is over, or somebody acknowledged it
    since. The latter ends a page that asks for just that, one that repeats what was sent at an
    instant, and a call by hand to whoever has it now; a rung that waits for a resolution goes on.
    """
    if incident.status.over:
        return True
    had_at = incident.acknowledged_at
    if had_at is None:
        return False
    if repeats is not None and had_at > repeats:
        return True
    if origin is None or had_at <= origin.at:
        return False
    by_hand = origin.rung is None
    return origin.until_acknowledged or (by_hand and incident.acknowledged_by == person)


def delivered(incident: Incident, event: PageDelivered, plan: Plan) -> Moved:
    return Moved(incident=replace(incident, unreached=None))


def failed(incident: Incident, event: PageFailed, plan: Plan) -> Moved:
    unreached = Unreached(role=event.role, person=event.person, reason=event.reason, at=event.at)
    return Moved(incident=replace(incident, unreached=unreached))


def redirect(incident: Incident, event: PersonGone, plan: Plan) -> Moved | Refused:
    """The message goes to whoever is behind its role now; once, however many ways it had."""
    if event.message in incident.redirected:
        return Refused(reason=f"others were sent what was meant for {event.person} already")
    if event.page and incident.status.over:
        return Refused(reason=f"incident {incident.id} is {incident.status}")
    known = (*incident.redirected, event.message)[-MOST_REDIRECTED:]
    effect = (
        Page(
            role=event.role,
            rung=event.rung,
            reason=event.reason,
            until_acknowledged=event.until_acknowledged,
        )
        if event.page
        else Tell(role=event.role, reason=event.reason)
    )
    return Moved(incident=replace(incident, redirected=known), effects=(effect,))
