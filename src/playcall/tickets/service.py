"""How an issue tracker refuses: what it says in its own words, and when to come again."""

import time
from datetime import timedelta

import httpx
import msgspec

from playcall.engine.ports import Unavailable
from playcall.json_api import JsonApi, quoted, retry_after

LONGEST_WAIT = timedelta(hours=1)


class Declined(Unavailable):
    """The request itself was refused; `fields` are what the service names as the reason."""

    def __init__(self, message: str, fields: frozenset[str]) -> None:
        super().__init__(message, permanent=True)
        self.fields = fields


class Service(JsonApi):
    """Raises Declined for what could be mended in the request."""

    def refusal(self, status: int, headers: httpx.Headers, data: bytes) -> Unavailable:
        said = quoted(data, 500)
        after = _asked_to_wait(headers)
        if status == 429 or (status == 403 and after):
            what = f"{self.name} asks to slow down ({status})"
            return Unavailable(what, retry_after=after or timedelta(seconds=60))
        if status in (401, 403):
            what = f"{self.name} refused the token ({status}): {said}. Renew tickets.token_file."
            return Unavailable(what, permanent=True)
        if status in (404, 410):
            what = f"{self.name} knows nothing of that ({status}): {said}. Check tickets.project."
            return Unavailable(what, permanent=True)
        what = f"{self.name} refused it ({status}): {said}"
        if status in (400, 422):
            return Declined(what, _named(data))
        return Unavailable(
            what, permanent=300 <= status < 500 and status not in (408, 425), retry_after=after
        )


def _asked_to_wait(headers: httpx.Headers) -> timedelta | None:
    """By Retry-After, or by a limit that is used up until an instant."""
    if asked := retry_after(headers):
        return min(asked, LONGEST_WAIT)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit() and len(reset) < 12:
        left = timedelta(seconds=max(int(reset) - time.time(), 1))
        return min(left, LONGEST_WAIT)
    return None


def _named(data: bytes) -> frozenset[str]:
    """GitHub: `{"errors": [{"field": ...}]}`; Jira: `{"errors": {field: words}}`."""
    try:
        said = msgspec.json.decode(data)
    except msgspec.MsgspecError:
        return frozenset()
    errors = said.get("errors") if isinstance(said, dict) else None
    if isinstance(errors, dict):
        return frozenset(str(name) for name in errors)
    if isinstance(errors, list):
        return frozenset(str(one.get("field")) for one in errors if isinstance(one, dict))
    return frozenset()
