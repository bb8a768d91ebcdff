"""Kubernetes manifests as data, in few words. It knows no service in particular."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Manifest = dict[str, Any]

SCRAPED = "drillrange/scraped"  # annotation: the ports that Prometheus reads, with commas


class Port(NamedTuple):
    """Of a service; `target` is the pod's, when it is another one."""

    name: str
    port: int
    target: int | None = None


def service(
    name: str, selector: Mapping[str, str], ports: Sequence[Port], external: Sequence[str] = ()
) -> Manifest:
    """`external`: more addresses on which it listens."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "selector": dict(selector),
            "ports": [
                {"name": each.name, "port": each.port, "targetPort": each.target or each.port}
                for each in ports
            ],
            **({"externalIPs": list(external)} if external else {}),
        },
    }


def config_map(name: str, data: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": dict(data),
    }


def volume(name: str, config: str) -> Manifest:
    """A directory with a file for each key of a ConfigMap."""
    return {"name": name, "configMap": {"name": config}}


def container(
    name: str,
    command: Sequence[str],
    env: Mapping[str, str],
    *,
    probed: int | None = None,
    capabilities: Sequence[str] = (),
) -> Manifest:
    """`$(POD_IP)` may be used in `command` and `env`. `probed`: the port that answers `/ready`."""
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    made: Manifest = {
        "name": name,
        "image": "local",
        "command": list(command),
        "env": [address, *({"name": key, "value": value} for key, value in env.items())],
    }
    if probed is not None:
        request = {"path": "/ready", "port": probed}
        made["readinessProbe"] = {"httpGet": request, "periodSeconds": 1}
    if capabilities:
        made["securityContext"] = {"capabilities": {"add": list(capabilities)}}
    return made


def pod(
    name: str,
    labels: Mapping[str, str],
    containers: Sequence[Manifest],
    *,
    scraped: Sequence[int] = (),
    volumes: Sequence[Manifest] = (),
    grace: int = 2,
) -> Manifest:
    template = _template(labels, containers, scraped, volumes, grace)
    template["metadata"]["name"] = name
    return {"apiVersion": "v1", "kind": "Pod", **template}


def deployment(
    name: str,
    labels: Mapping[str, str],
    containers: Sequence[Manifest],
    *,
    replicas: int = 1,
    scraped: Sequence[int] = (),
    volumes: Sequence[Manifest] = (),
    grace: int,
) -> Manifest:
    """An old pod ends when a new one is ready in its place, so a bad value leaves the old ones."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": dict(labels)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "template": _template(labels, containers, scraped, volumes, grace),
        },
    }


def _template(
    labels: Mapping[str, str],
    containers: Sequence[Manifest],
    scraped: Sequence[int],
    volumes: Sequence[Manifest],
    grace: int,
) -> Manifest:
    annotations = {SCRAPED: ",".join(map(str, scraped))} if scraped else {}
    return {
        "metadata": {"labels": dict(labels), "annotations": annotations},
        "spec": {
            "terminationGracePeriodSeconds": grace,
            "containers": list(containers),
            **({"volumes": list(volumes)} if volumes else {}),
        },
    }
