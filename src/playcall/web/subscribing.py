"""How strangers subscribe to the status page and leave it again. What is answered never tells who
is subscribed; nothing is sent to an address before somebody there said yes."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from playcall.channels.subscriber_links import SubscriberLinks
from playcall.engine.ports import Clock, Store
from playcall.engine.subscription import SubscriberKind
from playcall.web.auth import Commander
from playcall.web.desk import desk
from playcall.web.public_render import Look, draw

LONGEST_FORM = 4096  # bytes
WITHIN = timedelta(minutes=10)
FROM_ONE_IP = 10  # requests within it
FROM_ALL = 300
REMEMBERED = 10_000  # addresses that asked lately
ASKED = (
    "Thank you. If this address is not subscribed yet, a message is on its way to it: only after "
    "a yes from there will it get updates."
)

router = APIRouter(prefix="/api/v1")


class Addresses(Protocol):
    def takes(self, kind: SubscriberKind, address: str) -> bool: ...


@dataclass(slots=True, kw_only=True)
class Gate:
    """How often one may ask."""

    _lately: OrderedDict[str, deque[datetime]] = field(default_factory=OrderedDict)

    def admits(self, who: str, now: datetime) -> bool:
        return self._counts("", FROM_ALL, now) and self._counts(who, FROM_ONE_IP, now)

    def _counts(self, who: str, at_most: int, now: datetime) -> bool:
        times = self._lately.setdefault(who, deque())
        self._lately.move_to_end(who)
        while times and now - times[0] >= WITHIN:
            times.popleft()
        if len(self._lately) > REMEMBERED:
            self._lately.popitem(last=False)
        if len(times) >= at_most:
            return False
        times.append(now)
        return True


@dataclass(slots=True, kw_only=True)
class Subscribing:
    """The forms, and what comes of them."""

    look: Look
    store: Store
    clock: Clock
    links: SubscriberLinks
    post: Addresses
    gate: Gate = field(default_factory=Gate)

    async def subscribe(self, request: Request) -> Response:
        form = await _form(request)
        who = request.client.host if request.client else ""
        if not self.gate.admits(f"ip {who}", self.clock.now()):
            return self._say("Too many requests. Try again in ten minutes.", 429)
        address = form.get("address", "").strip()
        kind = form.get("kind", "")
        if kind not in self.look.kinds or not self.post.takes(SubscriberKind(kind), address):
            return self._wrong(kind, address)
        wanted = SubscriberKind(kind)
        now = self.clock.now()
        await self.store.write(lambda tx: tx.subscribe(wanted, address, now))
        return self._say(ASKED)

    async def look_at_confirmation(self, request: Request) -> Response:
        if self._confirmed(request) is None:
            return self._say("This link is too old, or damaged. Subscribe again.", 410)
        return self._ask("Get the updates of this page?", "Yes, subscribe")

    async def confirm(self, request: Request) -> Response:
        found, now = self._confirmed(request), self.clock.now()
        if found is None or not await self.store.write(lambda tx: tx.confirm(found, now)):
            return self._say("This link is too old, or damaged. Subscribe again.", 410)
        return self._say("You are subscribed. Every message tells how to leave.")

    async def look_at_leaving(self, request: Request) -> Response:
        if self.links.leaver(request.path_params["token"]) is None:
            return self._say("This link is damaged.", 410)
        return self._ask("Get no more updates of this page?", "Unsubscribe")

    async def leave(self, request: Request) -> Response:
        """From the page, or by a mail program's one click (RFC 8058); again, too."""
        found = self.links.leaver(request.path_params["token"])
        if found is None:
            return self._say("This link is damaged.", 410)
        await self.store.write(lambda tx: tx.unsubscribe(found))
        return self._say("You are not subscribed any more, and your address is forgotten.")

    def _confirmed(self, request: Request) -> str | None:
        return self.links.confirmed(request.path_params["token"], self.clock.now())

    def _wrong(self, kind: str, address: str) -> Response:
        wrong = (
            "Write the address of your webhook, beginning with https://."
            if kind == SubscriberKind.WEBHOOK
            else "Write a mail address, such as ada@example.org."
        )
        page = draw(
            "public_subscribe.html",
            self.look,
            wrong=wrong,
            address=address[:300],
            kind=kind,
            page=None,
            stale=False,
        )
        return Response(page, 422, media_type="text/html")

    def _say(self, text: str, status: int = 200) -> Response:
        page = draw("public_said.html", self.look, said=text, page=None, stale=False)
        headers = {"retry-after": str(int(WITHIN.total_seconds()))} if status == 429 else None
        return Response(page, status, headers, "text/html")

    def _ask(self, question: str, button: str) -> Response:
        page = draw(
            "public_ask.html", self.look, question=question, button=button, page=None, stale=False
        )
        return Response(page, media_type="text/html")


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form; nothing of one that is too large."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
    return {name: values[0] for name, values in fields.items()}


def subscribing_routes(site: Subscribing) -> list[BaseRoute]:
    path = site.look.path
    confirm, leave = f"{path}/confirm/{{token}}", f"{path}/unsubscribe/{{token}}"
    return [
        Route(f"{path}/subscribe", site.subscribe, methods=["POST"]),
        Route(confirm, site.look_at_confirmation, methods=["GET"]),
        Route(confirm, site.confirm, methods=["POST"]),
        Route(leave, site.look_at_leaving, methods=["GET"]),
        Route(leave, site.leave, methods=["POST"]),
    ]


@router.get("/status-page/subscribers")
async def subscribers(request: Request, who: Commander) -> JSONResponse:
    """Who is told of updates; those who could not be reached come first."""
    found = await desk(request).store.read(lambda views: views.subscribers())
    listed = [
        {
            "id": one.id,
            "kind": one.kind,
            "address": one.address,
            "state": one.state,
            "asked_at": one.asked_at.isoformat(),
            "failures": one.failures,
            "reason": one.reason,
        }
        for one in found
    ]
    return JSONResponse(listed)
