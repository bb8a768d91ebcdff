"""Action items as issues in a tracker: what a tracker promises, and the task in the outbox."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticketing:
    """Open the ticket of an action item, or close it."""

    action: int
    closing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What a ticket says."""

    incident: int
    title: str  # of the incident
    link: str  # to it
    action: int
    text: str
    owner: str
    priority: str
    due: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    key: str  # as the service writes it
    url: str
    note: str = ""  # what could not be had


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """How a ticket ended over there."""

    by: str = ""  # empty: it does not say
    done: bool = True  # False: it will not be done


class Tickets(Protocol):
    """One project of an issue tracker. All of it raises Unavailable."""

    name: str  # for people: "GitHub"
    always: bool  # every action item is to be one
    every: timedelta  # between looks at those that are open

    async def open(self, item: Item, *, again: bool) -> Opened:
        """`again`: it may be there already, and is looked for first."""
        ...

    async def close(self, key: str, *, done: bool) -> None:
        """The same when it is done twice."""
        ...

    async def ended(self, key: str) -> Closed | None:
        """None: it is open."""
        ...
