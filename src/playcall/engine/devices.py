"""The devices on which people allowed notifications: what a store promises about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A browser's subscription; the endpoint is a secret of its push service's."""

    endpoint: str
    person: str
    p256dh: str  # its public key, base64url
    auth: str  # base64url
    name: str  # for its owner: "Firefox on Android"
    added_at: datetime


class Devices(Protocol):
    def devices(self, person: str) -> Sequence[Device]:
        """A person's, the first one added first."""
        ...

    def add_device(self, device: Device) -> None:
        """An endpoint belongs to one person: to whom it was added last."""
        ...

    def remove_device(self, endpoint: str, person: str) -> bool:
        """False when the person has no such device."""
        ...
