"""Posts messages as signed JSON (Standard Webhooks). Never shapes them for one receiver.

The signature is HMAC-SHA256 of `id.timestamp.body`: three lines, fewer than it takes to call
the reference library, whose other half (verifying) is the receiver's.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

import httpx
import msgspec

from playcall.core.message import Message
from playcall.engine.ports import Clock, Unavailable

PREFIX = b"whsec_"
GONE = frozenset({400, 404, 410})  # trying the same again cannot help


class Webhook:
    """`ports.Channel`; an address is a URL.

    `secret` is the key's bytes, or as Standard Webhooks writes it: `whsec_` and base64.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        secret: bytes,
        clock: Clock,
        timeout: timedelta = timedelta(seconds=10),
    ) -> None:
        self._client = client
        self._key = _key(secret)
        self._clock = clock
        self._timeout = timeout

    async def send(self, message: Message, address: str, key: str) -> None:
        now = self._clock.now()
        body = _body(message, now)
        headers = {
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": sign(self._key, key, now, body),
        }
        name = _shown(address)
        try:
            status = await self._post(address, body, headers)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise Unavailable(
                f'Webhook "{name}" is not an address. Use https://host/path.', permanent=True
            ) from error
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(f"Webhook {name} did not answer: {reason}.") from error
        except TimeoutError as error:
            seconds = f"{self._timeout.total_seconds():g}"
            raise Unavailable(f"Webhook {name} did not answer within {seconds} s.") from error
        if not 200 <= status < 300:
            raise Unavailable(
                f"Webhook {name} refused the message ({status}). "
                "Check the address and what receives there.",
                permanent=status in GONE,
            )

    async def _post(self, address: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status; whatever the receiver says beyond it is not read. The time is for all of it:
        the client's own begins anew with every byte."""
        seconds = self._timeout.total_seconds()
        async with (
            asyncio.timeout(seconds),
            self._client.stream(
                "POST", address, content=body, headers=headers, timeout=seconds
            ) as response,
        ):
            return response.status_code


def sign(key: bytes, id: str, at: datetime, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = f"{id}.{int(at.timestamp())}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _body(message: Message, at: datetime) -> bytes:
    return msgspec.json.encode(
        {
            "type": "playcall.page" if message.urgent else "playcall.notice",
            "timestamp": at,
            "data": {
                "subject": message.subject,
                "body": message.body,
                "link": message.link,
                "thread": message.thread,
                "urgent": message.urgent,
                "acknowledge": message.acknowledge,
            },
        }
    )


def _key(secret: bytes) -> bytes:
    if not secret:
        raise ValueError("the webhook secret is empty")
    if not secret.startswith(PREFIX):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(f"the webhook secret is not whsec_ and base64: {error}") from error


def _shown(address: str) -> str:
    """Without path, query and password: they are what makes such an address secret."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return "(unreadable)"
    return f"{url.scheme}://{url.netloc.decode('ascii')}" if url.host else "(no host)"
