"""A status page's HTTP API, asked in bounded time, with everything that goes wrong said as
Unavailable. Beside it: the mark by which an update of ours is known again over there."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import httpx
import msgspec

from playcall.core.status_update import StatusUpdate
from playcall.engine.ports import Unavailable

T = TypeVar("T")
LARGEST = 8 * 1024 * 1024  # bytes of an answer
SLOW_DOWN = frozenset({420, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    name: str  # of its table in the settings
    url: str
    client: httpx.AsyncClient
    authorization: str = field(repr=False)
    timeout: timedelta = timedelta(seconds=15)  # for an answer as a whole

    async def ask(self, method: str, path: str, kind: type[T], body: object = None) -> T:
        """The answer as a `kind`. Raises Unavailable."""
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
            return msgspec.json.decode(data, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unavailable(f"{self.name} answered what is not its API: {error}") from error

    async def _ask(self, method: str, path: str, body: object) -> tuple[int, httpx.Headers, bytes]:
        headers = {"authorization": self.authorization, "accept": "application/json"}
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
        key = f"status_page.{self.name}"
        if status in (401, 403):
            what = f"{self.name} refused the token ({status}). Renew {key}.token_file."
            return Unavailable(what, permanent=True)
        if status == 404:
            what = f"{self.name} knows no such page or component (404). Check {key}."
            return Unavailable(what, permanent=True)
        said = " ".join(data[:300].decode("utf-8", "replace").split())
        asked = headers.get("retry-after", "")
        after = timedelta(seconds=int(asked)) if asked.isdigit() and len(asked) < 6 else None
        if status in SLOW_DOWN:
            what = f"{self.name} asks to slow down ({status})"
            return Unavailable(what, retry_after=after or timedelta(seconds=60))
        return Unavailable(
            f"{self.name} refused the update ({status}): {said}",
            permanent=400 <= status < 500 and status not in (408, 409, 425),
            retry_after=after,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What an update ends with where the service keeps nothing else of ours: `Reference
    1a2b3c4d-7.2` is the second update of the seventh incident of one Playcall."""

    instance: str  # tells Playcalls apart

    def incident(self, update: StatusUpdate) -> str:
        return f"{self.instance}-{update.incident}"

    def text(self, update: StatusUpdate) -> str:
        return f"{update.body}\n\nReference {self.incident(update)}.{update.number}"

    def number(self, update: StatusUpdate, text: str) -> int | None:
        """Of the update that a text is, if it is one of the same incident."""
        found = re.search(rf"Reference {re.escape(self.incident(update))}\.(\d{{1,9}})\s*\Z", text)
        return int(found[1]) if found else None
