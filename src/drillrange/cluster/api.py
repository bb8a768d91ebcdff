"""The objects over HTTP: list, watch, create, read, change, scale and delete, as the API says."""

import json
import secrets
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from drillrange.cluster.addresses import Addresses, Exhausted
from drillrange.cluster.asking import kind_of, patched, read_body, read_object, selection
from drillrange.cluster.controller import mark_ending
from drillrange.cluster.kinds import KINDS, PLURALS, Kind
from drillrange.cluster.objects import NAMESPACE, Object, Objects, Refused
from drillrange.cluster.replicasets import orphan
from drillrange.cluster.status import deleted
from drillrange.cluster.tables import table
from drillrange.cluster.validation import prepare
from drillrange.cluster.watching import Watch, check_version

DEPENDANTS = {"deployments": "replicasets", "replicasets": "pods"}
SCALE = Kind(name="Scale", plural="scales", group="autoscaling")


class Api:
    def __init__(self, objects: Objects, addresses: Addresses) -> None:
        self._objects = objects
        self._addresses = addresses

    def create(self, manifest: Object, namespace: str | None = None) -> Object:
        """Raises Refused."""
        plural = PLURALS.get(str(manifest.get("kind")))
        if plural is None:
            message = f"the pocket cluster has no kind {manifest.get('kind')!r}"
            raise Refused(400, "BadRequest", message)
        return self._create(plural, manifest, namespace, strict=True)

    async def collection(self, request: Request) -> Response:
        plural, namespace = kind_of(request).plural, request.path_params.get("namespace")
        if request.method == "POST":
            manifest = await read_object(request, KINDS[plural])
            return self._post(request, plural, manifest, namespace)
        query = request.query_params
        chosen = selection(query)
        if request.method == "DELETE":
            for found in self._objects.list(plural, chosen, namespace):
                self._delete(plural, found, await _options(request))
            return self._list(request, plural, self._objects.list(plural, chosen, namespace))
        if query.get("watch") in ("true", "1"):
            check_version(query)
            watch = Watch(self._objects, plural, namespace, chosen, query, _as_table(request))
            return StreamingResponse(watch.stream(), media_type="application/json")
        return self._list(request, plural, self._objects.list(plural, chosen, namespace))

    async def item(self, request: Request) -> Response:
        plural, name = kind_of(request).plural, request.path_params["name"]
        await request.body()  # from here on nothing waits, so nothing changes in between
        found = self._objects.get(plural, name, request.path_params.get("namespace", ""))
        if request.method == "GET":
            return self._render(request, plural, found)
        if request.method == "DELETE":
            return self._delete(plural, found, await _options(request))
        made = await _changed(request, found, KINDS[plural])
        made = _same(found, prepare(plural, made, found, strict=_is_strict(request.query_params)))
        if plural == "services":
            made["spec"]["clusterIP"] = found["spec"]["clusterIP"]  # for good
        if _is_dry(request.query_params):
            return self._render(request, plural, made)
        return self._render(request, plural, self._objects.replace(plural, made))

    async def scale(self, request: Request) -> Response:
        plural, name = kind_of(request).plural, request.path_params["name"]
        await request.body()  # from here on nothing waits, so nothing changes in between
        found = self._objects.get(plural, name, request.path_params["namespace"])
        if request.method != "GET":
            made = await _changed(request, _scale_of(found), SCALE)
            found["spec"]["replicas"] = (made.get("spec") or {}).get("replicas", 0)
            found = prepare(plural, found)
            if not _is_dry(request.query_params):
                found = self._objects.replace(plural, found)
        return JSONResponse(_scale_of(found))

    def _post(
        self, request: Request, plural: str, manifest: Object, namespace: str | None
    ) -> Response:
        strict = _is_strict(request.query_params)
        if _is_dry(request.query_params):
            return JSONResponse(prepare(plural, manifest, strict=strict), 201)
        made = self._create(plural, manifest, namespace, strict=strict)
        return self._render(request, plural, made, 201)

    def _create(
        self, plural: str, manifest: Object, namespace: str | None, *, strict: bool
    ) -> Object:
        made = prepare(plural, json.loads(json.dumps(manifest)), strict=strict)
        meta = made["metadata"]
        if KINDS[plural].namespaced:
            meta.setdefault("namespace", namespace or NAMESPACE)
            if namespace not in (None, meta["namespace"]):
                message = "the namespace of the provided object does not match the request"
                raise Refused(400, "BadRequest", message)
            self._objects.get("namespaces", meta["namespace"])
        if "name" not in meta:
            meta["name"] = meta["generateName"] + secrets.token_hex(3)[:5]
        made.pop("status", None)
        if plural == "services":
            self._give_address(made)
        return self._objects.create(plural, made)

    def _give_address(self, service: Object) -> None:
        """One of the cluster's, unless it asks for a certain one, or for none. Raises Refused."""
        name = service["metadata"]["name"]
        if self._objects.find("services", name, service["metadata"]["namespace"]):
            return  # it will be refused for its name
        asked = service["spec"].get("clusterIP")
        try:
            if not asked:
                service["spec"]["clusterIP"] = self._addresses.take()
            elif asked != "None" and not self._addresses.take_this(asked):
                told = f"spec.clusterIP: Invalid value: {asked!r}: is not to be had"
                raise Refused(422, "Invalid", told, "services", name, (told,))
        except Exhausted as error:
            raise Refused(500, "InternalError", str(error), "services", name) from error

    def _delete(self, plural: str, found: Object, options: Object) -> Response:
        """Pods end first; what others own goes with its owner, or is orphaned."""
        if options.get("propagationPolicy") == "Orphan" and plural in DEPENDANTS:
            for dependant in self._objects.list(DEPENDANTS[plural]):
                self._objects.amend(DEPENDANTS[plural], dependant, orphan(found))
        meta = found["metadata"]
        if plural == "pods":
            return JSONResponse(
                mark_ending(self._objects, found, options.get("gracePeriodSeconds"))
            )
        gone = self._objects.delete(plural, meta["name"], meta.get("namespace", ""))
        if plural == "services" and gone["spec"].get("clusterIP", "None") != "None":
            self._addresses.give_back(gone["spec"]["clusterIP"])
        return deleted(plural, gone)

    def _list(self, request: Request, plural: str, found: list[Object]) -> Response:
        version, kind = str(self._objects.version), KINDS[plural]
        if _as_table(request):
            return JSONResponse(table(plural, found, version))
        return JSONResponse(
            {
                "kind": f"{kind.name}List",
                "apiVersion": kind.api_version,
                "metadata": {"resourceVersion": version},
                "items": found,
            }
        )

    def _render(self, request: Request, plural: str, found: Object, code: int = 200) -> Response:
        if _as_table(request):
            return JSONResponse(table(plural, [found], str(self._objects.version)), code)
        return JSONResponse(found, code)


