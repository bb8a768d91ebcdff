"""The page of whoever is signed in: how Playcall reaches them, and whether each way works."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from playcall.core.message import Message
from playcall.core.wording import say_instant
from playcall.engine.devices import Device
from playcall.engine.ports import Method, Transaction, Unavailable
from playcall.web import push
from playcall.web.auth import Identity, Viewer
from playcall.web.desk import desk, directory
from playcall.web.templates import render

router = APIRouter(prefix="/me")

NAMES: Mapping[str, str] = {
    "mail": "Mail",
    "webhook": "Webhook",
    "slack": "Slack",
    "sms": "SMS",
    "voice": "Call",
    "push": "Notifications",
    "apprise": "Apprise",
}
SECRET = frozenset({"webhook", "apprise"})  # their addresses are as good as passwords


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of a test."""

    channel: str
    said: str
    worked: bool


@router.get("")
async def page(request: Request, who: Viewer) -> HTMLResponse:
    return await _draw(request, who)


@router.post("/test")
async def test(request: Request, who: Viewer, channel: Annotated[str, Form()]) -> HTMLResponse:
    """A real message by one of one's own methods; nobody else's."""
    found = next((one for one in _methods(request, who) if one.channel == channel), None)
    if found is None:
        raise HTTPException(422, f"{who.name} has no {channel[:40]} to be reached by")
    return await _draw(request, who, await _try(request, who, found))


@router.post("/devices/forget")
async def forget(request: Request, who: Viewer, device: Annotated[str, Form()]) -> Response:
    def work(tx: Transaction) -> None:
        for known in tx.devices(who.id):
            if _id(known) == device:
                tx.remove_device(known.endpoint, who.id)

    await desk(request).store.write(work)
    return RedirectResponse("/me", 303)


async def _try(request: Request, who: Identity, method: Method) -> Outcome:
    name = name_of(method.channel)
    channel = desk(request).engine.performer.hands.channels.get(method.channel)
    key = f"test.0.0.{who.id}/{secrets.token_hex(6)}"
    try:
        if channel is None:
            raise Unavailable("no such channel is configured")
        await channel.send(_message(request, who), method.address, key)
    except Unavailable as error:
        return Outcome(channel=method.channel, said=f"{name} failed: {error}", worked=False)
    said = f"{name}: the test was taken. It should be with you in a moment."
    return Outcome(channel=method.channel, said=said, worked=True)


def _message(request: Request, who: Identity) -> Message:
    now = desk(request).clock.now()
    url = desk(request).engine.performer.committer.url
    return Message(
        subject=f"Test of Playcall for {who.name}",
        body=f"{who.name} asked for this test on {say_instant(now)}. Nothing has to be done.",
        link=f"{url}/me",
        thread=f"test-{who.id}",
        urgent=True,  # so that it comes as a page would
    )


async def _draw(request: Request, who: Identity, outcome: Outcome | None = None) -> HTMLResponse:
    methods = [
        {"channel": m.channel, "name": name_of(m.channel), "address": shown_address(m)}
        for m in _methods(request, who)
    ]
    devices = await _devices(request, who)
    html = render(
        "me.html",
        who=who,
        methods=methods,
        known=who.id in directory(request).people,
        push=push.channel(request) is not None,
        devices=[{"id": _id(one), "name": one.name, "at": one.added_at} for one in devices],
        outcome=outcome,
    )
    return HTMLResponse(html)


def _methods(request: Request, who: Identity) -> tuple[Method, ...]:
    person = directory(request).people.get(who.id)
    return person.methods if person else ()


async def _devices(request: Request, who: Identity) -> list[Device]:
    return list(await desk(request).store.write(lambda tx: tx.devices(who.id)))


def name_of(channel: str) -> str:
    return NAMES.get(channel, channel)


def shown_address(method: Method) -> str:
    if method.channel == "push":
        return "the devices below"
    if method.channel in SECRET:
        return f"{method.address.partition('://')[0]}://…"
    return method.address


def _id(device: Device) -> str:
    return hashlib.sha256(device.endpoint.encode()).hexdigest()[:16]
