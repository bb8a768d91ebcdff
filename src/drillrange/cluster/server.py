"""Runs the pocket cluster inside the caller's event loop, for as long as its context lasts."""

import asyncio
import base64
import contextlib
from collections.abc import Generator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
import yaml
from starlette.types import ASGIApp

from drillrange.cluster.addresses import Addresses
from drillrange.cluster.api import Api
from drillrange.cluster.certificate import make_certificate
from drillrange.cluster.confinement import Confinement, may_mount
from drillrange.cluster.controller import Controller
from drillrange.cluster.node import Node
from drillrange.cluster.objects import NAMESPACE, Object, Objects
from drillrange.cluster.podapi import PodApi
from drillrange.cluster.podstatus import is_ready
from drillrange.cluster.replicasets import owner
from drillrange.cluster.routes import Guarded, application
from drillrange.cluster.services import Services
from drillrange.cluster.volumes import Volumes
from drillrange.processes import NotReady

NAME = "pocket-cluster"


class PocketCluster:
    """An API server and its pods. `kubeconfig` is what kubectl needs to reach it."""

    def __init__(self, directory: Path, token: str, *, private_network: bool = False) -> None:
        self._token = token
        self._directory = directory
        self._confinement = Confinement(private_network)
        self._objects = Objects()
        self._objects.create("namespaces", {"metadata": {"name": NAMESPACE}})
        self._tasks: list[asyncio.Task[None]] = []
        self.kubeconfig = directory / "kubeconfig"
        self.url = ""

    async def __aenter__(self) -> Self:
        """Raises NotReady."""
        addresses, listening = Addresses.claim()
        certificate, key = await asyncio.to_thread(self._prepare, addresses.own)
        self.url = "https://{}:{}".format(*listening.getsockname())
        await asyncio.to_thread(self._write_kubeconfig, certificate)
        volumes = Volumes(self._objects, self._directory / "volumes", mounting=may_mount())
        self._api = Api(self._objects, addresses)
        self._volumes = volumes
        self._node = Node(self._objects, addresses, volumes, self._directory, self._confinement)
        pods = PodApi(self._objects, self._node, self._directory, self._confinement)
        app = Guarded(application(self._api, pods), self._token)
        self._server = _server(app, certificate, key)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))
        while not self._server.started:
            if self._serving.done():
                raise NotReady("the pocket cluster's server ended at once")
            await asyncio.sleep(0.01)
        parts = (Controller(self._objects), self._node, volumes, Services(self._objects))
        self._tasks = [asyncio.create_task(part.serve()) for part in parts]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._end()
        finally:
            self._server.should_exit = True
            await self._serving

    async def _end(self) -> None:
        """Raises what the controller or the node died of, if one did."""
        try:
            self._raise_failures()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._volumes.close()

    def _raise_failures(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()

    def create(self, manifest: Object) -> Object:
        """Raises Refused, with the API's words."""
        return self._api.create(manifest)

    def list(self, plural: str) -> "list[Object]":
        """Objects as they are now."""
        return self._objects.list(plural)

    async def wait_available(self, seconds: float) -> None:
        """Until all deployments and pods are ready. Raises NotReady, with the pods' logs."""
        deadline = asyncio.get_running_loop().time() + seconds
        while waiting := [name for name, state in self.status().items() if state != "up"]:
            self._raise_failures()
            if asyncio.get_running_loop().time() > deadline:
                told = f"not available after {seconds:g} s: {', '.join(waiting)}"
                raise NotReady(f"{told}\n{self._last_lines(waiting)}")
            await asyncio.sleep(0.05)

    def status(self) -> dict[str, str]:
        """Of every deployment, and of every pod that is none's: "up", or what is missing."""
        pods = [pod for pod in self._objects.list("pods") if owner(pod) is None]
        return {d["metadata"]["name"]: _state(d) for d in self._objects.list("deployments")} | {
            pod["metadata"]["name"]: _pod_state(pod) for pod in pods
        }

    def _last_lines(self, parts: Sequence[str]) -> str:
        """Of the pods of these parts."""
        told = []
        for pod in self._objects.list("pods"):
            name = pod["metadata"]["name"]
            running = self._node.of(pod["metadata"]["namespace"], name)
            if running is None or not name.startswith(tuple(parts)):
                continue
            for run in running.runs.values():
                lines = run.current.log.tail(5) if run.current else list(run.waiting or ())
                told += [f"{name}: {line}" for line in lines]
        return "\n".join(told)

    def _prepare(self, address: str) -> tuple[Path, Path]:
        self._directory.mkdir(parents=True, exist_ok=True)
        return make_certificate(self._directory, address)

    def _write_kubeconfig(self, certificate: Path) -> None:
        authority = base64.b64encode(certificate.read_bytes()).decode()
        cluster = {"server": self.url, "certificate-authority-data": authority}
        context = {"cluster": NAME, "user": NAME, "namespace": NAMESPACE}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": NAME,
            "clusters": [{"name": NAME, "cluster": cluster}],
            "users": [{"name": NAME, "user": {"token": self._token}}],
            "contexts": [{"name": NAME, "context": context}],
        }
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(yaml.safe_dump(config), "utf-8")


class _Server(uvicorn.Server):
    """Signals belong to whoever runs the range."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _server(app: ASGIApp, certificate: Path, key: Path) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            ws="websockets-sansio",
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
    )


def _state(deployment: Object) -> str:
    if _is_available(deployment):
        return "up"
    ready = (deployment.get("status") or {}).get("readyReplicas", 0)
    return f"{ready} of {deployment['spec'].get('replicas', 1)} pods are ready"


def _pod_state(pod: Object) -> str:
    phase = (pod.get("status") or {}).get("phase", "Pending")
    return "up" if is_ready(pod) or phase == "Succeeded" else f"{phase}, not ready"


def _is_available(deployment: Object) -> bool:
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return seen and bool(status.get("availableReplicas", 0) >= wanted)
