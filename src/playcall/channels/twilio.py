"""SMS and calls by Twilio, and what Twilio needs to answer to us: signed addresses to ask back at.

Never decides what an answer means; `web/twilio.py` does. What timed out may have arrived, and is
sent again: Twilio knows no key of ours to tell the two apart.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
from itsdangerous import BadSignature, URLSafeTimedSerializer

from playcall.channels.plain import one_line
from playcall.core.message import Message
from playcall.engine.ports import Unavailable

if TYPE_CHECKING:
    from twilio.rest import Client  # type: ignore[import-untyped]

NUMBER = re.compile(r"\+[1-9]\d{6,14}")
TICKET_SECONDS = 24 * 3600  # after which an answer counts no more
RING_SECONDS = 40
SPOKEN = 400  # characters of a subject that are read aloud
SEGMENTS = 2
# The alphabet of GSM 03.38; a character of the second one takes the place of two.
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_DOUBLE = frozenset("^{}\\[~]|€")
# Ours that would halve what fits into a message.
SIMPLER = str.maketrans({"·": "-", "…": "...", "–": "-", "—": "-", "’": "'", "“": '"', "”": '"'})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What an answer is about; it stands, signed, in the address that Twilio asks back at."""

    key: str  # of the message
    channel: str
    number: str  # that it went to
    incident: int | None
    said: str = ""  # by a call
    asks: bool = False  # whether there is something to press
    conference: bool = False
    rung: int | None = None  # the one that comes next, as far as whoever answers knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The account. `url` is where Twilio, and people, reach this server; `server` is Twilio's own
    address, if it is another than usual. `key` signs tickets."""

    account: str
    token: str = field(repr=False)
    sender: str
    url: str
    key: Callable[[], bytes] = field(repr=False)
    client: httpx.AsyncClient = field(repr=False)
    server: str = ""
    timeout: timedelta = timedelta(seconds=15)

    async def write(self, body: str, ticket: Ticket) -> None:
        """Raises Unavailable."""
        await self._ask(
            ticket.number,
            lambda twilio: twilio.messages.create_async(
                to=ticket.number,
                from_=self.sender,
                body=body,
                status_callback=self.address("status", ticket),
            ),
        )

    async def call(self, ticket: Ticket) -> None:
        """Raises Unavailable. Whether a person or a machine answered is said with the question
        what to say."""
        await self._ask(
            ticket.number,
            lambda twilio: twilio.calls.create_async(
                to=ticket.number,
                from_=self.sender,
                url=self.address("call", ticket),
                status_callback=self.address("status", ticket),
                status_callback_event=["completed"],
                machine_detection="Enable",
                timeout=RING_SECONDS,
            ),
        )

    def address(self, what: str, ticket: Ticket) -> str:
        return f"{self.url}/twilio/{what}/{self._signer().dumps(asdict(ticket))}"

    def read(self, token: str) -> Ticket | None:
        """None when it was not signed here, is damaged or too old."""
        try:
            return Ticket(**self._signer().loads(token, max_age=TICKET_SECONDS))
        except BadSignature:
            return None

    def is_from_twilio(self, path: str, said: Mapping[str, str], signature: str) -> bool:
        """By the address as Twilio was told it, whatever a proxy made of it."""
        from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

        return bool(RequestValidator(self.token).validate(self.url + path, said, signature))

    def _signer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self.key(),
            salt="twilio",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    async def _ask(self, number: str, what: "Callable[[Client], Awaitable[Any]]") -> None:
        if not NUMBER.fullmatch(number):
            raise Unavailable(
                f"{number[:40]!r} is not a number. Write it as +4930123456.", permanent=True
            )
        from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]

        try:
            await what(await asyncio.to_thread(self._twilio))
        except TimeoutError as error:
            seconds = f"{self.timeout.total_seconds():g}"
            raise Unavailable(f"Twilio did not answer within {seconds} s.") from error
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(f"Twilio cannot be reached: {reason}.") from error
        except TwilioException as error:
            raise _refusal(error, number) from error
        except ValueError as error:  # no JSON
            raise Unavailable("Twilio answered with what cannot be read.") from error

    def _twilio(self) -> "Client":
        """In a thread: loading the library takes a moment."""
        from twilio.rest import Client

        from playcall.channels.twilio_http import Http

        http = Http(self.client, self.server, self.timeout.total_seconds())
        return Client(self.account, self.token, http_client=http, environment={"": ""})


def _refusal(error: Exception, number: str) -> Unavailable:
    """4xx is for good, everything else may pass."""
    status = getattr(error, "status", 0)
    code = getattr(error, "code", None)
    said = one_line(str(getattr(error, "msg", None) or getattr(error, "title", "")), 200)
    shown = " ".join(str(part) for part in (status, code and f"error {code}", said) if part)
    if status in (401, 403):
        advice = "Check twilio.account and renew twilio.token_file."
        return Unavailable(f"Twilio refused the account ({shown}). {advice}", permanent=True)
    permanent = 400 <= status < 500 and status != 408
    return Unavailable(f"Twilio did not take it for {number} ({shown}).", permanent=permanent)


@dataclass(frozen=True, slots=True)
class Sms:
    """`ports.Channel`; an address is a number, as +4930123456."""

    line: Line

    async def send(self, message: Message, address: str, key: str) -> None:
        ticket = Ticket(key=key, channel="sms", number=address, incident=message.incident)
        await self.line.write(short_text(message), ticket)


@dataclass(frozen=True, slots=True)
class Voice:
    """`ports.Channel`; an address is a number that is called."""

    line: Line

    async def send(self, message: Message, address: str, key: str) -> None:
        await self.line.call(
            Ticket(
                key=key,
                channel="voice",
                number=address,
                incident=message.incident,
                said=spoken(message),
                asks=message.urgent and message.incident is not None,
                conference=message.conference,
            )
        )


def short_text(message: Message) -> str:
    """What it is, what to press, where to look: no longer than two segments."""
    asks = message.urgent and message.incident is not None
    reply = f"Reply ACK {message.incident} to acknowledge.\n" if asks else ""
    tail = f"\n{reply}{message.link}".rstrip()
    subject = one_line(message.subject.translate(SIMPLER), 300)
    shown = subject
    while not _fits(shown + tail) and subject:
        subject = subject[:-1]
        shown = f"{subject.rstrip()}..."
    return shown + tail


def _fits(text: str) -> bool:
    if all(character in GSM or character in GSM_DOUBLE for character in text):
        length = len(text) + sum(character in GSM_DOUBLE for character in text)
        return length <= (160 if length <= 160 else 153 * SEGMENTS)
    return len(text.encode("utf-16-le")) // 2 <= 67 * SEGMENTS


def spoken(message: Message) -> str:
    """The sentence before the keys are named."""
    subject = re.sub(r"^\[(.+?)\]\s*", r"\1. ", one_line(message.subject, SPOKEN))
    about = f", about incident {message.incident}" if message.incident is not None else ""
    why = "You are called into a conference with all who are paged now. "
    return f"This is Playcall{about}. {why if message.conference else ''}{subject}"
