"""How an incident belongs with others, merged or split: a part of its State."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    into: int | None = None  # the incident that it was merged into
    into_at: datetime | None = None
    absorbed: tuple[int, ...] = ()  # those that were merged into this one
    split_from: int | None = None  # the incident that its alerts were taken out of
    split_off: tuple[int, ...] = ()  # those that were made of alerts of this one
