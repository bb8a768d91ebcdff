"""The devices of whoever is signed in, and the files that make the pages an app that notifies."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field

from playcall.channels.push import Push
from playcall.engine.devices import Device
from playcall.engine.ports import Transaction
from playcall.web.auth import Identity, Viewer
from playcall.web.desk import desk, directory
from playcall.web.templates import STATIC

router = APIRouter(prefix="/api/v1/me")
files = APIRouter()

MOST = 20  # devices of one person
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


class SubscriptionKeys(BaseModel):
    p256dh: Annotated[str, Field(max_length=200)]
    auth: Annotated[str, Field(max_length=100)]


class Subscription(BaseModel):
    """As `PushSubscription.toJSON()` has it."""

    endpoint: Annotated[str, Field(max_length=2048)]
    keys: SubscriptionKeys


class Endpoint(BaseModel):
    endpoint: Annotated[str, Field(max_length=2048)]


def channel(request: Request) -> Push | None:
    found = desk(request).engine.performer.hands.channels.get("push")
    return found if isinstance(found, Push) else None


@router.get("/push-key")
async def push_key(request: Request, who: Viewer) -> dict[str, str]:
    """What a browser needs to subscribe: `applicationServerKey`."""
    return {"key": _channel(request).keys.public()}


@router.post("/devices", status_code=201)
async def add_device(request: Request, who: Viewer, told: Subscription) -> dict[str, str]:
    """This device notifies whoever is signed in; again changes nothing."""
    person = _person(request, who)
    why = _channel(request).service.objection(told.endpoint) or _objection(told.keys)
    if why:
        raise HTTPException(422, f"this subscription cannot be used: {why}")
    device = Device(
        endpoint=told.endpoint,
        person=person,
        p256dh=told.keys.p256dh,
        auth=told.keys.auth,
        name=name_of(request.headers.get("user-agent", "")),
        added_at=desk(request).clock.now(),
    )

    def work(tx: Transaction) -> bool:
        known = {one.endpoint for one in tx.devices(person)}
        if device.endpoint not in known and len(known) >= MOST:
            return False
        tx.add_device(device)
        return True

    if not await desk(request).store.write(work):
        raise HTTPException(409, f"{MOST} devices notify {who.name} already; forget one first")
    return {"device": device.name}


@router.delete("/devices", status_code=204)
async def remove_device(request: Request, who: Viewer, told: Endpoint) -> Response:
    removed = await desk(request).store.write(lambda tx: tx.remove_device(told.endpoint, who.id))
    if not removed:
        raise HTTPException(404, "this device notifies nobody here, or somebody else")
    return Response(status_code=204)


def name_of(agent: str) -> str:
    """'Firefox on Android'; enough for its owner to tell it from their others."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "A browser")
    system = next((f" on {name}" for mark, name in SYSTEMS if mark in agent), "")
    return browser + system


def _channel(request: Request) -> Push:
    found = channel(request)
    if found is None:
        raise HTTPException(404, "web push is not turned on: the settings have no [push] table")
    return found


def _person(request: Request, who: Identity) -> str:
    if who.id not in directory(request).people:
        raise HTTPException(409, f"{who.name} is nobody of [people], whom pages are for")
    return who.id


def _objection(keys: SubscriptionKeys) -> str:
    point, secret = _decoded(keys.p256dh), _decoded(keys.auth)
    right = len(point) == 65 and point[0] == 4 and len(secret) == 16
    return "" if right else "its keys are not those of a browser"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


# --- for everybody, signed in or not: a browser asks for them without saying who -----------------


@files.get("/service-worker.js")
async def service_worker() -> FileResponse:
    return FileResponse(STATIC / "service-worker.js", media_type="text/javascript")


@files.get("/manifest.webmanifest")
async def manifest() -> FileResponse:
    return FileResponse(STATIC / "manifest.webmanifest", media_type="application/manifest+json")
