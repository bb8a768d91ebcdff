"""DWCP v3 as it is deployed on the range: manifests as data, for the pocket cluster."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOAD = "64MiB*19+512MiB*1"  # one machine in twenty is big
LOAD_RATE = "4"  # migrations in a second
ZERO_SHARE = "0.7"
STREAMS = "4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the roles of one range listen."""

    http: int
    amst: int
    hde: int
    control: int
    destination: int


def manifests(ports: Ports, directory: Path, factor: float) -> list[dict[str, Any]]:
    """Deployments in the order to create them, services and configuration after."""
    config = {"DWCP_LOAD": LOAD, "DWCP_LOAD_RATE": LOAD_RATE}
    return [
        _config_map(config),
        _deployment(
            "dwcp-v3-destination",
            "destination",
            {"DWCP_LISTEN": _local(ports.destination)},
            None,
        ),
        _deployment(
            "dwcp-v3-hde",
            "hde",
            {"COMPRESSION_ALGO": "none", "DWCP_METRICS_LISTEN": _local(ports.hde)},
            ports.hde,
        ),
        _deployment(
            "dwcp-v3-amst",
            "source",
            {
                "STREAM_COUNT": STREAMS,
                "DWCP_METRICS_LISTEN": _local(ports.amst),
                "DWCP_CONTROL_LISTEN": _local(ports.control),
                "DWCP_DESTINATION": _local(ports.destination),
                "DWCP_HDE": _local(ports.hde),
                "DWCP_PACING_FILE": str(directory / "pacing"),
                "DWCP_ZERO_SHARE": ZERO_SHARE,
            },
            ports.amst,
        ),
        _deployment(
            "dwcp-v3",
            "control",
            {
                "FEATURE_FLAG_ROLLOUT": "100",
                "TRANSPORT_MODE": "datacenter",
                "DWCP_HTTP_LISTEN": _local(ports.http),
                "DWCP_SOURCE": _local(ports.control),
                "DWCP_LOAD": LOAD,
                "DWCP_LOAD_RATE": LOAD_RATE,
                "DWCP_WINDOW": f"{300 / factor:g}",
                "DWCP_GAUGE_EXPIRY": f"{max(2, 30 / factor):g}",
            },
            ports.http,
        ),
        _service("dwcp-v3", ports.http),
        _service("dwcp-service", ports.http),
    ]


def _local(port: int) -> str:
    return f"127.0.0.1:{port}"


def _deployment(name: str, role: str, env: dict[str, str], port: int | None) -> dict[str, Any]:
    app = "dwcp-v3" if role in ("control", "source") else name
    labels = {"app": app, "component": role, "version": "v3"}
    container: dict[str, Any] = {
        "name": name,
        "image": "dwcp",
        "command": [sys.executable, "-m", "dwcp", role],
        "env": [{"name": key, "value": value} for key, value in env.items()],
    }
    if port is not None:
        container["readinessProbe"] = {
            "httpGet": {"path": "/health", "port": port},
            "periodSeconds": 1,
        }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": app, "component": role}},
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 10, "containers": [container]},
            },
        },
    }


def _service(name: str, port: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "selector": {"app": "dwcp-v3", "version": "v3"},
            "ports": [{"port": 80, "targetPort": port}],
        },
    }


def _config_map(data: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "dwcp-v3-config"},
        "data": data,
    }
