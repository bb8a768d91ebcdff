"""One range: the pocket cluster with DWCP, etcd, Prometheus and Alertmanager on it.

It lives in one directory and on loopback addresses of its own, so that many ranges run side by
side. Unmodified commands of a playbook reach it through `env`; on a private network, through the
names and ports that the playbook uses.
"""

import asyncio
import contextlib
import fcntl
import http.client
import json
import os
import secrets
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from drillrange import changes, dwcp_v3, monitoring, namespace
from drillrange.cluster.server import PocketCluster
from drillrange.manifests import Manifest
from drillrange.processes import NotReady

Progress = Callable[[str], None]
PODS_SECONDS = 60.0
MONITOR_SECONDS = 30.0
LOOK_SECONDS = 0.5
LOCALHOST = "127.0.0.1"
SHARED_MEMORY = Path("/dev/shm")
LOCK = "lock"  # in that directory


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
    private: bool
    prometheus_url: str
    alertmanager_url: str
    service_url: str
    env: Mapping[str, str]  # for commands that are to act on this range
    cluster: PocketCluster

    @property
    def ground(self) -> changes.Ground:
        return changes.Ground(self.directory)

    def status(self) -> Mapping[str, str]:
        """Of every part: "up", or what is wrong with it."""
        return self.cluster.status()


@contextlib.asynccontextmanager
async def bring_up(
    directory: Path, factor: float, webhook: Webhook, progress: Progress
) -> AsyncIterator[Range]:
    """A range for as long as the context lasts. Raises NotReady; leaves no process behind.

    On a network of its own (`drillrange.namespace`) it goes by the names and ports of a playbook.
    """
    hosts = namespace.names()
    private = hosts is not None
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    programs = _programs()
    async with contextlib.AsyncExitStack() as stack:
        memory = stack.enter_context(_shared_memory(directory))
        progress("starting the pocket cluster")
        token = secrets.token_urlsafe(24)
        cluster = await stack.enter_async_context(
            PocketCluster(directory=directory / "cluster", token=token, private_network=private)
        )
        site = _create_services(cluster, directory, memory, factor, private)
        monitors = monitoring.Monitors(
            directory=directory, factor=factor, alertmanager=site.addresses["alertmanager"]
        )
        monitors.write(webhook.url, webhook.token_file)
        progress("starting Prometheus, Alertmanager, etcd and the hosts of DWCP")
        site = await _create_pods(cluster, site, monitors.pods(*programs))
        await stack.enter_async_context(_following(cluster, monitors.targets))
        progress("starting DWCP")
        for manifest in dwcp_v3.deployments(site):
            cluster.create(manifest)
        if hosts is not None:
            _write_hosts(hosts, _names(site))
        await cluster.wait_available(PODS_SECONDS)
        progress("waiting until Prometheus reads all of it")
        await _wait_until_read(cluster, site)
        yield Range(
            directory=directory,
            factor=factor,
            private=private,
            prometheus_url=f"http://{site.at('prometheus', monitoring.PROMETHEUS)}",
            alertmanager_url=f"http://{site.at('alertmanager', monitoring.ALERTMANAGER)}",
            service_url=f"http://{site.at('dwcp-service', dwcp_v3.HTTP)}",
            env=_env(directory, cluster.kubeconfig, site, private),
            cluster=cluster,
        )


# --- what runs


def _create_services(
    cluster: PocketCluster, directory: Path, memory: Path, factor: float, private: bool
) -> dwcp_v3.Site:
    local = [LOCALHOST] if private else []
    addresses = {}
    for manifest in [*dwcp_v3.services(local), *monitoring.services(local)]:
        made = cluster.create(manifest)
        addresses[made["metadata"]["name"]] = made["spec"]["clusterIP"]
    return dwcp_v3.Site(
        directory=directory,
        memory=memory,
        pacing=directory / changes.PACING_FILE,
        factor=factor,
        addresses=addresses,
    )


async def _create_pods(
    cluster: PocketCluster, site: dwcp_v3.Site, monitors: Sequence[Manifest]
) -> dwcp_v3.Site:
    """Returns once every pod has its address."""
    wanted = []
    for manifest in [*dwcp_v3.hosts(site), *monitors]:
        cluster.create(manifest)
        if manifest["kind"] == "Pod":
            wanted.append(manifest["metadata"]["name"])
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PODS_SECONDS
    while not all(found := _addresses(cluster, wanted).values()):
        if loop.time() > deadline:
            raise NotReady(f"pods got no address: {found}")
        await asyncio.sleep(0.02)
    return replace(site, pods=_addresses(cluster, wanted))


def _addresses(cluster: PocketCluster, names: Sequence[str]) -> dict[str, str]:
    pods = {each["metadata"]["name"]: each for each in cluster.list("pods")}
    return {name: pods[name].get("status", {}).get("podIP", "") for name in names}


