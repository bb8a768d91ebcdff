"""What the API makes of a manifest before it stores it: defaults, and refusals (422)."""

import ipaddress
import re
from typing import Any

from drillrange.cluster.kinds import KINDS
from drillrange.cluster.objects import Object, Refused
from drillrange.cluster.schema import check_fields

_NAME = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
LONGEST_NAME = 253
LARGEST_PORT = 65535
_KEY = re.compile(r"^[-._a-zA-Z0-9]+$")
_QUANTITY = re.compile(r"^\d+%?$")


def prepare(
    plural: str, manifest: Any, old: Object | None = None, *, strict: bool = False
) -> Object:
    """The manifest with its defaults. Raises Refused; when `strict`, for unknown fields too."""
    if not isinstance(manifest, dict) or not isinstance(manifest.get("metadata"), dict):
        raise Refused(400, "BadRequest", "the body is not an object with metadata")
    made: Object = _without_nulls(manifest)
    check_fields(KINDS[plural], made, strict)
    check = _Check(plural, made)
    check.name()
    if plural in ("deployments", "replicasets"):
        _scaled(check, made, old)
    elif plural == "pods":
        _pod(check, "spec", made.get("spec"))
    elif plural == "services":
        _service(check, made)
    elif plural == "configmaps":
        _config_map(check, made)
    check.refuse()
    return made


def _without_nulls(value: Any) -> Any:
    """A field that is null is a field that is not there."""
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(one) for key, one in value.items() if one is not None}


class _Check:
    """Collects what is wrong with one object, to tell it all at once."""

    def __init__(self, plural: str, manifest: Object) -> None:
        self._plural = plural
        self._meta: Object = manifest["metadata"]
        self._wrong: list[str] = []

    def that(self, holds: object, otherwise: str) -> bool:
        if not holds:
            self._wrong.append(otherwise)
        return bool(holds)

    def name(self) -> None:
        name = self._meta.get("name")
        if not name and self._meta.get("generateName"):
            return
        if self.that(name, "metadata.name: Required value: name or generateName is required"):
            fits = isinstance(name, str) and len(name) <= LONGEST_NAME and _NAME.match(name)
            self.that(fits, f"metadata.name: Invalid value: {name!r}: must be a DNS subdomain")
        for key in ("labels", "annotations"):
            found = self._meta.get(key)
            self.that(found is None or isinstance(found, dict), f"metadata.{key}: must be a map")

    def refuse(self) -> None:
        if not self._wrong:
            return
        kind = KINDS[self._plural]
        qualified = f"{kind.name}.{kind.group}" if kind.group else kind.name
        name = str(self._meta.get("name", ""))
        told = self._wrong[0] if len(self._wrong) == 1 else f"[{', '.join(self._wrong)}]"
        message = f'{qualified} "{name}" is invalid: {told}'
        raise Refused(422, "Invalid", message, self._plural, name, tuple(self._wrong))


def _scaled(check: _Check, manifest: Object, old: Object | None) -> None:
    spec = manifest.get("spec")
    if not check.that(isinstance(spec, dict), "spec: Required value"):
        return
    assert isinstance(spec, dict)
    told = spec.setdefault("replicas", 1)
    fits = told >= 0
    check.that(fits, f"spec.replicas: Invalid value: {told}: must be greater than or equal to 0")
    template = spec.get("template")
    if not check.that(isinstance(template, dict), "spec.template: Required value"):
        return
    assert isinstance(template, dict)
    _selector(check, spec, old)
    _pod(check, "spec.template.spec", template.get("spec"))
    if manifest.get("kind") != "ReplicaSet":
        _strategy(check, spec)


def _selector(check: _Check, spec: Object, old: Object | None) -> None:
    selector = spec.get("selector")
    labels = selector.get("matchLabels") if isinstance(selector, dict) else None
    if not check.that(isinstance(labels, dict) and labels, "spec.selector: Required value"):
        return
    assert isinstance(labels, dict)
    carried = (spec["template"].get("metadata") or {}).get("labels") or {}
    check.that(
        all(carried.get(key) == value for key, value in labels.items()),
        f"spec.template.metadata.labels: Invalid value: {carried}: "
        "`selector` does not match template `labels`",
    )
    same = old is None or old["spec"].get("selector") == selector
    check.that(same, f"spec.selector: Invalid value: {selector}: field is immutable")


def _strategy(check: _Check, spec: Object) -> None:
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    kind = strategy.setdefault("type", "RollingUpdate")
    known = kind in ("Recreate", "RollingUpdate")
    check.that(known, f"spec.strategy.type: Unsupported value: {kind!r}")
    if kind == "Recreate":
        told = "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` "
        check.that(not strategy.get("rollingUpdate"), told + "is 'Recreate'")
        return
    rolling = strategy.setdefault("rollingUpdate", {})
    for key in ("maxSurge", "maxUnavailable"):
        value = rolling.setdefault(key, "25%")
        fits = _QUANTITY.match(str(value))
        check.that(fits, f"spec.strategy.rollingUpdate.{key}: Invalid value: {value!r}")