def _as_table(request: Request) -> bool:
    return "as=Table" in request.headers.get("accept", "")


def _is_dry(query: Mapping[str, str]) -> bool:
    return query.get("dryRun") == "All"


def _is_strict(query: Mapping[str, str]) -> bool:
    return query.get("fieldValidation") == "Strict"


async def _changed(request: Request, found: Object, kind: Kind) -> Object:
    """What a PATCH or a PUT makes of an object. Raises Refused."""
    if request.method == "PATCH":
        return await patched(request, found)
    return await read_object(request, kind)


async def _options(request: Request) -> Object:
    """Of a deletion: in the body, or in the query."""
    found = await read_body(request) if await request.body() else {}
    options: Object = found if isinstance(found, dict) else {}
    query = request.query_params
    if "gracePeriodSeconds" in query:
        options["gracePeriodSeconds"] = int(query["gracePeriodSeconds"])
    if "propagationPolicy" in query:
        options["propagationPolicy"] = query["propagationPolicy"]
    return options


def _same(found: Object, made: Object) -> Object:
    """Raises Refused when a change would rename."""
    was, now = found["metadata"], made["metadata"]
    for key in ("name", "namespace"):
        if now.get(key, was.get(key)) != was.get(key):
            message = f"the {key} of the object ({now[key]}) does not match the one in the URL"
            raise Refused(400, "BadRequest", message)
    return made


def _scale_of(found: Object) -> Object:
    meta, spec = found["metadata"], found["spec"]
    labels = spec["selector"]["matchLabels"].items()
    status = {"replicas": (found.get("status") or {}).get("replicas", 0)}
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: meta[key] for key in kept},
        "spec": {"replicas": spec["replicas"]},
        "status": status | {"selector": ",".join(f"{key}={value}" for key, value in labels)},
    }
