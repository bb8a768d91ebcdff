"""The objects of the cluster, in memory, with versions, watchers and a short memory of changes."""

import asyncio
import copy
import itertools
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drillrange.cluster.kinds import KINDS

NAMESPACE = "default"
REMEMBERED = 2000  # changes that a watch may begin before
Object = dict[str, Any]
Key = tuple[str, str, str]  # plural, namespace ("" for kinds without one), name


@dataclass(frozen=True, slots=True)
class Change:
    """`kind` is ADDED, MODIFIED or DELETED; `before` is the object that was there, if one was."""

    kind: str
    plural: str
    version: int
    about: Object
    before: Object | None


class Refused(Exception):
    """The API says no, in its own words: an HTTP code, a reason, a message, and the `causes`."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        plural: str = "",
        name: str = "",
        causes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.plural = plural
        self.name = name
        self.causes = causes  # each "field: what is wrong"


class Objects:
    """What is put in is copied, and so is what is given out."""

    def __init__(self) -> None:
        self._objects: dict[Key, Object] = {}
        self._versions = itertools.count(1)
        self.version = 0
        self._past: deque[Change] = deque(maxlen=REMEMBERED)
        self._watchers: list[tuple[tuple[str, ...], asyncio.Queue[Change]]] = []

    def get(self, plural: str, name: str, namespace: str = NAMESPACE) -> Object:
        """Raises Refused (404)."""
        found = self.find(plural, name, namespace)
        if found is None:
            message = f'{_qualified(plural)} "{name}" not found'
            raise Refused(404, "NotFound", message, plural, name)
        return found

    def find(self, plural: str, name: str, namespace: str = NAMESPACE) -> Object | None:
        return copy.deepcopy(self._objects.get(_key(plural, namespace, name)))

    def list(
        self,
        plural: str,
        wanted: Callable[[Object], bool] = lambda _: True,
        namespace: str | None = None,
    ) -> list[Object]:
        """Of one namespace, or of all."""
        found = (
            made
            for (kind, where, _), made in sorted(self._objects.items())
            if kind == plural and namespace in (None, where)
        )
        return [copy.deepcopy(made) for made in found if wanted(made)]

    def create(self, plural: str, new: Object) -> Object:
        """Raises Refused (409) when the name is taken."""
        made = copy.deepcopy(new)
        meta = made["metadata"]
        kind = KINDS[plural]
        namespace = meta.setdefault("namespace", NAMESPACE) if kind.namespaced else ""
        key = _key(plural, namespace, meta["name"])
        if key in self._objects:
            message = f'{_qualified(plural)} "{meta["name"]}" already exists'
            raise Refused(409, "AlreadyExists", message, plural, meta["name"])
        made["apiVersion"], made["kind"] = kind.api_version, kind.name
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": stamp(), "generation": 1}
        return self._store("ADDED", key, made)

    def replace(self, plural: str, new: Object) -> Object:
        """The generation counts changes of the spec; the status stays as it was.

        Raises Refused: 404, or 409 when `new` was read before the last change.
        """
        meta = new["metadata"]
        namespace = meta.get("namespace", NAMESPACE)
        old = self.get(plural, meta["name"], namespace)
        if meta.get("resourceVersion") not in (None, old["metadata"]["resourceVersion"]):
            message = (
                f"Operation cannot be fulfilled on {_qualified(plural)} "
                f'"{meta["name"]}": the object has been modified; please apply your changes '
                "to the latest version and try again"
            )
            raise Refused(409, "Conflict", message, plural, meta["name"])
        made = copy.deepcopy(new)
        made["apiVersion"], made["kind"] = old["apiVersion"], old["kind"]
        for key in ("uid", "creationTimestamp", "generation", "namespace", "resourceVersion"):
            if key in old["metadata"]:
                made["metadata"][key] = old["metadata"][key]
        made.pop("status", None)
        if "status" in old:
            made["status"] = old["status"]
        if made == old:
            return old
        if made.get("spec") != old.get("spec"):
            made["metadata"]["generation"] += 1
        return self._store("MODIFIED", _key(plural, namespace, meta["name"]), made)

    def amend(self, plural: str, about: Object, amend: Callable[[Object], None]) -> Object:
        """Change the object that is there now by `amend`, status and metadata included."""
        meta = about["metadata"]
        old = self.get(plural, meta["name"], meta.get("namespace", ""))
        made = copy.deepcopy(old)
        amend(made)
        if made == old:
            return old
        if made.get("spec") != old.get("spec"):
            made["metadata"]["generation"] += 1
        return self._store("MODIFIED", _key(plural, meta.get("namespace", ""), meta["name"]), made)

    def delete(self, plural: str, name: str, namespace: str = NAMESPACE) -> Object:
        """Raises Refused (404)."""
        gone = self.get(plural, name, namespace)
        del self._objects[_key(plural, namespace, name)]
        self.version = next(self._versions)
        gone["metadata"]["resourceVersion"] = str(self.version)
        self._tell(Change("DELETED", plural, self.version, gone, copy.deepcopy(gone)))
        return gone

    def since(self, plural: str, version: int) -> Sequence[Change]:
        """What changed after `version`. Raises Refused (410) when that is forgotten."""
        if self._past and version < self._past[0].version - 1:
            raise Refused(410, "Expired", f"too old resource version: {version}")
        return [c for c in self._past if c.plural == plural and c.version > version]

    @contextmanager
    def watch(self, *plurals: str) -> Iterator["asyncio.Queue[Change]"]:
        """Every change of these kinds from now on."""
        changes: asyncio.Queue[Change] = asyncio.Queue()
        watcher = (plurals, changes)
        self._watchers.append(watcher)
        try:
            yield changes
        finally:
            self._watchers = [one for one in self._watchers if one[1] is not changes]

    def _store(self, kind: str, key: Key, made: Object) -> Object:
        before = self._objects.get(key)
        self.version = next(self._versions)
        made["metadata"]["resourceVersion"] = str(self.version)
        self._objects[key] = made
        self._tell(Change(kind, key[0], self.version, copy.deepcopy(made), before))
        return copy.deepcopy(made)

    def _tell(self, change: Change) -> None:
        self._past.append(change)
        for plurals, changes in self._watchers:
            if change.plural in plurals:
                changes.put_nowait(change)


def stamp() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _key(plural: str, namespace: str, name: str) -> Key:
    return plural, namespace if KINDS[plural].namespaced else "", name


def _qualified(plural: str) -> str:
    group = KINDS[plural].group
    return f"{plural}.{group}" if group else plural
