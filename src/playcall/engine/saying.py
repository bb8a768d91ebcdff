"""The message behind each effect that tells somebody something; what stakeholders are owed."""

import logging
from datetime import datetime

from playcall.core import notices, stakeholders, updates
from playcall.core.delivery import Owed
from playcall.core.effects import Inform, Page, SendText, Tell
from playcall.core.events import StakeholdersMissed
from playcall.core.facts import gather
from playcall.core.incident import Incident
from playcall.core.message import Message
from playcall.core.notices import LONGEST_SUBJECT
from playcall.core.placement import Placement
from playcall.core.plan import Plan
from playcall.engine.ports import Delivery, Transaction, Unavailable

log = logging.getLogger(__name__)

Said = Page | Tell | Inform | SendText


def compose(
    tx: Transaction,
    incident: Incident,
    effect: Said,
    plan: Plan,
    at: datetime,
    url: str,
    placement: Placement,
) -> Message:
    """In the words of the moment it was decided; in few words when a bug keeps it from those: what
    cannot be put well is sent all the same, and keeps back nothing of the same event."""
    try:
        return _compose(tx, incident, effect, plan, at, url, placement)
    except Unavailable:
        raise
    except Exception:
        log.exception("incident %d: %s cannot be put into words", incident.id, effect)
        return Message(
            subject=" ".join(f"{incident.severity} · {incident.title}".split())[:LONGEST_SUBJECT],
            body=f"Incident {incident.id}. Its page has everything; more could not be said here.",
            link=f"{url}/incidents/{incident.id}",
            thread=f"incident-{incident.id}",
            urgent=isinstance(effect, Page),
            incident=None if isinstance(effect, Inform) else incident.id,
        )


def _compose(
    tx: Transaction,
    incident: Incident,
    effect: Said,
    plan: Plan,
    at: datetime,
    url: str,
    placement: Placement,
) -> Message:
    link = f"{url}/incidents/{incident.id}"
    match effect:
        case Inform():
            facts = gather(
                incident,
                plan,
                at,
                title=updates.title_of(incident, plan),
                state=updates.state_of(incident, plan),
                readings={key: one for key, (_, one) in tx.readings(incident.id).items()},
            )
            return stakeholders.compose(incident, effect, facts, link)
        case SendText():
            return Message(
                subject=" ".join(effect.subject.split()),
                body=effect.body,
                link=f"{link}/post-mortem" if effect.paper else link,
                thread=f"incident-{incident.id}",
                urgent=False,
                incident=incident.id,
                whole=True,
                paper=effect.paper,
            )
    if effect.reason.startswith(updates.REMINDER):
        link += "/update"
    others = [
        other.title
        for number in incident.alongside
        if (other := tx.incident(number)) is not None and not other.status.over
    ]
    return notices.compose(incident, effect, plan, at, others, link, placement)


def owed_by(effect: Inform) -> Owed:
    return Owed(audience=effect.audience, due_at=effect.due_at)


def missed_by(role: str, owed: Owed, at: datetime) -> StakeholdersMissed:
    return StakeholdersMissed(at=at, audience=owed.audience, role=role, due_at=owed.due_at)


def missed(task: Delivery, at: datetime, *, given_up: bool = False) -> StakeholdersMissed | None:
    """That a summary did not reach its reader in time: it is late, or will never come."""
    owed = task.owed
    if owed is None or (at <= owed.due_at and not given_up):
        return None
    return missed_by(task.role, owed, at)
