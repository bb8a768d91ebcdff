"""Action items as issues of a Jira project (Jira Cloud, REST API v3)."""

import re
from datetime import timedelta
from urllib.parse import quote

import msgspec

from playcall.engine.ports import Unavailable
from playcall.engine.tickets import Closed, Item, Opened
from playcall.tickets import wording
from playcall.tickets.service import Declined, Service
from playcall.tickets.wording import Terms

_OPTIONAL = frozenset({"assignee", "duedate", "priority", "labels"})  # a project may lack them
_API = "/rest/api/3"


class _Made(msgspec.Struct):
    key: str


class _Found(msgspec.Struct):
    issues: list[_Made]


class _Category(msgspec.Struct):
    key: str


class _Status(msgspec.Struct):
    statusCategory: _Category


class _Fields(msgspec.Struct):
    status: _Status


class _Issue(msgspec.Struct):
    fields: _Fields


class _Transition(msgspec.Struct):
    id: str
    to: _Status


class _Transitions(msgspec.Struct):
    transitions: list[_Transition]


class Jira:
    """`engine.tickets.Tickets`. What is ours is known again by a label."""

    name = "Jira"

    def __init__(
        self,
        service: Service,
        project: str,
        kind: str,
        terms: Terms,
        every: timedelta,
        always: bool,
    ) -> None:
        self._service = service
        self._project = project
        self._kind = kind
        self._terms = terms
        self.every = every
        self.always = always

    async def open(self, item: Item, *, again: bool) -> Opened:
        mark = re.sub(r"[:/]", "-", self._terms.mark(item))  # a label has no other signs
        found = await self._find(mark) if again else None
        if found is not None:
            return self._opened(found)
        fields = self._fields(item, mark)
        try:
            made = await self._create(fields)
        except Declined as error:
            refused = sorted(error.fields & _OPTIONAL & fields.keys())
            if not refused:
                raise
            for name in refused:
                del fields[name]
            made = await self._create(fields)
            said = f"Jira would not have its {' and '.join(refused)}"
            return self._opened(made, said)
        return self._opened(made)

    async def _create(self, fields: dict[str, object]) -> _Made:
        return await self._service.ask("POST", f"{_API}/issue", _Made, {"fields": fields})

    def _fields(self, item: Item, mark: str) -> dict[str, object]:
        fields: dict[str, object] = {
            "project": {"key": self._project},
            "issuetype": {"name": self._kind},
            "summary": wording.line(item.text)[: wording.LONGEST_TITLE],
            "description": _document(item),
            "labels": [*self._terms.labels, mark],
        }
        if account := self._terms.account(item):
            fields["assignee"] = {"accountId": account}
        if priority := self._terms.priority(item):
            fields["priority"] = {"name": priority}
        if item.due:
            fields["duedate"] = item.due.isoformat()
        return fields

    def _opened(self, made: _Made, note: str = "") -> Opened:
        self._check(made.key)
        return Opened(
            key=made.key, url=f"{self._service.url.rstrip('/')}/browse/{made.key}", note=note
        )

    async def _find(self, mark: str) -> _Made | None:
        body = {
            "jql": f'project = "{self._project}" AND labels = "{mark}" ORDER BY created',
            "fields": ["status"],
            "maxResults": 1,
        }
        found = await self._service.ask("POST", f"{_API}/search/jql", _Found, body)
        return next(iter(found.issues), None)

    async def close(self, key: str, *, done: bool) -> None:
        """By the first way that leads to a status of the category "done"."""
        if await self.ended(key):
            return
        path = f"{self._path(key)}/transitions"
        found = await self._service.ask("GET", path, _Transitions)
        way = next((t for t in found.transitions if t.to.statusCategory.key == "done"), None)
        if way is None:
            raise Unavailable(f"{key} has no way to be done in its workflow", permanent=True)
        await self._service.ask("POST", path, object, {"transition": {"id": way.id}})

    async def ended(self, key: str) -> Closed | None:
        issue = await self._service.ask("GET", f"{self._path(key)}?fields=status", _Issue)
        return Closed() if issue.fields.status.statusCategory.key == "done" else None

    def _path(self, key: str) -> str:
        self._check(key)
        return f"{_API}/issue/{quote(key, safe='')}"

    def _check(self, key: str) -> None:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*-\d+", key):
            raise Unavailable(f"{key[:50]!r} is no issue of Jira's", permanent=True)


def _document(item: Item) -> dict[str, object]:
    """In the Atlassian Document Format, where a text is never markup."""
    link = {"type": "link", "attrs": {"href": item.link}}
    whence = [
        _text("From "),
        {**_text(f"incident {item.incident}"), "marks": [link]},
        _text(f": {wording.line(item.title)}"),
    ]
    paragraphs = [
        [_text(wording.line(item.text))],
        whence,
        *([_text(f"{name}: {wording.line(value)}")] for name, value in wording.facts(item)),
    ]
    content = [{"type": "paragraph", "content": each} for each in paragraphs]
    return {"type": "doc", "version": 1, "content": content}


def _text(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}
