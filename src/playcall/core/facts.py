"""What is known of an incident, as the words that texts are filled with. Nothing is guessed: what
nobody knows is not here."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from playcall.core import decision
from playcall.core.decision import Lead
from playcall.core.incident import Incident, Part, Run, RunStatus
from playcall.core.judge import Judgement, Verdict
from playcall.core.plan import Command, EffectClass, Plan, Play, Role
from playcall.core.wording import say_duration, say_value

READING = "fact: "  # begins the key of a fact among an incident's readings
_DONE = (RunStatus.SUCCEEDED, RunStatus.RUNNING, RunStatus.PENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    at: datetime
    incident: int
    title: str  # for the public
    severity: str
    state: str  # of the status page
    started_at: datetime
    ended_at: datetime | None = None
    next_update: datetime | None = None
    commander: str = ""
    responders: tuple[str, ...] = ()
    war_room: str = ""
    cause: str = ""
    decided: tuple[str, ...] = ()  # outcomes of the decision tree
    actions: tuple[str, ...] = ()  # what was approved and done, the latest first
    counts: Mapping[str, str] = field(default_factory=dict)  # by the name in the settings
    measures: Mapping[str, str] = field(default_factory=dict)  # by the name of the query

    @property
    def lasted(self) -> str:
        """In whole minutes: the public counts no seconds."""
        seconds = ((self.ended_at or self.at) - self.started_at).total_seconds()
        if seconds < 60:
            return "less than a minute"
        minutes = seconds // 60
        return "1 min" if minutes == 1 else say_duration(timedelta(minutes=minutes))


def say_moment(at: datetime) -> str:
    """'2026-03-01 12:05 UTC': as people outside read it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def say_counts(plan: Plan, readings: Mapping[str, Judgement]) -> dict[str, str]:
    """Each fact of the settings that was measured, as a number."""
    found = {}
    for one in plan.response.updates.facts:
        reading = readings.get(READING + one.name)
        value = reading.value if reading else None
        if value is not None and math.isfinite(value):
            found[one.name] = _say_number(value)
    return found


def _say_number(value: float) -> str:
    if value and abs(value) < 1:
        return f"{value:.2g}"
    return f"{value:,.0f}"


def say_measures(
    incident: Incident, plan: Plan, readings: Mapping[str, Judgement]
) -> dict[str, str]:
    """What the play's criteria read, in units a person would choose."""
    play = play_of(incident, plan)
    found = {}
    for criterion in play.criteria if play else ():
        reading = readings.get(criterion.id) or incident.readings.get(criterion.id)
        if reading is None or reading.value is None or reading.verdict is Verdict.UNKNOWN:
            continue
        if criterion.query_name and math.isfinite(reading.value):
            found[criterion.query_name] = say_value(reading.value, criterion.unit)
    return found


def play_of(incident: Incident, plan: Plan) -> Play | None:
    return plan.play(incident.play) if incident.play else None


def decided(incident: Incident, plan: Plan) -> tuple[str, ...]:
    """Outcomes reached that are more than to look further."""
    play = play_of(incident, plan)
    return tuple(
        one.outcome
        for step in decision.trees(play)
        for one in (decision.walk(step, play, incident.answers).reached if play else ())
        if one.lead is not Lead.DIAGNOSE
    )


def remedies(incident: Incident, plan: Plan) -> Iterator[tuple[Command, Run]]:
    """What was approved as a remedy since it opened, or opened again: a change that a condition, a
    decision or the rollback leads to. A first measure, such as to halt a rollout, is none."""
    play = play_of(incident, plan)
    known = [
        command
        for phase in (play.phases if play else ())
        for step in phase.steps
        for command in step.commands
        if command.guard or phase.role in (Role.DECIDE, Role.RESOLVE)
    ]
    known += plan.rollback.commands if plan.rollback else ()
    anew_at = incident.telling.anew_at
    for command in known:
        run = incident.runs.get(command.id)
        if run is None or command.effect is not EffectClass.CHANGE or not run.approved_by:
            continue
        if not run.status.never_ran and (anew_at is None or run.at >= anew_at):
            yield command, run


def actions(incident: Incident, plan: Plan) -> tuple[str, ...]:
    """What somebody approved and that ran, by its title, the latest first."""
    done = [
        (run.at, command.title)
        for key, run in incident.runs.items()
        if run.approved_by
        and run.status in _DONE
        and (command := plan.command(incident.play, key)) is not None
    ]
    return tuple(title for _, title in sorted(done, key=lambda one: one[0], reverse=True))


def gather(
    incident: Incident,
    plan: Plan,
    at: datetime,
    *,
    title: str,
    state: str,
    readings: Mapping[str, Judgement] | None = None,
    cause: str = "",
    names: Mapping[str, str] | None = None,
) -> Facts:
    """`readings` are fresher than those of the incident; `names` are people's, by id."""
    known = names or {}
    commander = incident.roles.get(Part.COMMANDER, ())
    responders = incident.roles.get(Part.RESPONDER, ())
    return Facts(
        at=at,
        incident=incident.id,
        title=title,
        severity=incident.severity,
        state=state,
        started_at=incident.fired_at,
        ended_at=incident.resolved_at,
        next_update=incident.telling.due_at,
        commander=", ".join(known.get(one, one) for one in commander),
        responders=tuple(known.get(one, one) for one in responders),
        war_room=plan.response.meeting_of(incident.id),
        cause=cause,
        decided=decided(incident, plan),
        actions=actions(incident, plan),
        counts=say_counts(plan, readings or {}),
        measures=say_measures(incident, plan, readings or {}),
    )
