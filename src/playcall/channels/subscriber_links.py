"""The links in messages to subscribers of the status page: signed here, for one subscriber and one
purpose. Opening one changes nothing; a button on its page does."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer

GOOD_FOR = timedelta(days=2)  # a link that confirms


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberLinks:
    page: str  # the address of the status page
    key: bytes = field(repr=False)

    def confirmation(self, subscriber: str, now: datetime) -> str:
        until = int((now + GOOD_FOR).timestamp())
        return f"{self.page}/confirm/{self._signer('confirm').dumps([subscriber, until])}"

    def leaving(self, subscriber: str) -> str:
        """Good for as long as the subscriber is there: old messages must lead out, too."""
        return f"{self.page}/unsubscribe/{self._signer('unsubscribe').dumps(subscriber)}"

    def confirmed(self, token: str, now: datetime) -> str | None:
        """Whom a link confirms; None when it was not signed here, or is too old."""
        try:
            subscriber, until = self._signer("confirm").loads(token)
        except (BadSignature, TypeError, ValueError):
            return None
        return str(subscriber) if now < datetime.fromtimestamp(until, UTC) else None

    def leaver(self, token: str) -> str | None:
        try:
            return str(self._signer("unsubscribe").loads(token))
        except BadSignature:
            return None

    def secret(self, subscriber: str) -> bytes:
        """What signs the messages to a webhook; it is never stored."""
        return hmac.new(self.key, f"webhook:{subscriber}".encode(), hashlib.sha256).digest()

    def told_secret(self, subscriber: str) -> str:
        """The same, as Standard Webhooks writes it."""
        return "whsec_" + base64.b64encode(self.secret(subscriber)).decode()

    def _signer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            self.key,
            salt=f"status page: {purpose}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
