"""Objects as the table that `kubectl get` prints."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from drillrange.cluster.objects import Object
from drillrange.cluster.rollout import replicas


class Column(NamedTuple):
    """`wide` columns are printed with `-o wide` only."""

    name: str
    cell: Callable[[Object], Any]
    wide: bool = False


def age(made_at: datetime, now: datetime) -> str:
    """As kubectl shortens it."""
    seconds = max(0, int((now - made_at).total_seconds()))
    for size, unit, least in ((86400, "d", 2), (3600, "h", 2), (60, "m", 2)):
        if seconds >= size * least:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _name(found: Object) -> Any:
    return found["metadata"]["name"]


def _age(found: Object) -> str:
    return _since(found["metadata"]["creationTimestamp"])


def _since(at: str | None) -> str:
    return age(datetime.fromisoformat(at), datetime.now(UTC)) if at else "<unknown>"


def _involved(event: Object) -> str:
    about = event.get("involvedObject") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _slice_endpoints(found: Object) -> str:
    return ",".join(a for e in found["endpoints"] for a in e["addresses"]) or "<unset>"


def _count(key: str) -> Callable[[Object], Any]:
    return lambda found: (found.get("status") or {}).get(key, 0)


def _wanted(found: Object) -> Any:
    return replicas(found["spec"])


def _pod_phase(pod: Object) -> str:
    """What is wrong with a container, or the phase."""
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    for told in ("waiting", "terminated"):
        for container in _containers(pod):
            state = container.get("state") or {}
            if told in state:
                return str(state[told]["reason"])
    return str((pod.get("status") or {}).get("phase", "Pending"))


def _containers(pod: Object) -> list[Object]:
    return (pod.get("status") or {}).get("containerStatuses") or []


def _ready(pod: Object) -> int:
    return sum(bool(container.get("ready")) for container in _containers(pod))


def _template_containers(key: str) -> Callable[[Object], str]:
    def cell(found: Object) -> str:
        containers = found["spec"]["template"]["spec"]["containers"]
        return ",".join(str(container.get(key, "")) for container in containers)

    return cell


def _selector(found: Object) -> str:
    selector = found["spec"].get("selector") or {}
    labels = selector.get("matchLabels", selector)
    return ",".join(f"{key}={value}" for key, value in labels.items()) or "<none>"


def _ports(service: Object) -> str:
    ports = service["spec"].get("ports") or []
    return ",".join(f"{p['port']}/{p.get('protocol', 'TCP')}" for p in ports) or "<none>"


def _endpoints(found: Object) -> str:
    told = [
        f"{address['ip']}:{port['port']}"
        for subset in found.get("subsets") or []
        for address in subset.get("addresses") or []
        for port in subset["ports"]
    ]
    return ",".join(told) or "<none>"


NAME, AGE = Column("Name", _name), Column("Age", _age)
OF_TEMPLATE = (
    Column("Containers", _template_containers("name"), True),
    Column("Images", _template_containers("image"), True),
    Column("Selector", _selector, True),
)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "deployments": (
        NAME,
        Column("Ready", lambda d: f"{_count('readyReplicas')(d)}/{_wanted(d)}"),
        Column("Up-to-date", _count("updatedReplicas")),
        Column("Available", _count("availableReplicas")),
        AGE,
        *OF_TEMPLATE,
    ),
    "replicasets": (
        NAME,
        Column("Desired", _wanted),
        Column("Current", _count("replicas")),
        Column("Ready", _count("readyReplicas")),
        AGE,
        *OF_TEMPLATE,
    ),
    "pods": (
        NAME,
        Column("Ready", lambda p: f"{_ready(p)}/{len(p['spec']['containers'])}"),
        Column("Status", _pod_phase),
        Column("Restarts", lambda p: str(sum(c.get("restartCount", 0) for c in _containers(p)))),
        AGE,
        Column("IP", lambda p: (p.get("status") or {}).get("podIP", "<none>"), True),
        Column("Node", lambda p: p["spec"].get("nodeName", "<none>"), True),
    ),
    "services": (
        NAME,
        Column("Type", lambda s: s["spec"].get("type", "ClusterIP")),
        Column("Cluster-IP", lambda s: s["spec"].get("clusterIP", "None")),
        Column("External-IP", lambda s: ",".join(s["spec"].get("externalIPs") or ["<none>"])),
        Column("Port(s)", _ports),
        AGE,
        Column("Selector", _selector, True),
    ),
    "endpoints": (NAME, Column("Endpoints", _endpoints), AGE),
    "configmaps": (NAME, Column("Data", lambda c: len(c.get("data") or {})), AGE),
    "namespaces": (NAME, Column("Status", lambda _: "Active"), AGE),
    "endpointslices": (
        NAME,
        Column("AddressType", lambda s: s["addressType"]),
        Column("Ports", lambda s: ",".join(str(port["port"]) for port in s["ports"]) or "<unset>"),
        Column("Endpoints", _slice_endpoints),
        AGE,
    ),
    "events": (
        Column("Last Seen", lambda e: _since(e.get("lastTimestamp"))),
        Column("Type", lambda e: e.get("type", "")),
        Column("Reason", lambda e: e.get("reason", "")),
        Column("Object", _involved),
        Column("Message", lambda e: str(e.get("message", "")).strip()),
    ),
}


def table(plural: str, found: Sequence[Object], version: str) -> Object:
    columns = COLUMNS[plural]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [_definition(column) for column in columns],
        "rows": [
            {
                "cells": [column.cell(one) for column in columns],
                "object": {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": one["metadata"],
                },
            }
            for one in found
        ],
    }


def _definition(column: Column) -> Object:
    return {
        "name": column.name,
        "type": "string",
        "format": "name" if column.name == "Name" else "",
        "description": column.name,
        "priority": int(column.wide),
    }
