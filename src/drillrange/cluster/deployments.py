"""The `status` of a deployment, worked out from its pods. Pure."""

from datetime import UTC, datetime, timedelta

from drillrange.cluster import rollout
from drillrange.cluster.objects import Object, stamp
from drillrange.cluster.podstatus import is_ready

COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
DEADLINE = 600  # seconds without progress, unless the deployment says otherwise


def status_of(
    deployment: Object, new: Object | None, pods: list[Object], current: list[Object]
) -> Object:
    """`pods` are those of all its replica sets, `current` those of the `new` one."""
    spec, old = deployment["spec"], deployment.get("status") or {}
    wanted, ready = rollout.replicas(spec), sum(map(is_ready, pods))
    counts = {
        "replicas": len(pods),
        "updatedReplicas": len(current),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, max(wanted, len(pods)) - ready),
    }
    status = {key: value for key, value in counts.items() if value}
    least = wanted - rollout.read_strategy(spec).unavailable
    conditions = [_available(old, ready >= least)]
    if new is not None:
        conditions.append(_progressing(deployment, new, status))
    elif found := _condition(old, "Progressing"):
        conditions.append(found)
    generation = deployment["metadata"]["generation"]
    return {"observedGeneration": generation, **status, "conditions": conditions}


def _available(old: Object, holds: bool) -> Object:
    if holds:
        reason, message = "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        reason = "MinimumReplicasUnavailable"
        message = "Deployment does not have minimum availability."
    return _new(old, "Available", holds, reason, message)


def _progressing(deployment: Object, new: Object, status: Object) -> Object:
    old = deployment.get("status") or {}
    before = _condition(old, "Progressing")
    name = f'ReplicaSet "{new["metadata"]["name"]}"'
    spec = deployment["spec"]
    wanted = rollout.replicas(spec)
    complete = f"{name} has successfully progressed."
    if all(status.get(count, 0) == wanted for count in COUNTS) or _still(before, complete, status):
        return _new(old, "Progressing", True, "NewReplicaSetAvailable", complete)
    moved = before is None or name not in before["message"] or _moved(old, status)
    if not moved and before is not None:
        deadline = timedelta(seconds=spec.get("progressDeadlineSeconds") or DEADLINE)
        since = datetime.fromisoformat(before["lastUpdateTime"])
        late = before["reason"] == "ProgressDeadlineExceeded"
        if late or datetime.now(UTC) - since > deadline:
            reason, message = "ProgressDeadlineExceeded", f"{name} has timed out progressing."
            return _new(old, "Progressing", False, reason, message)
        return before
    message = f"{name} is progressing."
    return {
        **_new(old, "Progressing", True, "ReplicaSetUpdated", message),
        "lastUpdateTime": stamp(),
    }


def _still(before: Object | None, complete: str, status: Object) -> bool:
    """A rollout that was complete stays so when pods fail or their number is changed."""
    same = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    return same and before is not None and before["message"] == complete


def _moved(old: Object, status: Object) -> bool:
    return any(old.get(count, 0) != status.get(count, 0) for count in COUNTS)


def _condition(status: Object, kind: str) -> Object | None:
    return next((c for c in status.get("conditions") or [] if c["type"] == kind), None)


def _new(old: Object, kind: str, holds: bool, reason: str, message: str) -> Object:
    """The old condition itself, where it says the same."""
    status, at = "True" if holds else "False", stamp()
    before = _condition(old, kind)
    if before and (before["status"], before["reason"], before["message"]) == (
        status,
        reason,
        message,
    ):
        return before
    return {
        "type": kind,
        "status": status,
        "lastUpdateTime": at,
        "lastTransitionTime": before["lastTransitionTime"]
        if before and before["status"] == status
        else at,
        "reason": reason,
        "message": message,
    }
