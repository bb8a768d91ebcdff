"""An issue tracker's HTTP API, asked in bounded time, with everything that goes wrong said as
Unavailable, and what it refused in its own words."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import httpx
import msgspec

from playcall.engine.ports import Unavailable

T = TypeVar("T")
LARGEST = 8 * 1024 * 1024  # bytes of an answer
LONGEST_WAIT = timedelta(hours=1)


class Declined(Unavailable):
    """The request itself was refused; `fields` are what the service names as the reason."""

    def __init__(self, message: str, fields: frozenset[str]) -> None:
        super().__init__(message, permanent=True)
        self.fields = fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    name: str  # for people
    url: str
    client: httpx.AsyncClient
    headers: Mapping[str, str] = field(repr=False)  # with the authorization
    timeout: timedelta = timedelta(seconds=15)  # for an answer as a whole

    async def ask(self, method: str, path: str, kind: type[T], body: object = None) -> T:
        """The answer as a `kind`. Raises Unavailable, and Declined for what could be mended."""
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                status, headers, data = await self._ask(method, path, body)
        except TimeoutError as error:
            raise Unavailable(f"{self.name} did not answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(f"{self.name} did not answer: {reason}") from error
        if not 200 <= status < 300:
            raise self._refusal(status, headers, data)
        try:
            return msgspec.json.decode(data or b"null", type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unavailable(f"{self.name} answered what is not its API: {error}") from error

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

    def _refusal(self, status: int, headers: httpx.Headers, data: bytes) -> Unavailable:
        said = " ".join(data[:500].decode("utf-8", "replace").split())
        after = _asked_to_wait(headers)
        if status == 429 or (status == 403 and after):
            what = f"{self.name} asks to slow down ({status})"
            return Unavailable(what, retry_after=after or timedelta(seconds=60))
        if status in (401, 403):
            what = f"{self.name} refused the token ({status}): {said}. Renew tickets.token_file."
            return Unavailable(what, permanent=True)
        if status in (404, 410):
            what = f"{self.name} knows nothing of that ({status}): {said}. Check tickets.project."
            return Unavailable(what, permanent=True)
        what = f"{self.name} refused it ({status}): {said}"
        if status in (400, 422):
            return Declined(what, _named(data))
        return Unavailable(
            what, permanent=300 <= status < 500 and status not in (408, 425), retry_after=after
        )


def _asked_to_wait(headers: httpx.Headers) -> timedelta | None:
    """By Retry-After, or by a limit that is used up until an instant."""
    asked = headers.get("retry-after", "")
    if asked.isdigit() and len(asked) < 6:
        return min(timedelta(seconds=int(asked)), LONGEST_WAIT)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit() and len(reset) < 12:
        left = timedelta(seconds=max(int(reset) - time.time(), 1))
        return min(left, LONGEST_WAIT)
    return None


def _named(data: bytes) -> frozenset[str]:
    """GitHub: `{"errors": [{"field": ...}]}`; Jira: `{"errors": {field: words}}`."""
    try:
        said = msgspec.json.decode(data)
    except msgspec.MsgspecError:
        return frozenset()
    errors = said.get("errors") if isinstance(said, dict) else None
    if isinstance(errors, dict):
        return frozenset(str(name) for name in errors)
    if isinstance(errors, list):
        return frozenset(str(one.get("field")) for one in errors if isinstance(one, dict))
    return frozenset()
