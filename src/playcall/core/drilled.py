"""What drills proved, by the reports that were kept of them. Pure: `drillreports` reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from playcall.core.drill import Outcome


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


def last_proven(reports: Sequence[Kept], alert: str) -> Kept | None:
    """The newest report comes first."""
    passed = (one for one in reports if one.alert == alert and one.outcome is Outcome.PASSED)
    return next(passed, None)
