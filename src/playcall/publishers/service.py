"""How a status page elsewhere refuses. Beside it: the mark by which an update of ours is known
again over there."""

import re
from dataclasses import dataclass
from datetime import timedelta

import httpx

from playcall.core.status_update import StatusUpdate
from playcall.engine.ports import Unavailable
from playcall.json_api import JsonApi, quoted, retry_after

SLOW_DOWN = frozenset({420, 429})


class Service(JsonApi):
    """Its name is that of its table in the settings."""

    def refusal(self, status: int, headers: httpx.Headers, data: bytes) -> Unavailable:
        key = f"status_page.{self.name}"
        if status in (401, 403):
            what = f"{self.name} refused the token ({status}). Renew {key}.token_file."
            return Unavailable(what, permanent=True)
        if status == 404:
            what = f"{self.name} knows no such page or component (404). Check {key}."
            return Unavailable(what, permanent=True)
        after = retry_after(headers)
        if status in SLOW_DOWN:
            what = f"{self.name} asks to slow down ({status})"
            return Unavailable(what, retry_after=after or timedelta(seconds=60))
        return Unavailable(
            f"{self.name} refused the update ({status}): {quoted(data)}",
            permanent=400 <= status < 500 and status not in (408, 409, 425),
            retry_after=after,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What an update ends with where the service keeps nothing else of ours: `Reference
    1a2b3c4d-7.2` is the second update of the seventh incident of one Playcall."""

    instance: str  # tells Playcalls apart

    def incident(self, update: StatusUpdate) -> str:
        return f"{self.instance}-{update.incident}"

    def text(self, update: StatusUpdate) -> str:
        return f"{update.body}\n\nReference {self.incident(update)}.{update.number}"

    def number(self, update: StatusUpdate, text: str) -> int | None:
        """Of the update that a text is, if it is one of the same incident."""
        found = re.search(rf"Reference {re.escape(self.incident(update))}\.(\d{{1,9}})\s*\Z", text)
        return int(found[1]) if found else None
