"""The destination agent: takes connections, and hands them to the workers that read streams or to
the answers on a control line. It holds one image at a time.
"""

import logging
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from dwcp import ass, environment, mapping, web
from dwcp.answers import Answers
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.hot import Hot, counted
from dwcp.receiver import Inbound, Worker
from dwcp.room import Room
from dwcp.web import Answer, says
from dwcp.wire import (
    CONTROL_HELLO,
    HELLO_SIZE,
    SESSION_SIZE,
    STREAM_HELLO,
    BadFrame,
)

log = logging.getLogger(__name__)

WORKERS = 2
HELLO_SECONDS = 5.0
LARGEST_LIMIT = 1 << 30
ALLOWED = f"bytes of a frame's payload, 1 to {LARGEST_LIMIT}"

ERRORS = (
    ("bad_connection", "critical"),
    ("bad_frame", "critical"),
    ("oversized", "critical"),
    ("connection_broken", "warning"),
    ("source_silent", "warning"),
    ("stream_broken", "warning"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    node: str
    capacity: int | None  # bytes of machines; None: as much as the host can give
    config: Path | None
    memory: Path | None
    patience: float  # seconds that a source may be silent
    peers: Mapping[str, Address]


class Destination:
    """Takes connections and hands them on."""

    def __init__(
        self, listener: socket.socket, settings: Settings, room: Room, errors: Errors
    ) -> None:
        self._listener = listener
        self._settings = settings
        self._errors = errors
        errors.expect("amst", *ERRORS)
        self._room = room
        self._workers = [Worker(errors.amst) for _ in range(WORKERS)]
        self._next = 0

    def serve(self) -> None:
        """Until the listener is closed."""
        while True:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=(connection, peer[0]), daemon=True).start()

    def health(self) -> Answer:
        """Sizes in bytes."""
        room = self._room
        return says(
            200,
            status="healthy",
            version="v3",
            busy=room.busy,
            capacity=room.capacity,
            free=room.free,
        )

    def drain(self, seconds: float) -> None:
        """Take no further image, and wait for the one that is arriving."""
        if not self._room.close(seconds):
            log.warning("an image was still arriving after %g s", seconds)

    def _greet(self, connection: socket.socket, peer: str) -> None:
        connection.settimeout(HELLO_SECONDS)
        handed_on = False
        try:
            hello = _read_exactly(connection, HELLO_SIZE)
            if hello == CONTROL_HELLO:
                Answers(self._room, self._settings.node, self._settings.patience).run(connection)
            elif hello == STREAM_HELLO:
                handed_on = self._adopt(connection, _read_exactly(connection, SESSION_SIZE))
            elif hello:
                raise BadFrame("not a DWCP connection")
        except BadFrame as error:
            self._errors.amst("bad_connection", "critical")
            log.error("connection from %s refused: %s", peer, error)
        except TimeoutError as error:
            self._errors.amst("source_silent", "warning")
            log.warning("connection from %s: %s", peer, error)
        except OSError as error:
            self._errors.amst("connection_broken", "warning")
            log.warning("connection from %s broke: %s", peer, error)
        finally:
            if not handed_on:
                connection.close()

    def _adopt(self, connection: socket.socket, key: bytes) -> bool:
        connection.setblocking(False)
        found = self._room.admit(connection, key)
        if found is None:
            return False
        self._next += 1
        self._workers[self._next % WORKERS].add(Inbound(connection, found))
        return True


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    """Nothing at all when the peer said nothing: a probe of the port is no error."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece and data:
            raise BadFrame("the connection ended within its first bytes")
        if not piece:
            break
        data += piece
    return data


def _frame_limit(text: str) -> int:
    limit = int(text)
    if not 0 < limit <= LARGEST_LIMIT:
        raise ValueError
    return limit


def _settings() -> Settings:
    capacity = environment.count("DWCP_CAPACITY", "0", 0, 1 << 26)
    return Settings(
        node=environment.node("dwcp-v3-destination"),
        capacity=capacity << 20 if capacity else None,
        config=environment.config(),
        memory=environment.optional_directory("DWCP_MEMORY"),
        patience=environment.number("DWCP_PATIENCE", "15", 0.1, 300),
        peers=environment.read("DWCP_PEERS", "", _peers, "peers such as a=127.0.0.1:9095,b=..."),
    )


def _peers(text: str) -> dict[str, Address]:
    found: dict[str, Address] = {}
    for part in filter(None, text.split(",")):
        name, _, address = part.strip().partition("=")
        if environment.parse_name(name) in found:
            raise ValueError
        found[name] = environment.parse_address(address)
    return found


def run(stop: threading.Event) -> None:
    listen = environment.address("DWCP_LISTEN")
    metrics = environment.optional_address("DWCP_METRICS_LISTEN")
    drain = environment.number("DWCP_DRAIN", "10", 0, 600)
    settings = _settings()
    if settings.memory:
        mapping.sweep(settings.memory)
    registry = CollectorRegistry()
    errors = Errors(registry)
    none: int | None = None
    limit = Hot(
        settings.config, "frame-limit", none, _frame_limit, ALLOWED, counted(errors, "amst")
    )
    room = Room(settings.memory, settings.capacity, limit.value)
    listener = socket.create_server(listen, backlog=1024)
    destination = Destination(listener, settings, room, errors)
    records = ass.Records(settings.node)
    server = None
    if metrics:
        probes = web.probes("destination", registry, stop, destination.health)
        server = web.Server(metrics, probes | ass.routes(records), "metrics")
    log.info("listening on %s:%d (streams)", *listener.getsockname()[:2])
    threading.Thread(target=destination.serve, daemon=True).start()
    synchroniser = ass.Synchroniser(records, settings.peers, registry, errors)
    threading.Thread(target=synchroniser.run, args=(stop,), daemon=True).start()
    stop.wait()
    log.info("draining")
    destination.drain(drain)
    listener.close()
    if server:
        server.close()
    log.info("stopped")
