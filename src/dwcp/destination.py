"""The destination agent: makes room for an image, and says what of it has arrived and whether it is
the source's. It holds one image at a time.
"""

import json
import logging
import socket
import threading
from collections import deque
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from dwcp import environment, host, mapping, web
from dwcp.errors import Errors
from dwcp.memory import Memory
from dwcp.receiver import Inbound, Worker
from dwcp.session import HURRIED_SECONDS, Session, excuse
from dwcp.web import Answer, says
from dwcp.wire import (
    CHUNK,
    CONTROL_HELLO,
    HELLO_SIZE,
    SESSION_SIZE,
    STREAM_HELLO,
    BadFrame,
)

log = logging.getLogger(__name__)

WORKERS = 2
BARRIER_SECONDS = 10.0  # without a frame, before a round is called incomplete
HELLO_SECONDS = 5.0
LINE_SECONDS = 300.0  # that a source may take between two questions: encoding can be slow
RESUME_SECONDS = 15.0  # that an image waits for its source to come back
LARGEST = 64 << 30
MAX_STREAMS = 512
REMEMBERED = 8  # sessions whose streams may still be on their way
LONGEST_LINE = 1 << 20

ERRORS = (
    ("bad_connection", "critical"),
    ("bad_frame", "critical"),
    ("connection_broken", "warning"),
    ("stream_broken", "warning"),
)

Message = dict[str, Any]


class Room:
    """The memory of the machine that arrives; made once for the largest, and zero in between."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory  # for memory that a source on this host may write itself
        self._lock = threading.Condition()
        self._closed = False
        self._memory: Memory | None = None
        self._session: Session | None = None
        self._late: deque[dict[bytes, int]] = deque(maxlen=REMEMBERED)
        self._owner: object = None  # the line that steers the session; None: it may be resumed

    @property
    def busy(self) -> bool:
        return self._session is not None

    def close(self, seconds: float) -> bool:
        """Begin nothing more; True once nothing is in the room."""
        with self._lock:
            self._closed = True
            return self._lock.wait_for(lambda: self._session is None, seconds)

    def fits(self, size: int) -> bool:
        with self._lock:
            held = self._memory.size if self._memory else 0
        available = host.available()
        if self._directory:
            available = min(available, mapping.free(self._directory))
        return size <= held or size <= held + available

    def prepare(self, size: int) -> None:
        with self._lock:
            if self._session is None and self.fits(size):
                self._part(size)

    def begin(self, size: int, streams: int, owner: object) -> Session | None:
        """None while another source has the room, and once it is closed."""
        with self._lock:
            if self._closed or (self._session and self._owner is not None):
                return None
            self._end()
            self._session, self._owner = Session(self._part(size), streams), owner
            return self._session

    def resume(self, session: bytes, owner: object) -> Session | None:
        """None when the image is no longer here."""
        with self._lock:
            found = self._session
            if found is None or found.id != session:
                return None
            self._owner = owner
        found.cut()
        return found

    def expose(self, key: bytes) -> Path | None:
        """Where the memory lies, for a source that shows its key; from now on it may write it
        until it says that it is done."""
        with self._lock:
            session = self._session
            if session is None or session.key != key or session.memory.path is None:
                return None
            session.exposed = True
            return session.memory.path

    def place(self, key: bytes, number: int, chunks: list[int]) -> bool:
        """False when the image is no longer here. Raises BadFrame."""
        with self._lock:
            session = self._session
        if session is None or session.key != key:
            return False
        session.place(number, chunks)
        return True

    def admit(self, stream: socket.socket, key: bytes) -> Session | None:
        """None for a stream that comes too late, after its image was done. Raises BadFrame."""
        with self._lock:
            session = self._session
            if session and key in session.due:
                return session if session.join(stream, key) else None
            excuse(next((due for due in self._late if key in due), {}), key)
            return None

    def leave(self, owner: object, done: bool) -> None:
        """The line has ended: by a word that all is done, or without one."""
        with self._lock:
            if self._owner is not owner or self._session is None:
                return
            self._owner = None
            if done:
                self._end(done)
                return
            abandoned = self._session.id
        log.warning("a source vanished; its image is kept for %g s", RESUME_SECONDS)
        timer = threading.Timer(RESUME_SECONDS, self._abandon, (abandoned,))
        timer.daemon = True
        timer.start()

    def _abandon(self, session: bytes) -> None:
        with self._lock:
            if self._session and self._session.id == session and self._owner is None:
                self._end()

    def _end(self, done: bool = False) -> None:
        if self._session:
            self._session.end()
            self._late.append(self._session.due)
            if self._session.exposed and not done:
                self._memory = None  # its source may write on, and is left with the old memory
        self._session = None
        self._lock.notify_all()

    def _part(self, size: int) -> Memory:
        if self._memory is None or self._memory.size < size:
            self._memory = None  # the smaller one goes first: never both
            lies = mapping.shared(size, self._directory) if self._directory else None
            self._memory = Memory(size, lies)
            self._memory.pages[:] = 0  # so that no page has to be found while an image arrives
        return self._memory.part(size)


class Line:
    """One source's control connection: a line of JSON in, one out."""

    def __init__(self, room: Room, node: str) -> None:
        self._room = room
        self._node = node
        self._session: Session | None = None
        self._round = -1

    def run(self, connection: socket.socket) -> None:
        """Raises BadFrame and OSError."""
        done = False
        connection.settimeout(LINE_SECONDS)
        try:
            with connection.makefile("rwb") as lines:
                while line := lines.readline(LONGEST_LINE):
                    message = _parse(line)
                    answer = self._answer(message)
                    lines.write(json.dumps(answer).encode() + b"\n")
                    lines.flush()
                    done = message["op"] == "done"
        finally:
            self._room.leave(self, done)

    def _answer(self, message: Message) -> Message:
        try:
            match message["op"]:
                case "ping" | "done":
                    return {"node": self._node}
                case "prepare":
                    self._room.prepare(_size(message))
                    return {"node": self._node}
                case "begin":
                    return self._begin(_size(message), int(message["streams"]))
                case "expose":
                    path = self._room.expose(bytes.fromhex(message["key"]))
                    return {"memory": None if path is None else str(path)}
                case "placed":
                    return self._place(message)
                case "resume":
                    return self._resume(bytes.fromhex(message["session"]))
            if self._session is None:
                raise BadFrame("nothing was begun")
            return self._steer(self._session, message)
        except (LookupError, OverflowError, TypeError, ValueError) as error:
            raise BadFrame(f"control message refused: {error}") from error

    def _begin(self, size: int, streams: int) -> Message:
        if not 0 < streams <= MAX_STREAMS:
            raise BadFrame(f"{streams} streams")
        if not self._room.fits(size):
            log.error("an image of %d MiB does not fit into this host's memory", size >> 20)
            return {"no_room": True}
        self._session = self._room.begin(size, streams, self)
        if self._session is None:
            return {"busy": True}
        return {"session": self._session.id.hex(), "node": self._node}

    def _resume(self, session: bytes) -> Message:
        self._session = self._room.resume(session, self)
        if self._session is None:
            return {"unknown": True}
        return {"verified": sorted(self._session.verified()), "key": self._session.key.hex()}

    def _place(self, message: Message) -> Message:
        chunks = [int(chunk) for chunk in message["chunks"]]
        if self._room.place(bytes.fromhex(message["key"]), int(message["round"]), chunks):
            return {}
        return {"unknown": True}

    def _steer(self, session: Session, message: Message) -> Message:
        match message["op"]:
            case "open":
                session.open_round(int(message["round"]))
                return {}
            case "close":
                wanted = {int(chunk) for chunk in message["chunks"]}
                patience = HURRIED_SECONDS if message.get("hurry") else BARRIER_SECONDS
                rejected, lost = session.close_round(wanted, patience)
                key = session.key.hex()
                return {"rejected": sorted(rejected), "lost": sorted(lost), "key": key}
            case "sums":
                return {"sums": session.sums([int(chunk) for chunk in message["chunks"]])}
            case "digest":
                return {"digest": session.memory.digest()}
        raise BadFrame(f"unknown operation {message['op']!r}")


