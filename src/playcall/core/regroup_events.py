"""Incidents that turn out to be one trouble, or two: a part of the Events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from playcall.core.incident import Member, Standing
from playcall.core.status_update import StatusUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedInto:
    """It is a part of another incident, which goes on with its alerts; this one is over."""

    at: datetime
    by: str
    incident: int  # that goes on
    title: str  # of that
    reason: str = ""
    told_as: str = ""  # what the public calls the one that goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorbed:
    """Another incident was merged into this one, which has its alerts now."""

    at: datetime
    by: str
    incident: int  # that ended by it
    title: str
    severity: str
    members: tuple[Member, ...]  # its alerts
    silences: Mapping[str, Standing] = field(default_factory=dict)  # that stand for it
    reason: str = ""
    told: StatusUpdate | None = None  # its latest, which still stood on the status page


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsSplit:
    """Some of its alerts are a trouble of their own: another incident has them now."""

    at: datetime
    by: str
    incident: int  # the new one
    title: str  # of that
    fingerprints: tuple[str, ...]
    names: tuple[str, ...]  # of the alerts
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitOff:
    """How an incident came to be, whose alerts were taken out of another: a part of `Opened`."""

    incident: int  # the other one
    by: str  # who has it from the start
    reason: str = ""


Regrouped = MergedInto | Absorbed | AlertsSplit
