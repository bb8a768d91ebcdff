"""A Slack of our own on 127.0.0.1: the part of its Web API that Playcall uses, which misbehaves
when it is told to, and whatever signs requests as Slack does."""

import contextlib
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Event, Lock
from typing import Any
from urllib.parse import parse_qs, urlencode

from tests.servers import answering

SECRET = "signing secret of the test"
TOKEN = "xoxb-of-the-test"
BOT = "UBOT00001"


@dataclass
class FakeChannel:
    id: str
    name: str
    is_member: bool = True
    is_archived: bool = False
    created: int = 0
    topic: str = ""
    members: list[str] = field(default_factory=list)
    bookmarks: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    def shown(self, *, replies: bool = False) -> list[str]:
        """What its messages, or what is in their threads, say."""
        return [said(one) for one in self.messages if bool(one.get("thread_ts")) is replies]


def said(message: Mapping[str, Any]) -> str:
    """A message as a person reads it."""
    texts = [one["text"]["text"] for one in message["blocks"] if "text" in one]
    return "\n".join(texts)


def buttons(message: Mapping[str, Any]) -> dict[str, str]:
    """Its buttons' labels, and what comes back with each."""
    return {
        one["text"]["text"]: one.get("value") or one.get("url")
        for block in message["blocks"]
        if block["type"] == "actions"
        for one in block["elements"]
    }


@dataclass
class FakeSlack:
    url: str = ""
    # How the next calls of a method go wrong, in order: a number is a status, "garbage", "hang",
    # "lost" (done, and never answered), or Slack's own word for an error.
    faults: dict[str, list[int | str]] = field(default_factory=dict)
    always: dict[str, int | str] = field(default_factory=dict)  # the same, every time
    channels: dict[str, FakeChannel] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)  # to response_url
    users: set[str] = field(default_factory=lambda: {"UADA00001", "UBOB00001"})
    socket: str = ""  # where a socket is to be opened
    release: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)
    clock: Iterator[int] = field(default_factory=lambda: itertools.count(4_102_444_800))

    def channel(self, name: str, **more: Any) -> FakeChannel:
        made = FakeChannel(id=f"C{len(self.channels):08d}", name=name, **more)
        self.channels[made.id] = made
        return made

    def named(self, name: str) -> FakeChannel:
        return next(one for one in self.channels.values() if one.name == name)

    def count(self, method: str) -> int:
        return sum(called == method for called, _ in self.calls)

    # --- the methods; each returns its answer, or Slack's word for why not

    def call(self, method: str, form: dict[str, str]) -> dict[str, Any] | str:
        known = getattr(self, f"_{method.replace('.', '_')}", None)
        return known(form) if known else "unknown_method"

    def _chat_postMessage(self, form: dict[str, str]) -> dict[str, Any] | str:
        channel = self.channels.get(form["channel"])
        if channel is None:
            return "channel_not_found"
        if channel.is_archived:
            return "is_archived"
        if not channel.is_member:
            return "not_in_channel"
        message = {
            "ts": f"{next(self.clock)}.000100",
            "text": form["text"],
            "blocks": json.loads(form["blocks"]),
            "metadata": json.loads(form["metadata"]),
        }
        for key in ("thread_ts", "reply_broadcast"):
            if key in form:
                message[key] = form[key]
        channel.messages.append(message)
        return {"ts": message["ts"], "channel": channel.id}

    def _chat_update(self, form: dict[str, str]) -> dict[str, Any] | str:
        channel = self.channels.get(form["channel"])
        for message in channel.messages if channel else ():
            if message["ts"] == form["ts"]:
                message |= {"text": form["text"], "blocks": json.loads(form["blocks"])}
                return {"ts": form["ts"]}
        return "message_not_found" if channel else "channel_not_found"

    def _conversations_open(self, form: dict[str, str]) -> dict[str, Any] | str:
        if form["users"] not in self.users:
            return "user_not_found"
        known = [one for one in self.channels.values() if one.name == form["users"]]
        return {"channel": {"id": (known or [self.channel(form["users"])])[0].id}}

    def _conversations_history(self, form: dict[str, str]) -> dict[str, Any] | str:
        return self._page(form, lambda one: not one.get("thread_ts"))

    def _conversations_replies(self, form: dict[str, str]) -> dict[str, Any] | str:
        return self._page(form, lambda one: form["ts"] in (one["ts"], one.get("thread_ts")))

    def _page(self, form: dict[str, str], wanted: Any) -> dict[str, Any] | str:
        channel = self.channels.get(form["channel"])
        if channel is None:
            return "channel_not_found"
        assert form["include_all_metadata"] == "true"
        since = float(form["oldest"])
        there = [one for one in channel.messages if wanted(one) and float(one["ts"]) >= since]
        return {"messages": there[::-1]}

    def _conversations_list(self, form: dict[str, str]) -> dict[str, Any]:
        """One a page, so that pages are read on."""
        there = list(self.channels.values())
        at = int(form.get("cursor") or 0)
        more = str(at + 1) if at + 1 < len(there) else ""
        page = [self._told(one) for one in there[at : at + 1]]
        return {"channels": page, "response_metadata": {"next_cursor": more}}

    def _conversations_info(self, form: dict[str, str]) -> dict[str, Any] | str:
        found = self.channels.get(form["channel"])
        return {"channel": self._told(found)} if found else "channel_not_found"

    def _told(self, one: FakeChannel) -> dict[str, Any]:
        keys = ("id", "name", "is_member", "is_archived", "created")
        return {key: getattr(one, key) for key in keys}

    def _conversations_create(self, form: dict[str, str]) -> dict[str, Any] | str:
        if any(one.name == form["name"] for one in self.channels.values()):
            return "name_taken"
        return {"channel": self._told(self.channel(form["name"], created=next(self.clock)))}

    def _conversations_setTopic(self, form: dict[str, str]) -> dict[str, Any] | str:
        self.channels[form["channel"]].topic = form["topic"]
        return {}

    def _conversations_invite(self, form: dict[str, str]) -> dict[str, Any] | str:
        there = self.channels[form["channel"]].members
        if form["users"] in there:
            return "already_in_channel"
        there.append(form["users"])
        return {}

    def _conversations_archive(self, form: dict[str, str]) -> dict[str, Any] | str:
        self.channels[form["channel"]].is_archived = True
        return {}

    def _bookmarks_list(self, form: dict[str, str]) -> dict[str, Any]:
        return {"bookmarks": self.channels[form["channel_id"]].bookmarks}

    def _bookmarks_add(self, form: dict[str, str]) -> dict[str, Any]:
        self.channels[form["channel_id"]].bookmarks.append(form)
        return {}

    def _apps_connections_open(self, form: dict[str, str]) -> dict[str, Any]:
        return {"url": self.socket}

    def _views_open(self, form: dict[str, str]) -> dict[str, Any]:
        self.views.append(json.loads(form["view"]))
        return {"view": {"id": "V1"}}


