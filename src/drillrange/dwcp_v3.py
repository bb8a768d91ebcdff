"""DWCP v3 as it is deployed on the range: manifests as data, for the pocket cluster.

Ports are fixed for one range, so every deployment is of the kind that ends before it begins anew.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drillrange.faults import PACING_FILE

Manifest = dict[str, Any]

CONFIG = "dwcp-v3-config"
LOAD = {
    "load": "32MiB*19+256MiB*1",  # one machine in twenty is big
    "load-rate": "4",  # migrations in a second
    "zero-share": "0.7",
}
STREAMS = "4"
GRACE = 10  # seconds to drain
SLA_WINDOW = 300.0  # seconds of true time, divided by the range's factor
GAUGE_EXPIRY = 30.0
SHORTEST_EXPIRY = 2.0  # not less than two scrapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the roles of one range listen; those of metrics answer probes too."""

    http: int
    amst: int
    hde: int
    control: int
    destination: int
    destination_metrics: int

    @property
    def scraped(self) -> Mapping[str, int]:
        """By the name of the deployment."""
        return {
            "dwcp-v3": self.http,
            "dwcp-v3-amst": self.amst,
            "dwcp-v3-hde": self.hde,
            "dwcp-v3-destination": self.destination_metrics,
        }


def manifests(ports: Ports, directory: Path, factor: float) -> list[Manifest]:
    """In the order to create them: what others need comes first."""
    expiry = f"{max(SHORTEST_EXPIRY, GAUGE_EXPIRY / factor):g}"
    return [
        _config_map(LOAD),
        _deployment("destination", ports, _destination(ports)),
        _deployment("hde", ports, _hde(ports), expiry=expiry),
        _deployment("amst", ports, _source(ports, directory), expiry=expiry),
        _deployment("", ports, _control(ports, factor), expiry=expiry),
        _service("dwcp-v3", ports.http),
        _service("dwcp-service", ports.http),
    ]


def _destination(ports: Ports) -> Mapping[str, str]:
    return {
        "DWCP_LISTEN": _local(ports.destination),
        "DWCP_METRICS_LISTEN": _local(ports.destination_metrics),
    }


def _hde(ports: Ports) -> Mapping[str, str]:
    return {"COMPRESSION_ALGO": "none", "DWCP_METRICS_LISTEN": _local(ports.hde)}


def _source(ports: Ports, directory: Path) -> Mapping[str, str]:
    return {
        "STREAM_COUNT": STREAMS,
        "DWCP_METRICS_LISTEN": _local(ports.amst),
        "DWCP_CONTROL_LISTEN": _local(ports.control),
        "DWCP_DESTINATION": _local(ports.destination),
        "DWCP_HDE": _local(ports.hde),
        "DWCP_PACING_FILE": str(directory / PACING_FILE),
    }


def _control(ports: Ports, factor: float) -> Mapping[str, str]:
    return {
        "FEATURE_FLAG_ROLLOUT": "100",
        "TRANSPORT_MODE": "datacenter",
        "DWCP_HTTP_LISTEN": _local(ports.http),
        "DWCP_SOURCE": _local(ports.control),
        "DWCP_WINDOW": f"{max(1.0, SLA_WINDOW / factor):g}",
    }


ROLES = {"": "control", "amst": "source"}  # the others are called what they are
FROM_CONFIG = {"DWCP_LOAD": "load", "DWCP_LOAD_RATE": "load-rate", "DWCP_ZERO_SHARE": "zero-share"}


def _deployment(
    component: str, ports: Ports, env: Mapping[str, str], *, expiry: str | None = None
) -> Manifest:
    """Without a component: the service itself."""
    name = f"dwcp-v3-{component}" if component else "dwcp-v3"
    app = "dwcp-v3" if component in ROLES else name
    chosen = {"app": app, "component": component or "control"}
    labels = {**chosen, "version": "v3"}
    container = _container(name, ROLES.get(component, component), ports.scraped[name])
    container["env"] = [{"name": key, "value": value} for key, value in env.items()]
    if expiry is not None:
        container["env"].append({"name": "DWCP_GAUGE_EXPIRY", "value": expiry})
    if not component:
        container["env"] += [_from_config(key, value) for key, value in FROM_CONFIG.items()]
    if component in ("amst", "destination"):
        # Some kernels let only administrators of the network choose the congestion control.
        container["securityContext"] = {"capabilities": {"add": ["NET_ADMIN"]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": chosen},
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": GRACE, "containers": [container]},
            },
        },
    }


def _container(name: str, role: str, probed: int) -> Manifest:
    request = {"host": "127.0.0.1", "path": "/ready", "port": probed}
    probe = {"httpGet": request, "periodSeconds": 1}
    command = [sys.executable, "-m", "dwcp", role]
    return {"name": name, "image": "dwcp", "command": command, "readinessProbe": probe}


def _from_config(variable: str, key: str) -> Manifest:
    return {
        "name": variable,
        "valueFrom": {"configMapKeyRef": {"name": CONFIG, "key": key}},
    }


def _local(port: int) -> str:
    return f"127.0.0.1:{port}"


def _service(name: str, port: int) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {"app": "dwcp-v3"}},
        "spec": {
            "selector": {"app": "dwcp-v3", "version": "v3"},
            "ports": [{"name": "http", "port": 80, "targetPort": port}],
        },
    }


def _config_map(data: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG},
        "data": dict(data),
    }
