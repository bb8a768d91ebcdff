"""Makes what runs equal to what the deployments say: one loop for each deployment.

Strategy is always Recreate: old pods stop, then new ones start, since their ports are fixed.
"""

import asyncio
import contextlib
import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

from drillrange.cluster.objects import Object, Objects, now
from drillrange.cluster.pods import PROBE_SECONDS, Pod, pod_of

REVISION = "deployment.kubernetes.io/revision"
RESTART_SECONDS = 1.0


class Controller:
    """`pods` holds the running processes by name."""

    def __init__(self, objects: Objects, directory: Path) -> None:
        self._objects = objects
        self._directory = directory
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._bells: dict[str, asyncio.Event] = {}
        self._numbers = itertools.count(1)
        self.pods: dict[str, Pod] = {}

    def look_at(self, deployment: str) -> None:
        """Something about this deployment changed."""
        if deployment not in self._loops:
            self._bells[deployment] = asyncio.Event()
            self._loops[deployment] = asyncio.create_task(self._follow(deployment))
        self._bells[deployment].set()

    async def stop(self) -> None:
        for loop in self._loops.values():
            loop.cancel()
        await asyncio.gather(*self._loops.values(), return_exceptions=True)
        await asyncio.gather(*(pod.stop() for pod in self.pods.values()))

    async def _follow(self, name: str) -> None:
        bell = self._bells[name]
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(bell.wait(), PROBE_SECONDS)
            bell.clear()
            if not await self._reconcile(name):
                return

    async def _reconcile(self, name: str) -> bool:
        """One pass; False once the deployment is gone and nothing of it runs."""
        deployments = [
            d for d in self._objects.list("deployments") if d["metadata"]["name"] == name
        ]
        if not deployments:
            await self._stop_pods(self._pods_of(name, None))
            del self._loops[name]
            return False
        deployment = deployments[0]
        current = self._replica_set(deployment)
        stale = [p for p in self._pods_of(name, None) if _hash(p) != _hash(current)]
        await self._stop_pods(stale)
        mine = self._pods_of(name, _hash(current))
        wanted = deployment["spec"].get("replicas", 1)
        await self._stop_pods(mine[wanted:])
        for _ in range(wanted - len(mine)):
            await self._start_pod(deployment, current)
        await self._restart_dead(mine[:wanted])
        await self._tell_status(deployment, current)
        return True

    # --- replica sets

    def _replica_set(self, deployment: Object) -> Object:
        """The replica set of the current template, made or brought forward."""
        name = deployment["metadata"]["name"]
        template = deployment["spec"]["template"]
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        own = [r for r in self._objects.list("replicasets") if _owner(r) == name]
        revisions = [int(r["metadata"]["annotations"][REVISION]) for r in own]
        newest = max(revisions, default=0)
        found = next((r for r in own if _hash(r) == digest), None)
        if found is None:
            made = _new_replica_set(deployment, digest, newest + 1)
            found = self._objects.create("replicasets", made)
        elif int(found["metadata"]["annotations"][REVISION]) != newest:
            found["metadata"]["annotations"][REVISION] = str(newest + 1)
            found = self._objects.replace("replicasets", found)
        self._set_revision(deployment, found["metadata"]["annotations"][REVISION])
        return found

    def _set_revision(self, deployment: Object, revision: str) -> None:
        annotations = deployment["metadata"].setdefault("annotations", {})
        if annotations.get(REVISION) != revision:
            annotations[REVISION] = revision
            self._objects.replace("deployments", deployment)

    # --- pods

    def _pods_of(self, deployment: str, digest: str | None) -> list[Object]:
        return self._objects.list(
            "pods",
            lambda p: (
                p["metadata"]["annotations"]["pocket/deployment"] == deployment
                and (digest is None or _hash(p) == digest)
            ),
        )

    async def _start_pod(self, deployment: Object, replica_set: Object) -> None:
        name = f"{replica_set['metadata']['name']}-{next(self._numbers):05x}"
        template = replica_set["spec"]["template"]
        config_maps = {
            c["metadata"]["name"]: c.get("data") or {} for c in self._objects.list("configmaps")
        }
        pod = pod_of(name, template, config_maps, self._directory)
        self.pods[name] = pod
        self._objects.create("pods", _new_pod(name, deployment, replica_set))
        await self._launch(pod)

    async def _launch(self, pod: Pod) -> None:
        try:
            await pod.start()
        except OSError as error:
            self._objects.set_status("pods", pod.name, _pod_status(False, 0, str(error)))

    async def _restart_dead(self, pods: list[Object]) -> None:
        for found in pods:
            pod = self.pods[found["metadata"]["name"]]
            restarts = _restarts(found)
            if not pod.running:
                restarts += 1
                await asyncio.sleep(RESTART_SECONDS)
                await self._launch(pod)
            ready = await pod.ready()
            self._objects.set_status("pods", pod.name, _pod_status(ready, restarts))

    async def _stop_pods(self, pods: list[Object]) -> None:
        names = [pod["metadata"]["name"] for pod in pods]
        await asyncio.gather(*(self.pods[name].stop() for name in names))
        for name in names:
            del self.pods[name]
            self._objects.delete("pods", name)

    # --- status

    async def _tell_status(self, deployment: Object, replica_set: Object) -> None:
        name = deployment["metadata"]["name"]
        deployment = self._objects.get("deployments", name)
        pods = self._pods_of(name, _hash(replica_set))
        ready = sum(_is_ready(pod) for pod in pods)
        wanted = deployment["spec"].get("replicas", 1)
        old = {c["type"]: c for c in (deployment.get("status") or {}).get("conditions", [])}
        done = ready == wanted == len(pods)
        conditions = [
            _condition(
                old,
                "Available",
                ready >= wanted,
                "MinimumReplicasAvailable",
                "MinimumReplicasUnavailable",
            ),
            _condition(old, "Progressing", True, "NewReplicaSetAvailable", "", done),
        ]
        counts = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(pods),
            "updatedReplicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": wanted - ready,
        }
        status: Object = {key: value for key, value in counts.items() if value}
        self._objects.set_status("deployments", name, status | {"conditions": conditions})
        replicas = {"replicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}
        self._objects.set_status("replicasets", replica_set["metadata"]["name"], replicas)


def _condition(
    old: dict[str, Object], kind: str, holds: bool, reason: str, other: str, done: bool = True
) -> Object:
    status = "True" if holds else "False"
    chosen = (reason if holds else other) if done else "ReplicaSetUpdated"
    before = old.get(kind)
    if before and (before["status"], before["reason"]) == (status, chosen):
        return before
    at = now()
    return {
        "type": kind,
        "status": status,
        "reason": chosen,
        "lastUpdateTime": at,
        "lastTransitionTime": at,
    }


def _new_replica_set(deployment: Object, digest: str, revision: int) -> Object:
    meta, spec = deployment["metadata"], deployment["spec"]
    labels = {**spec["template"]["metadata"].get("labels", {}), "pod-template-hash": digest}
    return {
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "labels": labels,
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [_owned_by("Deployment", meta)],
        },
        "spec": {
            "replicas": spec.get("replicas", 1),
            "selector": {
                "matchLabels": {**spec["selector"]["matchLabels"], "pod-template-hash": digest}
            },
            "template": {**spec["template"], "metadata": {"labels": labels}},
        },
    }


