"""The objects of the cluster, in memory, with versions and watchers."""

import asyncio
import copy
import hashlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

NAMESPACE = "default"
Object = dict[str, Any]
Change = tuple[str, Object]  # "ADDED", "MODIFIED" or "DELETED", and the object as it was then


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    name: str
    plural: str
    group: str  # "" for the core group
    short: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/v1" if self.group else "v1"


KINDS = {
    kind.plural: kind
    for kind in (
        Kind(name="Pod", plural="pods", group="", short=("po",)),
        Kind(name="Service", plural="services", group="", short=("svc",)),
        Kind(name="ConfigMap", plural="configmaps", group="", short=("cm",)),
        Kind(name="Event", plural="events", group="", short=("ev",)),
        Kind(name="Deployment", plural="deployments", group="apps", short=("deploy",)),
        Kind(name="ReplicaSet", plural="replicasets", group="apps", short=("rs",)),
    )
}
PLURALS = {kind.name: kind.plural for kind in KINDS.values()}


class NotFound(LookupError):
    """There is no such object."""

    def __init__(self, plural: str, name: str) -> None:
        super().__init__(f'{plural} "{name}" not found')
        self.plural = plural
        self.name = name


class Exists(LookupError):
    """An object of that name is there already."""

    def __init__(self, plural: str, name: str) -> None:
        super().__init__(f'{plural} "{name}" already exists')
        self.plural = plural
        self.name = name


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


class Objects:
    """What is put in is copied, and so is what is given out."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], Object] = {}
        self._versions = itertools.count(1)
        self.version = "0"
        self._watchers: set[tuple[str, asyncio.Queue[Change]]] = set()

    def get(self, plural: str, name: str) -> Object:
        """Raises NotFound."""
        try:
            return copy.deepcopy(self._objects[plural, name])
        except KeyError:
            raise NotFound(plural, name) from None

    def list(self, plural: str, wanted: Callable[[Object], bool] = lambda _: True) -> list[Object]:
        found = (o for (kind, _), o in sorted(self._objects.items()) if kind == plural)
        return [copy.deepcopy(o) for o in found if wanted(o)]

    def create(self, plural: str, new: Object) -> Object:
        """Raises Exists."""
        name = new["metadata"]["name"]
        if (plural, name) in self._objects:
            raise Exists(plural, name)
        made = copy.deepcopy(new)
        uid = hashlib.md5(f"{plural}/{name}/{self.version}".encode()).hexdigest()
        made["apiVersion"], made["kind"] = KINDS[plural].api_version, KINDS[plural].name
        made["metadata"] |= {
            "namespace": NAMESPACE,
            "uid": f"{uid[:8]}-{uid[8:12]}-{uid[12:16]}-{uid[16:20]}-{uid[20:]}",
            "creationTimestamp": now(),
            "generation": 1,
        }
        return self._store("ADDED", plural, made)

    def replace(self, plural: str, new: Object) -> Object:
        """The generation counts changes of the spec. Raises NotFound."""
        old = self.get(plural, new["metadata"]["name"])
        made = copy.deepcopy(new)
        kept = {key: old["metadata"][key] for key in ("uid", "creationTimestamp", "generation")}
        made["metadata"] |= kept
        if made.get("spec") != old.get("spec"):
            made["metadata"]["generation"] += 1
        return self._store("MODIFIED", plural, made)

    def set_status(self, plural: str, name: str, status: Object) -> None:
        changed = self.get(plural, name)
        if changed.get("status") != status:
            changed["status"] = status
            self._store("MODIFIED", plural, changed)

    def delete(self, plural: str, name: str) -> Object:
        """Raises NotFound."""
        gone = self.get(plural, name)
        del self._objects[plural, name]
        self._tell("DELETED", plural, gone)
        return gone

    @contextmanager
    def watch(self, plural: str) -> Iterator["asyncio.Queue[Change]"]:
        """Every change of one kind from now on."""
        changes: asyncio.Queue[Change] = asyncio.Queue()
        self._watchers.add((plural, changes))
        try:
            yield changes
        finally:
            self._watchers.discard((plural, changes))

    def _store(self, change: str, plural: str, made: Object) -> Object:
        self.version = str(next(self._versions))
        made["metadata"]["resourceVersion"] = self.version
        self._objects[plural, made["metadata"]["name"]] = made
        self._tell(change, plural, made)
        return copy.deepcopy(made)

    def _tell(self, change: str, plural: str, about: Object) -> None:
        for kind, changes in self._watchers:
            if kind == plural:
                changes.put_nowait((change, copy.deepcopy(about)))


def selects(selector: dict[str, str], found: Object) -> bool:
    labels = found["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in selector.items())
