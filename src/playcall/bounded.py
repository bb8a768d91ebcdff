"""An answer over HTTP that can neither take for ever nor grow without end, whoever sends it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

_MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class NoAnswer(Exception):
    """No whole answer came; the message says why, in a few words."""


async def fetch(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    within: timedelta,
    largest: int,
    **request: Any,
) -> Answer:
    """Ask, and read at most `largest` bytes. The time is for everything together: a client's own
    timeout begins anew with every byte that drips in. Raises NoAnswer."""
    seconds = within.total_seconds()
    try:
        async with (
            asyncio.timeout(seconds),
            client.stream(method, url, timeout=seconds, **request) as answer,
        ):
            body = await _read(answer, largest)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(status=answer.status_code, body=body, headers=headers)
    except TimeoutError as error:
        raise NoAnswer(f"no whole answer within {seconds:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(str(error) or type(error).__name__) from error


async def _read(answer: httpx.Response, largest: int) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > largest:
            raise NoAnswer(f"its answer is over {largest / _MB:g} MB")
    return bytes(body)