SLOWER = b'{"ok": false, "error": "ratelimited"}'


@contextlib.contextmanager
def fake_slack() -> Iterator[FakeSlack]:
    state = FakeSlack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            method = self.path.rpartition("/")[2]
            if method == "respond":
                state.answers.append(json.loads(body))
                self._say(200, b"ok")
                return
            form = {key: one[0] for key, one in parse_qs(body, keep_blank_values=True).items()}
            with state.lock:
                self._answer(method, form)

        def _answer(self, method: str, form: dict[str, str]) -> None:
            state.calls.append((method, form))
            fault = (state.faults.get(method) or [state.always.get(method, "")]).pop(0)
            if fault == "lost":
                state.call(method, form)
            if fault in ("hang", "lost"):
                self.close_connection = True
                if fault == "hang":
                    state.lock.release()
                    state.release.wait(30)
                    state.lock.acquire()
            elif fault == "garbage":
                self._say(200, b"<html>no JSON")
            elif isinstance(fault, int):
                self._say(fault, SLOWER if fault == 429 else b"no")
            else:
                found = fault or state.call(method, form)
                told = {"ok": False, "error": found} if isinstance(found, str) else found
                self._say(200, json.dumps({"ok": True, **told}).encode())

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            if status == 429:
                self.send_header("retry-after", "7")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with answering(Handler, state.release) as url:
        state.url = url + "/api/"
        yield state


# --- What Slack sends ----------------------------------------------------------------------------

_triggers = itertools.count(1)


def signed(body: str, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    """The headers that go with it."""
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={digest}",
    }


def a_command(user: str, text: str) -> str:
    return urlencode(
        {
            "command": "/playcall",
            "text": text,
            "user_id": user,
            "team_id": "T1",
            "channel_id": "C1",
            "response_url": "",
            "trigger_id": f"t{next(_triggers)}",
        }
    )


def a_press(user: str, action: str, value: str, url: str) -> str:
    return _interaction(
        {
            "type": "block_actions",
            "user": {"id": user},
            "actions": [{"type": "button", "action_id": action, "value": value, "block_id": "b"}],
            "response_url": url.replace("/api/", "/respond"),
        }
    )


def a_reason(user: str, view: Mapping[str, Any], reason: str) -> str:
    values = {"reason": {"text": {"type": "plain_text_input", "value": reason}}}
    answered = {**view, "id": "V1", "state": {"values": values}}
    return _interaction({"type": "view_submission", "user": {"id": user}, "view": answered})


def _interaction(payload: dict[str, Any]) -> str:
    told = {"team": {"id": "T1"}, "trigger_id": f"t{next(_triggers)}", **payload}
    return urlencode({"payload": json.dumps(told)})
