"""What a drill taught, judged from what was recorded: which change helped, which harmed, what the
alert did, and whether the play brought the service back. Pure; it fetches nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from playcall.core.judge import satisfies
from playcall.core.plan import Criterion, Purpose
from playcall.core.wording import say_duration, say_value

SAMPLES = 5  # at most, whose median is the value before and after a change
CHANGED = 1.25  # a value this many times better or worse has changed, whatever its limit
HARMED = "harmed"


class Effect(StrEnum):
    """Of one change on one criterion."""

    HELPED = "helped"
    HARMED = HARMED
    NONE = "no effect"
    NO_DATA = "no data"  # nothing ran that could be measured: that is no recovery


class Outcome(StrEnum):
    """Of a drill."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # it could not be run here
    NOT_YET = "not yet"  # Playcall cannot carry this play through


class Expectation(StrEnum):
    """What the playbook's remedy should do in a drill."""

    RESOLVED = "resolved"  # the remedies bring the criteria back, and the alert ends
    CLEARS = "clears"  # no remedy is needed: it ends when the cause ends
    UNPROVEN = "unproven"  # the alert ends, but the remedy leaves nothing that proves recovery
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`value` is None where the query had no data."""

    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One criterion of the document over the whole drill, in steps of the same length."""

    play: str
    criterion: Criterion
    samples: tuple[Sample, ...]

    @property
    def name(self) -> str:
        return self.criterion.query_name or self.criterion.text

    def is_good(self, value: float) -> bool:
        """Whether the service is well by this criterion: a symptom's holding is bad."""
        holds = satisfies(value, self.criterion.comparison, self.criterion.threshold)
        return holds if self.criterion.purpose is Purpose.RECOVERY else not holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A command that changed something, as it ran."""

    id: str
    title: str
    text: str
    line: int
    began_at: datetime
    ended_at: datetime
    status: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A command that only looked, as it ran."""

    id: str
    title: str
    text: str
    line: int
    status: str
    seconds: float
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """An alert while it fired; `ended_at` is None when it still did at the end."""

    alert: str
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that was recorded of one drill. `factor` divided every window."""

    alert: str
    neighbours: tuple[str, ...]
    factor: float
    broken_at: datetime
    healed_at: datetime | None  # the cause was taken away; None: the remedies stood alone
    milestones: tuple[tuple[str, datetime], ...]
    changes: tuple[Change, ...]
    looks: tuple[Look, ...]
    watched: tuple[Watched, ...]
    fired: tuple[Fired, ...]
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What became of one criterion after one change."""

    watched: Watched
    before: float | None
    after: float | None
    worst: float | None
    effect: Effect

    @property
    def words(self) -> str:
        unit = self.watched.criterion.unit
        before, after = (
            "no data" if value is None else say_value(value, unit)
            for value in (self.before, self.after)
        )
        return f"{self.watched.name}: {before} → {after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that the playbook's owner should know."""

    kind: str  # "harmed", "no help", "failed", "surprise", "late", "good"
    words: str
    line: int | None = None  # of the document


def effects(evidence: Evidence, change: Change) -> list[Measured]:
    """Of one change: values just before it, and the last ones before the next change or the end."""
    following = [c.began_at for c in evidence.changes if c.began_at > change.began_at]
    until = min([*following, evidence.healed_at or evidence.ended_at, evidence.ended_at])
    found: list[Measured] = []
    seen: set[str] = set()
    for watched in evidence.watched:
        if watched.criterion.query is None or watched.criterion.query in seen:
            continue
        seen.add(watched.criterion.query)
        found.append(_measure(watched, change, until))
    return found


def _measure(watched: Watched, change: Change, until: datetime) -> Measured:
    earlier = [s.value for s in watched.samples if s.at <= change.began_at]
    later = [s.value for s in watched.samples if change.ended_at < s.at <= until]
    before, after = _middle(earlier[-SAMPLES:]), _middle(later[-SAMPLES:])
    return Measured(
        watched=watched,
        before=before,
        after=after,
        worst=_worst(watched, [value for value in later if value is not None]),
        effect=_effect(watched, before, after),
    )


def _middle(values: Sequence[float | None]) -> float | None:
    """None when most have no data."""
    there = [value for value in values if value is not None]
    return median(there) if len(there) * 2 > len(values) else None


