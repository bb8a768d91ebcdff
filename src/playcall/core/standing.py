"""How an incident stands, in plain words: no play, nobody woken, the diagnostics so far."""

from datetime import UTC, datetime

from playcall.core import escalation
from playcall.core.incident import Incident, RunStatus
from playcall.core.people import first_roles
from playcall.core.plan import Plan, Wake

NO_PLAY = "No play in the document for this alert: the generic response"


def say_standing(incident: Incident, plan: Plan, now: datetime) -> tuple[str, ...]:
    """Sentences without a full stop; none for an incident like most."""
    said = (NO_PLAY,) if incident.play is None else ()
    if incident.status.over or escalation.wake(plan, incident.severity) is not Wake.NO:
        return said
    return (*said, f"{incident.severity} wakes nobody: {_instead(incident, plan, now)}")


def _instead(incident: Incident, plan: Plan, now: datetime) -> str:
    play = plan.play(incident.play) if incident.play else None
    if escalation.only_recorded(plan, play, incident.severity):
        return "it is only recorded"
    told = f"informed {' and '.join(first_roles(plan))}"
    following = escalation.next_rung(incident, plan, now)
    if following is not None:
        at, rung = following
        told += f", escalates at {at.astimezone(UTC):%H:%M} UTC to {' and '.join(rung.roles)}"
    elif incident.climbed:
        rung = escalation.ladder(plan)[incident.climbed[-1]]
        told += f", then {' and '.join(rung.roles)}"
    return told


def say_diagnostics(incident: Incident) -> str:
    """'4 of 5 finished', of the commands that run by themselves; empty when none did."""
    runs = [
        run
        for run in incident.runs.values()
        if run.approved_by is None and run.status is not RunStatus.DECLINED
    ]
    done = sum(not run.status.active for run in runs)
    return f"{done} of {len(runs)} finished" if runs else ""
