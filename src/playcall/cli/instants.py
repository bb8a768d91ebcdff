"""How the commands say instants that a server told: always with their zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def clock(text: str) -> str:
    """'12:30:05 UTC'."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%H:%M:%S} UTC"


def moment(text: str, zone: str = "UTC") -> str:
    """'Sun 2026-03-29 09:00 CEST (Europe/Berlin)'."""
    at = datetime.fromisoformat(text).astimezone(ZoneInfo(zone))
    said = f"{at:%a %Y-%m-%d %H:%M}"
    return f"{said} UTC" if zone == "UTC" else f"{said} {at:%Z} ({zone})"