class Destination:
    """Takes connections and hands them on."""

    def __init__(
        self, listener: socket.socket, node: str, errors: Errors, directory: Path | None = None
    ) -> None:
        self._listener = listener
        self._node = node
        self._errors = errors
        errors.expect("amst", *ERRORS)
        self._room = Room(directory)
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
        return says(200, status="healthy", version="v3", busy=self._room.busy)

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
                Line(self._room, self._node).run(connection)
            elif hello == STREAM_HELLO:
                handed_on = self._adopt(connection, _read_exactly(connection, SESSION_SIZE))
            elif hello:
                raise BadFrame("not a DWCP connection")
        except BadFrame as error:
            self._errors.amst("bad_connection", "critical")
            log.error("connection from %s refused: %s", peer, error)
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


def _parse(line: bytes) -> Message:
    try:
        message = json.loads(line)
        if isinstance(message, dict) and isinstance(message.get("op"), str):
            return message
    except (RecursionError, ValueError):
        pass
    raise BadFrame("a control line that is no operation")


def _size(message: Message) -> int:
    size = int(message["size"])
    if not CHUNK <= size <= LARGEST or size % CHUNK:
        raise BadFrame(f"an image of {size} bytes")
    return size


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


def run(stop: threading.Event) -> None:
    listen = environment.address("DWCP_LISTEN")
    metrics = environment.optional_address("DWCP_METRICS_LISTEN")
    drain = environment.number("DWCP_DRAIN", "10", 0, 600)
    node = environment.text("DWCP_NODE", "dwcp-v3-destination")
    directory = environment.optional_directory("DWCP_MEMORY")
    if directory:
        mapping.sweep(directory)
    registry = CollectorRegistry()
    listener = socket.create_server(listen, backlog=1024)
    destination = Destination(listener, node, Errors(registry), directory)
    server = None
    if metrics:
        routes = web.probes("destination", registry, stop, destination.health)
        server = web.Server(metrics, routes, "metrics")
    log.info("listening on %s:%d (streams)", *listener.getsockname()[:2])
    threading.Thread(target=destination.serve, daemon=True).start()
    stop.wait()
    log.info("draining")
    destination.drain(drain)
    listener.close()
    if server:
        server.close()
    log.info("stopped")
