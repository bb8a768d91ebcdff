"""Services that route: each listens on its address and leads connections to ready pods.

Endpoints objects tell where to. Connections that stand are left alone when that changes.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Sequence
from typing import NamedTuple

from drillrange.cluster.objects import Object, Objects, Refused
from drillrange.cluster.podstatus import is_ready
from drillrange.cluster.selectors import selects

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0  # seconds, even if nothing changed
CONNECT_SECONDS = 2.0
PIECE = 65_536  # bytes
Target = tuple[str, int]  # address, port


class Place(NamedTuple):
    """Where a service listens, and for which of its ports."""

    namespace: str
    service: str
    address: str
    port: int


class Services:
    """Listens for all services until cancelled."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._listening: dict[Place, asyncio.Server | None] = {}
        self._targets: dict[Place, list[Target]] = {}
        self._turns = itertools.count()

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
            for place in list(self._listening):
                self._leave(place)

    async def _follow(self) -> None:
        wanted: dict[Place, list[Target]] = {}
        for service in self._objects.list("services"):
            pods = self._pods(service)
            self._tell_endpoints(service, [pod for pod in pods if is_ready(pod)])
            wanted |= _places(service, [pod for pod in pods if is_ready(pod)])
        self._forget_endpoints()
        self._targets = wanted
        for place in set(self._listening) - set(wanted):
            self._leave(place)
        for place in set(wanted) - set(self._listening):
            self._listening[place] = await self._listen(place)

    def _pods(self, service: Object) -> list[Object]:
        selector = service["spec"].get("selector")
        if not selector:
            return []
        namespace = service["metadata"]["namespace"]
        return self._objects.list("pods", lambda pod: selects(selector, pod), namespace)

    # --- connections

    async def _listen(self, place: Place) -> asyncio.Server | None:
        async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._lead(place, reader, writer)

        try:
            return await asyncio.start_server(lead, place.address, place.port, backlog=512)
        except OSError as error:
            log.warning("service %s cannot listen: %s", place.service, error)
            return None

    def _leave(self, place: Place) -> None:
        if server := self._listening.pop(place):
            server.close()

    async def _lead(
        self, place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """To one of the pods in turn; to the next one when it does not take the connection."""
        targets = list(self._targets.get(place, ()))
        turn = next(self._turns)
        for number in range(len(targets)):
            address, port = targets[(turn + number) % len(targets)]
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    there, back = await asyncio.open_connection(address, port)
            except (OSError, TimeoutError):
                continue
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
            for end in (back, writer):
                end.close()
            return
        writer.transport.abort()

    # --- endpoints

    def _tell_endpoints(self, service: Object, ready: Sequence[Object]) -> None:
        meta = service["metadata"]
        found = self._objects.find("endpoints", meta["name"], meta["namespace"])
        subsets = _subsets(service, ready)
        if found is None:
            made = {"metadata": {"name": meta["name"], "namespace": meta["namespace"]}}
            self._objects.create("endpoints", {**made, "subsets": subsets})
        elif found.get("subsets") != subsets:
            self._objects.amend("endpoints", found, lambda made: made.update(subsets=subsets))

    def _forget_endpoints(self) -> None:
        for found in self._objects.list("endpoints"):
            meta = found["metadata"]
            if self._objects.find("services", meta["name"], meta["namespace"]) is None:
                with contextlib.suppress(Refused):
                    self._objects.delete("endpoints", meta["name"], meta["namespace"])


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the sender has no more to say, or the receiver is gone."""
    with contextlib.suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def _places(service: Object, ready: Sequence[Object]) -> dict[Place, list[Target]]:
    meta, spec = service["metadata"], service["spec"]
    own = [spec["clusterIP"]] if spec.get("clusterIP", "None") != "None" else []
    return {
        Place(meta["namespace"], meta["name"], address, port["port"]): _targets(port, ready)
        for port in spec.get("ports") or []
        for address in [*own, *(spec.get("externalIPs") or [])]
    }


def _targets(port: Object, ready: Sequence[Object]) -> list[Target]:
    found = ((pod["status"].get("podIP"), _number(port["targetPort"], pod)) for pod in ready)
    return [(address, number) for address, number in found if address and number]


def _number(port: int | str, pod: Object) -> int | None:
    """Of a port that may be a name in the pod's containers."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    named = [
        found["containerPort"]
        for container in pod["spec"]["containers"]
        for found in container.get("ports") or []
        if found.get("name") == port
    ]
    return named[0] if named else None


def _subsets(service: Object, ready: Sequence[Object]) -> list[Object]:
    addresses = [
        {
            "ip": pod["status"].get("podIP", ""),
            "targetRef": {"kind": "Pod", "name": pod["metadata"]["name"]},
        }
        for pod in ready
    ]
    ports = [
        {"name": port.get("name", ""), "port": _number(port["targetPort"], ready[0])}
        for port in (service["spec"].get("ports") or [] if ready else [])
    ]
    return [{"addresses": addresses, "ports": ports}] if addresses else []
