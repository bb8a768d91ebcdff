"""Where a request comes from, for the audit log: the face, and the address of who asks."""

from starlette.types import ASGIApp, Receive, Scope, Send

from playcall.engine.audit import acting_from

CLI = b"playcall"  # how the commands of this package call themselves
_FACES = {"/api/": "API", "/slack/": "Slack", "/twilio/": "phone"}


class Callers:
    """Sets the source of acts; decides nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        before = acting_from.set(source_of(scope))
        try:
            await self._app(scope, receive, send)
        finally:
            acting_from.reset(before)


def source_of(scope: Scope) -> str:
    path: str = scope["path"]
    face = next((name for start, name in _FACES.items() if path.startswith(start)), "page")
    if face == "API" and (b"user-agent", CLI) in scope["headers"]:
        face = "CLI"
    client = scope.get("client")
    return f"{face} {client[0]}" if client else face
