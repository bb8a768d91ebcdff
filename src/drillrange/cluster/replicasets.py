"""Replica sets as values: which is whose, their revisions, what a new one and its pods hold."""

import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

from drillrange.cluster.objects import Object
from drillrange.cluster.podstatus import is_ready

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
NODE = "this-machine"
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def owner(found: Object) -> Object | None:
    """The reference to the one that controls it."""
    references = found["metadata"].get("ownerReferences") or []
    return next((reference for reference in references if reference.get("controller")), None)


def owned(found: list[Object], by: Object) -> list[Object]:
    uid = by["metadata"]["uid"]
    return [one for one in found if (owner(one) or {}).get("uid") == uid]


def staying(pods: list[Object]) -> list[Object]:
    """Those that are not ending and have not ended."""
    return [
        pod
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]


def revision(replica_set: Object) -> int:
    annotations = replica_set["metadata"].get("annotations") or {}
    return int(annotations.get(REVISION, 0))


def matching(own: list[Object], deployment: Object) -> Object | None:
    """The one made from the deployment's present template."""
    wanted = deployment["spec"]["template"]
    return next((found for found in own if _template(found) == _normal(wanted)), None)


def successor(deployment: Object, own: list[Object]) -> Object:
    """A replica set of no pods yet for the present template."""
    meta, spec = deployment["metadata"], deployment["spec"]
    template = copy.deepcopy(spec["template"])
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
    template.setdefault("metadata", {}).setdefault("labels", {})[HASH] = digest
    newest = max(map(revision, own), default=0)
    annotations = {k: v for k, v in (meta.get("annotations") or {}).items() if k != APPLIED}
    labels = {**spec["selector"]["matchLabels"], HASH: digest}
    return {
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "namespace": meta["namespace"],
            "labels": dict(template["metadata"]["labels"]),
            "annotations": {**annotations, REVISION: str(newest + 1)},
            "ownerReferences": [_reference(deployment)],
        },
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }


def pod(replica_set: Object, name: str) -> Object:
    template = copy.deepcopy(replica_set["spec"]["template"])
    meta = template.get("metadata") or {}
    return {
        "metadata": {
            **{key: meta[key] for key in ("labels", "annotations") if meta.get(key)},
            "name": name,
            "namespace": replica_set["metadata"]["namespace"],
            "ownerReferences": [_reference(replica_set)],
        },
        "spec": {**template["spec"], "nodeName": NODE},
        "status": {"phase": "Pending"},
    }


def status(replica_set: Object, pods: list[Object]) -> Object:
    ready = sum(map(is_ready, pods))
    counts = {"fullyLabeledReplicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}
    return {
        "replicas": len(pods),
        "observedGeneration": replica_set["metadata"]["generation"],
        **{key: value for key, value in counts.items() if value},
    }


def annotate(number: int) -> Callable[[Object], None]:
    def change(made: Object) -> None:
        annotations = made["metadata"].get("annotations") or {}
        made["metadata"]["annotations"] = {**annotations, REVISION: str(number)}

    return change


def resize(count: int) -> Callable[[Object], None]:
    def change(made: Object) -> None:
        made["spec"]["replicas"] = count

    return change


def _template(replica_set: Object) -> Any:
    return _normal(replica_set["spec"]["template"])


def _normal(template: Object) -> Any:
    """Without the hash, and without what is empty: clients that decode add empty fields."""
    made = copy.deepcopy(template)
    ((made.get("metadata") or {}).get("labels") or {}).pop(HASH, None)
    return _filled(made)


def _filled(value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if not isinstance(value, dict):
        return value
    filled = {key: _filled(one) for key, one in value.items()}
    return {key: one for key, one in filled.items() if one is not None and one not in ({}, [])}


def _reference(to: Object) -> Object:
    return {
        "apiVersion": to["apiVersion"],
        "kind": to["kind"],
        "name": to["metadata"]["name"],
        "uid": to["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def orphan(of: Object) -> Callable[[Object], None]:
    """Cut the references to an owner."""
    uid = of["metadata"]["uid"]

    def change(made: Object) -> None:
        references = made["metadata"].get("ownerReferences") or []
        if any(reference["uid"] == uid for reference in references):
            kept = [reference for reference in references if reference["uid"] != uid]
            made["metadata"]["ownerReferences"] = kept

    return change
