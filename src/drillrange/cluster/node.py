"""The one machine of the cluster: runs a container for every pod, restarts it, tells its status.

It knows pods only; it makes none, and removes one only after it was asked to end.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drillrange.cluster import podstatus
from drillrange.cluster.container import Container, run
from drillrange.cluster.objects import Object, Objects
from drillrange.cluster.pods import PodSpec, Unstartable, read_pod

PROBE_SECONDS = 0.2
RESTART_SECONDS = 1.0
STOP_SECONDS = 5.0  # grace at most when the cluster itself stops
Name = tuple[str, str]  # namespace, name


@dataclass(slots=True)
class Running:
    """A pod on this machine; `previous` is the run before the last restart."""

    uid: str
    ending: asyncio.Event
    current: Container | None = None
    previous: Container | None = None
    restarts: int = 0
    failures: int = 0  # of the probe, in a row
    ready: bool = False


class Node:
    """`of` finds what runs for a pod."""

    def __init__(self, objects: Objects, directory: Path) -> None:
        self._objects = objects
        self._directory = directory
        self._pods: dict[Name, Running] = {}
        self._tasks: dict[Name, asyncio.Task[None]] = {}

    def of(self, namespace: str, name: str) -> Running | None:
        return self._pods.get((namespace, name))

    async def serve(self) -> None:
        """Follow the pods until cancelled; then stop them all."""
        try:
            with self._objects.watch("pods") as changes:
                for pod in self._objects.list("pods"):
                    self._look_at(pod)
                while True:
                    change = await changes.get()
                    if change.kind != "DELETED":
                        self._look_at(change.about)
        finally:
            await self._stop()

    async def _stop(self) -> None:
        for pod in self._pods.values():
            pod.ending.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _look_at(self, pod: Object) -> None:
        meta = pod["metadata"]
        name = (meta["namespace"], meta["name"])
        running = self._pods.get(name)
        if running is None:
            if self._present(pod) is None:
                return  # old news
            running = self._pods[name] = Running(meta["uid"], asyncio.Event())
            self._tasks[name] = asyncio.create_task(self._keep(pod, running))
        if "deletionTimestamp" in meta:
            running.ending.set()

    async def _keep(self, pod: Object, running: Running) -> None:
        """One pod, from its first start to its end."""
        meta = pod["metadata"]
        name = (meta["namespace"], meta["name"])
        try:
            while not running.ending.is_set():
                await self._run_once(pod, running)
                if not running.ending.is_set() and not self._starts_again(pod, running):
                    await running.ending.wait()
            await self._end(pod, running)
        finally:
            self._pods.pop(name, None)
            self._tasks.pop(name, None)

    async def _run_once(self, pod: Object, running: Running) -> None:
        """Start, and watch over it until it ends or is to end."""
        try:
            spec = read_pod(pod, lambda name: self._config_map(pod, name))
        except Unstartable as error:
            self._tell(pod, podstatus.waiting(pod, "CreateContainerConfigError", str(error), 0))
            await _either(running.ending, RESTART_SECONDS)
            return
        if running.current is not None:
            running.previous = running.current
            running.restarts += 1
        try:
            running.current = await run(spec, self._directory)
        except OSError as error:
            running.current = None
            why = podstatus.waiting(pod, "RunContainerError", str(error), running.restarts)
            self._tell(pod, why)
            await _either(running.ending, RESTART_SECONDS)
            return
        await self._watch_over(pod, running, running.current, spec)

    async def _watch_over(
        self, pod: Object, running: Running, container: Container, spec: PodSpec
    ) -> None:
        running.ready, running.failures = spec.probe is None, 0
        period = min(spec.probe.period, PROBE_SECONDS) if spec.probe else PROBE_SECONDS
        while not running.ending.is_set():
            if container.exit_code is not None:
                await container.end()
                running.ready = False
                self._tell(pod, podstatus.ended(pod, container, running.restarts))
                await _either(running.ending, RESTART_SECONDS)
                return
            if spec.probe is not None:
                _count(running, await container.ready(), spec.probe.failures)
            self._tell_running(pod, running, container)
            await _either(running.ending, period)

    async def _end(self, pod: Object, running: Running) -> None:
        """TERM, the grace that was asked for, KILL; then take the pod away."""
        if running.current is not None:
            self._tell_running(pod, running, running.current)
            template = min(running.current.spec.grace, STOP_SECONDS)
            await running.current.stop(lambda: self._grace(pod, template))
        if self._present(pod) is not None:
            self._objects.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"])

    def _grace(self, pod: Object, otherwise: float) -> float:
        """Seconds; `otherwise` when nobody asked for the end, but the cluster stops."""
        found = self._present(pod)
        grace = found["metadata"].get("deletionGracePeriodSeconds") if found else None
        return otherwise if grace is None else float(grace)

    def _present(self, pod: Object) -> Object | None:
        """The pod as it is now; none if it is gone, or another has its name."""
        meta = pod["metadata"]
        found = self._objects.find("pods", meta["name"], meta["namespace"])
        return found if found and found["metadata"]["uid"] == meta["uid"] else None

    def _starts_again(self, pod: Object, running: Running) -> bool:
        policy = pod["spec"].get("restartPolicy", "Always")
        code = running.current.exit_code if running.current else None
        return policy == "Always" or (policy == "OnFailure" and code != 0)

    def _config_map(self, pod: Object, name: str) -> Mapping[str, str] | None:
        found = self._objects.find("configmaps", name, pod["metadata"]["namespace"])
        return None if found is None else found.get("data") or {}

    def _tell_running(self, pod: Object, running: Running, container: Container) -> None:
        if container.exit_code is not None:
            return
        status = podstatus.running(
            pod, container, running.previous, running.restarts, running.ready
        )
        self._tell(pod, status)

    def _tell(self, pod: Object, status: Object) -> None:
        found = self._present(pod)
        if found is not None:
            fresh = podstatus.keep_times(found.get("status") or {}, status)
            self._objects.amend("pods", found, lambda made: made.update(status=fresh))


def _count(running: Running, succeeded: bool, failures: int) -> None:
    running.failures = 0 if succeeded else running.failures + 1
    if succeeded:
        running.ready = True
    elif running.failures >= failures:
        running.ready = False


async def _either(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
