"""What PagerDuty and Opsgenie share: a JSON POST, and what its answer means."""

import re
from collections.abc import Mapping
from datetime import timedelta

import httpx
import msgspec

from playcall.bounded import NoAnswer, fetch
from playcall.engine.ports import Unavailable

LARGEST = 100_000  # bytes of an answer
_UNFIT = re.compile(
    r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


async def post(
    client: httpx.AsyncClient,
    name: str,
    url: str,
    body: Mapping[str, object],
    headers: Mapping[str, str],
    advice: str,
    within: timedelta,
) -> None:
    """Raises Unavailable. `advice` is for a key that is not taken."""
    content = msgspec.json.encode(body)
    sent = {"content-type": "application/json", **headers}
    try:
        answer = await fetch(
            client, "POST", url, within=within, largest=LARGEST, content=content, headers=sent
        )
    except NoAnswer as error:
        raise Unavailable(f"{name} did not answer: {error}.") from error
    if answer.status in (401, 403):
        raise Unavailable(f"{name} refused the key ({answer.status}). {advice}")
    if not 200 <= answer.status < 300:
        raise Unavailable(
            f"{name} refused ({answer.status}): {line(answer.text, 200)}",
            permanent=answer.status in (400, 404, 413, 422),
            retry_after=_retry_after(answer.headers.get("retry-after", "")),
        )


def line(text: str, longest: int) -> str:
    """One line without control characters or what turns text around, no longer than that."""
    plain = " ".join(_UNFIT.sub(" ", text[: longest * 4]).split())
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def _retry_after(said: str) -> timedelta | None:
    return timedelta(seconds=int(said)) if re.fullmatch(r"\d{1,6}", said.strip()) else None
