"""The `status` of a pod, as the API tells it. Pure: what happened goes in, an object comes out."""

from datetime import datetime

from drillrange.cluster.container import Container
from drillrange.cluster.objects import Object, stamp

CONDITIONS = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
ADDRESS = "127.0.0.1"


def waiting(pod: Object, reason: str, message: str, restarts: int) -> Object:
    """Not started: `reason` is what `kubectl get` prints for it."""
    state = {"waiting": {"reason": reason, "message": message}}
    return _status(pod, "Pending", False, _container(pod, state, {}, restarts, False))


def running(
    pod: Object, container: Container, previous: Container | None, restarts: int, ready: bool
) -> Object:
    state = {"running": {"startedAt": _instant(container.started_at)}}
    last = {"terminated": _terminated(previous)} if previous else {}
    return _status(pod, "Running", ready, _container(pod, state, last, restarts, ready))


def ended(pod: Object, container: Container, restarts: int) -> Object:
    """For good, where the pod's restartPolicy says so; or until it is started again."""
    policy = pod["spec"].get("restartPolicy", "Always")
    terminated = _terminated(container)
    if policy == "Always" or (policy == "OnFailure" and container.exit_code != 0):
        message = f"back-off restarting failed container {_name(pod)}"
        state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        last = {"terminated": terminated}
        return _status(pod, "Running", False, _container(pod, state, last, restarts, False))
    phase = "Succeeded" if container.exit_code == 0 else "Failed"
    state = {"terminated": terminated}
    return _status(pod, phase, False, _container(pod, state, {}, restarts, False))


def keep_times(old: Object, new: Object) -> Object:
    """The new status with the times of those conditions that are as they were."""
    before = {found["type"]: found for found in old.get("conditions") or []}
    conditions = []
    for found in new["conditions"]:
        same = before.get(found["type"])
        conditions.append(same if same and same["status"] == found["status"] else found)
    started = old.get("startTime", new["startTime"])
    return {**new, "conditions": conditions, "startTime": started}


def is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _status(pod: Object, phase: str, ready: bool, container: Object) -> Object:
    at = stamp()
    holds = {"Ready": ready, "ContainersReady": ready}
    return {
        "phase": phase,
        "conditions": [
            {
                "type": kind,
                "status": "True" if holds.get(kind, True) else "False",
                "lastTransitionTime": at,
            }
            for kind in CONDITIONS
        ],
        "hostIP": ADDRESS,
        "podIP": ADDRESS,
        "podIPs": [{"ip": ADDRESS}],
        "qosClass": "BestEffort",
        "startTime": at,
        "containerStatuses": [container],
    }


def _container(pod: Object, state: Object, last: Object, restarts: int, ready: bool) -> Object:
    image = pod["spec"]["containers"][0].get("image", "")
    return {
        "name": _name(pod),
        "image": image,
        "imageID": image,
        "ready": ready,
        "started": "running" in state,
        "restartCount": restarts,
        "state": state,
        "lastState": last,
    }


def _terminated(container: Container) -> Object:
    code = container.exit_code
    return {
        "exitCode": code,
        "reason": "Completed" if code == 0 else "Error",
        "startedAt": _instant(container.started_at),
        "finishedAt": _instant(container.ended_at),
    }


def _name(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["name"])


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