def _new_pod(name: str, deployment: Object, replica_set: Object) -> Object:
    template = replica_set["spec"]["template"]
    return {
        "metadata": {
            "name": name,
            "labels": template["metadata"]["labels"],
            "annotations": {"pocket/deployment": deployment["metadata"]["name"]},
            "ownerReferences": [_owned_by("ReplicaSet", replica_set["metadata"])],
        },
        "spec": {**template["spec"], "nodeName": "this-machine"},
        "status": _pod_status(False, 0),
    }


def _owned_by(kind: str, meta: Object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
    }


def _pod_status(ready: bool, restarts: int, message: str = "") -> Object:
    return {
        "phase": "Running",
        "podIP": "127.0.0.1",
        "hostIP": "127.0.0.1",
        "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        "containerStatuses": [{"ready": ready, "restartCount": restarts, "name": "main"}],
        **({"message": message} if message else {}),
    }


def _is_ready(pod: Object) -> bool:
    return bool(pod["status"]["conditions"][0]["status"] == "True")


def _restarts(pod: Object) -> int:
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


def _hash(found: Object) -> Any:
    return found["metadata"]["labels"]["pod-template-hash"]


def _owner(found: Object) -> str:
    owners = found["metadata"].get("ownerReferences") or [{}]
    return str(owners[0].get("name", ""))
