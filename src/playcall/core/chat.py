"""What is shown in a team's chat, as values, and which of the document's channels is for what. No
chat product is known here: adapters escape a card for their medium."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from playcall.core.communication import Channel


class Place(StrEnum):
    """What one of the document's channels is for."""

    ALERTS = "alerts"  # every incident, one message each
    INCIDENTS = "incidents"  # where the active ones are worked on
    ON_CALL = "on-call"  # the people on call, among themselves


class Press(StrEnum):
    """What a button does."""

    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    TAKE_COMMAND = "take_command"
    APPROVE = "approve"
    REFUSE = "refuse"
    SEND_SUMMARY = "send_summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    press: Press
    label: str
    value: str  # what comes back with the press
    confirm: str = ""  # is asked first; empty: nothing is
    danger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One message in plain text, with buttons."""

    title: str  # one line
    lines: tuple[str, ...] = ()
    code: str = ""  # shown as it is
    link: str = ""  # of the page that has everything; empty: none
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A card that is to stand somewhere, under a name that never changes."""

    key: str
    place: Place
    card: Card
    reply_to: str = ""  # the key of the message in whose thread it stands
    only_edit: bool = False  # it is not worth a new message, only an edit of one that stands


_WORDS: Mapping[Place, re.Pattern[str]] = {  # asked in this order
    Place.ON_CALL: re.compile(r"\bon[- ]?call", re.IGNORECASE),
    Place.INCIDENTS: re.compile(r"\bincidents?\b|\bwar[- ]?room\b|\boutages?\b", re.IGNORECASE),
    Place.ALERTS: re.compile(r"\balert", re.IGNORECASE),
}


def places(channels: Iterable[Channel]) -> dict[Place, Channel]:
    """Which channel is for what, by what the document says of its purpose; its name decides where
    the purpose says nothing. The first one that fits."""
    found: dict[Place, Channel] = {}
    for channel in channels:
        place = _place(channel.purpose) or _place(channel.name.replace("_", "-"))
        if place:
            found.setdefault(place, channel)
    return found


def _place(text: str) -> Place | None:
    return next((place for place, words in _WORDS.items() if words.search(text)), None)
