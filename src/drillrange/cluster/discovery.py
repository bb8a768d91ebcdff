"""What the API says of itself: its version, groups, resources and the paths that it checks."""

from drillrange.cluster.kinds import KINDS, METRICS, Kind
from drillrange.cluster.objects import Object

VERSION = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.0-pocket-cluster-for-drills",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none: a pocket cluster for drills, local processes and no Kubernetes",
    "platform": "pocket/drills",
}
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
GROUPS = {"apps": "v1", "discovery.k8s.io": "v1", METRICS: "v1beta1"}
SERVED = ("", "apps", "discovery.k8s.io")  # groups whose objects are kept here
PATCHES = ("application/json-patch+json", "application/merge-patch+json")


def api_versions() -> Object:
    return {"kind": "APIVersions", "versions": ["v1"]}


def groups() -> Object:
    found = [group(name) for name in GROUPS]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def group(name: str) -> Object:
    version = {"groupVersion": f"{name}/{GROUPS[name]}", "version": GROUPS[name]}
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": name,
        "versions": [version],
        "preferredVersion": version,
    }


def resources(of: str) -> Object:
    if of == METRICS:
        return _resource_list(METRICS, [_part("pods", "PodMetrics", ["get", "list"])])
    found = [_resource(kind) for kind in KINDS.values() if kind.group == of]
    if of == "":
        found.append(_part("pods/log", "Pod", ["get"]))
        found.append(_part("pods/exec", "PodExecOptions", ["create", "get"]))
    if of == "apps":
        for plural in ("deployments", "replicasets"):
            scale = _part(f"{plural}/scale", "Scale", ["get", "patch", "update"])
            found.append(scale | {"group": "autoscaling", "version": "v1"})
    return _resource_list(of, found)


def _resource_list(of: str, found: list[Object]) -> Object:
    version = f"{of}/{GROUPS[of]}" if of else "v1"
    kind = {"kind": "APIResourceList", "apiVersion": "v1"}
    return {**kind, "groupVersion": version, "resources": found}


def _resource(kind: Kind) -> Object:
    return {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": VERBS,
        "shortNames": list(kind.short),
        "categories": list(kind.categories),
    }


def _part(name: str, kind: str, verbs: list[str]) -> Object:
    return {"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": verbs}


def openapi_index() -> Object:
    """The paths are relative: clients add what they reached this server by."""
    found = [f"apis/{name}/v1" if name else "api/v1" for name in SERVED]
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in found}}


def openapi(of: str) -> Object:
    """Enough for kubectl to see that the server checks fields itself."""
    kinds = [kind for kind in KINDS.values() if kind.group == of]
    base = f"/apis/{of}/v1" if of else "/api/v1"
    return {
        "openapi": "3.0.0",
        "info": {"title": "Pocket cluster for drills", "version": VERSION["gitVersion"]},
        "paths": {_path(base, kind): {"patch": _operation(kind)} for kind in kinds},
        "components": {"schemas": {_schema_name(kind): _schema(kind) for kind in kinds}},
    }


def _path(base: str, kind: Kind) -> str:
    namespace = "/namespaces/{namespace}" if kind.namespaced else ""
    return f"{base}{namespace}/{kind.plural}/{{name}}"


def _operation(kind: Kind) -> Object:
    parameter = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    content = {patch: {"schema": {"type": "object"}} for patch in PATCHES}
    return {
        "operationId": f"patch{kind.name}",
        "parameters": [parameter],
        "requestBody": {"content": content},
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": _identity(kind),
    }


def _schema(kind: Kind) -> Object:
    return {"type": "object", "x-kubernetes-group-version-kind": [_identity(kind)]}


def _schema_name(kind: Kind) -> str:
    return f"pocket.{kind.group or 'core'}.v1.{kind.name}"


def _identity(kind: Kind) -> Object:
    return {"group": kind.group, "version": "v1", "kind": kind.name}
