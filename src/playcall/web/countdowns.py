"""What is due next in an incident, the most urgent first: pure values for the top of its page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from playcall.core.incident import Incident
from playcall.core.wording import say_duration
from playcall.web.response import ResponseView


@dataclass(frozen=True, slots=True, kw_only=True)
class Countdown:
    key: str  # "target", "rung", "update" or "box"
    what: str
    at: datetime
    words: str  # "in 5 min", "4 min ago"
    late: bool


def countdowns(state: ResponseView, incident: Incident, now: datetime) -> tuple[Countdown, ...]:
    """Nothing once it is over."""
    if incident.status.over:
        return ()
    due: list[tuple[str, str, datetime]] = []
    if state.respond_by:
        due.append(("target", "To be acknowledged", state.respond_by))
    if state.next and not state.quiet:
        roles = " and ".join(state.next.roles)
        again = f", round {state.next.round}" if state.next.round > state.round else ""
        due.append(("rung", f"{roles}: {state.next.means.lower()}{again}", state.next.at))
    if incident.telling.due_at:
        due.append(("update", "Next status update", incident.telling.due_at))
    box = next((one for one in state.boxes if one.starts <= now < one.ends), None)
    if box:
        due.append(("box", f"{box.phase} ends", box.ends))
    return tuple(
        Countdown(key=key, what=what, at=at, words=in_words(at, now), late=at <= now)
        for key, what, at in sorted(due, key=lambda one: one[2])
    )


def in_words(at: datetime, now: datetime) -> str:
    """In whole seconds: what moves need not be exact."""
    left = say_duration(timedelta(seconds=round(abs((at - now).total_seconds()))))
    return f"in {left}" if at > now else f"{left} ago"
