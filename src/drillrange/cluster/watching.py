"""Watches: what is there, a bookmark that says so where it is asked for, then every change."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Mapping

from drillrange.cluster.kinds import KINDS
from drillrange.cluster.objects import Change, Object, Objects, Refused
from drillrange.cluster.selectors import Wanted
from drillrange.cluster.tables import table

INITIAL_END = {"k8s.io/initial-events-end": "true"}
SILENCE = 30.0  # seconds between bookmarks when nothing changes
Event = tuple[str, Object]


class Watch:
    """One client's watch of one kind; `namespace` None is all of them."""

    def __init__(
        self,
        objects: Objects,
        plural: str,
        namespace: str | None,
        wanted: Wanted,
        query: Mapping[str, str],
        as_table: bool,
    ) -> None:
        self._objects = objects
        self._plural = plural
        self._namespace = namespace
        self._wanted = wanted
        self._query = query
        self._as_table = as_table
        self._told: int = 0

    async def stream(self) -> AsyncIterator[bytes]:
        """Lines of JSON, until timeoutSeconds pass or the client leaves."""
        deadline = self._deadline()
        with self._objects.watch(self._plural) as changes:
            for event in self._beginning():
                yield self._line(event)
            while (left := deadline - asyncio.get_running_loop().time()) > 0:
                for event in await self._next(changes, min(left, SILENCE)):
                    yield self._line(event)

    def _deadline(self) -> float:
        seconds = self._query.get("timeoutSeconds", "")
        limit = float(seconds) if seconds.isdigit() and int(seconds) else math.inf
        return asyncio.get_running_loop().time() + limit

    def _beginning(self) -> list[Event]:
        """Of everything, or of what changed after a version that the client has seen."""
        self._told = self._objects.version
        after = self._query.get("resourceVersion") or "0"
        initial = self._query.get("sendInitialEvents") == "true"
        if after != "0" and not initial:
            past = self._objects.since(self._plural, int(after))
            return [event for change in past for event in self._event(change)]
        found = self._objects.list(self._plural, self._wanted, self._namespace)
        events = [("ADDED", one) for one in found]
        return [*events, self._bookmark(INITIAL_END)] if initial else events

    async def _next(self, changes: "asyncio.Queue[Change]", seconds: float) -> list[Event]:
        try:
            change = await asyncio.wait_for(changes.get(), seconds)
        except TimeoutError:
            asked = self._query.get("allowWatchBookmarks") == "true"
            return [self._bookmark({})] if asked else []
        return self._event(change) if change.version > self._told else []

    def _event(self, change: Change) -> list[Event]:
        """An object that comes to match was added for this client; one that stops was deleted."""
        now = change.kind != "DELETED" and self._is_wanted(change.about)
        before = change.before is not None and self._is_wanted(change.before)
        if now:
            return [("MODIFIED" if before else "ADDED", change.about)]
        return [("DELETED", change.about)] if before else []

    def _is_wanted(self, about: Object) -> bool:
        namespace = about["metadata"].get("namespace")
        return self._namespace in (None, namespace) and self._wanted(about)

    def _bookmark(self, annotations: Mapping[str, str]) -> Event:
        kind = KINDS[self._plural]
        meta = {"resourceVersion": str(self._objects.version), "annotations": dict(annotations)}
        return "BOOKMARK", {"kind": kind.name, "apiVersion": kind.api_version, "metadata": meta}

    def _line(self, event: Event) -> bytes:
        kind, about = event
        if self._as_table and kind != "BOOKMARK":
            about = table(self._plural, [about], about["metadata"]["resourceVersion"])
        return json.dumps({"type": kind, "object": about}).encode() + b"\n"


def check_version(query: Mapping[str, str]) -> None:
    """Raises Refused (400)."""
    version = query.get("resourceVersion") or "0"
    if not version.isdigit():
        raise Refused(400, "BadRequest", f"invalid resource version: {version!r}")
