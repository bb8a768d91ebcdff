"""What is asked of running pods: their logs, a command within, their use of the machine."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.websockets import WebSocket

from drillrange.cluster.confinement import Confinement
from drillrange.cluster.container import Run
from drillrange.cluster.exec import execute
from drillrange.cluster.kinds import METRICS
from drillrange.cluster.log import Log
from drillrange.cluster.node import Node
from drillrange.cluster.objects import Object, Objects, Refused
from drillrange.cluster.pods import ContainerSpec
from drillrange.cluster.selectors import wanted
from drillrange.cluster.status import refusal
from drillrange.cluster.usage import Meter


class PodApi:
    def __init__(
        self, objects: Objects, node: Node, directory: Path, confinement: Confinement
    ) -> None:
        self._objects = objects
        self._node = node
        self._directory = directory
        self._confinement = confinement
        self._meter = Meter()

    async def log(self, request: Request) -> Response:
        query = request.query_params
        pod, container = self._find(request.path_params, query)
        lines = self._log(pod, container, query.get("previous") == "true").read(
            tail=_number(query, "tailLines"),
            since=_since(query),
            stamped=query.get("timestamps") == "true",
            follow=query.get("follow") == "true",
        )
        limit = _number(query, "limitBytes")
        return StreamingResponse(_limited(lines, limit), media_type="text/plain")

    async def execute(self, socket: WebSocket) -> None:
        try:
            spec = self._spec(socket.path_params, socket.query_params)
            if not socket.query_params.getlist("command"):
                raise Refused(400, "BadRequest", "you must specify at least 1 command")
        except Refused as error:
            await socket.send_denial_response(refusal(error))
            return
        confine = self._confinement.of_command(spec.capabilities, spec.mounts)
        await execute(socket, spec, self._directory, confine)

    async def refuse_spdy(self, request: Request) -> Response:
        """Clients POST when they speak SPDY: older ones, and newer ones after a refusal."""
        self._spec(request.path_params, request.query_params)
        message = "the pocket cluster speaks WebSocket (v5.channel.k8s.io) only: use kubectl 1.31+"
        raise Refused(400, "BadRequest", message)

    async def usages(self, request: Request) -> Response:
        query = request.query_params
        chosen = wanted(query.get("labelSelector", ""), query.get("fieldSelector", ""))
        pods = self._objects.list("pods", chosen, request.path_params.get("namespace"))
        items = await asyncio.to_thread(self._measure, pods)
        body = {"kind": "PodMetricsList", "apiVersion": f"{METRICS}/v1beta1", "metadata": {}}
        return JSONResponse({**body, "items": items})

    async def usage(self, request: Request) -> Response:
        pod, _ = self._find(request.path_params, {})
        measured = await asyncio.to_thread(self._measure, [pod])
        if not measured:
            name = pod["metadata"]["name"]
            message = f'podmetrics.{METRICS} "{name}" not found'
            raise Refused(404, "NotFound", message)
        kind = {"kind": "PodMetrics", "apiVersion": f"{METRICS}/v1beta1"}
        return JSONResponse({**kind, **measured[0]})

    def _measure(self, pods: list[Object]) -> list[Object]:
        measured = []
        for pod in pods:
            running = self._node.of(pod["metadata"]["namespace"], pod["metadata"]["name"])
            runs = running.runs.values() if running else ()
            groups = {
                one.name: one.current.pid
                for one in runs
                if one.current is not None and one.current.exit_code is None
            }
            if groups:
                measured.append(self._meter.measure(pod, groups))
        return measured

    def _find(self, path: Mapping[str, str], query: Mapping[str, str]) -> tuple[Object, str]:
        """A pod and one of its containers, the first unless another is asked for.

        Raises Refused: no such pod (404), no such container (400).
        """
        pod = self._objects.get("pods", path["name"], path["namespace"])
        there = [made["name"] for made in pod["spec"]["containers"]]
        asked = query.get("container") or there[0]
        if asked not in there:
            message = f"container {asked} is not valid for pod {path['name']}"
            raise Refused(400, "BadRequest", message)
        return pod, asked

    def _run(self, pod: Object, container: str) -> Run | None:
        running = self._node.of(pod["metadata"]["namespace"], pod["metadata"]["name"])
        return None if running is None else running.runs[container]

    def _spec(self, path: Mapping[str, str], query: Mapping[str, str]) -> ContainerSpec:
        """Of a container that runs now. Raises Refused."""
        pod, container = self._find(path, query)
        phase = (pod.get("status") or {}).get("phase")
        if phase in ("Succeeded", "Failed"):
            told = f"cannot exec into a container in a completed pod; current phase is {phase}"
            raise Refused(400, "BadRequest", told)
        run = self._run(pod, container)
        if run is None or run.current is None or run.current.exit_code is not None:
            raise Refused(404, "NotFound", f'container not found ("{container}")')
        return run.current.spec

    def _log(self, pod: Object, container: str, previous: bool) -> Log:
        name = pod["metadata"]["name"]
        run = self._run(pod, container)
        found = None if run is None else run.previous if previous else run.current
        if found is not None:
            return found.log
        if previous:
            message = f'previous terminated container "{container}" in pod "{name}" not found'
        else:
            message = f'container "{container}" in pod "{name}" is waiting to start'
        raise Refused(400, "BadRequest", message)


async def _limited(lines: AsyncIterator[bytes], limit: int | None) -> AsyncIterator[bytes]:
    left = limit
    async for line in lines:
        yield line if left is None else line[:left]
        if left is not None:
            left -= len(line)
            if left <= 0:
                return


def _number(query: Mapping[str, str], name: str) -> int | None:
    """Raises Refused (400)."""
    text = query.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise Refused(400, "BadRequest", f"{name}: {text!r} is not a number")
    return int(text)


def _since(query: Mapping[str, str]) -> timedelta | None:
    """Raises Refused (400)."""
    if at := query.get("sinceTime"):
        try:
            return datetime.now(UTC) - datetime.fromisoformat(at).astimezone(UTC)
        except ValueError:
            raise Refused(400, "BadRequest", f"sinceTime: {at!r} is not an instant") from None
    seconds = _number(query, "sinceSeconds")
    return None if seconds is None else timedelta(seconds=seconds)
