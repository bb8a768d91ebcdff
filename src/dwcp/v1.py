"""Version 1, as we simplify it: one stream, gzip, the whole image, and the guest stands still.

The version that came before had more than that; ours is what one falls back on in a drill.
Each process moves one machine at a time; memory is made for each and given back.
"""

import logging
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram

from dwcp import environment, host, web
from dwcp.acp import NoQuorum, OwnedElsewhere, Ownership
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.fading import Fading
from dwcp.memory import Memory
from dwcp.records import Records
from dwcp.request import BadRequest, Request, parse, read_id
from dwcp.turn import Full, Turn
from dwcp.v1_stream import DIGEST_SIZE, HELLO, LEVEL, SIZE
from dwcp.web import Answer, says

log = logging.getLogger(__name__)

BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
PIECE = 1 << 20
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 30.0
WAITING = 8
IMAGE_SEED = 1  # of every image: two machines of one size and zero share hold the same
NOTE = "one stream, gzip, stop and copy: a simplification of version 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    node: str  # where its machines are
    destination: Address
    destination_node: str
    expiry: float


class NotMoved(Exception):
    """The machine stays where it is. `kind` is one word for it."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind


class Version1:
    def __init__(
        self,
        settings: Settings,
        registry: CollectorRegistry,
        owners: Ownership | None,
        stop: threading.Event,
    ) -> None:
        self._settings = settings
        self._owners = owners
        self._stop = stop
        self._turn = Turn(WAITING)
        self._lock = threading.Lock()
        self._moving: set[str] = set()
        self._latency = Histogram(
            "dwcp_v1_migration_latency_seconds",
            "From the connection to the proof that the image arrived",
            ["version"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._migrations = Counter(
            "dwcp_v1_migrations", "Migrations by how they ended", ["outcome"], registry=registry
        )
        for outcome in ("moved", "failed"):
            self._migrations.labels(outcome)
        self._throughput = Fading(
            "dwcp_v1_throughput_bytes_per_second",
            "Guest memory moved per second of the last migration",
            registry,
            settings.expiry,
        )

    def health(self) -> Answer:
        return says(200, status="healthy", version="v1", note=NOTE)

    def migrate(self, body: bytes) -> Answer:
        """Answers when the migration has ended."""
        try:
            request = parse(body)
        except BadRequest as error:
            return says(400, error=str(error))
        if self._stop.is_set():
            return says(503, error="draining; ask again")
        try:
            with self._only(request.id), self._turn.taken():
                return self._move(request)
        except Full:
            return says(503, error=f"{WAITING} machines wait already; ask again")
        except OwnedElsewhere as error:
            return says(409, error=str(error), owner=error.owner)
        except NotMoved as error:
            self._migrations.labels("failed").inc()
            log.error("ERROR %s not moved: %s: %s", request.id, error.kind, error)
            return says(502, id=request.id, version="v1", kind=error.kind, error=str(error))

    def end(self, name: bytes) -> Answer:
        try:
            vm = read_id(name.decode("ascii", "replace"))
            return says(
                200, id=vm, ended=str(self._owners.end(vm)) if self._owners else "committed"
            )
        except BadRequest as error:
            return says(400, error=str(error))
        except NoQuorum as error:
            return says(503, error=f"etcd has no quorum: {error}")

    @contextmanager
    def _only(self, vm: str) -> Iterator[None]:
        with self._lock:
            if vm in self._moving:
                raise OwnedElsewhere(vm, "a migration that runs")
            self._moving.add(vm)
        try:
            yield
        finally:
            with self._lock:
                self._moving.discard(vm)

    def _move(self, request: Request) -> Answer:
        """Raises OwnedElsewhere, NotMoved."""
        settings = self._settings
        try:
            if self._owners:
                self._owners.create(request.id, settings.node)
            started = time.monotonic()
            digest, wire = self._copy(request)
            seconds = time.monotonic() - started
            if self._owners:
                self._owners.move(request.id, settings.node, settings.destination_node)
        except NoQuorum as error:
            raise NotMoved("no_quorum", str(error)) from error
        except OSError as error:
            raise NotMoved("destination_unreachable", str(error)) from error
        self._latency.labels("v1").observe(seconds)
        self._migrations.labels("moved").inc()
        self._throughput.set(request.size / seconds)
        log.info("moved %s, %d MiB, in %.0f ms", request.id, request.size >> 20, seconds * 1000)
        return says(
            200,
            id=request.id,
            version="v1",
            source=settings.node,
            destination=settings.destination_node,
            codec="gzip",
            streams=1,
            transport="tcp",
            seconds=seconds,
            logical_bytes=request.size,
            wire_bytes=wire,
            digest=digest,
        )

    def _copy(self, request: Request) -> tuple[str, int]:
        """The digest at both ends, and the bytes sent. Raises NotMoved, OSError."""
        if request.size > host.available():
            raise NotMoved("no_room", "the source has not the memory")
        memory = Memory(request.size)
        memory.fill(request.zero_share, seed=IMAGE_SEED)
        with socket.create_connection(self._settings.destination, CONNECT_SECONDS) as stream:
            stream.settimeout(SILENCE_SECONDS)
            stream.sendall(HELLO + SIZE.pack(request.size))
            squeeze = zlib.compressobj(LEVEL, wbits=31)
            wire = 0
            for at in range(0, request.size, PIECE):
                wire += _send(stream, squeeze.compress(memory.view[at : at + PIECE]))
            wire += _send(stream, squeeze.flush())
            stream.shutdown(socket.SHUT_WR)
            found = _read(stream, DIGEST_SIZE)
        digest = memory.digest()
        if found != digest.encode():
            raise NotMoved("digest_mismatch", "the image at the destination is not the source's")
        return digest, wire


def _send(stream: socket.socket, data: bytes) -> int:
    stream.sendall(data)
    return len(data)


def _read(stream: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (piece := stream.recv(size - len(data))):
        data += piece
    return data


def run(stop: threading.Event) -> None:
    settings = Settings(
        node=environment.node("dwcp-v1-source"),
        destination=environment.address("DWCP_DESTINATION"),
        destination_node=environment.node("dwcp-v1-destination", "DWCP_DESTINATION_NODE"),
        expiry=environment.number("DWCP_GAUGE_EXPIRY", "30", 0.1, 3600),
    )
    etcd = environment.addresses("DWCP_ETCD")
    timeout = environment.number("DWCP_ETCD_TIMEOUT", "0.3", 0.01, 60)
    drain = environment.number("DWCP_DRAIN", "10", 0, 600)
    listen = environment.address("DWCP_HTTP_LISTEN", "127.0.0.1:8080")
    registry = CollectorRegistry()
    owners = _owners(etcd, timeout, settings.node) if etcd else None
    version = Version1(settings, registry, owners, stop)
    routes = web.probes("v1", registry, stop, version.health)
    routes["POST", "/migrations"] = version.migrate
    routes["DELETE", "/machines/"] = version.end
    server = web.Server(listen, routes, "http")
    stop.wait()
    log.info("draining")
    server.settle(drain)
    server.close()
    log.info("stopped")


def _owners(etcd: tuple[Address, ...], timeout: float, node: str) -> Ownership:
    """It exports nothing: version 1 had no metrics of this."""
    registry = CollectorRegistry()
    return Ownership(
        etcd,
        registry,
        Errors(registry),
        timeout=timeout,
        records=Records(node),
        breaker_enabled=lambda: False,
    )
