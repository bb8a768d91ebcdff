"""GO, CAUTION and NO-GO over a stretch of time: as pieces of a strip, and in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from playcall.core.readiness import Readiness, State
from playcall.core.wording import say_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    state: State
    starts_at: datetime
    ends_at: datetime

    @property
    def lasted(self) -> timedelta:
        return self.ends_at - self.starts_at


def stretches(changes: Sequence[Readiness], start: datetime, end: datetime) -> tuple[Stretch, ...]:
    """Between two instants, in order; before anything was measured there is none. `changes` has
    the newest first."""
    found, until = [], end
    for one in changes:
        begins = max(one.since, start)
        if begins < until:
            found.append(Stretch(state=one.state, starts_at=begins, ends_at=until))
            until = begins
        if one.since <= start:
            break
    return tuple(reversed(found))


def say_shares(pieces: Sequence[Stretch]) -> str:
    """'GO 20 h, CAUTION 3 h, NO-GO 1 h'."""
    total: dict[State, timedelta] = {}
    for piece in pieces:
        total[piece.state] = total.get(piece.state, timedelta()) + piece.lasted
    said = [f"{state} {say_duration(total[state])}" for state in State if state in total]
    return ", ".join(said) or "nothing was measured"