@contextlib.contextmanager
def _shared_memory(directory: Path) -> Iterator[Path]:
    """A directory in memory for guests, which every process of the range can map. What a range
    that was killed has left there is given back first.
    """
    place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else directory
    for left in place.glob("drillrange-*"):
        if is_left(left):
            shutil.rmtree(left, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix="drillrange-", dir=place) as made,
        (Path(made) / LOCK).open("w") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)  # for as long as this process lives
        yield Path(made)


def is_left(directory: Path) -> bool:
    """Whether nobody holds its lock any more."""
    try:
        with (directory / LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # it is held, or was made this moment, or is somebody else's
        return False
    return True


def _programs() -> tuple[str, str]:
    """Prometheus and Alertmanager. Raises NotReady for a program that is not installed."""
    _program("etcd-server", "etcd")
    return (
        _program("prometheus", "prometheus"),
        _program("prometheus-alertmanager", *monitoring.ALERTMANAGERS),
    )


def _program(package: str, *names: str) -> str:
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise NotReady(f"{names[0]} is not installed. Try: apt-get install {package}")


# --- what is read


@contextlib.asynccontextmanager
async def _following(cluster: PocketCluster, targets: Path) -> AsyncIterator[None]:
    """Prometheus reads the pods that there are."""
    task = asyncio.create_task(_follow(cluster, targets))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _follow(cluster: PocketCluster, targets: Path) -> None:
    told = ""
    while True:
        now = json.dumps(monitoring.targets(cluster.list("pods")))
        if now != told:
            draft = targets.with_suffix(".draft")
            draft.write_text(now, "utf-8")
            draft.replace(targets)
            told = now
        await asyncio.sleep(LOOK_SECONDS)


async def _wait_until_read(cluster: PocketCluster, site: dwcp_v3.Site) -> None:
    prometheus = f"http://{site.at('prometheus', monitoring.PROMETHEUS)}"
    alertmanager = f"http://{site.at('alertmanager', monitoring.ALERTMANAGER)}"
    loop = asyncio.get_running_loop()
    deadline = loop.time() + MONITOR_SECONDS
    while True:
        count = sum(len(each["targets"]) for each in monitoring.targets(cluster.list("pods")))
        ready = await asyncio.to_thread(_ask, f"{alertmanager}/-/ready")
        read = await asyncio.to_thread(_ask, f"{prometheus}/api/v1/query?query=sum(up)")
        if ready and f'"{count}"]' in read:
            return
        if loop.time() > deadline:
            said = f"Alertmanager says {ready!r}, Prometheus reads {read!r} of {count}"
            raise NotReady(f"not all is read after {MONITOR_SECONDS:g} s: {said}")
        await asyncio.sleep(0.1)


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback has no proxy


def _ask(url: str) -> str:
    """Empty unless the answer is 200."""
    try:
        with _direct.open(url, timeout=2) as answer:
            return str(answer.read().decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException):
        return ""


# --- how commands reach it


def _names(site: dwcp_v3.Site) -> dict[str, str]:
    """Addresses of what a playbook calls by name; a pod's own where data goes to it directly."""
    pods = {name: site.pods[name] for name in (*dwcp_v3.DESTINATIONS, "dwcp-v3-pod")}
    away = {"destination-host": site.pods["dwcp-v3-destination"]}
    return {**site.addresses, **pods, **away}


def _write_hosts(path: Path, names: Mapping[str, str]) -> None:
    """In place: the file is bound over the system's."""
    lines = [f"{LOCALHOST} localhost", *(f"{address} {name}" for name, address in names.items())]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _env(directory: Path, kubeconfig: Path, site: dwcp_v3.Site, private: bool) -> dict[str, str]:
    here = str(Path(sys.executable).parent)
    env = {
        "PATH": os.pathsep.join([here, os.environ.get("PATH", os.defpath)]),
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(directory / "kube-cache"),  # else it is made anew for every command
    }
    if not private:
        _write_curlrc(directory / ".curlrc", site)
        env["CURL_HOME"] = str(directory)
        # for what asks Prometheus and is not curl
        env["PROMETHEUS_URL"] = f"http://{site.at('prometheus', monitoring.PROMETHEUS)}"
    return env


def _write_curlrc(path: Path, site: dwcp_v3.Site) -> None:
    """Leads the names and ports that a playbook uses to this range; `curl` only."""
    local = {
        monitoring.PROMETHEUS: "prometheus",
        dwcp_v3.HTTP: "dwcp-v3",
        dwcp_v3.AMST: "dwcp-v3-source",
        dwcp_v3.HDE: "dwcp-v3-hde",
        **dict.fromkeys(dwcp_v3.COMPONENTS.values(), "dwcp-v3"),
    }
    led = [
        f"{host}:{port}:{site.at(name, port)}"
        for host in ("localhost", LOCALHOST)
        for port, name in local.items()
    ]
    led += [f"{name}::{address}:" for name, address in _names(site).items()]
    path.write_text("".join(f'connect-to = "{each}"\n' for each in led), "utf-8")
