"""The message behind each effect that tells somebody something; what stakeholders are owed."""

from datetime import datetime

from playcall.core import notices, stakeholders, updates
from playcall.core.delivery import Owed
from playcall.core.effects import Inform, Page, SendText, Tell
from playcall.core.events import StakeholdersMissed
from playcall.core.facts import gather
from playcall.core.incident import Incident
from playcall.core.message import Message
from playcall.core.placement import Placement
from playcall.core.plan import Plan
from playcall.engine.ports import Delivery, Transaction

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
    """In the words of the moment it was decided."""
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
                link=link,
                thread=f"incident-{incident.id}",
                urgent=False,
                incident=incident.id,
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
