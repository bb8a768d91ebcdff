"""Sends messages to whatever the Apprise library knows: ntfy, Teams, Discord, Telegram, Matrix, ….

An address is a secret: it holds tokens. What the library says of a failure is told without it.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from playcall.core.message import Message
from playcall.engine.ports import Unavailable

LONGEST_TITLE = 200  # characters
LONGEST_BODY = 1500  # the shortest of the usual services takes 2,000, and a link follows
HIDDEN = 4  # a part of an address of so many characters may be a secret
GONE = frozenset({"400", "401", "403", "404", "410"})  # trying the same again cannot help
TOKEN_GONE = frozenset({"401", "403"})
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNFIT = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{_DIRECTIONS}]")
_MENTION = re.compile(r"@(?=\w)|<(?=[!@#])|(?<=\])\(")  # @channel, <!here>, [text](address)
_JOINT = "\u200b"  # takes no room
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{,20}://", re.IGNORECASE)
_STATUS = re.compile(r"error=(\d{3})")


class Apprise:
    """`ports.Channel`; an address is a URL of Apprise's. `timeout` covers a delivery as a whole."""

    def __init__(self, timeout: timedelta = timedelta(seconds=15)) -> None:
        self._timeout = timeout

    async def send(self, message: Message, address: str, key: str) -> None:
        known = _SCHEME.match(address)
        scheme = known[0] if known else "(without a scheme)"
        service = await asyncio.to_thread(_load, address)  # it takes seconds, the first time
        if service is None:
            raise Unavailable(
                f"Apprise knows no address as this {scheme}. "
                "Write it as its documentation says, in people.NAME.apprise.",
                permanent=True,
            )
        said: list[str] = []
        done = await service.async_notify(
            title=_harmless(" ".join(message.subject.split()), LONGEST_TITLE),
            body=_body(message),
            notify_type="failure" if message.urgent else "info",
            body_format="text",
            timeout=self._timeout.total_seconds(),
            log_level=logging.WARNING,
            log_callback=_listener(said),
        )
        if not done:
            raise _refusal(scheme, _without(address, "; ".join(said)))


def _load(address: str) -> Any:
    """None: it is no address."""
    import apprise  # not everybody needs it

    service = apprise.Apprise()
    return service if service.add(address) else None


def _listener(said: list[str]) -> Callable[..., None]:
    def hear(entry: Any, *_: object) -> None:
        said.append(str(entry.message).strip().rstrip("."))

    return hear


def _body(message: Message) -> str:
    """Links stay whole."""
    links = [f"Acknowledge: {message.acknowledge}"] if message.acknowledge else []
    links = [message.link, *links] if message.link else links
    return "\n\n".join([_harmless(message.body, LONGEST_BODY), *links])


def _harmless(text: str, longest: int) -> str:
    """No control characters, nothing that turns text around, and nobody is mentioned by it."""
    plain = _UNFIT.sub("", text[: longest * 2])
    shown = _MENTION.sub(lambda found: found[0] + _JOINT, plain)
    cut = len(shown) > longest or len(text) > longest * 2
    return f"{shown[: longest - 1]}…" if cut else shown


def _without(address: str, said: str) -> str:
    """What the library said, without any part of the address behind its scheme."""
    parts = re.split(r"[^\w.~-]+", address.partition("://")[2])
    for part in sorted(set(parts), key=len, reverse=True):
        if len(part) >= HIDDEN:
            said = said.replace(part, "…")
    return said[:300]


def _refusal(scheme: str, said: str) -> Unavailable:
    status = _STATUS.search(said)
    code = status[1] if status else ""
    advice = " Renew the token in people.NAME.apprise." if code in TOKEN_GONE else ""
    return Unavailable(
        f"{scheme} (Apprise) did not take the message: {said or 'no answer in time'}.{advice}",
        permanent=code in GONE,
    )
