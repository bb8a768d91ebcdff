"""A push service and the browsers subscribed to it: checks who sends, decrypts what came."""

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import http_ece  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02  # type: ignore[import-untyped]

from tests.servers import Received, Receiver, receiver

P256 = ec.SECP256R1()


@dataclass(frozen=True)
class Browser:
    """One that allowed notifications."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(P256))
    secret: bytes = b"sixteen octets.."

    @property
    def keys(self) -> dict[str, str]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dh": base64url(point), "auth": base64url(self.secret)}

    def read(self, request: Received) -> Any:
        """What came, decrypted (RFC 8291)."""
        plain = http_ece.decrypt(
            request.body, private_key=self.key, auth_secret=self.secret, version="aes128gcm"
        )
        return json.loads(plain)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sender_of(request: Received) -> tuple[str, Mapping[str, Any]]:
    """The public key that signed it, and what it claims (RFC 8292)."""
    parts = dict(
        part.strip().split("=", 1)
        for part in request.headers["authorization"].removeprefix("vapid ").split(",")
    )
    assert Vapid02.verify(request.headers["authorization"])
    body = parts["t"].split(".")[1]
    return parts["k"], json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


@contextlib.contextmanager
def push_service() -> Iterator[Receiver]:
    with receiver() as found:
        found.status = 201
        yield found
