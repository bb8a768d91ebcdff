"""Services that route: each listens on its addresses and leads connections to ready pods.

Nothing listens for a service without ready pods: it refuses, as in production. Connections that
stand are left alone when its pods change.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from drillrange.cluster.endpoints import Group, Target, group_pods, slices, subsets, targets
from drillrange.cluster.events import warn
from drillrange.cluster.objects import Object, Objects

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0  # seconds, even if nothing changed: an address may have become free
CONNECT_SECONDS = 2.0
PIECE = 65_536  # bytes
BACKLOG = 512


class Place(NamedTuple):
    """Where a service listens, and for which of its ports."""

    namespace: str
    service: str
    address: str
    port: int


@dataclass(slots=True)
class Door:
    """What listens at a place, and whom it leads to, in turn."""

    targets: list[Target] = field(default_factory=list)
    server: asyncio.Server | None = None
    turn: int = 0
    failed: bool = False  # the last attempt to listen

    def choices(self) -> list[Target]:
        """The one whose turn it is first."""
        self.turn += 1
        first = self.turn % max(1, len(self.targets))
        return self.targets[first:] + self.targets[:first]

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None


class Services:
    """Listens for all services until cancelled."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._doors: dict[Place, Door] = {}
        self._connections: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        try:
            with self._objects.watch("services", "pods") as changes:
                while True:
                    await self._follow()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(changes.get(), LOOK_AGAIN)
                    while not changes.empty():
                        changes.get_nowait()
        finally:
            await self._end()

    async def _end(self) -> None:
        for door in self._doors.values():
            door.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _follow(self) -> None:
        wanted: dict[Place, tuple[Object, list[Target]]] = {}
        told: set[tuple[str, str, str]] = set()
        pods = self._objects.list("pods")
        for service in self._objects.list("services"):
            groups = group_pods(service, pods)
            told |= set(self._tell(service, groups))
            for number, place in _places(service):
                wanted[place] = (service, targets(groups, number))
        self._forget(told)
        for place in set(self._doors) - set(wanted):
            self._doors.pop(place).close()
        for place, (service, chosen) in wanted.items():
            door = self._doors.setdefault(place, Door())
            door.targets = chosen
            await self._open_or_close(service, place, door)

    # --- connections

    async def _open_or_close(self, service: Object, place: Place, door: Door) -> None:
        if not door.targets:
            door.close()
        if not door.targets or door.server is not None:
            return

        def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = asyncio.create_task(_lead(door, reader, writer))
            self._connections.add(connection)
            connection.add_done_callback(self._connections.discard)

        try:
            door.server = await asyncio.start_server(
                lead, place.address, place.port, backlog=BACKLOG
            )
            door.failed = False
        except OSError as error:
            if not door.failed:
                told = f"cannot listen on {place.address}:{place.port}: {error.strerror}"
                log.warning("service %s %s", place.service, told)
                warn(self._objects, service, "FailedToListen", told)
            door.failed = True

    # --- endpoints

    def _tell(self, service: Object, groups: list[Group]) -> Iterator[tuple[str, str, str]]:
        """Write the service's Endpoints and EndpointSlices; what they are is returned."""
        meta = {key: service["metadata"][key] for key in ("name", "namespace")}
        if "labels" in service["metadata"]:
            meta["labels"] = service["metadata"]["labels"]
        found = subsets(service, groups)
        yield self._put("endpoints", {"metadata": meta, **({"subsets": found} if found else {})})
        for made in slices(service, groups):
            yield self._put("endpointslices", made)

    def _put(self, plural: str, made: Object) -> tuple[str, str, str]:
        meta = made["metadata"]
        found = self._objects.find(plural, meta["name"], meta["namespace"])
        if found is None:
            self._objects.create(plural, made)
        else:
            self._objects.replace(plural, made)
        return plural, meta["namespace"], meta["name"]

    def _forget(self, told: set[tuple[str, str, str]]) -> None:
        for plural in ("endpoints", "endpointslices"):
            for found in self._objects.list(plural):
                namespace, name = found["metadata"]["namespace"], found["metadata"]["name"]
                if (plural, namespace, name) not in told:
                    self._objects.delete(plural, name, namespace)


def _places(service: Object) -> Iterator[tuple[int, Place]]:
    """With the place of the port among the service's ports."""
    meta, spec = service["metadata"], service["spec"]
    own = [spec["clusterIP"]] if spec.get("clusterIP", "None") != "None" else []
    for number, port in enumerate(spec.get("ports") or []):
        for address in (*own, *(spec.get("externalIPs") or [])):
            yield number, Place(meta["namespace"], meta["name"], address, port["port"])


async def _lead(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """To one of the pods; to the next one when it does not take the connection."""
    try:
        for address, port in door.choices():
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    there, back = await asyncio.open_connection(address, port)
            except (OSError, TimeoutError):
                continue
            await _join((reader, writer), (there, back))
            return
    finally:
        writer.transport.abort()


End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _join(one: End, other: End) -> None:
    """Until both have said all; when one breaks, so does the other."""
    (reader, writer), (there, back) = one, other
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, back))
            group.create_task(_copy(there, writer))
        for end in (back, writer):
            end.close()
            await end.wait_closed()
    except* OSError:
        pass  # `abort` tells them
    finally:
        back.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(PIECE):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
