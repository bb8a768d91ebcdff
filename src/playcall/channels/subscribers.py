"""Writes to subscribers of the status page, by mail and by webhook: first to ask whether they are
really wanted, then each update, always with the way out (RFC 2369, RFC 8058)."""

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import aiosmtplib
import httpx
import msgspec

from playcall.channels.mail import ADDRESS, Mail
from playcall.channels.outside import Outside, is_address
from playcall.channels.subscriber_links import SubscriberLinks
from playcall.channels.webhook import sign
from playcall.core.message import Message
from playcall.core.status_page import headline, next_update, public_id
from playcall.core.status_update import StatusUpdate
from playcall.engine.mailing import Undeliverable
from playcall.engine.ports import Clock, Unavailable
from playcall.engine.subscription import Subscriber, SubscriberKind

LONGEST = {SubscriberKind.MAIL: 254, SubscriberKind.WEBHOOK: 1000}


class Challenge(msgspec.Struct):
    """What a webhook must answer to be subscribed."""

    challenge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberPost:
    """`engine.subscription.Post`."""

    title: str  # of the status page
    links: SubscriberLinks
    outside: Outside
    clock: Clock
    mail: Mail | None = None

    def kinds(self) -> tuple[SubscriberKind, ...]:
        """How one may subscribe here."""
        return tuple(SubscriberKind) if self.mail else (SubscriberKind.WEBHOOK,)

    def takes(self, kind: SubscriberKind, address: str) -> bool:
        """Whether it could be an address; nobody is asked."""
        if kind not in self.kinds() or len(address) > LONGEST[kind] or not address.isprintable():
            return False
        if kind is SubscriberKind.WEBHOOK:
            return is_address(address, self.outside.private)
        return bool(ADDRESS.fullmatch(address) and re.search(r"@[^@]+\.[^@.]+$", address))

    async def ask(self, subscriber: Subscriber, key: str) -> bool:
        if subscriber.kind is SubscriberKind.WEBHOOK:
            return await self._challenge(subscriber, key)
        message = Message(
            subject=f"Confirm your subscription to {self.title}",
            body=f"Somebody, hopefully you, asked for the updates of {self.title} at this address."
            "\n\nOpen this link within two days and press the button there to get them. If it was "
            "not you, do nothing: you will not be written to.",
            link=self.links.confirmation(subscriber.id, self.clock.now()),
            thread=key,
            urgent=False,
        )
        await self._send(message, subscriber, key, "Confirm")
        return False

    async def tell(self, subscriber: Subscriber, update: StatusUpdate, key: str) -> None:
        if subscriber.kind is SubscriberKind.WEBHOOK:
            body = msgspec.json.encode(self._notice(subscriber, update))
            await self.outside.post(subscriber.address, body, self._signed(subscriber, key, body))
            return
        leaving = self.links.leaving(subscriber.id)
        parts = (
            f"{headline(update)} (UTC)\n{update.body}",
            f"{next_update(update)} UTC." if next_update(update) else "",
            f"Affected: {', '.join(update.components)}" if update.components else "",
            f"To get no more of these messages: {leaving}",
        )
        message = Message(
            subject=f"[{self.title}] {update.state.capitalize()}: {update.title}",
            body="\n\n".join(part for part in parts if part),
            link=self._incident(update),
            thread=f"status.{update.incident}",
            urgent=False,
        )
        await self._send(message, subscriber, key, "Open the status page")

    async def _send(self, message: Message, subscriber: Subscriber, key: str, button: str) -> None:
        if self.mail is None:
            raise Unavailable("there is no [mail] in the settings any more", permanent=True)
        letter = self.mail.compose(message, subscriber.address, key, button)
        letter["List-Unsubscribe"] = f"<{self.links.leaving(subscriber.id)}>"
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        host = httpx.URL(self.links.page).host
        letter["List-Id"] = f"<status.{host}>"
        try:
            await self.mail.hand_over(letter, subscriber.address)
        except Unavailable as error:
            if isinstance(error.__cause__, aiosmtplib.SMTPRecipientsRefused):
                raise Undeliverable(str(error), permanent=error.permanent) from error
            raise

    async def _challenge(self, subscriber: Subscriber, key: str) -> bool:
        token = self.links.secret(f"challenge {key}").hex()
        asked = {
            "type": "status_page.challenge",
            "challenge": token,
            "secret": self.links.told_secret(subscriber.id),
            "page": self._page(),
            "meta": self._meta(subscriber),
        }
        body = msgspec.json.encode(asked)
        signed = self._signed(subscriber, key, body)
        answered = await self.outside.post(subscriber.address, body, signed)
        try:
            told = msgspec.json.decode(answered, type=Challenge).challenge
        except (msgspec.MsgspecError, UnicodeDecodeError):
            told = ""
        if not hmac.compare_digest(told.encode(), token.encode()):
            raise Undeliverable("the webhook did not answer with the challenge", permanent=True)
        return True

    def _signed(self, subscriber: Subscriber, key: str, body: bytes) -> dict[str, str]:
        now = self.clock.now()
        return {
            "webhook-id": key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": sign(self.links.secret(subscriber.id), key, now, body),
        }

    def _notice(self, subscriber: Subscriber, update: StatusUpdate) -> dict[str, object]:
        """In the shape of Statuspage's webhooks."""
        incident = public_id("incident", update.incident)
        at = _iso(update.at)
        told = {
            "id": public_id("update", f"{update.incident}.{update.number}"),
            "incident_id": incident,
            "status": update.state,
            "body": update.body,
            "created_at": at,
            "updated_at": at,
            "display_at": at,
        }
        return {
            "type": "status_page.update",
            "meta": self._meta(subscriber),
            "page": self._page(),
            "incident": {
                "id": incident,
                "name": update.title,
                "status": update.state,
                "impact": update.impact,
                "shortlink": self._incident(update),
                "updated_at": at,
                "incident_updates": [told],
                "components": [{"name": name} for name in update.components],
            },
        }

    def _page(self) -> dict[str, str]:
        return {"id": public_id("page", self.title), "name": self.title, "url": self.links.page}

    def _meta(self, subscriber: Subscriber) -> dict[str, str]:
        return {
            "unsubscribe": self.links.leaving(subscriber.id),
            "generated_at": _iso(self.clock.now()),
        }

    def _incident(self, update: StatusUpdate) -> str:
        return f"{self.links.page}/incidents/{public_id('incident', update.incident)}"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