def _worst(watched: Watched, values: Sequence[float]) -> float | None:
    return max(values, key=lambda value: _badness(watched, value), default=None)


def _badness(watched: Watched, value: float) -> float:
    """Higher is worse, whichever way the criterion points."""
    high_is_bad = watched.is_good(float("-inf"))
    return value if high_is_bad else -value


def _effect(watched: Watched, before: float | None, after: float | None) -> Effect:
    if after is None:
        return Effect.NO_DATA
    if before is None:
        return Effect.NONE if watched.is_good(after) else Effect.HARMED
    if watched.is_good(before) != watched.is_good(after):
        return Effect.HELPED if watched.is_good(after) else Effect.HARMED
    if min(before, after) > 0 and max(before, after) / min(before, after) >= CHANGED:
        better = _badness(watched, after) < _badness(watched, before)
        if not watched.is_good(after):
            return Effect.HELPED if better else Effect.HARMED
    return Effect.NONE


def findings(evidence: Evidence) -> list[Finding]:
    """The worst first."""
    found: list[Finding] = []
    for change in evidence.changes:
        found += _of_change(evidence, change)
    found += _of_alerts(evidence)
    found += [
        Finding(
            kind="failed", words=f"“{look.title}” {look.status}: {look.summary}", line=look.line
        )
        for look in evidence.looks
        if look.status != "succeeded"
    ]
    order = (HARMED, "no data", "no help", "surprise", "failed", "late", "good")
    return sorted(found, key=lambda finding: order.index(finding.kind))


def _of_change(evidence: Evidence, change: Change) -> list[Finding]:
    if change.status != "succeeded":
        words = f"“{change.title}” {change.status}: {change.summary}"
        return [Finding(kind="no help", words=words, line=change.line)]
    measured = effects(evidence, change)
    found = []
    for each in measured:
        if each.effect is Effect.HARMED:
            found.append(_finding(HARMED, change, "made it worse", each))
        elif each.effect is Effect.NO_DATA and each.before is not None:
            found.append(_finding("no data", change, "left nothing to measure", each))
        elif each.effect is Effect.HELPED:
            found.append(_finding("good", change, "helped", each))
    if not any(each.effect is Effect.HELPED for each in measured):
        words = f"“{change.title}” helped no criterion of this document"
        found.append(Finding(kind="no help", words=words, line=change.line))
    return found


def _finding(kind: str, change: Change, verb: str, each: Measured) -> Finding:
    return Finding(kind=kind, words=f"“{change.title}” {verb}. {each.words}", line=change.line)


def _of_alerts(evidence: Evidence) -> list[Finding]:
    found = []
    expected = {evidence.alert, *evidence.neighbours}
    for alert in dict.fromkeys(fired.alert for fired in evidence.fired):
        if alert not in expected:
            words = f"{alert} fired too, and nobody expected it"
            found.append(Finding(kind="surprise", words=words))
    last = max((c.ended_at for c in evidence.changes), default=None)
    ends = [f.ended_at for f in evidence.fired if f.alert == evidence.alert and f.ended_at]
    if last and ends and (late := max(ends) - last) > timedelta(0):
        true = say_duration(late * evidence.factor)
        words = (
            f"{evidence.alert} cleared {say_duration(late)} after the last change; "
            f"in true time that is {true}: do not judge a remedy before"
        )
        found.append(Finding(kind="late", words=words))
    return found


def missing_alerts(evidence: Evidence) -> set[str]:
    """The alert the drill is for, if it never fired."""
    return {evidence.alert} - {fired.alert for fired in evidence.fired}


def spans(name: str, instants: Iterable[datetime], step: timedelta, until: datetime) -> list[Fired]:
    """Instants, `step` apart, at which an alert fired, as spans: a longer gap ends one. One that
    fired in the last steps before `until` still does."""
    found: list[Fired] = []
    for at in sorted(instants):
        last = found[-1] if found else None
        if last and last.ended_at and at - last.ended_at <= step * 2:
            found[-1] = Fired(alert=name, began_at=last.began_at, ended_at=at)
        else:
            found.append(Fired(alert=name, began_at=at, ended_at=at))
    if found and found[-1].ended_at and until - found[-1].ended_at <= step * 2:
        found[-1] = Fired(alert=name, began_at=found[-1].began_at, ended_at=None)
    return found
