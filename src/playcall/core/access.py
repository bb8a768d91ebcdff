"""What somebody may do."""

from enum import StrEnum


class Access(StrEnum):
    """Each level includes those before it."""

    VIEWER = "viewer"  # look
    RESPONDER = "responder"  # acknowledge, note, approve, decline, call, snooze, answer
    COMMANDER = "commander"  # resolve, change the severity
    ADMINISTRATOR = "administrator"

    def allows(self, needed: "Access") -> bool:
        levels = list(Access)
        return levels.index(self) >= levels.index(needed)
