"""What a pod template asks for, read once: the process, its environment, its probe."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drillrange.cluster.confinement import Mount, known_capabilities
from drillrange.cluster.objects import Object

GRACE = 30.0  # seconds, unless the template says otherwise
_INHERITED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)")
_MAPPED = re.compile(r"^metadata\.(labels|annotations)\['([^']+)'\]$")
ConfigMaps = Callable[[str], Mapping[str, str] | None]  # by name


class Unstartable(Exception):
    """The template names something that is not there; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """An HTTP request, or with no path a mere connection, that succeeds when the pod is ready."""

    host: str | None  # None: the pod's own address
    path: str | None
    port: int
    period: float  # seconds, once the pod is ready
    failures: int  # in a row, until it no longer is


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """What to run; `grace` in seconds."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    grace: float
    probe: Probe | None
    capabilities: frozenset[str]
    mounts: tuple[Mount, ...]
    directory: Path | None  # where it begins; None: wherever


def read_container(
    pod: Object, name: str, config_maps: ConfigMaps, mounts: tuple[Mount, ...]
) -> ContainerSpec:
    """Raises Unstartable."""
    try:
        return _read(pod, name, config_maps, mounts)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unstartable(f"the pod's spec cannot be read: {error!r}") from error


def _read(
    pod: Object, name: str, config_maps: ConfigMaps, mounts: tuple[Mount, ...]
) -> ContainerSpec:
    spec = pod["spec"]
    (container,) = (made for made in spec["containers"] if made["name"] == name)
    env = _environment(pod, container, config_maps)
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    grace = spec.get("terminationGracePeriodSeconds")
    return ContainerSpec(
        command=tuple(_expand(str(word), env) for word in words),
        env=env,
        grace=GRACE if grace is None else float(grace),
        probe=_probe(container),
        capabilities=_capabilities(container),
        mounts=mounts,
        directory=Path(container["workingDir"]) if container.get("workingDir") else None,
    )


def _environment(pod: Object, container: Object, config_maps: ConfigMaps) -> dict[str, str]:
    """Little of this process's own: a pod sees its template, not the tokens of who runs it."""
    env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    env["HOSTNAME"] = pod["metadata"]["name"]
    for source in container.get("envFrom") or []:
        name = source["configMapRef"]["name"]
        found = config_maps(name)
        if found is None:
            raise Unstartable(f'configmap "{name}" not found')
        env |= {f"{source.get('prefix', '')}{key}": value for key, value in found.items()}
    for item in container.get("env") or []:
        value = _value(item, pod, config_maps)
        if value is not None:
            env[item["name"]] = _expand(value, env)
    return env


def _value(item: Object, pod: Object, config_maps: ConfigMaps) -> str | None:
    source = item.get("valueFrom")
    if not source:
        return str(item.get("value") or "")
    if "fieldRef" in source:
        return _field(pod, source["fieldRef"]["fieldPath"])
    reference = source["configMapKeyRef"]
    found = config_maps(reference["name"])
    if found is not None and reference["key"] in found:
        return found[reference["key"]]
    if reference.get("optional"):
        return None
    if found is None:
        raise Unstartable(f'configmap "{reference["name"]}" not found')
    raise Unstartable(f"couldn't find key {reference['key']} in ConfigMap {reference['name']}")


def _field(pod: Object, path: str) -> str:
    """Raises Unstartable for a field that there is not."""
    if found := _MAPPED.match(path):
        return str((pod["metadata"].get(found[1]) or {}).get(found[2], ""))
    if path == "status.podIPs":
        return ",".join(one["ip"] for one in pod["status"]["podIPs"])
    where: Any = pod
    for step in path.split("."):
        where = where.get(step) if isinstance(where, dict) else None
    if not isinstance(where, str | int):
        raise Unstartable(f"fieldRef: the pod has no field {path}")
    return str(where)


def _expand(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` is the variable, where there is one; `$$` is a dollar."""

    def replace(found: re.Match[str]) -> str:
        name = found[1]
        return "$" if name is None else env.get(name, found[0])

    return _REFERENCE.sub(replace, text)


def _probe(container: Object) -> Probe | None:
    probe = container.get("readinessProbe")
    if not probe:
        return None
    http = probe.get("httpGet")
    port = (http or probe["tcpSocket"])["port"]
    named = {p.get("name"): p["containerPort"] for p in container.get("ports") or []}
    return Probe(
        host=(http or probe["tcpSocket"]).get("host"),
        path=(http.get("path") or "/") if http else None,
        port=int(named.get(port, port)),
        period=float(probe.get("periodSeconds") or 10),
        failures=int(probe.get("failureThreshold") or 3),
    )


def _capabilities(container: Object) -> frozenset[str]:
    added = ((container.get("securityContext") or {}).get("capabilities") or {}).get("add") or []
    return frozenset(added) & known_capabilities()
