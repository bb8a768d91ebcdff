"""One range: the pocket cluster with DWCP v3 on it, Prometheus and Alertmanager beside it.

Everything listens on free ports of 127.0.0.1 and lives in one directory, so that many ranges run
side by side. Unmodified `curl` and `kubectl` commands reach it through `env`.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from drillrange import dwcp_v3, monitoring
from drillrange.cluster.server import PocketCluster
from drillrange.faults import FAULTS, Fault
from drillrange.processes import Child, NotReady, free_ports, start, wait_for_answer

Progress = Callable[[str], None]
ALERTMANAGERS = ("prometheus-alertmanager", "alertmanager")  # Debian's name first
PODS_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where Alertmanager delivers; `token_file` holds the bearer token."""

    url: str
    token_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range that is up, and where its parts are."""

    directory: Path
    factor: float
    prometheus_url: str
    alertmanager_url: str
    service_url: str
    env: Mapping[str, str]  # for commands that are to act on this range
    cluster: PocketCluster
    children: tuple[Child, ...]

    def inject(self, fault: str) -> None:
        """Raises KeyError for a fault that there is not."""
        FAULTS[fault].inject(self.directory)

    def heal(self, fault: str | None = None) -> None:
        """One fault, or all of them."""
        chosen: tuple[Fault, ...] = (FAULTS[fault],) if fault else tuple(FAULTS.values())
        for found in chosen:
            found.heal(self.directory)

    def status(self) -> Mapping[str, str]:
        """Of every part: "up", or what is wrong with it."""
        return self.cluster.status() | {child.name: _state(child) for child in self.children}


@contextlib.asynccontextmanager
async def bring_up(
    directory: Path, factor: float, webhook: Webhook, progress: Progress
) -> AsyncIterator[Range]:
    """A range for as long as the context lasts. Raises NotReady; leaves no process behind."""
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    ports, monitors = _ports()
    async with contextlib.AsyncExitStack() as stack:
        progress("starting the pocket cluster and DWCP v3")
        cluster = await stack.enter_async_context(
            PocketCluster(directory=directory / "cluster", token=secrets.token_urlsafe(24))
        )
        for manifest in dwcp_v3.manifests(ports, directory, factor):
            cluster.create(manifest)
        progress("starting Alertmanager and Prometheus")
        files = monitoring.Files(directory=directory, factor=factor)
        files.write(monitors, ports.scraped, webhook.url, webhook.token_file)
        children = await _start_monitors(stack, files, monitors)
        progress("waiting until DWCP v3 is available")
        await cluster.wait_available(PODS_SECONDS)
        progress("waiting until Prometheus reads all of it")
        await _wait_for_monitors(children, monitors, len(ports.scraped))
        yield Range(
            directory=directory,
            factor=factor,
            prometheus_url=f"http://127.0.0.1:{monitors.prometheus}",
            alertmanager_url=f"http://127.0.0.1:{monitors.alertmanager}",
            service_url=f"http://127.0.0.1:{ports.http}",
            env=_env(directory, cluster.kubeconfig, _names(ports, monitors)),
            cluster=cluster,
            children=children,
        )


def _ports() -> tuple[dwcp_v3.Ports, monitoring.Ports]:
    http, amst, hde, control, destination, received, *monitors = free_ports(8)
    service = dwcp_v3.Ports(
        http=http,
        amst=amst,
        hde=hde,
        control=control,
        destination=destination,
        destination_metrics=received,
    )
    return service, monitoring.Ports(prometheus=monitors[0], alertmanager=monitors[1])


def _names(ports: dwcp_v3.Ports, monitors: monitoring.Ports) -> Mapping[str, int]:
    """What a playbook calls them, and where they are."""
    names = {"localhost:9091": ports.amst, "localhost:9092": ports.hde}
    for host in ("localhost", "127.0.0.1", "dwcp-v3"):
        names[f"{host}:8080"] = ports.http
    names["dwcp-v3:80"] = names["dwcp-service:80"] = ports.http
    for host in ("localhost", "127.0.0.1", "prometheus"):
        names[f"{host}:9090"] = monitors.prometheus
    for host in ("localhost", "127.0.0.1", "alertmanager"):
        names[f"{host}:9093"] = monitors.alertmanager
    return names


def _env(directory: Path, kubeconfig: Path, names: Mapping[str, int]) -> dict[str, str]:
    """`.curlrc` leads the names and ports that a playbook uses to the ports of this range."""
    lines = [f'connect-to = "{name}:127.0.0.1:{port}"' for name, port in names.items()]
    (directory / ".curlrc").write_text("\n".join(lines) + "\n", "utf-8")
    here = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join([here, os.environ.get("PATH", os.defpath)]),
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(directory / "kube-cache"),  # else it is made anew for every command
        "CURL_HOME": str(directory),
    }


async def _start_monitors(
    stack: contextlib.AsyncExitStack, files: monitoring.Files, ports: monitoring.Ports
) -> tuple[Child, ...]:
    """Ended with the stack. Raises NotReady for a program that is not installed."""
    programs = {
        "alertmanager": [_program(*ALERTMANAGERS), *files.alertmanager_flags(ports)],
        "prometheus": [_program("prometheus"), *files.prometheus_flags(ports)],
    }
    children = []
    for name, argv in programs.items():
        child = await start(name, argv, files.directory / f"{name}.log", os.environ)
        stack.push_async_callback(child.stop)
        children.append(child)
    return tuple(children)


async def _wait_for_monitors(
    children: tuple[Child, ...], ports: monitoring.Ports, targets: int
) -> None:
    alertmanager, prometheus = children
    await wait_for_answer(alertmanager, f"http://127.0.0.1:{ports.alertmanager}/-/ready")
    await wait_for_answer(
        prometheus,
        f"http://127.0.0.1:{ports.prometheus}/api/v1/query?query=sum(up)",
        lambda body: f'"{targets}"]' in body,
    )


def _program(*names: str) -> str:
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise NotReady(f"{names[0]} is not installed. Try: apt-get install {names[0]}")


def _state(child: Child) -> str:
    code = child.process.returncode
    return "up" if code is None else f"ended with {code}:\n{child.last_lines()}"
