"""Runs the pocket cluster inside the caller's event loop, for as long as its context lasts."""

import asyncio
import contextlib
import secrets
from collections.abc import Generator
from pathlib import Path
from types import TracebackType

import uvicorn
import yaml
from starlette.types import ASGIApp, Receive, Scope, Send

from drillrange.cluster.api import Api
from drillrange.cluster.controller import Controller
from drillrange.cluster.objects import NAMESPACE, Object, Objects
from drillrange.cluster.status import refusal
from drillrange.processes import NotReady, free_ports


class PocketCluster:
    """An API server and its pods. `kubeconfig` is what kubectl needs to reach it."""

    def __init__(self, directory: Path, token: str) -> None:
        self._token = token
        self._port = free_ports(1)[0]
        self.kubeconfig = directory / "kubeconfig"
        self._directory = directory
        self._objects = Objects()
        self._controller = Controller(self._objects, directory)
        self._api = Api(self._objects, self._controller)

    async def __aenter__(self) -> "PocketCluster":
        await asyncio.to_thread(self._prepare)
        guarded = _Guarded(self._api.app(), self._token)
        config = uvicorn.Config(
            guarded,
            host="127.0.0.1",
            port=self._port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
            ws="websockets-sansio",
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve())
        while not self._server.started:
            if self._serving.done():
                raise NotReady("the pocket cluster's server ended at once")
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._controller.stop()
        self._server.should_exit = True
        await self._serving

    def create(self, manifest: Object) -> Object:
        return self._api.create(manifest)

    async def wait_available(self, seconds: float) -> None:
        """Until every deployment has its replicas ready. Raises NotReady, with the pods' logs."""
        deadline = asyncio.get_running_loop().time() + seconds
        while waiting := [d for d in self._objects.list("deployments") if not _is_available(d)]:
            if asyncio.get_running_loop().time() > deadline:
                names = ", ".join(d["metadata"]["name"] for d in waiting)
                raise NotReady(f"not available after {seconds:g} s: {names}\n{self._last_lines()}")
            await asyncio.sleep(0.05)

    def _last_lines(self) -> str:
        return "\n".join(
            f"{pod.name}: {line}"
            for pod in self._controller.pods.values()
            for _, line in list(pod.log)[-5:]
        )

    def _prepare(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        name = "pocket"
        server = f"http://127.0.0.1:{self._port}/{self._token}"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": server}}],
            "users": [{"name": name, "user": {}}],
            "contexts": [
                {"name": name, "context": {"cluster": name, "user": name, "namespace": NAMESPACE}}
            ],
        }
        self.kubeconfig.write_text(yaml.safe_dump(config), "utf-8")
        self.kubeconfig.chmod(0o600)


class _Guarded:
    """Lets in only who knows the secret path of the kubeconfig: kubectl sends no token over plain
    HTTP."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._prefix = f"/{token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            given = scope["path"][: len(self._prefix)]
            if not secrets.compare_digest(given.encode(), self._prefix.encode()):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                    return
                await refusal(401, "Unauthorized", "Unauthorized")(scope, receive, send)
                return
            scope = {**scope, "path": scope["path"][len(self._prefix) :], "root_path": ""}
        await self._app(scope, receive, send)


class _Server(uvicorn.Server):
    """Signals belong to whoever runs the range."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _is_available(deployment: Object) -> bool:
    status = deployment.get("status") or {}
    return bool(status.get("readyReplicas", 0) >= deployment["spec"].get("replicas", 1))
