"""What is counted for ever as events are committed, so that a scrape need not read them all."""

from playcall.core.duty_events import DutyDone, DutyOverdue, DutyWaived
from playcall.core.events import (
    Acknowledged,
    Event,
    PageDelivered,
    PageFailed,
    StakeholdersMissed,
    StakeholdersTold,
    TargetMissed,
    UpdateMissed,
    UpdatePublished,
)
from playcall.core.incident import Incident
from playcall.core.regroup_events import AlertsSplit, MergedInto
from playcall.engine.ports import Transaction

PAGES = "pages:"  # delivered, failed
UPDATES = "updates:"  # published, missed
STAKEHOLDERS = "stakeholders:"  # told, missed
TARGETS_MISSED = "targets missed"
DOUBTFUL = "alerts doubtful"
UNHEARD = "alerts unheard"
DUTIES = "duties:"  # done, waived, overdue
REGROUPED = "regrouped:"  # merged, split
RESPONSE = "response:"  # how many were acknowledged within so many seconds, and no fewer
RESPONSE_SUM = "response milliseconds"
BUCKETS = (60, 300, 600, 3600)  # seconds
BEYOND = "+Inf"


def tally(tx: Transaction, incident: Incident, event: Event) -> None:
    """Count an event; `incident` is its state after it, and the event is on record already."""
    match event:
        case PageDelivered():
            tx.count(f"{PAGES}delivered")
        case PageFailed():
            tx.count(f"{PAGES}failed")
        case UpdatePublished():
            tx.count(f"{UPDATES}published")
        case UpdateMissed():
            tx.count(f"{UPDATES}missed")
        case StakeholdersTold():
            tx.count(f"{STAKEHOLDERS}told", len(event.recipients))
        case StakeholdersMissed():
            tx.count(f"{STAKEHOLDERS}missed")
        case TargetMissed():
            tx.count(TARGETS_MISSED)
        case MergedInto():
            tx.count(f"{REGROUPED}merged")
        case AlertsSplit():
            tx.count(f"{REGROUPED}split")
        case DutyDone():
            tx.count(f"{DUTIES}done")
        case DutyWaived():
            tx.count(f"{DUTIES}waived")
        case DutyOverdue():
            tx.count(f"{DUTIES}overdue")
        case Acknowledged():
            if incident.kin.split_from is None and _is_first(tx, incident):
                _measure(tx, incident, event)


def _is_first(tx: Transaction, incident: Incident) -> bool:
    known = sum(isinstance(stored.event, Acknowledged) for stored in tx.events(incident.id))
    return known == 1


def _measure(tx: Transaction, incident: Incident, event: Acknowledged) -> None:
    seconds = max((event.at - incident.fired_at).total_seconds(), 0.0)
    bucket = next((str(limit) for limit in BUCKETS if seconds <= limit), BEYOND)
    tx.count(f"{RESPONSE}{bucket}")
    tx.count(RESPONSE_SUM, round(seconds * 1000))
