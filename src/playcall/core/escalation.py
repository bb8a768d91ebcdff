"""Who is next, and when: the document's escalation path, read together with its severities.

The severity says how hard to knock, the path says who is next, the play's own line overrides both.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from playcall.core.effects import Effect, Page, Tell
from playcall.core.incident import Incident, Status
from playcall.core.judge import Verdict
from playcall.core.plan import Plan, Play, Purpose, Rung, RungCondition, Wake
from playcall.core.wording import say_duration

FALLBACK_ROLE = "On-Call Primary"  # paged when a document has no path at all


def ladder_start(plan: Plan, fired_at: datetime, opened_at: datetime) -> datetime:
    """From when the rungs count: the alert's start, as the document says; the opening when the
    alert reached us so late that more than one rung would be due at once, or when its start lies in
    the future, since somebody's clock is wrong and a page must not wait for it."""
    delays = [rung.after for rung in plan.rungs if rung.after]
    late = bool(delays) and opened_at - fired_at > min(delays)
    return opened_at if late else min(fired_at, opened_at)


def opening(plan: Plan, play: Play | None, severity: str) -> tuple[Effect, ...]:
    """Who hears of it at once beside the first rung: the play's own team, or, for a severity that
    wakes nobody, the first rung, told and not paged."""
    if wake(plan, severity) is Wake.NO:
        return tuple(Tell(role=role, reason="fired") for role in first_roles(plan))
    if wake(plan, severity) is Wake.IF_PERSISTENT or not play or not play.escalation:
        return ()
    if play.escalation.after:
        return ()
    return tuple(
        Page(role=role, rung=None, reason=play.escalation.text)
        for role in _named_roles(plan, play.escalation.whom)
    )


def first_roles(plan: Plan) -> tuple[str, ...]:
    return plan.rungs[0].roles if plan.rungs else (FALLBACK_ROLE,)


def roles(plan: Plan) -> tuple[str, ...]:
    """Every role that this plan may page or tell, in the order of the document, each once."""
    named = [role for rung in plan.rungs for role in rung.roles] or [FALLBACK_ROLE]
    for play in plan.plays:
        named += _named_roles(plan, play.escalation.whom if play.escalation else None)
    return tuple(dict.fromkeys(named))


def climb(incident: Incident, plan: Plan, at: datetime) -> tuple[Incident, tuple[Effect, ...]]:
    """Climb every rung that is due at `at` and whose condition holds."""
    effects: list[Effect] = []
    climbed = incident.climbed
    for index, rung in enumerate(ladder(plan)):
        due = rung_due(incident, plan, rung)
        if index in climbed or due is None or due > at or not _condition(incident, plan, rung):
            continue
        climbed += (index,)
        effects += [Page(role=role, rung=index, reason=_reason(rung)) for role in rung.roles]
    return replace(incident, climbed=climbed), tuple(effects)


def next_rung_at(incident: Incident, plan: Plan, at: datetime) -> datetime | None:
    """When the next rung after `at` is due. A rung that is overdue because its condition does not
    hold needs no timer: it is looked at again with every event."""
    dues = [
        rung_due(incident, plan, rung)
        for index, rung in enumerate(ladder(plan))
        if index not in incident.climbed
    ]
    return min((due for due in dues if due is not None and due > at), default=None)


def ladder(plan: Plan) -> tuple[Rung, ...]:
    return plan.rungs or (
        Rung(
            roles=(FALLBACK_ROLE,),
            means="Page",
            after=timedelta(),
            condition=RungCondition.ALWAYS,
            line=0,
        ),
    )


def rung_due(incident: Incident, plan: Plan, rung: Rung) -> datetime | None:
    """When a rung is due, whatever its condition; None when the severity wakes nobody."""
    match wake(plan, incident.severity):
        case Wake.NO:
            return None
        case Wake.IF_PERSISTENT:
            severity = plan.severity(incident.severity)
            patience = (severity and severity.escalate_after) or timedelta()
            return incident.ladder_from + max(rung.after, patience)
        case Wake.YES:
            return incident.ladder_from + rung.after


def wake(plan: Plan, severity: str) -> Wake:
    """A severity that the document does not know wakes: if in doubt, the higher one."""
    row = plan.severity(severity)
    return row.wake if row else Wake.YES


def sla_violated(incident: Incident, plan: Plan) -> bool:
    """Whether a criterion of the play is broken now. Where nothing could be measured, the alert's
    own word counts."""
    play = plan.play(incident.play) if incident.play else None
    known = False
    for criterion in play.criteria if play else ():
        reading = incident.readings.get(criterion.id)
        if reading is None or reading.verdict is Verdict.UNKNOWN:
            continue
        known = True
        met = reading.verdict in (Verdict.HOLDS, Verdict.HOLDING)
        if met == (criterion.purpose is Purpose.SYMPTOM):
            return True
    return not known and incident.firing


def _condition(incident: Incident, plan: Plan, rung: Rung) -> bool:
    if incident.status.over or incident.status is Status.RECOVERED:
        return False
    match rung.condition:
        case RungCondition.ALWAYS | RungCondition.NO_RESOLUTION:
            return True
        case RungCondition.NO_ACK:
            return incident.acknowledged_by is None
        case RungCondition.CRITICAL:
            return incident.severity == "CRITICAL"
        case RungCondition.SLA_VIOLATION:
            return sla_violated(incident, plan)


def _reason(rung: Rung) -> str:
    if rung.condition is RungCondition.ALWAYS:
        return "fired"
    return f"{rung.condition} after {say_duration(rung.after)}"


def _named_roles(plan: Plan, whom: str | None) -> tuple[str, ...]:
    """The roles behind 'all teams', 'performance team' or 'on-call'."""
    if whom is None:
        return ()
    wanted = whom.lower().removesuffix(" team").strip()
    if wanted in ("all teams", "all", "everyone", "everybody"):
        return tuple(dict.fromkeys(team.primary for team in plan.teams))
    matching = [
        team.primary
        for team in plan.teams
        if wanted in (team.value.lower(), team.primary.lower())
        or wanted.replace("-", "") == team.value.lower()
    ]
    return tuple(matching)
