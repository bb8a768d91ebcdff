"""The routes of the Kubernetes API that kubectl uses, over the objects and the controller."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from drillrange.cluster import discovery
from drillrange.cluster.controller import Controller
from drillrange.cluster.objects import (
    KINDS,
    PLURALS,
    Exists,
    NotFound,
    Object,
    Objects,
    selects,
)
from drillrange.cluster.patch import merge, strategic_merge
from drillrange.cluster.running import execute, log_lines, usage
from drillrange.cluster.status import refusal
from drillrange.cluster.tables import table

CORE = "/api/v1/namespaces/{namespace}"
APPS = "/apis/apps/v1/namespaces/{namespace}"
METRICS = f"/apis/{discovery.METRICS}/v1beta1"
BOOKMARK = {"k8s.io/initial-events-end": "true"}


class Api:
    """One method for each thing that is asked."""

    def __init__(self, objects: Objects, controller: Controller) -> None:
        self._objects = objects
        self._controller = controller

    def app(self) -> Starlette:
        def say(answer: Callable[[], dict[str, Any]]) -> Callable[[Request], Response]:
            return lambda _: JSONResponse(answer())

        routes: list[Route | WebSocketRoute] = [
            Route("/version", say(lambda: discovery.VERSION)),
            Route("/api", say(discovery.api_versions)),
            Route("/apis", say(discovery.groups)),
            Route("/api/v1", say(lambda: discovery.resources(""))),
            Route("/apis/apps/v1", say(lambda: discovery.resources("apps"))),
            Route(METRICS, say(discovery.metrics_resources)),
            Route(METRICS + "/namespaces/{namespace}/pods", self.usages),
            Route(CORE + "/pods/{name}/log", self.log),
            WebSocketRoute(CORE + "/pods/{name}/exec", self.execute),
            Route(APPS + "/deployments/{name}/scale", self.scale, methods=["GET", "PATCH", "PUT"]),
        ]
        for prefix in (CORE, APPS):
            routes += [
                Route(prefix + "/{plural}", self.collection, methods=["GET", "POST"]),
                Route(
                    prefix + "/{plural}/{name}",
                    self.item,
                    methods=["GET", "PATCH", "PUT", "DELETE"],
                ),
            ]
        return Starlette(
            routes=routes,
            exception_handlers={
                NotFound: _say_not_found,
                Exists: _say_exists,
                ValueError: _say_invalid,
                404: _say_unknown,
                405: _say_unknown,
            },
        )

    def create(self, manifest: Object) -> Object:
        """Raises Exists, and ValueError for a kind that is not known here."""
        plural = PLURALS.get(manifest.get("kind", ""))
        if plural is None:
            raise ValueError(f"the pocket cluster has no kind {manifest.get('kind')!r}")
        made = self._objects.create(plural, manifest)
        self._changed(plural, made)
        return made

    # --- collections and items

    async def collection(self, request: Request) -> Response:
        plural = _plural(request)
        if request.method == "POST":
            return JSONResponse(self.create(await request.json()), 201)
        wanted = _wanted(request)
        if request.query_params.get("watch") in ("true", "1"):
            return StreamingResponse(
                self._watch(plural, wanted, request), media_type="application/json"
            )
        return self._render(request, plural, self._objects.list(plural, wanted), True)

    async def item(self, request: Request) -> Response:
        plural, name = _plural(request), request.path_params["name"]
        if request.method == "GET":
            return self._render(request, plural, [self._objects.get(plural, name)], False)
        if request.method == "DELETE":
            gone = self._objects.delete(plural, name)
            self._changed(plural, gone)
            return JSONResponse(gone)
        body = await request.json()
        if request.method == "PATCH":
            body = _patched(request, self._objects.get(plural, name), body)
        made = self._objects.replace(plural, body)
        self._changed(plural, made)
        return JSONResponse(made)

    async def scale(self, request: Request) -> Response:
        found = self._objects.get("deployments", request.path_params["name"])
        if request.method != "GET":
            body = merge(_scale_of(found), await request.json())
            found["spec"]["replicas"] = int(body["spec"]["replicas"])
            found = self._objects.replace("deployments", found)
            self._changed("deployments", found)
        return JSONResponse(_scale_of(found))

    def _changed(self, plural: str, about: Object) -> None:
        if plural == "deployments":
            self._controller.look_at(about["metadata"]["name"])

    def _render(
        self, request: Request, plural: str, found: list[Object], many: bool
    ) -> JSONResponse:
        if "as=Table" in request.headers.get("accept", ""):
            return JSONResponse(table(plural, found, self._objects.version))
        if not many:
            return JSONResponse(found[0])
        kind = KINDS[plural]
        return JSONResponse(
            {
                "kind": f"{kind.name}List",
                "apiVersion": kind.api_version,
                "metadata": {"resourceVersion": self._objects.version},
                "items": found,
            }
        )

    async def _watch(
        self, plural: str, wanted: Callable[[Object], bool], request: Request
    ) -> AsyncIterator[bytes]:
        """What is there, a bookmark that says so, then every change."""
        with self._objects.watch(plural) as changes:
            if request.query_params.get("sendInitialEvents") == "true":
                for found in self._objects.list(plural, wanted):
                    yield _event("ADDED", found)
                yield _event("BOOKMARK", self._bookmark(plural))
            while not await request.is_disconnected():
                try:
                    change, about = await asyncio.wait_for(changes.get(), 1.0)
                except TimeoutError:
                    continue
                if wanted(about):
                    yield _event(change, about)

    def _bookmark(self, plural: str) -> Object:
        kind = KINDS[plural]
        meta = {"resourceVersion": self._objects.version, "annotations": BOOKMARK}
        return {"kind": kind.name, "apiVersion": kind.api_version, "metadata": meta}

    # --- running pods

    async def log(self, request: Request) -> Response:
        name = request.path_params["name"]
        self._objects.get("pods", name)
        lines = log_lines(self._controller.pods[name], request.query_params)
        return StreamingResponse(lines, media_type="text/plain")

    async def usages(self, request: Request) -> Response:
        found = self._objects.list("pods", _wanted(request))
        items = [
            usage(self._controller.pods[pod["metadata"]["name"]], pod["metadata"]["labels"])
            for pod in found
            if pod["metadata"]["name"] in self._controller.pods
        ]
        api_version = f"{discovery.METRICS}/v1beta1"
        return JSONResponse(
            {"kind": "PodMetricsList", "apiVersion": api_version, "metadata": {}, "items": items}
        )

    async def execute(self, socket: WebSocket) -> None:
        pod = self._controller.pods.get(socket.path_params["name"])
        if pod is None:
            await socket.close()
            return
        await execute(socket, pod, socket.query_params.getlist("command"))


def _plural(request: Request) -> str:
    """Raises ValueError for a kind that is not known here, or not in this group."""
    plural = request.path_params["plural"]
    group = "apps" if request.url.path.startswith("/apis/") else ""
    if plural not in KINDS or KINDS[plural].group != group:
        raise NotFound(plural, request.path_params.get("name", ""))
    return str(plural)


def _wanted(request: Request) -> Callable[[Object], bool]:
    """The label and field selectors of a request. Raises ValueError for forms not known here."""
    labels = _pairs(request.query_params.get("labelSelector", ""))
    fields = _pairs(request.query_params.get("fieldSelector", ""))
    unknown = set(fields) - {"metadata.name", "metadata.namespace"}
    if unknown:
        raise ValueError(f"field selector {', '.join(sorted(unknown))} is not known here")
    name = fields.get("metadata.name")
    return lambda found: selects(labels, found) and name in (None, found["metadata"]["name"])


def _pairs(selector: str) -> dict[str, str]:
    pairs = {}
    for part in filter(None, selector.split(",")):
        key, separator, value = part.replace("==", "=").partition("=")
        if not separator or key.endswith("!") or " " in part.strip():
            raise ValueError(f'the selector "{part}" is not of the form key=value')
        pairs[key.strip()] = value.strip()
    return pairs


def _patched(request: Request, found: Object, patch: Any) -> Object:
    kind = request.headers.get("content-type", "").split(";")[0]
    if kind == "application/strategic-merge-patch+json":
        return dict(strategic_merge(found, patch))
    if kind == "application/merge-patch+json":
        return dict(merge(found, patch))
    raise ValueError(f"patches of type {kind!r} are not known here")


def _scale_of(deployment: Object) -> Object:
    meta, spec = deployment["metadata"], deployment["spec"]
    kept = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": kept,
        "spec": {"replicas": spec.get("replicas", 1)},
        "status": {"replicas": (deployment.get("status") or {}).get("replicas", 0)},
    }


def _event(change: str, about: Object) -> bytes:
    return json.dumps({"type": change, "object": about}).encode() + b"\n"


async def _say_not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotFound)
    return refusal(404, "NotFound", str(error), {"kind": error.plural, "name": error.name})


async def _say_exists(request: Request, error: Exception) -> Response:
    assert isinstance(error, Exists)
    return refusal(409, "AlreadyExists", str(error), {"kind": error.plural, "name": error.name})


async def _say_invalid(request: Request, error: Exception) -> Response:
    return refusal(422, "Invalid", str(error))


async def _say_unknown(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(("/openapi", "/logs")):
        return PlainTextResponse("not served", 404)
    return refusal(404, "NotFound", "the pocket cluster does not serve this")
