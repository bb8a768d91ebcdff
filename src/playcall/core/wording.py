"""The words people receive: pages, notices, and how values and durations are said."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from playcall.core.effects import Effect, Page
from playcall.core.incident import Incident, RunStatus
from playcall.core.judge import Judgement, Verdict
from playcall.core.message import Message
from playcall.core.plan import Criterion, Plan, Purpose

_SCALES = {
    "s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "B/s": ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s")),
    "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")),
}


def say_value(value: float, unit: str) -> str:
    """A measurement in the unit that a person would choose: 0.587 s is '587 ms'."""
    if unit == "":
        return f"{value:.4g}"
    for scale, name in _SCALES.get(unit, ()):
        if abs(value) >= scale:
            return f"{value / scale:.3g} {name}"
    return f"{value:.3g} {'per second' if unit == '1/s' else unit}"


def say_duration(duration: timedelta) -> str:
    """'80 ms', '45 s', '12 min', '3 h 5 min', '2 d 4 h'."""
    seconds = max(0.0, duration.total_seconds())
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def say_instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def say_judgement(criterion: Criterion, judgement: Judgement, at: datetime) -> str:
    """A reading in one line: 'P99 Latency 587 ms, limit 500 ms: broken'."""
    name = criterion.query_name or criterion.text
    limit = f"wanted {criterion.comparison} {say_value(criterion.threshold, criterion.unit)}"
    if criterion.purpose is Purpose.SYMPTOM:
        limit = f"alarming {criterion.comparison} {say_value(criterion.threshold, criterion.unit)}"
    if criterion.purpose is Purpose.QUESTION:
        limit = f"asked {criterion.comparison} {say_value(criterion.threshold, criterion.unit)}"
    if judgement.value is None:
        why = judgement.reason.partition(" (")[0] or "no data"
        return f"{name}: unknown, {why}; {limit}"
    text = f"{name} {say_value(judgement.value, criterion.unit)}, {limit}"
    if judgement.verdict is Verdict.HOLDING and judgement.since:
        held = say_duration(at - judgement.since)
        return f"{text}: so for {held} of {say_duration(criterion.holds_for)}"
    return f"{text}: {'yes' if judgement.verdict is Verdict.HOLDS else 'no'}"


def compose(
    incident: Incident, effect: Effect, plan: Plan, at: datetime, others: Sequence[str], url: str
) -> Message:
    """The message for a Page or a Tell. `others` are the titles of incidents open beside it."""
    page = isinstance(effect, Page)
    reason = getattr(effect, "reason", "")
    headline = {"recovered": "RECOVERED", "relapsed": "RELAPSED", "resolved": "RESOLVED"}.get(
        reason, incident.severity
    )
    lines = [
        f"{incident.title}",
        f"Incident {incident.id}, {incident.severity}, {incident.status}; "
        f"fired {say_instant(incident.fired_at)}, {say_duration(at - incident.fired_at)} ago.",
        f"You get this as {getattr(effect, 'role', '')}: {reason}.",
        "",
        *_found(incident, plan, at),
        *war_room(incident.id, plan),
        *[f"Open beside it, perhaps one cause: {title}" for title in others],
    ]
    return Message(
        subject=f"[{headline}] {incident.title}",
        body="\n".join(lines),
        link=url,
        thread=f"incident-{incident.id}",
        urgent=page,
    )


def war_room(incident: int, plan: Plan) -> list[str]:
    """Where people meet, as one line; nothing where no link is set."""
    link = plan.response.war_room.replace("{incident}", str(incident))
    return [f"War room: {link}"] if link else []


def _found(incident: Incident, plan: Plan, at: datetime) -> list[str]:
    """What is known so far, measurements first."""
    play = plan.play(incident.play) if incident.play else None
    if play is None:
        return ["The playbook has no play for this alert: the generic response applies."]
    lines = [
        say_judgement(criterion, incident.readings[criterion.id], at)
        for criterion in play.criteria
        if criterion.id in incident.readings
    ]
    done = sum(1 for run in incident.runs.values() if not run.status.active)
    if incident.runs:
        lines.append(f"Diagnostics: {done} of {len(incident.runs)} finished.")
    unknown = [key for key, run in incident.runs.items() if run.status is RunStatus.UNKNOWN]
    if unknown:
        lines.append(f"OUTCOME UNKNOWN, decide: command {', '.join(unknown)}.")
    if incident.acknowledged_by:
        lines.append(f"Acknowledged by {incident.acknowledged_by}.")
    return lines