def _pod(check: _Check, where: str, spec: Any) -> None:
    if not check.that(isinstance(spec, dict), f"{where}: Required value"):
        return
    policy = spec.setdefault("restartPolicy", "Always")
    allowed = ("Always",) if "template" in where else ("Always", "OnFailure", "Never")
    told = f"{where}.restartPolicy: Unsupported value: {policy!r}: supported values: "
    check.that(policy in allowed, told + ", ".join(map(repr, allowed)))
    spec.setdefault("terminationGracePeriodSeconds", 30)
    containers = spec.get("containers")
    if not check.that(
        isinstance(containers, list) and containers, f"{where}.containers: Required value"
    ):
        return
    told = "Forbidden: the pocket cluster runs no init containers"
    check.that(not spec.get("initContainers"), f"{where}.initContainers: {told}")
    names = [made.get("name") for made in containers if isinstance(made, dict)]
    told = "Duplicate value: containers need different names"
    check.that(len(set(names)) == len(names), f"{where}.containers: {told}")
    volumes = _volumes(check, f"{where}.volumes", spec.get("volumes") or [])
    for number, container in enumerate(containers):
        _container(check, f"{where}.containers[{number}]", container, volumes)


def _volumes(check: _Check, where: str, volumes: Any) -> frozenset[str]:
    """Their names."""
    if not check.that(isinstance(volumes, list), f"{where}: Invalid value: must be a list"):
        return frozenset()
    for number, volume in enumerate(volumes):
        there = f"{where}[{number}]"
        if not check.that(isinstance(volume, dict), f"{there}: Invalid value: must be an object"):
            continue
        check.that(volume.get("name"), f"{there}.name: Required value")
        told = "Unsupported value: the pocket cluster knows configMap and emptyDir"
        check.that("configMap" in volume or "emptyDir" in volume, f"{there}: {told}")
        if "configMap" in volume:
            source = volume["configMap"] or {}
            check.that(source.get("name"), f"{there}.configMap.name: Required value")
            for item in source.get("items") or []:
                path = str(item.get("path") or "")
                fits = path and not path.startswith("/") and ".." not in path.split("/")
                told = f"{there}.configMap.items.path: Invalid value: {path!r}: must be relative"
                check.that(fits, told)
    return frozenset(str(made.get("name")) for made in volumes if isinstance(made, dict))


def _container(check: _Check, where: str, container: Any, volumes: frozenset[str]) -> None:
    if not check.that(isinstance(container, dict), f"{where}: Required value"):
        return
    check.that(container.get("name"), f"{where}.name: Required value")
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    told = "Required value: the pocket cluster has no images, only local commands"
    check.that(words, f"{where}.command: {told}")
    for number, item in enumerate(container.get("env") or []):
        there = f"{where}.env[{number}]"
        if check.that(isinstance(item, dict) and item.get("name"), f"{there}.name: Required value"):
            _source(check, there, item)
    for number, mount in enumerate(container.get("volumeMounts") or []):
        there, name = f"{where}.volumeMounts[{number}]", mount.get("name")
        check.that(name in volumes, f"{there}.name: Not found: {name!r}")
        check.that(mount.get("mountPath"), f"{there}.mountPath: Required value")
    probe = container.get("readinessProbe")
    if probe:
        known = any(kind in probe for kind in ("httpGet", "tcpSocket"))
        told = "Required value: the pocket cluster knows httpGet and tcpSocket"
        check.that(known, f"{where}.readinessProbe: {told}")


def _source(check: _Check, where: str, item: Object) -> None:
    value, source = item.get("value"), item.get("valueFrom")
    told = f"{where}.value: Invalid value: {value!r}: must be a string"
    check.that(value is None or isinstance(value, str), told)
    known = not source or any(kind in source for kind in ("configMapKeyRef", "fieldRef"))
    told = "Unsupported value: the pocket cluster knows configMapKeyRef and fieldRef"
    check.that(known, f"{where}.valueFrom: {told}")


def _config_map(check: _Check, manifest: Object) -> None:
    for part in ("data", "binaryData"):
        for key in manifest.get(part) or {}:
            fits = _KEY.match(key) and not key.startswith("..")
            told = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            check.that(fits, f"{part}[{key}]: Invalid value: {key!r}: {told}")


def _service(check: _Check, manifest: Object) -> None:
    spec = manifest.get("spec")
    if not check.that(isinstance(spec, dict), "spec: Required value"):
        return
    assert isinstance(spec, dict)
    spec.setdefault("type", "ClusterIP")
    ports = spec.get("ports") or []
    if not check.that(isinstance(ports, list), "spec.ports: Invalid value: must be a list"):
        return
    for number, port in enumerate(ports):
        _service_port(check, f"spec.ports[{number}]", port, several=len(ports) > 1)
    for address in spec.get("externalIPs") or []:
        told = f"spec.externalIPs: Invalid value: {address!r}: must be a valid IP address"
        check.that(_is_address(address), told)


def _service_port(check: _Check, where: str, port: Any, *, several: bool) -> None:
    if not check.that(isinstance(port, dict) and "port" in port, f"{where}.port: Required value"):
        return
    told = f"{where}.port: Invalid value: {port['port']!r}: must be between 1 and 65535, inclusive"
    check.that(_is_port(port["port"]), told)
    port.setdefault("protocol", "TCP")
    told = f"{where}.protocol: Unsupported value: {port['protocol']!r}: supported values: 'TCP'"
    check.that(port["protocol"] == "TCP", told)
    check.that(port.get("name") or not several, f"{where}.name: Required value")
    target = port.setdefault("targetPort", port["port"])
    told = f"{where}.targetPort: Invalid value: {target!r}: must be a number or a name"
    check.that(_is_port(target) or (isinstance(target, str) and target), told)


def _is_port(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_PORT


def _is_address(value: Any) -> bool:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True
