"""GitHub, GitLab and Jira, each against a server on this machine that speaks its documented API."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from playcall.engine.ports import Unavailable
from playcall.engine.tickets import Closed, Item, Tickets
from playcall.ticketfile import TicketsTable
from playcall.ticketing import build_tickets

EVIL = "@all see #12 and !3, <!-- playcall:incident/9/action/9:me -->\n/close **now** [x](http://e)"
ITEM = Item(
    incident=1,
    title="LatencyHigh",
    link="http://playcall.example/incidents/1",
    action=2,
    text="rotate logs",
    owner="ada",
    priority="high",
    due=date(2026, 3, 9),
)
PROJECTS = {"github": "o/r", "gitlab": "g/p", "jira": "OPS"}
KEYS = {"github": "#1", "gitlab": "#1", "jira": "OPS-1"}


@dataclass
class Tracker:
    url: str = ""
    issues: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    users: tuple[str, ...] = ("ada-x",)
    refuse: tuple[int, dict[str, str], bytes] | None = None
    lose_answers: bool = False


Answer = tuple[int, object]


def github(it: Tracker, method: str, path: str, body: dict[str, Any]) -> Answer:
    match method, path.split("?")[0].split("/")[1:]:
        case "GET", ["repos", "o", "r", "issues"]:
            return 200, it.issues[::-1]
        case "POST", ["repos", "o", "r", "issues"]:
            if not set(body.get("assignees", [])) <= set(it.users):
                error = {"resource": "Issue", "field": "assignees", "code": "invalid"}
                return 422, {"message": "Validation Failed", "errors": [error]}
            n = len(it.issues) + 1
            users = [{"login": name} for name in body.pop("assignees", [])]
            url = f"https://github.example/o/r/issues/{n}"
            it.issues.append(
                {**body, "number": n, "html_url": url, "state": "open", "assignees": users}
            )
            return 201, it.issues[-1]
        case "PATCH", ["repos", "o", "r", "issues", n]:
            it.issues[int(n) - 1] |= {**body, "closed_by": {"login": "octo"}}
            return 200, it.issues[int(n) - 1]
        case "GET", ["repos", "o", "r", "issues", n]:
            return 200, it.issues[int(n) - 1]
    raise LookupError(path)


def gitlab(it: Tracker, method: str, path: str, body: dict[str, Any]) -> Answer:
    match method, path.split("?")[0].split("/")[3:]:
        case "GET", ["users"]:
            name = path.partition("username=")[2]
            return 200, [{"id": 5, "username": name}] if name in it.users else []
        case "GET", ["projects", "g%2Fp", "issues"]:
            return 200, it.issues[::-1]
        case "POST", ["projects", "g%2Fp", "issues"]:
            n = len(it.issues) + 1
            url = f"https://gitlab.example/g/p/-/issues/{n}"
            it.issues.append({**body, "iid": n, "web_url": url, "state": "opened"})
            return 201, it.issues[-1]
        case "PUT", ["projects", "g%2Fp", "issues", n]:
            assert body == {"state_event": "close"}
            it.issues[int(n) - 1] |= {"state": "closed", "closed_by": {"id": 1, "username": "octo"}}
            return 200, it.issues[int(n) - 1]
        case "GET", ["projects", "g%2Fp", "issues", n]:
            return 200, it.issues[int(n) - 1]
    raise LookupError(path)


def jira(it: Tracker, method: str, path: str, body: dict[str, Any]) -> Answer:
    match method, path.split("?")[0].split("/")[4:]:
        case "POST", ["search", "jql"]:
            found = [one for one in it.issues if one["labels"][-1] in body["jql"]]
            return 200, {"issues": found, "isLast": True}
        case "POST", ["issue"]:
            fields = body["fields"]
            if "assignee" in fields and fields["assignee"]["accountId"] not in it.users:
                return 400, {"errorMessages": [], "errors": {"assignee": "User does not exist."}}
            key = f"OPS-{len(it.issues) + 1}"
            it.issues.append({**fields, "id": "1", "key": key, "category": "new"})
            return 201, {"id": "1", "key": key, "self": "x"}
        case "GET", ["issue", key]:
            one = it.issues[int(key.partition("-")[2]) - 1]
            return 200, {
                "key": key,
                "fields": {"status": {"statusCategory": {"key": one["category"]}}},
            }
        case "GET", ["issue", _, "transitions"]:
            ways = [("11", "indeterminate"), ("31", "done")]
            listed = [{"id": i, "to": {"statusCategory": {"key": c}}} for i, c in ways]
            return 200, {"transitions": listed}
        case "POST", ["issue", key, "transitions"]:
            assert body == {"transition": {"id": "31"}}
            it.issues[int(key.partition("-")[2]) - 1]["category"] = "done"
            return 204, None
    raise LookupError(path)


SPEAKS: dict[str, Callable[[Tracker, str, str, dict[str, Any]], Answer]] = {
    "github": github,
    "gitlab": gitlab,
    "jira": jira,
}


@contextlib.contextmanager
def served(kind: str) -> Iterator[Tracker]:
    it = Tracker()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length") or 0))
            it.headers = {name.lower(): value for name, value in self.headers.items()}
            if it.refuse:
                status, headers, data = it.refuse
            else:
                status, said = SPEAKS[kind](it, self.command, self.path, json.loads(sent or b"{}"))
                headers, data = {}, b"" if said is None else json.dumps(said).encode()
                if it.lose_answers:
                    self.close_connection = True
                    return
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    it.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield it
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(params=SPEAKS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def tickets(kind: str, it: Tracker, client: httpx.AsyncClient, **changes: Any) -> Tickets:
    table = TicketsTable(
        kind=kind,
        project=PROJECTS[kind],
        token_file="",
        url=it.url,
        user="bot@example.org" if kind == "jira" else "",
        labels=("incident",),
        priorities={"high": "P1"},
        accounts={"ada": "ada-x", "bob": "nobody"},
        **changes,
    )
    return build_tickets(table, "t0ken", "me", client)


async def test_an_item_becomes_a_ticket_and_is_found_again_after_a_lost_answer(kind: str) -> None:
    with served(kind) as it:
        async with httpx.AsyncClient() as client:
            tracker = tickets(kind, it, client)
            it.lose_answers = True
            with pytest.raises(Unavailable, match="did not answer") as lost:
                await tracker.open(replace(ITEM, owner=""), again=False)
            assert not lost.value.permanent
            it.lose_answers = False
            opened = await tracker.open(replace(ITEM, owner=""), again=True)
            assert (opened.key, len(it.issues)) == (KEYS[kind], 1)
            other = await tracker.open(replace(ITEM, action=1), again=True)
            assert (other.key[-1], other.note) == ("2", "")
    made = it.issues[1]
    text = json.dumps(made)
    assert "http://playcall.example/incidents/1" in text
    if kind == "github":
        assert it.headers["authorization"] == "Bearer t0ken"
        assert (made["labels"], made["assignees"]) == (["incident", "P1"], [{"login": "ada-x"}])
    elif kind == "gitlab":
        assert it.headers["private-token"] == "t0ken"
        assert (made["labels"], made["assignee_ids"]) == ("incident,P1", [5])
        assert made["due_date"] == "2026-03-09"
    else:
        assert it.headers["authorization"].startswith("Basic ")
        assert (made["priority"], made["duedate"]) == ({"name": "P1"}, "2026-03-09")
        assert made["labels"] == ["incident", "playcall-incident-1-action-1-me"]
        assert made["description"]["type"] == "doc"


async def test_an_account_that_is_not_there_is_said(kind: str) -> None:
    with served(kind) as it:
        async with httpx.AsyncClient() as client:
            opened = await tickets(kind, it, client).open(replace(ITEM, owner="bob"), again=False)
    assert (len(it.issues), opened.key) == (1, KEYS[kind])
    assert "nobody" in opened.note or "assignee" in opened.note


async def test_it_is_closed_once_and_seen_when_it_is(kind: str) -> None:
    with served(kind) as it:
        async with httpx.AsyncClient() as client:
            tracker = tickets(kind, it, client)
            await tracker.open(ITEM, again=False)
            assert await tracker.ended(KEYS[kind]) is None
            await tracker.close(KEYS[kind], done=True)
            await tracker.close(KEYS[kind], done=True)
            by = "" if kind == "jira" else "octo"
            assert await tracker.ended(KEYS[kind]) == Closed(by=by)
            with pytest.raises(Unavailable, match="is no issue"):
                await tracker.ended("../../user")


async def test_a_text_mentions_nobody_and_stays_text(kind: str) -> None:
    with served(kind) as it:
        async with httpx.AsyncClient() as client:
            tracker = tickets(kind, it, client)
            await tracker.open(replace(ITEM, text=EVIL), again=False)
            stolen = await tracker.open(replace(ITEM, incident=9, action=9), again=True)
            assert len(it.issues) == 2, stolen
    said = it.issues[0]
    if kind == "jira":
        paragraph = said["description"]["content"][0]["content"]
        assert [part["type"] for part in paragraph] == ["text"]
        return
    body = said.get("body") or said["description"]
    for bad in ("@all", "#12", "!3", "\n/close", "**now**", "[x](", "<!-- playcall:incident/9"):
        assert bad not in body
    assert "@all" not in said["title"]


@pytest.mark.parametrize(
    ("status", "headers", "permanent", "after"),
    [
        (429, {"retry-after": "7"}, False, 7),
        (403, {"retry-after": "9"}, False, 9),
        (403, {}, True, None),
        (503, {}, False, None),
        (404, {}, True, None),
        (422, {}, True, None),
    ],
)
async def test_what_it_refuses_is_said_in_its_words(
    status: int, headers: dict[str, str], permanent: bool, after: int | None
) -> None:
    with served("github") as it:
        it.refuse = (status, headers, b'{"message": "Issues are disabled"}')
        async with httpx.AsyncClient() as client:
            with pytest.raises(Unavailable) as refused:
                await tickets("github", it, client).open(ITEM, again=False)
    error = refused.value
    assert error.permanent is permanent
    assert error.retry_after == (timedelta(seconds=after) if after else None)
    assert "t0ken" not in str(error)
    assert after or "Issues are disabled" in str(error)
