"""What drills proved, by the reports that were kept of them. Pure: `drillreports` reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from playcall.core.drill import Outcome
from playcall.core.plan import Plan

STALE = timedelta(days=30)  # a proof that is older proves little


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one kept report says."""

    drill: str
    alert: str
    document: str
    digest: str  # of the document's bytes
    outcome: Outcome
    at: datetime
    worked: tuple[str, ...]  # commands, as written
    path: Path
    why: str = ""  # it ended so
    factor: float = 1.0  # its clock was so many times as fast
    milestones: Mapping[str, float] = field(default_factory=dict)  # seconds after the fault

    @property
    def detected(self) -> float | None:
        return self.milestones.get("alert fired")

    @property
    def paged(self) -> float | None:
        return self.milestones.get("page handed over")

    @property
    def recovered(self) -> float | None:
        return self.milestones.get(
            "recovery criterion good again, since", self.milestones.get("alert cleared")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """How a play stands."""

    alert: str
    last: Kept | None  # None: it was never drilled
    proven_at: datetime | None  # when a drill of it passed, the latest time
    runs: int
    stale: bool  # it was drilled, and no drill of it passed lately


def last_proven(reports: Sequence[Kept], alert: str) -> Kept | None:
    """The newest report comes first."""
    passed = (one for one in reports if one.alert == alert and one.outcome is Outcome.PASSED)
    return next(passed, None)


def standing(plan: Plan, reports: Sequence[Kept], now: datetime) -> tuple[Drilled, ...]:
    """Every play of the plan, in its order. The newest report comes first."""
    found = []
    for play in plan.plays:
        of_play = [one for one in reports if one.alert == play.alert]
        proven = last_proven(of_play, play.alert)
        stale = bool(of_play) and (proven is None or now - proven.at > STALE)
        found.append(
            Drilled(
                alert=play.alert,
                last=of_play[0] if of_play else None,
                proven_at=proven.at if proven else None,
                runs=len(of_play),
                stale=stale,
            )
        )
    return tuple(found)
