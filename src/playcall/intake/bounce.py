"""Reads what a mail server says of a mail that it could not deliver (RFC 3464)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import policy
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.parser import BytesParser

KEY_HEADER = "X-Playcall-Key"  # of every mail of ours; a report has the headers of what came back
LONGEST = 300  # characters of a reason


class NoBounce(ValueError):
    """The mail is no report of a failed delivery of a mail of ours; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    key: str  # of the message
    reason: str


def read_bounce(data: bytes) -> Bounce:
    """Raises NoBounce, also for a report of a mere delay."""
    try:
        parts = list(BytesParser(policy=policy.default).parsebytes(data).walk())
        failures = list(_failures(parts))
        key = next(_keys(parts), "")
    except (MessageError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise NoBounce(f"it cannot be read as a mail: {error}") from error
    if not failures:
        raise NoBounce("it reports no failed delivery (RFC 3464): no part says Action: failed")
    if not key:
        raise NoBounce(f"it is about no mail of ours: it brings back no {KEY_HEADER}")
    return Bounce(key=key, reason=f"it came back: {failures[0]}"[:LONGEST])


def _failures(parts: Sequence[Message]) -> Iterator[str]:
    """What is said of each recipient whom it did not reach."""
    for part in parts:
        if part.get_content_type() != "message/delivery-status":
            continue
        for fields in part.get_payload():
            if isinstance(fields, Message) and str(fields["Action"]).strip().lower() == "failed":
                said = fields["Diagnostic-Code"] or fields["Status"] or "undeliverable"
                yield " ".join(str(said).split())


def _keys(parts: Sequence[Message]) -> Iterator[str]:
    for part in parts:
        if part.get_content_type() == "text/rfc822-headers" and isinstance(part, EmailMessage):
            brought = BytesParser(policy=policy.default).parsebytes(part.get_content().encode())
            yield from map(str, brought.get_all(KEY_HEADER, []))
        yield from map(str, part.get_all(KEY_HEADER, []))
