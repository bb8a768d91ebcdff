"""Which path is answered by what; refusals in the API's own form; and who may ask at all."""

import secrets
from collections.abc import Callable
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from drillrange.cluster import discovery
from drillrange.cluster.api import Api
from drillrange.cluster.kinds import METRICS
from drillrange.cluster.objects import Object, Refused
from drillrange.cluster.podapi import PodApi
from drillrange.cluster.status import refusal

BASES = ("/api/v1", "/apis/{group}/v1")
ANY = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def application(api: Api, pods: PodApi) -> Starlette:
    routes: list[Route | WebSocketRoute] = [*_discovery(), *_pods(pods)]
    for base in BASES:
        namespaced = base + "/namespaces/{namespace}/{plural}"
        scaled = ["GET", "PUT", "PATCH"]
        routes += [
            Route(namespaced + "/{name}/scale", api.scale, methods=scaled),
            Route(namespaced + "/{name}", api.item, methods=["GET", "PUT", "PATCH", "DELETE"]),
            Route(namespaced, api.collection, methods=["GET", "POST", "DELETE"]),
            Route(base + "/{plural}/{name}", api.item, methods=["GET", "PUT", "PATCH", "DELETE"]),
            Route(base + "/{plural}", api.collection, methods=["GET", "POST"]),
        ]
    return Starlette(
        routes=routes,
        exception_handlers={
            Refused: _refuse,
            404: _say_unknown,
            405: _say_not_allowed,
            500: _say_broken,
        },
    )


def _discovery() -> list[Route]:
    def say(path: str, answer: Callable[[], Object]) -> Route:
        def endpoint(_: Request) -> Response:
            return JSONResponse(answer())

        return Route(path, endpoint)

    return [
        say("/version", lambda: dict(discovery.VERSION)),
        say("/api", discovery.api_versions),
        say("/apis", discovery.groups),
        say("/api/v1", lambda: discovery.resources("")),
        say(f"/apis/{METRICS}/v1beta1", lambda: discovery.resources(METRICS)),
        say("/openapi/v3", discovery.openapi_index),
        say("/openapi/v3/api/v1", lambda: discovery.openapi("")),
        *(
            route
            for name in discovery.SERVED
            if name
            for route in (
                say(f"/apis/{name}", partial(discovery.group, name)),
                say(f"/apis/{name}/v1", partial(discovery.resources, name)),
                say(f"/openapi/v3/apis/{name}/v1", partial(discovery.openapi, name)),
            )
        ),
        *(Route(path, _say_ok) for path in ("/healthz", "/livez", "/readyz")),
    ]


def _pods(pods: PodApi) -> list[Route | WebSocketRoute]:
    pod = "/api/v1/namespaces/{namespace}/pods/{name}"
    metrics = f"/apis/{METRICS}/v1beta1"
    return [
        Route(f"{pod}/log", pods.log),
        WebSocketRoute(f"{pod}/exec", pods.execute),
        Route(f"{pod}/exec", pods.refuse_spdy, methods=["GET", "POST"]),
        Route(f"{metrics}/pods", pods.usages),
        Route(metrics + "/namespaces/{namespace}/pods", pods.usages),
        Route(metrics + "/namespaces/{namespace}/pods/{name}", pods.usage),
    ]


class Guarded:
    """Lets in only who has the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._is_known(scope):
            response = refusal(Refused(401, "Unauthorized", "Unauthorized"))
            if scope["type"] == "websocket":
                await WebSocket(scope, receive, send).send_denial_response(response)
            else:
                await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        return secrets.compare_digest(_bearer(scope), self._token)


def _bearer(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return bytes(value[7:])
    return b""


def _say_ok(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return refusal(error)


async def _say_unknown(_: Request, error: Exception) -> Response:
    return refusal(Refused(404, "NotFound", "the server could not find the requested resource"))


async def _say_broken(_: Request, error: Exception) -> Response:
    """The server's log has the traceback."""
    message = f"an error on the server of the pocket cluster: {error!r}"
    return refusal(Refused(500, "InternalError", message))


async def _say_not_allowed(_: Request, error: Exception) -> Response:
    message = "the server does not allow this method on the requested resource"
    return refusal(Refused(405, "MethodNotAllowed", message))
