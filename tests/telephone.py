"""A server that speaks Twilio's REST protocol: takes messages and calls, refuses what Twilio would,
and misbehaves when told to. What Twilio posts back is signed as Twilio signs it."""

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Any
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from tests.servers import answering

ACCOUNT = "AC" + "0" * 32
TOKEN = "the token of the account"
ERRORS = {20003: (401, "Authenticate"), 21211: (400, "Invalid 'To' Phone Number"), 20404: (404, "")}
NOBODY = "+15005550001"  # a number that Twilio finds invalid


@dataclass
class Exchange:
    """What was asked of it, and how it answers."""

    url: str = ""
    messages: list[Mapping[str, str]] = field(default_factory=list)
    calls: list[Mapping[str, str]] = field(default_factory=list)
    status: int = 0  # instead of its own answer
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    trickle: bool = False  # a byte now and then, and never the end
    release: Event = field(default_factory=Event)

    def take(self, path: str, authorization: str, said: Mapping[str, str]) -> tuple[int, bytes]:
        login = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        base = f"/2010-04-01/Accounts/{ACCOUNT}"
        kept = {f"{base}/Messages.json": self.messages, f"{base}/Calls.json": self.calls}.get(path)
        if authorization != f"Basic {login}":
            return _error(20003)
        if kept is None:
            return _error(20404)
        if said["To"] == NOBODY:
            return _error(21211)
        kept.append(said)
        sid = f"{'SM' if kept is self.messages else 'CA'}{len(kept):032}"
        return 201, json.dumps({"sid": sid, "status": "queued", "to": said["To"]}).encode()


def _error(code: int) -> tuple[int, bytes]:
    status, message = ERRORS[code]
    more = f"https://www.twilio.com/docs/errors/{code}"
    said = {"code": code, "message": message, "more_info": more, "status": status}
    return status, json.dumps(said).encode()


@contextlib.contextmanager
def exchange() -> Iterator[Exchange]:
    state = Exchange()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            said = dict(parse_qsl(form, keep_blank_values=True))
            if state.hang:
                state.release.wait(30)
                return
            taken = state.take(self.path, self.headers.get("authorization", ""), said)
            status, body = (state.status, state.body) if state.status else taken
            self.send_response(status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body) + 1000 * state.trickle))
            self.end_headers()
            while state.trickle and not state.release.wait(0.05):
                with contextlib.suppress(OSError):
                    self.wfile.write(b" ")
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with answering(Handler, state.release) as url:
        state.url = url
        yield state


def signed(url: str, said: Mapping[str, str], token: str = TOKEN) -> dict[str, str]:
    """The headers with which Twilio posts that to the address."""
    return {"x-twilio-signature": RequestValidator(token).compute_signature(url, said)}
