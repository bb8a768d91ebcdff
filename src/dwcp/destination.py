"""The destination agent: receives images into guest memory, verifies every chunk and the whole.

Bytes that are not what a migration would send close their connection and are counted; nothing that
arrives can write outside the image it belongs to.
"""

import contextlib
import functools
import json
import logging
import secrets
import select
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import xxhash

from dwcp.environment import Address
from dwcp.guest import Memory
from dwcp.wire import (
    CHUNK,
    CONTROL_HELLO,
    HEADER_SIZE,
    HELLO_SIZE,
    PAGE,
    SESSION_SIZE,
    STREAM_HELLO,
    BadFrame,
    Header,
    advance,
    runs,
    slices,
    unpack,
)

log = logging.getLogger(__name__)

WORKERS = 2
PIECES = 512
BARRIER_SECONDS = 10.0  # without a frame, before a round is called incomplete
HELLO_SECONDS = 5.0
LARGEST = 64 << 30


class Session:
    """One migration at the receiving end."""

    def __init__(self, memory: Memory) -> None:
        self.id = secrets.token_bytes(SESSION_SIZE)
        self.memory = memory
        self._changed = threading.Condition()
        self._verified: dict[int, set[int]] = {}  # round -> chunks
        self._failed: dict[int, set[int]] = {}

    def took(self, header: Header, good: bool) -> None:
        with self._changed:
            kind = self._verified if good else self._failed
            kind.setdefault(header.round, set()).add(header.chunk)
            self._changed.notify_all()

    def wait_for_round(self, number: int, wanted: set[int]) -> set[int]:
        """The chunks of a round that are to be sent again: failed, or never arrived."""
        with self._changed:
            while missing := len(wanted - self._seen(number)):
                if not self._changed.wait_for(
                    functools.partial(self._fewer_missing, number, wanted, missing),
                    BARRIER_SECONDS,
                ):
                    break
            return wanted - self._verified.get(number, set())

    def _fewer_missing(self, number: int, wanted: set[int], than: int) -> bool:
        return len(wanted - self._seen(number)) < than

    def _seen(self, number: int) -> set[int]:
        return self._verified.get(number, set()) | self._failed.get(number, set())


@dataclass(slots=True)
class _Inbound:
    """A stream's state: either its header is being read, or its pages."""

    socket: socket.socket
    session: Session
    header_bytes: bytearray = field(default_factory=lambda: bytearray(HEADER_SIZE))
    filled: int = 0
    header: Header | None = None
    pieces: list[memoryview] = field(default_factory=list)


class Destination:
    """Listens until `close`. `errors` counts by type."""

    def __init__(self, listen: Address) -> None:
        self.errors: Counter[str] = Counter()
        self._idle: dict[int, list[Memory]] = {}  # by size, kept for the next migration
        self._sessions: dict[bytes, Session] = {}
        self._listener = socket.create_server(listen, backlog=1024)
        self.address: Address = self._listener.getsockname()
        self._workers = [_Worker(self.errors) for _ in range(WORKERS)]
        self._next = 0

    def serve(self) -> None:
        for worker in self._workers:
            threading.Thread(target=worker.run, daemon=True).start()
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _greet(self, connection: socket.socket) -> None:
        connection.settimeout(HELLO_SECONDS)
        try:
            hello = _read_exactly(connection, HELLO_SIZE)
            if hello == CONTROL_HELLO:
                self._control(connection)
            elif hello == STREAM_HELLO:
                self._adopt(connection, _read_exactly(connection, SESSION_SIZE))
            else:
                raise BadFrame("not a DWCP connection")
        except (OSError, BadFrame, ValueError) as error:
            self._refuse(connection, error)

    def _refuse(self, connection: socket.socket, error: Exception) -> None:
        self.errors["bad_connection"] += 1
        log.error("connection refused: %s", error)
        connection.close()

    def _adopt(self, connection: socket.socket, session: bytes) -> None:
        found = self._sessions.get(session)
        if found is None:
            raise BadFrame("unknown session")
        connection.setblocking(False)
        self._next += 1
        self._workers[self._next % WORKERS].add(_Inbound(connection, found))

    # --- control: one line of JSON in, one out

    def _control(self, connection: socket.socket) -> None:
        connection.settimeout(60)
        session: Session | None = None
        try:
            with connection, connection.makefile("rwb") as lines:
                for line in lines:
                    message = json.loads(line)
                    if message["op"] == "begin":
                        session = self._begin(int(message["size"]))
                        answer: dict[str, Any] = {"session": session.id.hex()}
                    elif message["op"] == "prepare":
                        answer = self._prepare(int(message["size"]))
                    elif session is None:
                        raise BadFrame("nothing was begun")
                    else:
                        answer = self._answer(session, message)
                    lines.write(json.dumps(answer).encode() + b"\n")
                    lines.flush()
        except (KeyError, TypeError) as error:
            raise BadFrame(f"control message without {error}") from error
        finally:
            if session:
                self._sessions.pop(session.id, None)
                self._idle[session.memory.size].append(session.memory)

    def _prepare(self, size: int) -> dict[str, Any]:
        """Have memory for an image of this size ready, so that no migration waits for it."""
        memory = self._take_memory(size)
        memory.pages[:] = 0
        self._idle[size].append(memory)
        return {"prepared": size}

    def _begin(self, size: int) -> Session:
        session = Session(self._take_memory(size))
        self._sessions[session.id] = session
        return session

    def _take_memory(self, size: int) -> Memory:
        if not CHUNK <= size <= LARGEST or size % CHUNK:
            raise BadFrame(f"an image of {size} bytes")
        idle = self._idle.setdefault(size, [])
        return idle.pop() if idle else Memory(size)

    def _answer(self, session: Session, message: dict[str, Any]) -> dict[str, Any]:
        if message["op"] == "round":
            wanted = {int(chunk) for chunk in message["chunks"]}
            return {"again": sorted(session.wait_for_round(int(message["number"]), wanted))}
        if message["op"] == "digest":
            return {"digest": session.memory.digest()}
        raise BadFrame(f"unknown operation {message['op']!r}")


