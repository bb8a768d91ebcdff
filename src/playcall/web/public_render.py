"""Turns the status page's value into what is sent: pages, feed and JSON, each made when it is first
asked for, and the same bytes from then on."""

import gzip
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec
from fastapi import Request
from starlette.responses import Response

from playcall.core.status_page import PublicPage, headline, next_update, public_id
from playcall.web.public_api import PATHS, PublicApi
from playcall.web.public_feed import write_feed
from playcall.web.templates import STATIC, environment

FRESH = "public, max-age=15"
LASTING = "public, max-age=3600"
SHORTEST_TO_ZIP = 1000  # bytes
RECENT = 5  # past incidents on the first page

environment.globals.update(headline=headline, next_update=next_update, public_id=public_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the settings say of the page."""

    title: str
    path: str  # "/status"
    url: str  # where people reach it
    contact: str = ""
    kinds: tuple[str, ...] = ()  # how one may subscribe


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    body: bytes
    media: str
    cache: str = FRESH
    status: int = 200
    tag: str = ""
    zipped: bytes | None = None

    def respond(self, request: Request) -> Response:
        headers = {"cache-control": self.cache, "etag": self.tag, "vary": "accept-encoding"}
        if self.media == "application/json":
            headers["access-control-allow-origin"] = "*"
        if self.tag and self.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = self.body
        if self.zipped and "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            body = self.zipped
        return Response(body, self.status, headers, self.media)


@dataclass(slots=True, kw_only=True)
class Rendering:
    """One state of the page, and the answers made of it so far."""

    page: PublicPage
    look: Look
    stale: bool = False  # the database does not answer: it may be better or worse by now
    _answers: dict[str, Answer | None] = field(default_factory=dict)

    def answer(self, path: str) -> Answer | None:
        """What is at a path below the page's own; None: nothing."""
        if path not in self._answers:
            made = self._make(path)
            if made is None:
                return None  # not kept: there is no end of paths that lead nowhere
            self._answers[path] = made
        return self._answers[path]

    def _make(self, path: str) -> Answer | None:
        if path == "":
            return self._html("public.html", recent=self.page.past[:RECENT])
        if path == "history":
            return self._html("public_history.html")
        if path == "history.atom":
            feed = write_feed(self.page, self.look.title, self.look.url)
            return answer(feed, "application/atom+xml")
        if path == "style.css":
            style = (STATIC / "public.css").read_bytes()
            return answer(style, "text/css", cache=LASTING)
        if path == "subscribe" and self.look.kinds:
            return self._html("public_subscribe.html", wrong="", address="")
        section, _, rest = path.partition("/")
        if section == "incidents":
            return self._incident(rest)
        if section == "api":
            return self._json(rest.removeprefix("v2/")) if rest.startswith("v2/") else None
        return None

    def _incident(self, found: str) -> Answer | None:
        for one in self.page.incidents:
            if public_id("incident", one.number) == found:
                return self._html("public_incident.html", incident=one)
        return None

    def _json(self, path: str) -> Answer | None:
        if path not in PATHS:
            return None
        api = PublicApi(self.page, self.look.title, self.look.url)
        return answer(msgspec.json.encode(api.answer(path)), "application/json")

    def _html(self, template: str, **values: object) -> Answer:
        return answer(draw(template, self.look, page=self.page, stale=self.stale, **values))


def draw(template: str, look: Look, **values: object) -> bytes:
    return environment.get_template(template).render(look=look, **values).encode()


def answer(
    body: bytes, media: str = "text/html; charset=utf-8", cache: str = FRESH, status: int = 200
) -> Answer:
    return Answer(
        body=body,
        media=media,
        cache=cache,
        status=status,
        tag=f'W/"{blake2b(body, digest_size=12).hexdigest()}"',
        zipped=gzip.compress(body, mtime=0) if len(body) >= SHORTEST_TO_ZIP else None,
    )
