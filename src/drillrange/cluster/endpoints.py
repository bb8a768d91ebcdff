"""Where a service leads to: pods as Endpoints and EndpointSlices tell them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from drillrange.cluster.objects import Object
from drillrange.cluster.podstatus import is_ready
from drillrange.cluster.selectors import selects

Target = tuple[str, int]  # address, port
SERVICE_NAME = "kubernetes.io/service-name"


@dataclass(slots=True)
class Group:
    """Pods of a service that have the same numbers for its ports; `numbers` in their order."""

    numbers: tuple[int | None, ...]
    ready: list[Object] = field(default_factory=list)
    unready: list[Object] = field(default_factory=list)


def group_pods(service: Object, pods: Sequence[Object]) -> list[Group]:
    """Those that the service selects; none that is ending, has ended, or has no address yet."""
    selector, namespace = service["spec"].get("selector"), service["metadata"]["namespace"]
    groups: dict[tuple[int | None, ...], Group] = {}
    for pod in pods if selector else ():
        if pod["metadata"]["namespace"] == namespace and selects(selector, pod) and _serves(pod):
            numbers = tuple(_number(port["targetPort"], pod) for port in _ports(service))
            group = groups.setdefault(numbers, Group(numbers))
            (group.ready if is_ready(pod) else group.unready).append(pod)
    return list(groups.values())


def targets(groups: Sequence[Group], place: int) -> list[Target]:
    """For the service's port of this place among its ports."""
    return [
        (pod["status"]["podIP"], number)
        for group in groups
        for pod in group.ready
        if (number := group.numbers[place]) is not None
    ]


def subsets(service: Object, groups: Sequence[Group]) -> list[Object]:
    """As an Endpoints object has them."""
    found = []
    for group in groups:
        pairs = {
            "addresses": [_address(pod) for pod in group.ready],
            "notReadyAddresses": [_address(pod) for pod in group.unready],
        }
        made = {key: value for key, value in pairs.items() if value}
        found.append({**made, "ports": _told_ports(service, group)})
    return found


def slices(service: Object, groups: Sequence[Group]) -> Iterator[Object]:
    """EndpointSlices without a place in a cluster: one for each group."""
    name = service["metadata"]["name"]
    for number, group in enumerate(groups):
        yield {
            "metadata": {
                "name": f"{name}-{number}",
                "namespace": service["metadata"]["namespace"],
                "labels": {SERVICE_NAME: name},
            },
            "addressType": "IPv4",
            "endpoints": [_endpoint(pod) for pod in (*group.ready, *group.unready)],
            "ports": _told_ports(service, group),
        }


def _serves(pod: Object) -> bool:
    status = pod.get("status") or {}
    ended = status.get("phase") in ("Succeeded", "Failed")
    return "deletionTimestamp" not in pod["metadata"] and not ended and "podIP" in status


def _ports(service: Object) -> list[Object]:
    return list(service["spec"].get("ports") or [])


def _number(port: int | str, pod: Object) -> int | None:
    """Of a port that may be a name in the pod's containers."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    named = (
        found["containerPort"]
        for container in pod["spec"]["containers"]
        for found in container.get("ports") or []
        if found.get("name") == port
    )
    return next(named, None)


def _told_ports(service: Object, group: Group) -> list[Object]:
    return [
        {"name": port.get("name", ""), "port": number, "protocol": "TCP"}
        for port, number in zip(_ports(service), group.numbers, strict=True)
        if number is not None
    ]


def _reference(pod: Object) -> Object:
    meta = pod["metadata"]
    return {"kind": "Pod", **{key: meta[key] for key in ("name", "namespace", "uid")}}


def _address(pod: Object) -> Object:
    return {"ip": pod["status"]["podIP"], "targetRef": _reference(pod)}


def _endpoint(pod: Object) -> Object:
    ready = is_ready(pod)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "targetRef": _reference(pod),
    }
