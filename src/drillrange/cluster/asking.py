"""What a request asks for: bodies, patches, selectors, in the encodings that kubectl uses."""

import json
from typing import Any

import yaml
from starlette.datastructures import QueryParams
from starlette.requests import Request

from drillrange.cluster.kinds import KINDS, Kind
from drillrange.cluster.objects import Object, Refused
from drillrange.cluster.patch import BadPatch, json_patch, merge, strategic_merge
from drillrange.cluster.selectors import Wanted, wanted


def kind_of(request: Request) -> Kind:
    """Raises Refused (404) for a kind that is not known here, or not in this group."""
    kind = KINDS.get(request.path_params["plural"])
    group = request.path_params.get("group", "")
    if kind is None or kind.group != group:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    return kind


def selection(query: QueryParams) -> Wanted:
    return wanted(query.get("labelSelector", ""), query.get("fieldSelector", ""))


async def read_object(request: Request, kind: Kind) -> Object:
    """The object of a body. Raises Refused."""
    body = await read_body(request)
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        raise Refused(400, "BadRequest", "the body is no object with metadata")
    if body.get("kind", kind.name) != kind.name:
        message = f"the object provided is a {body['kind']}, where a {kind.name} is wanted"
        raise Refused(400, "BadRequest", message)
    return dict(body)


async def read_body(request: Request) -> Any:
    """Raises Refused: 415 for protobuf and other encodings, 400 for what cannot be read."""
    encoding = _encoding(request)
    data = await request.body()
    try:
        if encoding.endswith("json"):
            return json.loads(data)
        if encoding.endswith("yaml"):
            return yaml.safe_load(data)
    except (ValueError, yaml.YAMLError) as error:
        raise Refused(400, "BadRequest", f"the body cannot be read: {error}") from None
    message = f"the pocket cluster takes JSON and YAML, not {encoding}"
    raise Refused(415, "UnsupportedMediaType", message)


async def patched(request: Request, found: Object) -> Object:
    """Raises Refused."""
    encoding = _encoding(request)
    if encoding == "application/apply-patch+yaml":
        message = "the pocket cluster knows no server-side apply; leave --server-side out"
        raise Refused(415, "UnsupportedMediaType", message)
    patch = await read_body(request)
    try:
        if encoding == "application/json-patch+json":
            return dict(json_patch(found, patch))
        if encoding == "application/strategic-merge-patch+json":
            return dict(strategic_merge(found, patch))
        if encoding == "application/merge-patch+json":
            return dict(merge(found, patch))
    except BadPatch as error:
        raise Refused(422, "Invalid", f"the patch cannot be applied: {error}") from None
    raise Refused(415, "UnsupportedMediaType", f"patches of type {encoding} are not known")


def _encoding(request: Request) -> str:
    return request.headers.get("content-type", "application/json").partition(";")[0].strip()
