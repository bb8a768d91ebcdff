"""The document as it lies on disk now; what an incident opened with may be older."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from playcall.core.alert_rule import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    name: str
    data: bytes
    rules: Sequence[Rule] = ()  # the alerting rules in force


class Sources(Protocol):
    def read(self) -> Source:
        """Raises Unavailable."""
        ...
