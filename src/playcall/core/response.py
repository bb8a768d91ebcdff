"""What a document leaves open about the response, and an installation decides."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsePolicy:
    """Kept in the plan, so that a decision depends on nothing else."""

    repeat_after: timedelta = timedelta(minutes=15)  # from the last rung to the next round
    snooze_at_most: timedelta = timedelta(hours=4)
    reopen_within: timedelta = timedelta(minutes=30)  # a relapse within it is the same incident
    silence_acknowledged: timedelta | None = None  # for how long at a time; None: not silenced
    resolves_itself: tuple[str, ...] = ()  # alerts whose incidents need no person to end
    war_room: str = ""  # where people meet; "{incident}" is the incident's number

    def meeting_of(self, incident: int) -> str:
        """Where people meet about an incident; empty: nowhere in particular."""
        return self.war_room.replace("{incident}", str(incident))
