"""The `status` of a pod, as the API tells it. Pure: what happened goes in, an object comes out."""

from collections.abc import Mapping
from datetime import datetime

from drillrange.cluster.container import Container, Run
from drillrange.cluster.objects import Object, stamp

CONDITIONS = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
Runs = Mapping[str, Run]  # by the container's name


def status_of(pod: Object, address: str, runs: Runs) -> Object:
    """`address` may be empty, while there is none."""
    statuses = [_container(pod, made, runs[made["name"]]) for made in pod["spec"]["containers"]]
    ready = all(status["ready"] for status in statuses)
    at = stamp()
    holds = {"Ready": ready, "ContainersReady": ready}
    addresses = {"podIP": address, "podIPs": [{"ip": address}]} if address else {}
    return {
        "phase": _phase(pod, runs),
        "conditions": [
            {
                "type": kind,
                "status": "True" if holds.get(kind, True) else "False",
                "lastTransitionTime": at,
            }
            for kind in CONDITIONS
        ],
        "hostIP": "127.0.0.1",
        **addresses,
        "qosClass": "BestEffort",
        "startTime": at,
        "containerStatuses": statuses,
    }


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


def starts_again(pod: Object, code: int | None) -> bool:
    """Whether a container that ended with this code, or never began, is started again."""
    policy = pod["spec"].get("restartPolicy", "Always")
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def _phase(pod: Object, runs: Runs) -> str:
    if any(run.current is None for run in runs.values()):
        return "Pending"
    codes = [run.current.exit_code for run in runs.values() if run.current]
    if any(code is None or starts_again(pod, code) for code in codes):
        return "Running"
    return "Failed" if any(codes) else "Succeeded"


def _container(pod: Object, made: Object, run: Run) -> Object:
    image = made.get("image", "")
    state, last = _states(pod, run)
    status = {
        "name": run.name,
        "image": image,
        "imageID": image,
        "ready": run.ready,
        "started": "running" in state,
        "restartCount": run.restarts,
        "state": state,
        "lastState": last,
    }
    if run.current is not None:
        status["containerID"] = f"process://{run.current.pid}"
    return status


def _states(pod: Object, run: Run) -> tuple[Object, Object]:
    if run.waiting is not None or run.current is None:
        reason, message = run.waiting or ("ContainerCreating", "")
        return {"waiting": {"reason": reason, "message": message}}, {}
    if run.current.exit_code is None:
        last = {"terminated": _terminated(run.previous)} if run.previous else {}
        return {"running": {"startedAt": _instant(run.current.started_at)}}, last
    terminated = {"terminated": _terminated(run.current)}
    if not starts_again(pod, run.current.exit_code):
        return terminated, {}
    message = f"back-off restarting failed container {run.name}"
    return {"waiting": {"reason": "CrashLoopBackOff", "message": message}}, terminated


def _terminated(container: Container) -> Object:
    code = container.exit_code
    return {
        "exitCode": code,
        "reason": "Completed" if code == 0 else "Error",
        "startedAt": _instant(container.started_at),
        "finishedAt": _instant(container.ended_at),
        "containerID": f"process://{container.pid}",
    }


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
