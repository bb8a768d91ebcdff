"""Notifications to the devices on which a person allowed them: encrypted for each (RFC 8291), and
signed as ours (RFC 8292, VAPID). A device whose push service no longer knows it is forgotten."""

import asyncio
import base64
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from playcall.channels.plain import one_line
from playcall.channels.push_service import PushService
from playcall.channels.waiting import asked_to_wait
from playcall.core.message import Message
from playcall.engine.devices import Device
from playcall.engine.ports import Store, Unavailable

if TYPE_CHECKING:
    from py_vapid import Vapid02  # type: ignore[import-untyped]

TTL = timedelta(hours=1)  # a notification that waits longer for its device is dropped
SHOWN = 600  # characters of a body
LARGEST = 3800  # bytes; push services take 4 KB once it is sealed
GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Keys:
    """The pair of keys by which push services know this installation, made on first use. Whoever
    replaces the file must have every device allow notifications anew."""

    path: Path

    def public(self) -> str:
        """As browsers want it: the point, base64url."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        point = self.load().public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    def load(self) -> "Vapid02":
        from py_vapid import Vapid02

        try:
            return Vapid02.from_pem(self.path.read_bytes())
        except FileNotFoundError:
            self._make()
            return Vapid02.from_pem(self.path.read_bytes())

    def _make(self) -> None:
        """Whole or not at all, and once, whoever else makes it at this moment."""
        from py_vapid import Vapid02

        made = Vapid02()
        made.generate_keys()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(made.private_pem())
        try:
            os.link(draft, self.path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """`ports.Channel`; an address is a person's id."""

    store: Store
    keys: Keys = field(repr=False)
    contact: str  # whom a push service may ask
    service: PushService
    url: str  # where people reach this server
    timeout: timedelta = timedelta(seconds=10)

    async def send(self, message: Message, address: str, key: str) -> None:
        """To all devices at once; one that took it is enough."""
        devices = await self.store.write(lambda tx: tx.devices(address))
        data = sealable(message)
        failures = [
            failed
            for failed in await asyncio.gather(
                *(self._send(device, data, message) for device in devices)
            )
            if failed
        ]
        if len(failures) < len(devices):
            return
        reasons = "; ".join(dict.fromkeys(str(failed) for failed in failures))
        raise Unavailable(
            reasons or f"No device of {address} allows notifications. {self._advice()}",
            permanent=all(failed.permanent for failed in failures),
            retry_after=max((f.retry_after for f in failures if f.retry_after), default=None),
        )

    async def _send(self, device: Device, data: bytes, message: Message) -> Unavailable | None:
        """What went wrong; None: its push service took it."""
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                body, headers = await asyncio.to_thread(self._seal, device, data, message)
                answer = await self.service.post(device.endpoint, body, headers)
        except Unavailable as error:
            return error
        except TimeoutError:
            seconds = f"{self.timeout.total_seconds():g}"
            return Unavailable(f"{_service(device)} did not answer within {seconds} s.")
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            return Unavailable(f"{_service(device)} cannot be reached: {reason}.")
        if answer.is_success:
            return None
        if answer.status_code in GONE:
            await self.store.write(lambda tx: tx.remove_device(device.endpoint, device.person))
            return Unavailable(
                f"{device.name} allows no notifications any more. {self._advice()}", permanent=True
            )
        return self._refusal(device, answer)

    def _refusal(self, device: Device, answer: httpx.Response) -> Unavailable:
        code = answer.status_code
        if code in (401, 403):
            what = f"does not know our keys ({code})"
            return Unavailable(f"{_service(device)} {what}. {self._advice()}", permanent=True)
        permanent = 300 <= code < 500 and code not in (408, 425, 429)
        wait = asked_to_wait(answer.headers.get("retry-after", ""))
        refused = f"{_service(device)} refused the message ({code})."
        return Unavailable(refused, permanent=permanent, retry_after=wait)

    def _seal(
        self, device: Device, data: bytes, message: Message
    ) -> tuple[bytes, Mapping[str, str]]:
        """In a thread: loading the library takes a moment. Raises Unavailable."""
        from pywebpush import WebPusher, WebPushException  # type: ignore[import-untyped]

        keys = {"p256dh": device.p256dh, "auth": device.auth}
        url = httpx.URL(device.endpoint)
        claims = {"aud": f"{url.scheme}://{url.netloc.decode('ascii')}", "sub": self.contact}
        try:
            subscription = {"endpoint": device.endpoint, "keys": keys}
            body: bytes = WebPusher(subscription).encode(data)["body"]
        except (ValueError, WebPushException) as error:
            raise Unavailable(
                f"The keys of {device.name} cannot be used. {self._advice()}", permanent=True
            ) from error
        return body, {
            **self.keys.load().sign(claims),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(int(TTL.total_seconds())),
            "urgency": "high" if message.urgent else "normal",
            "topic": re.sub(r"[^A-Za-z0-9_-]", "-", message.thread)[:32],
        }

    def _advice(self) -> str:
        return f"Open {self.url}/me on a device and press Notify this device."


def sealable(message: Message) -> bytes:
    """What the service worker is given: as much of the body as there is room for, since a letter
    takes up to four bytes, and what is too large is taken by no push service."""
    shown = SHOWN
    while len(data := _encode(payload(message, shown))) > LARGEST and shown:
        shown = shown * 3 // 4
    return data


def _encode(told: Mapping[str, object]) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode()


def payload(message: Message, shown: int = SHOWN) -> Mapping[str, object]:
    """What the service worker shows; plain text, which it never takes for markup."""
    acts = message.urgent and message.incident is not None
    return {
        "title": one_line(message.subject, 160),
        "body": one_line(message.body, shown) if shown > 3 else "",
        "link": message.link,
        "acknowledge": (message.acknowledge or message.link) if acts else "",
        "tag": message.thread,
        "urgent": message.urgent,
    }


def _service(device: Device) -> str:
    return f"The push service {httpx.URL(device.endpoint).host}"
