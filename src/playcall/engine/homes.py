"""Which incident an alert or a group belongs to because people merged or split: what a store
promises about it. Asked before the group's key. See `ports`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    ALERT = "alert"  # by its fingerprint
    GROUP = "group"  # by its key


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What has a place of its own."""

    kind: Kind
    key: str


def of_alert(fingerprint: str) -> Home:
    return Home(kind=Kind.ALERT, key=fingerprint)


def of_group(group: str) -> Home:
    return Home(kind=Kind.GROUP, key=group)


class Homes(Protocol):
    def homes(self, asked: Collection[Home]) -> Mapping[Home, int]:
        """The incidents of those that have one."""
        ...

    def settle(self, some: Collection[Home], incident: int) -> None:
        """They belong to this incident from now on, whatever was said before."""
        ...

    def hand_over(self, incident: int, to: int) -> None:
        """Whatever belongs to the one belongs to the other."""
        ...

    def forget_homes(self, some: Collection[Home]) -> None: ...