class _Worker:
    """An epoll loop that owns some of the streams."""

    def __init__(self, errors: "Counter[str]") -> None:
        self._errors = errors
        self._poll = select.epoll()
        self._streams: dict[int, _Inbound] = {}

    def add(self, stream: _Inbound) -> None:
        self._streams[stream.socket.fileno()] = stream
        self._poll.register(stream.socket.fileno(), select.EPOLLIN)

    def run(self) -> None:
        while True:
            for number, _ in self._poll.poll(1.0):
                stream = self._streams.get(number)
                if stream and not self._pull(stream):
                    with contextlib.suppress(OSError):
                        self._poll.unregister(number)
                    del self._streams[number]
                    stream.socket.close()

    def _pull(self, stream: _Inbound) -> bool:
        """Read what is there; False when the stream is at its end, or not to be trusted."""
        try:
            while _read_some(stream):
                pass
        except BlockingIOError:
            return True
        except BadFrame as error:
            self._errors["bad_frame"] += 1
            log.error("stream closed: %s", error)
        except OSError as error:
            self._errors["stream_broken"] += 1
            log.warning("stream broke: %s", error)
        return False


def _read_some(stream: _Inbound) -> bool:
    """One read. False at a clean end. Raises BadFrame, OSError."""
    if stream.header is None:
        view = memoryview(stream.header_bytes)[stream.filled :]
        got = stream.socket.recv_into(view)
        stream.filled += got
        if got == 0 and stream.filled == 0:
            return False
        if got == 0:
            raise ConnectionResetError("the source vanished within a frame")
        if stream.filled == HEADER_SIZE:
            _start_frame(stream)
        return True
    got = stream.socket.recvmsg_into(stream.pieces[:PIECES])[0]
    if got == 0:
        raise ConnectionResetError("the source vanished within a frame")
    stream.pieces = advance(stream.pieces, got)
    if not stream.pieces:
        _end_frame(stream)
    return True


def _start_frame(stream: _Inbound) -> None:
    memory = stream.session.memory
    header = unpack(stream.header_bytes, memory.chunks)
    if header.codec:
        raise BadFrame("a codec that this destination does not know")
    first = header.chunk * (CHUNK // PAGE)
    for start, end in runs(header.zero):
        memory.pages[first + start : first + end] = 0
    stream.header = header
    stream.filled = 0
    stream.pieces = slices(memory.view, header.chunk, header.data)
    if not stream.pieces:
        _end_frame(stream)


def _end_frame(stream: _Inbound) -> None:
    header = stream.header
    assert header is not None
    checksum = xxhash.xxh3_64()
    for piece in slices(stream.session.memory.view, header.chunk, header.data):
        checksum.update(piece)
    stream.session.took(header, checksum.intdigest() == header.checksum)
    stream.header = None


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise BadFrame("the connection ended within its first bytes")
        data += piece
    return data
