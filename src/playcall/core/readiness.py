"""GO, CAUTION or NO-GO, as the document measures it: the play that answers a NO-GO has a symptom
with a ratio in it, such as 'Overall compliance <50%', and that ratio is the gauge."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from playcall.core.judge import Judgement, Verdict
from playcall.core.plan import Comparison, Criterion, Plan, Play, Purpose

_SPEAKS_OF_IT = re.compile(r"\bno[- ]go\b", re.IGNORECASE)
_IN_A_NAME = re.compile(r"No[-_ ]?Go(?![a-z])|NO[-_ ]?GO(?![A-Z])")
_EVERYTHING = 1 - 1e-9  # all of it complies, as floating point numbers have it


class State(StrEnum):
    GO = "GO"  # everything complies
    CAUTION = "CAUTION"  # not everything, and not so little that the document stops the work
    NO_GO = "NO-GO"
    UNKNOWN = "UNKNOWN"  # no data, which is never health


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Where the document says what a NO-GO is."""

    play: str  # the one that a NO-GO opens
    criterion: Criterion


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How it stands, and since when."""

    state: State
    since: datetime
    value: float | None  # the latest
    read_at: datetime
    alert_since: datetime | None = None  # Playcall's own alert of a NO-GO is firing


def find_gauge(plan: Plan) -> Gauge | None:
    """None when no play of the document is about a NO-GO, or none measures it."""
    for play in plan.plays:
        criterion = next((c for c in play.criteria if _is_gauge(c)), None)
        if criterion is not None and _answers_no_go(play):
            return Gauge(play=play.alert, criterion=criterion)
    return None


def _answers_no_go(play: Play) -> bool:
    spoken = (_SPEAKS_OF_IT.search(symptom.text) for symptom in play.symptoms)
    return bool(_IN_A_NAME.search(play.alert)) or any(spoken)


def _is_gauge(criterion: Criterion) -> bool:
    """A symptom that is true while a ratio is too low."""
    return (
        criterion.purpose is Purpose.SYMPTOM
        and criterion.query is not None
        and criterion.unit == ""
        and criterion.comparison in (Comparison.BELOW, Comparison.AT_MOST)
        and 0 < criterion.threshold <= 1
    )


def state_of(judgement: Judgement, before: State | None) -> State:
    """Where the document gives a window ('<50% for 5 minutes'), a NO-GO begins at its end."""
    match judgement.verdict:
        case Verdict.UNKNOWN:
            return State.UNKNOWN
        case Verdict.HOLDS:
            return State.NO_GO
        case Verdict.HOLDING:
            return State.NO_GO if before is State.NO_GO else State.CAUTION
        case Verdict.BROKEN:
            everything = judgement.value is not None and judgement.value >= _EVERYTHING
            return State.GO if everything else State.CAUTION


def advance(before: Readiness | None, judgement: Judgement, at: datetime) -> Readiness:
    """The next reading. Playcall's own alert begins with a NO-GO, and ends when data say that it
    is over; whoever measures decides whether it is raised."""
    state = state_of(judgement, before.state if before else None)
    same = before is not None and before.state is state
    return Readiness(
        state=state,
        since=before.since if before and same else at,
        value=judgement.value,
        read_at=at,
        alert_since=before.alert_since if before else None,
    )
