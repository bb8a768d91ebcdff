"""Sends messages by SMTP: plain text with an HTML alternative, one mail thread an incident.

Never retries, and never lets a message's text become a header.
"""

import asyncio
import contextlib
import hashlib
import html
import ipaddress
import re
import ssl
import unicodedata
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import aiosmtplib

from playcall.core.message import Message
from playcall.engine.ports import Unavailable

POLICY = SMTP.clone(cte_type="7bit")  # not every server takes eight bits
TLS = ("none", "starttls", "implicit")
LONGEST_SUBJECT = 200  # characters
LARGEST_BODY = 64 * 1024  # bytes of UTF-8
FAREWELL = 1.0  # seconds to wait for the answer to QUIT; the message is delivered by then
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]+@[^\s@<>,;:\"()\\\x00-\x1f\x7f]+")
# Characters that turn the direction of text around, and so make a subject read as another one.
DIRECTIONS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
BUTTON = "background:#0b57d0;color:#fff;padding:12px 20px;border-radius:6px;text-decoration:none"


class Mail:
    """`ports.Channel`; an address is a mail address. `instance` is the host name that this
    Playcall goes by: it makes message ids its own. `timeout` covers a delivery as a whole."""

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        username: str = "",
        password: str = "",
        tls: str = "none",
        instance: str = "localhost",
        timeout: timedelta = timedelta(seconds=20),
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        if tls not in TLS:
            raise ValueError(f'tls: "{tls}" is not one of {", ".join(TLS)}')
        self._host = host
        self._port = port
        self._sender = sender
        self._username = username
        self._password = password
        self._tls = tls
        self._instance = instance
        self._timeout = timeout
        self._tls_context = tls_context

    async def send(self, message: Message, address: str, key: str) -> None:
        if not ADDRESS.fullmatch(address):
            raise Unavailable(
                f"{address[:80]!r} is not a mail address. Correct it in [people].", permanent=True
            )
        await self.hand_over(self.compose(message, address, key), address)

    def compose(
        self, message: Message, address: str, key: str, button: str = "Open the incident"
    ) -> EmailMessage:
        return compose(message, self._sender, address, key, self._instance, button)

    async def hand_over(self, mail: EmailMessage, address: str) -> None:
        """Raises Unavailable."""
        server = f"Mail server {self._host}:{self._port}"
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                await client.connect()
                await client.send_message(mail, sender=self._sender, recipients=[address])
        except (TimeoutError, aiosmtplib.SMTPTimeoutError) as error:
            raise Unavailable(f"{server} did not answer in time.") from error
        except aiosmtplib.SMTPNotSupported as error:
            raise Unavailable(f"{server} cannot take this mail: {error}", permanent=True) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _refusal(server, address, error) from error
        else:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=FAREWELL)
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username or None,
            password=self._password or None,
            use_tls=self._tls == "implicit",
            start_tls=self._tls == "starttls",
            tls_context=self._tls_context,
            timeout=self._timeout.total_seconds(),
            local_hostname=_greeting(self._instance),  # else it asks DNS, and blocks
        )


def compose(
    message: Message,
    sender: str,
    address: str,
    key: str,
    instance: str,
    button: str = "Open the incident",
) -> EmailMessage:
    """The mail as it goes out. The same key gives the same Message-ID."""
    mail = EmailMessage(policy=POLICY)
    mail["From"] = sender
    mail["To"] = address
    mail["Subject"] = _subject(message.subject)
    mail["Date"] = datetime.now(UTC)
    mail["Message-ID"] = _message_id("message", key, instance)
    # No message has this id; all of an incident answer to it, and so stay together.
    thread = _message_id("thread", message.thread, instance)
    mail["In-Reply-To"] = thread
    mail["References"] = thread
    mail["X-Playcall-Key"] = key  # by which a mail that comes back is known
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if message.urgent:
        mail["X-Priority"] = "1"
        mail["Importance"] = "high"
    body = _body(message.body)
    mail.set_content("\n\n".join([body, *_links(message)]) + "\n")
    mail.add_alternative(_html(body, message, button), subtype="html")
    for file in message.attachments:
        main, _, sub = file.kind.partition("/")
        mail.add_attachment(file.data, maintype=main, subtype=sub, filename=file.name)
    return mail


def _refusal(server: str, address: str, error: Exception) -> Unavailable:
    """5xx is for good, everything else may pass."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if not isinstance(error, aiosmtplib.SMTPResponseException):
        reason = str(error).rstrip(".")
        return Unavailable(f"{server} cannot be used: {reason}. Check mail.host, .port and .tls.")
    said = " ".join(str(error.message).split())[:300]
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        what = f"refused the user name or password ({error.code} {said}). Renew mail.password_file."
    else:
        what = f"refused the mail to {address} ({error.code} {said})."
    return Unavailable(f"{server} {what}", permanent=500 <= error.code < 600)


def _subject(text: str) -> str:
    """One line, without anything that a mail client would act upon."""
    shown = "".join(
        " " if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") else character
        for character in text.translate(DIRECTIONS)
    )
    line = " ".join(shown.split()).replace("=?", "= ?")  # else read as an encoded word
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1] + "…"


def _body(text: str) -> str:
    """Line ends made plain, control characters made visible, and no more than LARGEST_BODY."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    plain = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "\N{REPLACEMENT CHARACTER}", plain)
    data = plain.encode("utf-8", "replace")
    if len(data) <= LARGEST_BODY:
        return data.decode()
    kept = data[:LARGEST_BODY].decode(errors="ignore")
    left_out = len(data) - len(kept.encode())
    return f"{kept}\n\n[{left_out} bytes left out here; the incident's page has everything]"


def _links(message: Message) -> list[str]:
    acknowledge = [f"Acknowledge: {message.acknowledge}"] if message.acknowledge else []
    return [message.link, *acknowledge] if message.link else acknowledge


def _html(body: str, message: Message, says: str) -> str:
    buttons = [_button(message.link, says)]
    if message.acknowledge:
        buttons.append(_button(message.acknowledge, "Acknowledge"))
    return (
        '<!doctype html><meta charset="utf-8"><body style="font-family:sans-serif">'
        f'<div dir="auto" style="white-space:pre-wrap">{html.escape(body)}</div>'
        f"{''.join(buttons)}</body>\n"
    )


def _button(link: str, words: str) -> str:
    address = html.escape(link)
    if not link.startswith(("https://", "http://")):
        return f"<p>{address}</p>"
    return f'<p><a href="{address}" style="{BUTTON}">{words}</a></p>'


def _message_id(kind: str, key: str, instance: str) -> str:
    digest = hashlib.blake2b(f"{kind}:{key}".encode(), digest_size=16).hexdigest()
    return f"<{digest}@{instance}>"


def _greeting(instance: str) -> str:
    """A host name as it is, an IP address as EHLO wants it."""
    try:
        address = ipaddress.ip_address(instance)
    except ValueError:
        return instance
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"
