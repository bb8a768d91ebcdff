"""How values, durations, instants and readings are said."""

from datetime import UTC, datetime, timedelta

from playcall.core.incident import Incident
from playcall.core.judge import Judgement, Verdict
from playcall.core.plan import Criterion, Purpose

LONGEST_REASON = 160  # of a failure, in a list

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


def say_unreached(incident: Incident) -> str:
    """That a page did not arrive, while nobody else was reached since; empty: nothing to say."""
    page = incident.unreached
    if page is None or incident.status.over:
        return ""
    whom = page.person or page.role
    role = f" ({page.role})" if page.person and page.person != page.role else ""
    return f"{whom}{role} was not reached at {page.at:%H:%M} UTC: {_cut(page.reason)}"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"
