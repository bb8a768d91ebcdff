"""Action items as issues of a GitHub repository (REST API, 2022-11-28)."""

from datetime import timedelta

import msgspec

from playcall.engine.ports import Unavailable
from playcall.engine.tickets import Closed, Item, Opened
from playcall.tickets import wording
from playcall.tickets.service import Declined, Service
from playcall.tickets.wording import Terms

URL = "https://api.github.com"
LOOKED_AT = 100  # issues, the latest ones


class _User(msgspec.Struct):
    login: str


class _Issue(msgspec.Struct):
    number: int
    html_url: str
    state: str = "open"
    body: str | None = None
    state_reason: str | None = None
    closed_by: _User | None = None
    assignees: list[_User] = []


class GitHub:
    """`engine.tickets.Tickets`."""

    name = "GitHub"

    def __init__(
        self, service: Service, repository: str, terms: Terms, every: timedelta, always: bool
    ) -> None:
        self._service = service
        self._issues = f"/repos/{repository}/issues"
        self._terms = terms
        self.every = every
        self.always = always

    async def open(self, item: Item, *, again: bool) -> Opened:
        mark = wording.hidden(self._terms.mark(item))
        found = await self._find(mark) if again else None
        if found is not None:
            return Opened(key=f"#{found.number}", url=found.html_url)
        account = self._terms.account(item)
        priority = self._terms.priority(item)
        body: dict[str, object] = {
            "title": wording.title(item),
            "body": wording.markdown(item, self._terms.mark(item)),
            "labels": [*self._terms.labels, *([priority] if priority else [])],
        }
        if account:
            body["assignees"] = [account]
        made = await self._create(body)
        known = [user.login.lower() for user in made.assignees]
        note = f"GitHub cannot assign it to {account}" if account else ""
        if account.lower() in known:
            note = ""
        return Opened(key=f"#{made.number}", url=made.html_url, note=note)

    async def _create(self, body: dict[str, object]) -> _Issue:
        try:
            return await self._service.ask("POST", self._issues, _Issue, body)
        except Declined as error:
            if not error.fields & {"assignees", "assignee"} or "assignees" not in body:
                raise
        del body["assignees"]
        return await self._service.ask("POST", self._issues, _Issue, body)

    async def _find(self, mark: str) -> _Issue | None:
        path = f"{self._issues}?state=all&sort=created&direction=desc&per_page={LOOKED_AT}"
        found = await self._service.ask("GET", path, list[_Issue])
        return next((one for one in found if (one.body or "").rstrip().endswith(mark)), None)

    async def close(self, key: str, *, done: bool) -> None:
        body = {"state": "closed", "state_reason": "completed" if done else "not_planned"}
        await self._service.ask("PATCH", self._path(key), _Issue, body)

    async def ended(self, key: str) -> Closed | None:
        issue = await self._service.ask("GET", self._path(key), _Issue)
        if issue.state != "closed":
            return None
        by = issue.closed_by.login if issue.closed_by else ""
        return Closed(by=by, done=issue.state_reason not in ("not_planned", "duplicate"))

    def _path(self, key: str) -> str:
        number = key.removeprefix("#")
        if not number.isdigit():
            raise Unavailable(f"{key} is no issue of GitHub's", permanent=True)
        return f"{self._issues}/{number}"
