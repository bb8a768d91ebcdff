"""What the API says of itself: versions, groups and resources."""

from typing import Any

from drillrange.cluster.objects import KINDS, Kind

VERSION = {
    "major": "1",
    "minor": "31",
    "gitVersion": "v1.31.0-pocket-cluster-for-drills",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "python",
    "platform": "linux",
}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
METRICS = "metrics.k8s.io"


def api_versions() -> dict[str, Any]:
    return {"kind": "APIVersions", "versions": ["v1"]}


def groups() -> dict[str, Any]:
    named = (("apps", "v1"), (METRICS, "v1beta1"))
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {
                "name": group,
                "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
                "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version},
            }
            for group, version in named
        ],
    }


def resources(group: str) -> dict[str, Any]:
    found = [_resource(kind) for kind in KINDS.values() if kind.group == group]
    if group == "":
        found += [_sub("pods/log", "Pod"), _sub("pods/exec", "PodExecOptions")]
    if group == "apps":
        scale = _sub("deployments/scale", "Scale") | {"group": "autoscaling", "version": "v1"}
        found.append(scale)
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/v1" if group else "v1",
        "resources": found,
    }


def metrics_resources() -> dict[str, Any]:
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{METRICS}/v1beta1",
        "resources": [
            {
                "name": "pods",
                "singularName": "",
                "namespaced": True,
                "kind": "PodMetrics",
                "verbs": ["get", "list"],
            }
        ],
    }


def _resource(kind: Kind) -> dict[str, Any]:
    return {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": True,
        "kind": kind.name,
        "verbs": VERBS,
        "shortNames": list(kind.short),
    }


def _sub(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": ["get"]}
