"""Puts the routes together, and the last boundary: what is a bug is logged and said as one."""

import logging
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playcall.engine.ports import Unavailable
from playcall.web import (
    acknowledge_links,
    action_items,
    api,
    api_approvals,
    api_playbooks,
    api_response,
    api_values,
    audit,
    board,
    charts,
    drills,
    duties,
    emergency,
    export,
    following,
    incidents,
    insights,
    ledger,
    live,
    me,
    messages,
    notes,
    now_chart,
    oncall,
    oncall_forms,
    oncall_pages,
    pages,
    pages_approvals,
    pages_response,
    pins,
    playbooks,
    post_mortem,
    post_mortem_page,
    post_mortem_versions,
    proposals,
    push,
    regroup,
    review,
    rollback,
    search,
    settings,
    sharing,
    similar,
    slack,
    subscribing,
    summary,
    test_pages,
    twilio,
    unheard,
    updates,
)
from playcall.web.auth import Doorkeeper, Viewer
from playcall.web.bounces import take_bounce
from playcall.web.callers import Callers
from playcall.web.desk import Desk
from playcall.web.health import tell_health
from playcall.web.intake import receive_alertmanager
from playcall.web.metrics import expose
from playcall.web.slack import SlackDoor
from playcall.web.static_files import VersionedFiles

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; worker-src 'self'; manifest-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


API = (
    api.router,
    ledger.router,
    following.router,
    messages.router,
    oncall.router,
    unheard.router,
    subscribing.router,
    test_pages.router,
    api_response.router,
    duties.router,
    emergency.router,
    action_items.router,
    insights.router,
    audit.router,
    drills.router,
    settings.router,
    similar.router,
    post_mortem.router,
    export.router,
    review.router,
    proposals.router,
    pins.router,
    sharing.router,
    summary.router,
    api_playbooks.router,
    api_approvals.router,
    api_values.router,
    updates.router,
    rollback.router,
    regroup.router,
    push.router,
    search.router,
)
PAGES = (
    duties.forms,
    action_items.forms,
    insights.page,
    now_chart.router,
    post_mortem_page.forms,
    post_mortem_versions.forms,
    audit.page,
    drills.page,
    settings.page,
    charts.router,
    export.files,
    review.forms,
    proposals.forms,
    pins.forms,
    sharing.forms,
    summary.forms,
    playbooks.router,
    ledger.forms,
    messages.forms,
    oncall.feeds,
    oncall_pages.router,
    oncall_forms.router,
    slack.router,
    board.router,
    incidents.router,
    search.page,
    pages.router,
    live.router,
    notes.router,
    pages_response.router,
    updates.forms,
    rollback.forms,
    regroup.forms,
    pages_approvals.router,
    pages_approvals.links,
    acknowledge_links.router,
    twilio.router,
    push.files,
    me.router,
)


def build_web(
    desk: Desk,
    doorkeeper: Doorkeeper,
    door: SlackDoor | None = None,
    public: Sequence[BaseRoute] = (),
) -> FastAPI:
    web = FastAPI(title="Playcall", version="1", openapi_url=None, docs_url=None, redoc_url=None)
    web.state.desk = desk
    web.state.doorkeeper = doorkeeper
    web.state.slack = door
    web.router.routes.extend(public)
    for router in API:
        web.include_router(router)
    for router in PAGES:
        web.include_router(router, include_in_schema=False)
    web.add_api_route(
        "/api/v1/alerts/alertmanager",
        receive_alertmanager,
        methods=["POST"],
        response_model=None,
        status_code=202,
    )
    web.add_api_route("/api/v1/health", tell_health, methods=["GET"], response_model=None)
    web.add_api_route("/api/v1/mail/bounces", take_bounce, methods=["POST"], response_model=None)
    web.add_api_route("/metrics", expose, methods=["GET"], include_in_schema=False)
    web.mount("/static", VersionedFiles(), name="static")

    @web.get("/api/v1/openapi.json", include_in_schema=False)
    async def openapi(_: Viewer) -> JSONResponse:
        return JSONResponse(web.openapi())

    _say_errors(web)
    web.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=5)
    web.add_middleware(_Headers)
    web.add_middleware(Callers)
    return web


def build_standby(public: Sequence[BaseRoute]) -> Starlette:
    """Only the status page; whatever else is asked has to wait for the database."""
    everything = Route("/{rest:path}", _not_yet, methods=["GET", "POST", "PUT", "DELETE"])
    standby = Starlette(routes=[*public, everything])
    standby.add_middleware(_Headers)
    return standby


async def _not_yet(request: Request) -> Response:
    detail = "the database is not available; Playcall tries again by itself"
    return JSONResponse({"detail": detail}, 503, {"retry-after": "5"})


def _say_errors(web: FastAPI) -> None:
    web.add_exception_handler(HTTPException, _refuse)  # type: ignore[arg-type]
    web.add_exception_handler(Unavailable, _regret)  # type: ignore[arg-type]
    web.add_exception_handler(RequestValidationError, _not_understood)
    web.add_exception_handler(OverflowError, _out_of_range)
    web.add_exception_handler(UnicodeEncodeError, _no_text)
    web.add_exception_handler(Exception, _confess)


class _Headers:
    """Adds our headers to every response, streams included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _refuse(request: Request, error: HTTPException) -> Response:
    """An API caller gets JSON; a person is sent to sign in, or gets a page that says why."""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
    if error.status_code == 401:
        return RedirectResponse(f"/sign-in?next={quote(_page_of(request))}", 303)
    return pages.refusal(request, error)


def _page_of(request: Request) -> str:
    """Where somebody goes on after signing in: what they asked for, or where the form was."""
    if request.method != "GET":
        return urlsplit(request.headers.get("referer", "")).path or "/"
    asked = f"?{request.url.query}" if request.url.query else ""
    return request.url.path + asked


async def _regret(request: Request, error: Unavailable) -> Response:
    log.error("%s %s: %s", request.method, request.url.path, error)
    return await _refuse(request, HTTPException(503, str(error)))


async def _not_understood(request: Request, error: Exception) -> Response:
    """As FastAPI says it, without what was sent: that may be no JSON, or a secret."""
    assert isinstance(error, RequestValidationError)
    if not request.url.path.startswith("/api/"):
        said = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
        return pages.refusal(request, HTTPException(422, said))
    told = [{key: one[key] for key in ("loc", "msg", "type")} for one in error.errors()]
    return JSONResponse({"detail": told}, 422)


async def _out_of_range(request: Request, error: Exception) -> Response:
    return await _refuse(request, HTTPException(422, "a moment or a number is out of range"))


async def _no_text(request: Request, error: Exception) -> Response:
    return await _refuse(request, HTTPException(422, "a text holds what is no character"))


async def _confess(request: Request, error: Exception) -> Response:
    log.error("bug in %s %s", request.method, request.url.path, exc_info=error)
    return JSONResponse({"detail": "a bug in Playcall; its log has the details"}, 500, HEADERS)
