"""For how long a service asks to be left alone."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(hours=1)  # that is believed


def asked_to_wait(said: str) -> timedelta | None:
    """A Retry-After header: seconds, or a moment. None when it says neither."""
    if said.isascii() and said.isdecimal():
        return min(timedelta(seconds=int(said[:9])), LONGEST)
    try:
        wait = parsedate_to_datetime(said) - datetime.now(UTC)
    except (ValueError, TypeError):
        return None
    return max(timedelta(), min(wait, LONGEST))
