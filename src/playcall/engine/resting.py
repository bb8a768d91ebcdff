"""Channels that are left alone for a while: those that asked for it, and those that did not answer.
Known to one process, and forgotten with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from playcall.engine.ports import Method

UNANSWERED = timedelta(seconds=30)
LONGEST = timedelta(minutes=5)  # whatever a channel asks for
# Of these, each address is a server of its own: one that is slow says nothing of the others.
_APART = frozenset({"webhook", "apprise"})


def server_of(method: Method) -> str:
    """What a message burdens: the channel, or the one address of it."""
    apart = method.channel in _APART
    return f"{method.channel} {method.address}" if apart else method.channel


@dataclass(slots=True)
class Rests:
    _asked: dict[str, datetime] = field(default_factory=dict)  # until when
    _unanswered: dict[str, datetime] = field(default_factory=dict)

    def ask(self, method: Method, at: datetime, lasting: timedelta) -> None:
        """The channel asked for this time: nothing is sent to it before."""
        self._asked[server_of(method)] = at + min(lasting, LONGEST)

    def unanswered(self, method: Method, at: datetime) -> None:
        """It did not answer in time: others are tried before it."""
        self._unanswered[server_of(method)] = at + UNANSWERED

    def answered(self, method: Method) -> None:
        self._unanswered.pop(server_of(method), None)

    def asked(self, method: Method, at: datetime) -> timedelta | None:
        """How much longer it is to be left alone. None: it may be sent to."""
        until = self._asked.get(server_of(method), at)
        return until - at if until > at else None

    def order(self, methods: Sequence[Method], at: datetime) -> list[Method]:
        """The rested ones first; of these and of the others, in the person's order."""
        return sorted(methods, key=lambda method: self._rests(server_of(method), at))

    def _rests(self, server: str, at: datetime) -> bool:
        untils = (self._asked.get(server, at), self._unanswered.get(server, at))
        return max(untils) > at
