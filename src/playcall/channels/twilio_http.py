"""How Twilio's library reaches Twilio: by our own HTTP client, in bounded time, to an address that
may be set. Loaded with the library, on first use."""

import asyncio
import logging
from collections.abc import Mapping

import httpx
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]

from playcall.channels.waiting import asked_to_wait
from playcall.engine.ports import Unavailable

OURS = "https://api.twilio.com"
LARGEST = 256 * 1024  # bytes of an answer that are read


class Http(AsyncHttpClient):  # type: ignore[misc]
    """`twilio.http.AsyncHttpClient`; `seconds` are for a request as a whole. Raises Unavailable for
    a 429, of which the library would forget for how long."""

    def __init__(self, client: httpx.AsyncClient, url: str, seconds: float) -> None:
        super().__init__(logging.getLogger("twilio.http_client"), True)
        self._client = client
        self._url = url.rstrip("/")
        self._seconds = seconds

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        if self._url:
            url = self._url + url.removeprefix(OURS)
        async with (
            asyncio.timeout(self._seconds),
            self._client.stream(
                method, url, params=params, data=data, headers=headers, auth=auth, timeout=None
            ) as answer,
        ):
            body = b""
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    break
        if answer.status_code == 429:
            wait = asked_to_wait(answer.headers.get("retry-after", ""))
            raise Unavailable("Twilio takes no more for now (429).", retry_after=wait)
        return Response(answer.status_code, body.decode("utf-8", "replace"), answer.headers)
