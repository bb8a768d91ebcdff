"""Links by which one person says yes or no to one run, once, without signing in: signed here, with
everything that they are good for inside. That one was used is part of its incident."""

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from itsdangerous import BadSignature, URLSafeSerializer

Action = Literal["approve", "decline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a link is good for."""

    id: str
    person: str
    made_by: str
    incident: int
    command: str
    digest: str  # of what would run when the link was made
    action: Action
    expires: int  # seconds since 1970

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires, UTC)


def new_id() -> str:
    return secrets.token_urlsafe(12)


def sign(key: bytes, ticket: Ticket) -> str:
    return _signer(key).dumps(asdict(ticket))


def read(key: bytes, token: str) -> Ticket | None:
    """None when it was not signed here, or is damaged."""
    try:
        return Ticket(**_signer(key).loads(token))
    except BadSignature:
        return None


def _signer(key: bytes) -> URLSafeSerializer:
    """HMAC with SHA-256; signatures are compared in constant time."""
    return URLSafeSerializer(
        key,
        salt="approval link",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
