"""Events: what happened to an object, for `kubectl describe` and `kubectl get events`."""

import hashlib

from drillrange.cluster.objects import Object, Objects, stamp

SOURCE = "pocket-cluster"


def warn(objects: Objects, about: Object, reason: str, message: str) -> None:
    """The same about the same object is counted, not told twice."""
    _tell(objects, about, "Warning", reason, message)


def inform(objects: Objects, about: Object, reason: str, message: str) -> None:
    _tell(objects, about, "Normal", reason, message)


def _tell(objects: Objects, about: Object, kind: str, reason: str, message: str) -> None:
    meta = about["metadata"]
    same = f"{meta['uid']} {kind} {reason} {message}"
    name = f"{meta['name']}.{hashlib.sha256(same.encode()).hexdigest()[:16]}"
    found = objects.find("events", name, meta["namespace"])
    if found is not None:
        again = {"count": found["count"] + 1, "lastTimestamp": stamp()}
        objects.amend("events", found, lambda made: made.update(again))
        return
    involved = {"apiVersion": about["apiVersion"], "kind": about["kind"]}
    objects.create(
        "events",
        {
            "metadata": {"name": name, "namespace": meta["namespace"]},
            "involvedObject": involved | {key: meta[key] for key in ("name", "namespace", "uid")},
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": SOURCE},
            "count": 1,
            "firstTimestamp": stamp(),
            "lastTimestamp": stamp(),
        },
    )
