"""What the screen knows of a server's incidents, asked anew whenever something happened."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from playcall.cli import remote

WAIT = 5.0  # seconds after which everything is asked anew, whatever happened
MOST = 30  # incidents of which the details are kept
_CLOCKS_AGREE = timedelta(seconds=2)  # the server tells its time in whole seconds

Known = dict[str, Any]  # as the API tells it


class Server:
    """The API, with the errors of the other commands."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self._client = httpx.AsyncClient(
            base_url=f"{url}/api/v1", headers=dict(headers), timeout=WAIT + 10, trust_env=False
        )
        self._ahead = timedelta()

    async def get(self, path: str) -> Any:
        """Raises Declined."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Raises Declined."""
        return await self._ask("POST", path, body)

    def now(self) -> datetime:
        """By the server's clock."""
        return datetime.now(UTC) + self._ahead

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        try:
            answer = await self._client.request(method, path, json=body)
            self._compare_clocks(answer)
            return remote.checked(answer).json()
        except (httpx.HTTPError, ValueError) as error:
            raise remote.Unreachable(f"{self.url} does not answer: {error!r}") from None

    def _compare_clocks(self, answer: httpx.Response) -> None:
        told = answer.headers.get("date")
        if told:
            ahead = parsedate_to_datetime(told) - datetime.now(UTC)
            self._ahead = ahead if abs(ahead) > _CLOCKS_AGREE else timedelta()


class Picture:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.incidents: list[Known] = []  # who nobody has first, then newest first
        self.details: dict[int, Known] = {}
        self.updates: dict[int, str | None] = {}  # when the next status update is due
        self._had: dict[int, int] = {}  # the last event known, by incident
        self._stale: set[int] = set()

    async def refresh(self, chosen: int | None) -> None:
        """Raises Declined."""
        found = await self.server.get("/incidents?live=true")
        found.sort(key=lambda one: one["acknowledged_by"] is not None)
        numbers = [one["id"] for one in found]
        wanted = {n for n in numbers[:MOST] if n in self._stale or n not in self.details}
        for number in {*wanted, *([] if chosen is None else [chosen])}:
            await self.look(number)
        self._stale.clear()
        if chosen is not None and chosen not in numbers:
            found.append(self.details[chosen])  # it is over, and still looked at
        self.incidents = found
        kept = {one["id"] for one in found}
        self.details = {n: one for n, one in self.details.items() if n in kept}

    async def look(self, incident: int) -> None:
        """At one of them. Raises Declined."""
        self.details[incident] = await self.server.get(f"/incidents/{incident}")
        updates = await self.server.get(f"/incidents/{incident}/updates")
        self.updates[incident] = updates["due_at"]

    async def wait(self) -> None:
        """Until something happened, or for a while. Raises Declined."""
        live = {one["id"] for one in self.incidents}
        query = [("after", f"{one}:{n}") for one, n in self._had.items() if one in live]
        path = f"/timeline?{urlencode([*query, ('wait', WAIT)])}"
        for news in await self.server.get(path):
            self._had[news["incident"]] = news["last"]
            self._stale.add(news["incident"])
