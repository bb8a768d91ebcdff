"""Whether an incident is proven to be over: its alerts cleared, and its criteria held.

A stopped service makes its alert clear as well, so a cleared alert alone proves nothing.
"""

from playcall.core.incident import Incident
from playcall.core.judge import Verdict
from playcall.core.plan import Criterion, Plan, Play, Purpose


def measurable(play: Play) -> tuple[Criterion, ...]:
    return tuple(c for c in play.criteria if c.query is not None)


def recovery_criteria(incident: Incident, plan: Plan) -> tuple[Criterion, ...]:
    """What must hold for the incident to be over; empty when only a person can tell."""
    play = plan.play(incident.play) if incident.play else None
    return tuple(c for c in (measurable(play) if play else ()) if c.purpose is Purpose.RECOVERY)


def is_proven(incident: Incident, plan: Plan) -> bool:
    return not doubts(incident, plan)


def is_refuted(incident: Incident, plan: Plan) -> bool:
    """Whether something says that it is not over. Missing data refutes nothing, nor proves it."""
    return incident.firing or any(
        (reading := incident.readings.get(c.id)) is not None and reading.verdict is Verdict.BROKEN
        for c in recovery_criteria(incident, plan)
    )


def doubts(incident: Incident, plan: Plan) -> tuple[str, ...]:
    """What stands against calling it over, each as a sentence for a person."""
    found = []
    if incident.firing:
        names = sorted({m.alert.name for m in incident.alerts.values() if m.firing})
        found.append(f"{', '.join(names)} still firing")
    criteria = recovery_criteria(incident, plan)
    if not criteria:
        found.append("the play has no criterion that can be measured")
    for criterion in criteria:
        reading = incident.readings.get(criterion.id)
        if reading is None or reading.verdict is not Verdict.HOLDS:
            state = reading.verdict if reading else "not measured yet"
            found.append(f'"{criterion.text}" is {state}')
    return tuple(found)
