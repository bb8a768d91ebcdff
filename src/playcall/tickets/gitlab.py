"""Action items as issues of a GitLab project (REST API v4)."""

from datetime import timedelta
from urllib.parse import quote

import msgspec

from playcall.engine.ports import Unavailable
from playcall.engine.tickets import Closed, Item, Opened
from playcall.tickets import wording
from playcall.tickets.service import Service
from playcall.tickets.wording import Terms

URL = "https://gitlab.com"
LOOKED_AT = 100  # issues, the latest ones


class _User(msgspec.Struct):
    id: int
    username: str


class _Issue(msgspec.Struct):
    iid: int
    web_url: str
    state: str = "opened"
    description: str | None = None
    closed_by: _User | None = None


class GitLab:
    """`engine.tickets.Tickets`."""

    name = "GitLab"

    def __init__(
        self, service: Service, project: str, terms: Terms, every: timedelta, always: bool
    ) -> None:
        self._service = service
        self._issues = f"/api/v4/projects/{quote(project, safe='')}/issues"
        self._terms = terms
        self.every = every
        self.always = always

    async def open(self, item: Item, *, again: bool) -> Opened:
        mark = wording.hidden(self._terms.mark(item))
        found = await self._find(mark) if again else None
        if found is not None:
            return Opened(key=f"#{found.iid}", url=found.web_url)
        account = self._terms.account(item)
        user = await self._user(account) if account else None
        priority = self._terms.priority(item)
        body: dict[str, object] = {
            "title": wording.title(item),
            "description": wording.markdown(item, self._terms.mark(item)),
            "labels": ",".join([*self._terms.labels, *([priority] if priority else [])]),
        }
        if item.due:
            body["due_date"] = item.due.isoformat()
        if user:
            body["assignee_ids"] = [user.id]
        made = await self._service.ask("POST", self._issues, _Issue, body)
        note = f"GitLab knows no {account} to assign it to" if account and not user else ""
        return Opened(key=f"#{made.iid}", url=made.web_url, note=note)

    async def _user(self, account: str) -> _User | None:
        path = f"/api/v4/users?username={quote(account, safe='')}"
        found = await self._service.ask("GET", path, list[_User])
        return next((one for one in found if one.username.lower() == account.lower()), None)

    async def _find(self, mark: str) -> _Issue | None:
        path = f"{self._issues}?order_by=created_at&sort=desc&scope=all&per_page={LOOKED_AT}"
        found = await self._service.ask("GET", path, list[_Issue])
        return next((one for one in found if (one.description or "").rstrip().endswith(mark)), None)

    async def close(self, key: str, *, done: bool) -> None:
        await self._service.ask("PUT", self._path(key), _Issue, {"state_event": "close"})

    async def ended(self, key: str) -> Closed | None:
        issue = await self._service.ask("GET", self._path(key), _Issue)
        if issue.state != "closed":
            return None
        return Closed(by=issue.closed_by.username if issue.closed_by else "")

    def _path(self, key: str) -> str:
        number = key.removeprefix("#")
        if not number.isdigit():
            raise Unavailable(f"{key} is no issue of GitLab's", permanent=True)
        return f"{self._issues}/{number}"
