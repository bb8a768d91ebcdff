"""One message to many people at once, outside of any incident: each by the first of their methods
that takes it. Sent while the sender waits, who is told whom it reached; nothing is tried later."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from playcall.core.message import Message
from playcall.engine.ports import Channel, Person, Unavailable

log = logging.getLogger(__name__)

PATIENCE = 7.0  # seconds for one method; three of them end before whoever asked gives up
METHODS = 3  # that are tried for a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What became of a person's message."""

    person: str
    channel: str  # that took it; empty: none did
    failures: tuple[str, ...] = ()  # of those that were tried before


async def tell_all(
    message: Message, people: Sequence[Person], channels: Mapping[str, Channel], key: str
) -> tuple[Reached, ...]:
    """In the order of `people`."""
    telling = [_tell(message, person, channels, f"{key}.{person.id}") for person in people]
    return tuple(await asyncio.gather(*telling))


async def _tell(
    message: Message, person: Person, channels: Mapping[str, Channel], key: str
) -> Reached:
    failures: list[str] = []
    for method in person.methods[:METHODS]:
        channel = channels.get(method.channel)
        failure = await _send(channel, message, method.address, key) if channel else "is not set up"
        if not failure:
            return Reached(person=person.id, channel=method.channel, failures=tuple(failures))
        failures.append(f"{method.channel}: {failure}")
    failures += [] if person.methods else ["there is no way to reach them"]
    return Reached(person=person.id, channel="", failures=tuple(failures))


async def _send(channel: Channel, message: Message, address: str, key: str) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            await channel.send(message, address, key)
    except Unavailable as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    except Exception as error:  # a bug in one channel must not keep the others from being told
        log.exception("%s failed", key)
        return f"a bug: {error!a}"[:300]
    return ""
