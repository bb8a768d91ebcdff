"""Where people meet about an incident."""

from dataclasses import replace

from playcall.core.effects import Moved
from playcall.core.incident import Incident
from playcall.core.plan import Plan
from playcall.core.room_events import WarRoomOpened


def meeting_of(incident: Incident, plan: Plan) -> str:
    """The settings' war room, or the channel that was made for it; empty: nowhere."""
    return plan.response.meeting_of(incident.id) or incident.war_room


def open_room(incident: Incident, event: WarRoomOpened, plan: Plan) -> Moved:
    return Moved(incident=replace(incident, war_room=event.url))
