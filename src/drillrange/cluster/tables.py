"""Objects as the table that `kubectl get` prints."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from drillrange.cluster.objects import Object

Cell = Callable[[Object], Any]


def _age(found: Object) -> str:
    made = datetime.fromisoformat(found["metadata"]["creationTimestamp"])
    seconds = int((datetime.now(UTC) - made).total_seconds())
    return f"{seconds}s" if seconds < 120 else f"{seconds // 60}m"


def _name(found: Object) -> Any:
    return found["metadata"]["name"]


def _status(key: str) -> Cell:
    return lambda found: (found.get("status") or {}).get(key, 0)


def _wanted(found: Object) -> Any:
    return found["spec"].get("replicas", 1)


def _container(key: str) -> Cell:
    return lambda found: found["status"]["containerStatuses"][0][key]


COLUMNS: dict[str, tuple[tuple[str, Cell], ...]] = {
    "deployments": (
        ("Name", _name),
        ("Ready", lambda d: f"{_status('readyReplicas')(d)}/{_wanted(d)}"),
        ("Up-to-date", _status("updatedReplicas")),
        ("Available", _status("availableReplicas")),
        ("Age", _age),
    ),
    "replicasets": (
        ("Name", _name),
        ("Desired", _wanted),
        ("Current", _status("replicas")),
        ("Ready", _status("readyReplicas")),
        ("Age", _age),
    ),
    "pods": (
        ("Name", _name),
        ("Ready", lambda p: "1/1" if _container("ready")(p) else "0/1"),
        ("Status", lambda p: p["status"]["phase"]),
        ("Restarts", _container("restartCount")),
        ("Age", _age),
    ),
    "services": (
        ("Name", _name),
        ("Type", lambda _: "ClusterIP"),
        ("Cluster-IP", lambda _: "127.0.0.1"),
        ("Port(s)", lambda s: ",".join(str(p["port"]) for p in s["spec"].get("ports", []))),
        ("Age", _age),
    ),
    "configmaps": (
        ("Name", _name),
        ("Data", lambda c: len(c.get("data") or {})),
        ("Age", _age),
    ),
    "events": (("Name", _name),),
}


def table(plural: str, found: Sequence[Object], version: str) -> dict[str, Any]:
    columns = COLUMNS[plural]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [
            {
                "name": name,
                "type": "string",
                "format": "name" if name == "Name" else "",
                "priority": 0,
            }
            for name, _ in columns
        ],
        "rows": [
            {
                "cells": [cell(item) for _, cell in columns],
                "object": {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": item["metadata"],
                },
            }
            for item in found
        ],
    }
