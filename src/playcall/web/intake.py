"""The webhook that Alertmanager posts to. A 2xx means: on disk.

Alertmanager tries again only after a 5xx, so that load is answered with 503 and never with a 4xx.
"""

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from playcall.engine.ports import Unavailable
from playcall.intake.alertmanager import BadWebhook, read_webhook
from playcall.web.auth import Doorkeeper
from playcall.web.desk import desk

log = logging.getLogger(__name__)

LARGEST = 64_000_000  # bytes: well over 10,000 alerts


async def receive_alertmanager(request: Request) -> Response:
    """`POST /api/v1/alerts/alertmanager`, webhook version 4, with a bearer token of the intake."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not doorkeeper.admits_intake(token.strip()):
        return _answer(401, "the intake does not know this token; see intake.tokens")
    body = await read_body(request, LARGEST)
    if body is None:
        return _answer(413, f"the notification is over {LARGEST} bytes; set max_alerts")
    try:
        notification = read_webhook(body)
    except BadWebhook as error:
        log.warning("webhook refused: %s", error)
        return _answer(400, str(error))
    if notification.truncated:
        log.warning(
            "%s left out %d alerts: set max_alerts to 0 in its webhook_config",
            notification.receiver,
            notification.truncated,
        )
    try:
        receipt = await desk(request).engine.receive(notification.alerts, notification.source)
    except Unavailable as error:
        log.error("alerts not stored: %s", error)
        return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "5"})
    return JSONResponse({"news": receipt.news, "repeated": receipt.repeated}, 202)


async def read_body(request: Request, largest: int) -> bytes | None:
    """The body; None as soon as it is known to be too large."""
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > largest:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            return None
    return bytes(body)


def _answer(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)
