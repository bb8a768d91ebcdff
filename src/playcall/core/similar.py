"""Past incidents that are like one: by the alert, the labels, the diagnostics that failed and the
words they share, with what fixed them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from playcall.core import events as ev
from playcall.core.incident import RunStatus, Status
from playcall.core.insights import Record, changes
from playcall.core.judge import Verdict

MOST = 5
LEAST = 0.15  # below it, they share nothing worth looking at
MOST_WORDS = 40
# What each kind of thing weighs; together 1.
ALERT, LABELS, FAILING, WORDS = 0.35, 0.2, 0.25, 0.2
_OF_EVERY_ALERT = frozenset({"alertname", "severity"})
_WORD = re.compile(r"[^\W\d_]\w{2,}")
_FAILED = (RunStatus.FAILED, RunStatus.TIMED_OUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    incident: int
    title: str
    at: datetime  # when it fired
    score: float  # up to 1
    shares: tuple[str, ...]  # in words
    fixed_by: tuple[str, ...]  # the changes that succeeded, by their titles
    cause: str  # as people put it; empty: nobody did


@dataclass(frozen=True, slots=True)
class _Traits:
    alerts: frozenset[str]
    labels: frozenset[str]
    failing: frozenset[str]
    words: frozenset[str]


def rank(now: Record, past: Iterable[Record]) -> tuple[Similar, ...]:
    """The most like first; the newer one on a tie."""
    mine = _traits(now)
    found = [
        similar
        for other in past
        if other.incident.id != now.incident.id
        and other.incident.status is not Status.MERGED  # it is told by the one that went on
        and (similar := _compare(mine, other)).score >= LEAST
    ]
    found.sort(key=lambda one: (-one.score, -one.incident))
    return tuple(found[:MOST])


def words_of(record: Record) -> tuple[str, ...]:
    """What to look for in the texts of others: each word once, the ones that people wrote first."""
    notes = [e.text for e in reversed(record.events) if isinstance(e, ev.NoteAdded)]
    alerts = [member.alert for member in record.incident.alerts.values()][:MOST_WORDS]
    told = [text for alert in alerts for text in alert.annotations.values()]
    labels = [value for alert in alerts for value in alert.labels.values()]
    texts = (*notes[:MOST_WORDS], record.incident.title, *told, *labels)
    said = dict.fromkeys(word for text in texts for word in _words(text))
    return tuple(said)[:MOST_WORDS]


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _traits(record: Record) -> _Traits:
    alerts = [member.alert for member in record.incident.alerts.values()]
    return _Traits(
        alerts=frozenset(alert.name for alert in alerts),
        labels=frozenset(
            f"{name}={value}"
            for alert in alerts
            for name, value in alert.labels.items()
            if name not in _OF_EVERY_ALERT
        ),
        failing=frozenset(_failing(record)),
        words=frozenset(words_of(record)) | frozenset(_words(_cause(record.events))),
    )


def _failing(record: Record) -> Iterable[str]:
    """Diagnostics that failed, and criteria that were broken, named by their play."""
    play = record.incident.play
    for event in record.events:
        if isinstance(event, ev.CommandFinished) and event.status in _FAILED:
            yield f"{play} {event.command}"
    for key, reading in record.incident.readings.items():
        if reading.verdict is Verdict.BROKEN:
            yield f"{play} {key}"


def _compare(mine: _Traits, other: Record) -> Similar:
    theirs = _traits(other)
    parts = (
        ("alert", ALERT, mine.alerts, theirs.alerts),
        ("labels", LABELS, mine.labels, theirs.labels),
        ("what failed", FAILING, mine.failing, theirs.failing),
        ("words", WORDS, mine.words, theirs.words),
    )
    score = sum(weight * _overlap(ours, others) for _, weight, ours, others in parts)
    incident = other.incident
    return Similar(
        incident=incident.id,
        title=incident.title,
        at=incident.fired_at,
        score=round(score, 3),
        shares=tuple(
            f"{name}: {', '.join(sorted(ours & others)[:MOST])}"
            for name, _, ours, others in parts
            if ours & others
        ),
        fixed_by=tuple(dict.fromkeys(_title(other, key) for key in changes(other))),
        cause=_cause(other.events),
    )


def _overlap(ours: frozenset[str], others: frozenset[str]) -> float:
    """How much of both they share."""
    return len(ours & others) / len(ours | others) if ours and others else 0.0


def _title(record: Record, key: str) -> str:
    command = record.plan.command(record.incident.play, key)
    return f"{key} {command.title}" if command else key


def _cause(events: Sequence[ev.Event]) -> str:
    causes = [event.cause for event in events if isinstance(event, ev.Resolved) and event.cause]
    return causes[-1] if causes else ""
