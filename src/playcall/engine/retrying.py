"""How long to wait before what failed is tried again."""

import zlib
from datetime import timedelta

FIRST_RETRY = timedelta(seconds=1)
LAST_RETRY = timedelta(minutes=1)


def retry_after(attempts: int, key: str) -> timedelta:
    """Doubles with every attempt. Somewhere between half of it and all of it, by the key, so that
    what failed together is not tried again together."""
    whole = min(LAST_RETRY, FIRST_RETRY * (1 << min(max(attempts - 1, 0), 10)))
    chance = zlib.crc32(f"{key} {attempts}".encode()) / 2**32
    return whole * (0.5 + chance / 2)
