"""A service's JSON over HTTP, asked in bounded time, with everything that goes wrong said as
Unavailable. What a refusal means, each service's own class says."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import httpx
import msgspec

from playcall.engine.ports import Unavailable

T = TypeVar("T")
LARGEST = 8 * 1024 * 1024  # bytes of an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonApi(ABC):
    name: str  # for people
    url: str
    client: httpx.AsyncClient
    headers: Mapping[str, str] = field(repr=False)  # with the authorization
    timeout: timedelta = timedelta(seconds=15)  # for an answer as a whole

    async def ask(self, method: str, path: str, kind: type[T], body: object = None) -> T:
        """The answer as a `kind`. Raises Unavailable, and what `refusal` makes of a refusal."""
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                status, headers, data = await self._ask(method, path, body)
        except TimeoutError as error:
            raise Unavailable(f"{self.name} did not answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(f"{self.name} did not answer: {reason}") from error
        if not 200 <= status < 300:
            raise self.refusal(status, headers, data)
        try:
            return msgspec.json.decode(data or b"null", type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unavailable(f"{self.name} answered what is not its API: {error}") from error

    @abstractmethod
    def refusal(self, status: int, headers: httpx.Headers, data: bytes) -> Unavailable: ...

    async def _ask(self, method: str, path: str, body: object) -> tuple[int, httpx.Headers, bytes]:
        headers = {"accept": "application/json", "user-agent": "playcall", **self.headers}
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            headers["content-type"] = "application/json"
        url = self.url.rstrip("/") + path
        async with self.client.stream(method, url, content=content, headers=headers) as response:
            data = b""
            async for piece in response.aiter_bytes():
                data += piece
                if len(data) > LARGEST:
                    raise Unavailable(f"{self.name} answered more than {LARGEST} bytes")
            return response.status_code, response.headers, data


def quoted(data: bytes, most: int = 300) -> str:
    """The beginning of what a service said, on one line."""
    return " ".join(data[:most].decode("utf-8", "replace").split())


def retry_after(headers: httpx.Headers) -> timedelta | None:
    """RFC 9110, 10.2.3, as seconds; a date is not read."""
    asked = headers.get("retry-after", "")
    return timedelta(seconds=int(asked)) if asked.isdigit() and len(asked) < 6 else None
