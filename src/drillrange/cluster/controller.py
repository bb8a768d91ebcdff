"""Makes the objects agree: deployments have replica sets, replica sets have pods, orphans go.

Every pass looks at everything and decides in memory, without waiting, so none can overlap. It
starts no process: that is the node's work.
"""

import asyncio
import contextlib
import secrets

from drillrange.cluster import replicasets, rollout
from drillrange.cluster.deployments import status_of
from drillrange.cluster.objects import Object, Objects, stamp
from drillrange.cluster.podstatus import is_ready

LOOK_AGAIN = 1.0  # seconds, even if nothing changed: deadlines pass
SCALED = ("deployments", "replicasets", "pods")


class Controller:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def serve(self) -> None:
        """Until cancelled."""
        with self._objects.watch(*SCALED) as changes:
            while True:
                self._reconcile()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changes.get(), LOOK_AGAIN)
                while not changes.empty():
                    changes.get_nowait()

    def _reconcile(self) -> None:
        self._collect("replicasets", "deployments", "Deployment")
        self._collect("pods", "replicasets", "ReplicaSet")
        for deployment in self._objects.list("deployments"):
            self._deploy(deployment)
        for replica_set in self._objects.list("replicasets"):
            self._replicate(replica_set)

    def _collect(self, plural: str, owners: str, kind: str) -> None:
        """Remove what belongs to an owner that is gone."""
        there = {found["metadata"]["uid"] for found in self._objects.list(owners)}
        for found in self._objects.list(plural):
            owner = replicasets.owner(found)
            if owner is not None and owner["kind"] == kind and owner["uid"] not in there:
                self._remove(plural, found)

    def _remove(self, plural: str, found: Object) -> None:
        meta = found["metadata"]
        if plural != "pods":
            self._objects.delete(plural, meta["name"], meta["namespace"])
        elif "deletionTimestamp" not in meta:
            mark_ending(self._objects, found, None)

    # --- deployments

    def _deploy(self, deployment: Object) -> None:
        own = replicasets.owned(self._objects.list("replicasets"), deployment)
        paused = bool(deployment["spec"].get("paused"))
        new = replicasets.matching(own, deployment)
        if new is None and not paused:
            new = self._objects.create("replicasets", replicasets.successor(deployment, own))
            own.append(new)
        if new is not None and not paused:
            new = self._bring_forward(new, own)
            deployment = self._objects.amend(
                "deployments", deployment, replicasets.annotate(replicasets.revision(new))
            )
        active = new or max(own, key=replicasets.revision, default=None)
        if active is not None:
            self._resize(deployment, active, own)
            self._forget(deployment, active, own)
        self._tell_status(deployment, new, own)

    def _bring_forward(self, new: Object, own: list[Object]) -> Object:
        """A template that is used again becomes the newest revision."""
        newest = max(replicasets.revision(found) for found in own)
        if replicasets.revision(new) == newest:
            return new
        return self._objects.amend("replicasets", new, replicasets.annotate(newest + 1))

    def _resize(self, deployment: Object, new: Object, own: list[Object]) -> None:
        spec = deployment["spec"]
        old = [found for found in own if found["metadata"]["uid"] != new["metadata"]["uid"]]
        chosen = rollout.sizes(
            rollout.replicas(spec),
            rollout.read_strategy(spec),
            self._size(new),
            [self._size(found) for found in old],
        )
        for found in own:
            count = chosen[found["metadata"]["name"]]
            if rollout.replicas(found["spec"]) != count:
                self._objects.amend("replicasets", found, replicasets.resize(count))

    def _size(self, replica_set: Object) -> rollout.Size:
        pods = replicasets.owned(self._objects.list("pods"), replica_set)
        return rollout.Size(
            name=replica_set["metadata"]["name"],
            wanted=rollout.replicas(replica_set["spec"]),
            pods=len(pods),
            ready=sum(map(is_ready, replicasets.staying(pods))),
        )

    def _forget(self, deployment: Object, new: Object, own: list[Object]) -> None:
        """No more old replica sets than revisionHistoryLimit says."""
        limit = deployment["spec"].get("revisionHistoryLimit", 10)
        old = [
            found
            for found in sorted(own, key=replicasets.revision)
            if found["metadata"]["uid"] != new["metadata"]["uid"]
            and not self._size(found).pods
            and not rollout.replicas(found["spec"])
        ]
        for found in old[: max(0, len(old) - limit)]:
            self._remove("replicasets", found)

    def _tell_status(self, deployment: Object, new: Object | None, own: list[Object]) -> None:
        pods = [
            pod
            for found in own
            for pod in replicasets.staying(replicasets.owned(self._objects.list("pods"), found))
        ]
        current = replicasets.owned(pods, new) if new else []
        status = status_of(deployment, new, pods, current)
        self._objects.amend("deployments", deployment, lambda made: made.update(status=status))

    # --- replica sets

    def _replicate(self, replica_set: Object) -> None:
        pods = replicasets.owned(self._objects.list("pods"), replica_set)
        staying = replicasets.staying(pods)
        wanted = rollout.replicas(replica_set["spec"])
        for _ in range(wanted - len(staying)):
            name = f"{replica_set['metadata']['name']}-{secrets.token_hex(3)[:5]}"
            self._objects.create("pods", replicasets.pod(replica_set, name))
        # the youngest and those that are not ready go first
        youngest = sorted(staying, key=_made_at, reverse=True)
        leaving = sorted(youngest, key=is_ready)
        for pod in leaving[: max(0, len(staying) - wanted)]:
            self._remove("pods", pod)
        status = replicasets.status(replica_set, staying)
        self._objects.amend("replicasets", replica_set, lambda made: made.update(status=status))


def _made_at(pod: Object) -> str:
    return str(pod["metadata"]["creationTimestamp"])


def mark_ending(objects: Objects, pod: Object, grace: int | None) -> Object:
    """Ask the node to end a pod; `grace` in seconds, or the template's."""
    chosen = grace
    if chosen is None:
        chosen = pod["spec"].get("terminationGracePeriodSeconds", 30)

    def mark(made: Object) -> None:
        made["metadata"].setdefault("deletionTimestamp", stamp())
        made["metadata"]["deletionGracePeriodSeconds"] = chosen

    return objects.amend("pods", pod, mark)
