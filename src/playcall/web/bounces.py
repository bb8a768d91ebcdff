"""Where a mail server hands over what came back: a page that bounced goes to the next method."""

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from playcall.intake.bounce import NoBounce, read_bounce
from playcall.web.auth import Doorkeeper
from playcall.web.desk import desk
from playcall.web.intake import read_body

log = logging.getLogger(__name__)

LARGEST = 4_000_000  # bytes


async def take_bounce(request: Request) -> Response:
    """`POST /api/v1/mail/bounces`: a mail as it came, with an intake token. What is no bounce is
    told so and changes nothing; the same one twice changes nothing either."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not doorkeeper.admits_intake(token.strip()):
        return JSONResponse({"detail": "the intake does not know this token"}, 401)
    body = await read_body(request, LARGEST)
    if body is None:
        return JSONResponse({"detail": f"a mail of over {LARGEST} bytes is no bounce"}, 413)
    try:
        bounce = read_bounce(body)
    except NoBounce as error:
        return JSONResponse({"detail": f"not taken: {error}"}, 422)
    engine = desk(request).engine
    known = await engine.receipt(bounce.key, arrived=False, reason=bounce.reason, channel="mail")
    if not known:
        return JSONResponse({"detail": "no mail of that key was sent from here"}, 404)
    log.warning("%s: %s", bounce.key, bounce.reason)
    return JSONResponse({"key": bounce.key, "reason": bounce.reason})
