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
from drillrange.processes import Child, NotReady, free_ports, start, wait_for_port

Progress = Callable[[str], None]
ALERTMANAGERS = ("prometheus-alertmanager", "alertmanager")  # Debian's name first


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where Alertmanager delivers; `token_file` holds the bearer token."""

    url: str
    token_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The addresses of a range that is up."""

    directory: Path
    factor: float
    prometheus_url: str
    alertmanager_url: str
    service_url: str
    env: Mapping[str, str]  # for commands that are to act on this range


@contextlib.asynccontextmanager
async def bring_up(
    directory: Path, factor: float, webhook: Webhook, progress: Progress
) -> AsyncIterator[Range]:
    """A range for as long as the context lasts. Raises NotReady; leaves nothing behind."""
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    http, amst, hde, control, destination, prometheus, alertmanager = free_ports(7)
    ports = dwcp_v3.Ports(http=http, amst=amst, hde=hde, control=control, destination=destination)
    async with contextlib.AsyncExitStack() as stack:
        progress("starting the pocket cluster and DWCP v3")
        cluster = await stack.enter_async_context(
            PocketCluster(directory=directory / "cluster", token=secrets.token_hex(16))
        )
        for manifest in dwcp_v3.manifests(ports, directory, factor):
            cluster.create(manifest)
        await cluster.wait_available(30)
        progress("starting Alertmanager")
        await _alertmanager(stack, directory, alertmanager, factor, webhook)
        progress("starting Prometheus")
        await _prometheus(stack, directory, prometheus, alertmanager, ports, factor)
        names = {
            "prometheus:9090": prometheus,
            "localhost:9090": prometheus,
            "alertmanager:9093": alertmanager,
            "dwcp-v3:8080": http,
            "localhost:8080": http,
            "localhost:9091": amst,
            "localhost:9092": hde,
        }
        yield Range(
            directory=directory,
            factor=factor,
            prometheus_url=f"http://127.0.0.1:{prometheus}",
            alertmanager_url=f"http://127.0.0.1:{alertmanager}",
            service_url=f"http://127.0.0.1:{http}",
            env=_env(directory, cluster.kubeconfig, names),
        )


def _env(directory: Path, kubeconfig: Path, names: Mapping[str, int]) -> dict[str, str]:
    """`.curlrc` leads the names and ports that a playbook uses to the ports of this range."""
    lines = [f'connect-to = "{name}:127.0.0.1:{port}"' for name, port in names.items()]
    (directory / ".curlrc").write_text("\n".join(lines) + "\n", "utf-8")
    here = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join([here, os.environ.get("PATH", os.defpath)]),
        "KUBECONFIG": str(kubeconfig),
        "CURL_HOME": str(directory),
    }


async def _alertmanager(
    stack: contextlib.AsyncExitStack, directory: Path, port: int, factor: float, webhook: Webhook
) -> None:
    config = directory / "alertmanager.yml"
    token_file = str(webhook.token_file.resolve())
    config.write_text(monitoring.alertmanager_file(webhook.url, token_file, factor), "utf-8")
    await _start(
        stack,
        directory,
        "alertmanager",
        [
            _program(*ALERTMANAGERS),
            f"--config.file={config}",
            f"--storage.path={directory / 'alertmanager-data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        port,
    )


async def _prometheus(
    stack: contextlib.AsyncExitStack,
    directory: Path,
    port: int,
    alertmanager: int,
    ports: dwcp_v3.Ports,
    factor: float,
) -> None:
    rules, config = directory / "rules.yml", directory / "prometheus.yml"
    rules.write_text(monitoring.rules_file(factor), "utf-8")
    targets = {"dwcp-v3": ports.http, "dwcp-v3-amst": ports.amst, "dwcp-v3-hde": ports.hde}
    config.write_text(
        monitoring.prometheus_file(
            {job: f"127.0.0.1:{target}" for job, target in targets.items()},
            f"127.0.0.1:{alertmanager}",
            str(rules),
        ),
        "utf-8",
    )
    await _start(
        stack,
        directory,
        "prometheus",
        [
            _program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'prometheus-data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        port,
    )


async def _start(
    stack: contextlib.AsyncExitStack, directory: Path, name: str, argv: list[str], port: int
) -> Child:
    child = await start(name, argv, directory / f"{name}.log", os.environ)
    stack.push_async_callback(child.stop)
    await wait_for_port(child, port)
    return child


def _program(*names: str) -> str:
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise NotReady(f"{names[0]} is not installed. Try: apt-get install {names[0]}")
