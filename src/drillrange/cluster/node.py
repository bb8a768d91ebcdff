"""The one machine of the cluster: gives every pod an address and runs its containers.

It knows pods only; it makes none, and removes one only after it was asked to end.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drillrange.cluster import podstatus
from drillrange.cluster.addresses import Addresses, Exhausted
from drillrange.cluster.confinement import Confinement
from drillrange.cluster.container import Container, Run, run
from drillrange.cluster.events import warn
from drillrange.cluster.objects import Object, Objects
from drillrange.cluster.pods import Probe, Unstartable, read_container
from drillrange.cluster.volumes import Volumes

PROBE_SECONDS = 0.2
RESTART_SECONDS = 1.0
STOP_SECONDS = 5.0  # grace at most when the cluster itself stops
Name = tuple[str, str]  # namespace, name


@dataclass(slots=True)
class Running:
    """A pod on this machine; `runs` are those of its containers, by name."""

    uid: str
    ending: asyncio.Event
    address: str = ""
    runs: dict[str, Run] = field(default_factory=dict)


class Node:
    """`of` finds what runs for a pod."""

    def __init__(
        self,
        objects: Objects,
        addresses: Addresses,
        volumes: Volumes,
        directory: Path,
        confinement: Confinement,
    ) -> None:
        self._objects = objects
        self._addresses = addresses
        self._volumes = volumes
        self._directory = directory
        self._confinement = confinement
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
            runs = {made["name"]: Run(made["name"]) for made in pod["spec"]["containers"]}
            running = self._pods[name] = Running(meta["uid"], asyncio.Event(), runs=runs)
            self._tasks[name] = asyncio.create_task(self._keep(pod, running))
        if "deletionTimestamp" in meta:
            running.ending.set()

    async def _keep(self, pod: Object, running: Running) -> None:
        """One pod, from its address to its end."""
        meta = pod["metadata"]
        name = (meta["namespace"], meta["name"])
        try:
            if pod := await self._place(pod, running):
                keeping = [self._keep_container(pod, running, one) for one in running.runs.values()]
                await asyncio.gather(*keeping)
            await self._end(pod, running)
        finally:
            self._volumes.forget(pod)
            if running.address:
                self._addresses.give_back(running.address)
            self._pods.pop(name, None)
            self._tasks.pop(name, None)

    async def _place(self, pod: Object, running: Running) -> Object:
        """The pod with its address, which its template may name."""
        while not running.address and not running.ending.is_set():
            try:
                running.address = self._addresses.take()
            except Exhausted as error:
                for one in running.runs.values():
                    one.waiting = ("FailedCreatePodSandBox", str(error))
                self._tell(pod, running)
                await _either(running.ending, RESTART_SECONDS)
        self._tell(pod, running)
        return self._present(pod) or pod

    async def _keep_container(self, pod: Object, running: Running, one: Run) -> None:
        while not running.ending.is_set():
            await self._run_once(pod, running, one)
            code = one.current.exit_code if one.current else None
            if not running.ending.is_set() and not podstatus.starts_again(pod, code):
                await running.ending.wait()

    async def _run_once(self, pod: Object, running: Running, one: Run) -> None:
        """Start, and watch over it until it ends or is to end."""
        try:
            mounts = self._volumes.provide(pod, one.name)
            spec = read_container(pod, one.name, lambda name: self._config_map(pod, name), mounts)
        except Unstartable as error:
            await self._wait(pod, running, one, "CreateContainerConfigError", str(error))
            return
        if one.current is not None:
            one.previous = one.current
            one.restarts += 1
        try:
            confine = self._confinement.of(spec.capabilities, spec.mounts)
            one.current = await run(spec, self._directory, confine)
        except OSError as error:
            one.current = None
            await self._wait(pod, running, one, "RunContainerError", str(error))
            return
        one.waiting = None
        await self._watch_over(pod, running, one, one.current)

    async def _wait(
        self, pod: Object, running: Running, one: Run, reason: str, message: str
    ) -> None:
        """It could not be started; `reason` is what `kubectl get` prints."""
        if one.waiting != (reason, message):
            warn(self._objects, pod, "Failed", message)
        one.waiting = (reason, message)
        self._tell(pod, running)
        await _either(running.ending, RESTART_SECONDS)

    async def _watch_over(
        self, pod: Object, running: Running, one: Run, container: Container
    ) -> None:
        spec = container.spec
        one.ready, one.failures = spec.probe is None, 0
        leaving = asyncio.create_task(running.ending.wait())
        try:
            while not running.ending.is_set() and container.exit_code is None:
                if spec.probe is not None:
                    one.count(await container.ready(running.address), spec.probe.failures)
                if container.exit_code is None:
                    self._tell(pod, running)
                pause = _pause(spec.probe, one.ready)
                await asyncio.wait(
                    (leaving, container.exited), timeout=pause, return_when="FIRST_COMPLETED"
                )
        finally:
            leaving.cancel()
        if container.exit_code is not None:
            await self._tell_end(pod, running, one, container)

    async def _tell_end(
        self, pod: Object, running: Running, one: Run, container: Container
    ) -> None:
        one.ready = False
        self._tell(pod, running)
        await container.end()
        self._tell(pod, running)
        if podstatus.starts_again(pod, container.exit_code):
            told = f"Back-off restarting container {one.name}: it ended with {container.exit_code}"
            warn(self._objects, pod, "BackOff", told)
            await _either(running.ending, RESTART_SECONDS)

    async def _end(self, pod: Object, running: Running) -> None:
        """TERM, the grace that was asked for, KILL; then take the pod away."""
        there = [one.current for one in running.runs.values() if one.current is not None]
        self._tell(pod, running)
        await asyncio.gather(*(self._stop_container(pod, each) for each in there))
        if self._present(pod) is not None:
            self._objects.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"])

    async def _stop_container(self, pod: Object, container: Container) -> None:
        template = min(container.spec.grace, STOP_SECONDS)
        await container.stop(lambda: self._grace(pod, template))

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

    def _config_map(self, pod: Object, name: str) -> Mapping[str, str] | None:
        found = self._objects.find("configmaps", name, pod["metadata"]["namespace"])
        return None if found is None else found.get("data") or {}

    def _tell(self, pod: Object, running: Running) -> None:
        found = self._present(pod)
        if found is not None:
            status = podstatus.status_of(pod, running.address, running.runs)
            fresh = podstatus.keep_times(found.get("status") or {}, status)
            self._objects.amend("pods", found, lambda made: made.update(status=fresh))


def _pause(probe: Probe | None, ready: bool) -> float | None:
    """Seconds until the next look; none when there is nothing to look for."""
    if probe is None:
        return None
    return probe.period if ready else min(probe.period, PROBE_SECONDS)


async def _either(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
