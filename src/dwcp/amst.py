"""AMST, the sending end: frames over N streams that few epoll workers share.

A stream is not a thread: two workers own all sockets. Uncompressed pages are sent from guest memory
where they lie. A stream that breaks takes only itself down; what it held is sent again.
"""

import contextlib
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from dwcp.codec import CODECS, encode
from dwcp.delta import changes
from dwcp.environment import Address
from dwcp.memory import Memory
from dwcp.wire import (
    PAGE,
    PAGES,
    STREAM_HELLO,
    Bits,
    Header,
    advance,
    checksum,
    count,
    pack,
    slices,
    total,
)

WORKERS = 2
SO_MAX_PACING_RATE = 47  # socket(7), since Linux 3.13
UNSENT = 512 << 10  # bytes that wait in a socket; more would queue on one stream while others idle
PIECES = 512  # of one sendmsg, below IOV_MAX
PATIENCE = 10.0  # seconds without any progress before streams are given up
GLANCE = 0.2  # seconds between looks at whether to stop
CONNECT_SECONDS = 5.0

NO_PAGES: Bits = np.zeros(PAGES, np.bool_)


class Aborted(Exception):
    """The migration was told to stop."""


class Task(NamedTuple):
    """Pages of one chunk that are to be sent."""

    chunk: int
    wanted: Bits
    delta: Bits = NO_PAGES  # those of them that the destination holds as they were
    base: bytes = b""  # what those were, page after page: they may go as the difference to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How to reach the destination."""

    destination: Address
    streams: int
    congestion: str
    pacing: int | None  # bytes/s of one stream, kept by the kernel
    codec: str


@dataclass(slots=True)
class _Stream:
    socket: socket.socket
    pieces: list[memoryview] = field(default_factory=list)
    chunk: int = 0
    sent: int = 0


@dataclass(slots=True)
class Work:
    """What a round did; the workers add to it."""

    frames: int = 0  # handed to the kernel whole
    wire: int = 0  # bytes of them
    raw: int = 0  # bytes of the pages that were encoded, zero pages included
    encoded: int = 0  # bytes that came of them
    data: int = 0  # bytes of the pages that went whole
    deltas: int = 0  # pages that went as a difference
    changes: int = 0  # bytes of the differences
    encoding: list[float] = field(default_factory=list)  # seconds, for each chunk
    seconds: float = 0.0
    worked: float = 0.0  # seconds of all workers
    blocked: float = 0.0  # seconds of those that they waited for sockets to take more
    broken: int = 0  # streams
    read: dict[int, float] = field(default_factory=dict)  # by chunk, monotonic seconds: from then
    # on nothing of its frame was read from guest memory any more


class Transport:
    """The streams of one migration."""

    def __init__(self, link: Link, key: bytes, aborted: threading.Event) -> None:
        self._link = link
        self._aborted = aborted
        self._streams: list[_Stream] = []
        self.reopen(key)

    def reopen(self, key: bytes) -> None:
        """All streams anew, since the destination has cut the old ones. Raises OSError."""
        self.close()
        try:
            while len(self._streams) < self._link.streams:
                self._streams.append(_Stream(_connect(self._link, key)))
        except OSError:
            self.close()
            raise

    def send_round(self, memory: Memory, number: int, tasks: Sequence[Task]) -> Work:
        """Send every task once, unless streams break. Raises Aborted."""
        started = time.monotonic()
        sender = _Round(memory, number, deque(tasks), self._link.codec, self._aborted)
        drivers = max(1, min(WORKERS, len(self._streams) // 2))
        threads = [
            threading.Thread(target=sender.drive, args=(self._streams[n::drivers],), daemon=True)
            for n in range(1, drivers)
        ]
        for thread in threads:
            thread.start()
        sender.drive(self._streams[::drivers])
        for thread in threads:
            thread.join()
        if self._aborted.is_set():
            raise Aborted
        alive = [stream for stream in self._streams if stream.socket.fileno() >= 0]
        sender.work.broken = len(self._streams) - len(alive)
        self._streams = alive
        sender.work.seconds = time.monotonic() - started
        return sender.work

    def close(self) -> None:
        for stream in self._streams:
            stream.socket.close()
        self._streams = []


class _Round:
    """One round's sending, shared by the workers."""

    def __init__(
        self,
        memory: Memory,
        number: int,
        tasks: deque[Task],
        codec: str,
        aborted: threading.Event,
    ) -> None:
        self._memory = memory
        self._number = number
        self._tasks = tasks
        self._codec = codec
        self._aborted = aborted
        self._lock = threading.Lock()
        self.work = Work()

    def drive(self, streams: list[_Stream]) -> None:
        """Keep these streams busy until there is nothing more to send."""
        began = time.monotonic()
        blocked = 0.0
        waiting: dict[int, _Stream] = {}
        with contextlib.closing(select.epoll()) as poll:
            for stream in streams:
                if self._load(stream):
                    waiting[stream.socket.fileno()] = stream
                    poll.register(stream.socket.fileno(), select.EPOLLOUT | select.EPOLLRDHUP)
            while waiting and not self._aborted.is_set():
                asked = time.monotonic()
                ready = _ready(poll, asked + PATIENCE, self._aborted)
                blocked += time.monotonic() - asked
                if not ready:
                    _give_up(waiting)
                for number, events in ready:
                    if events & select.EPOLLRDHUP:  # all that a destination says is that it leaves
                        waiting.pop(number).socket.close()
                    elif not self._push(waiting[number]):
                        with contextlib.suppress(OSError):  # a closed socket has left already
                            poll.unregister(number)
                        del waiting[number]
        with self._lock:
            self.work.worked += time.monotonic() - began
            self.work.blocked += blocked

    def _push(self, stream: _Stream) -> bool:
        """Send what the socket takes; False once this stream has nothing more to do."""
        try:
            while stream.pieces and not self._aborted.is_set():
                sent = stream.socket.sendmsg(stream.pieces[:PIECES])
                stream.sent += sent
                stream.pieces = advance(stream.pieces, sent)
                if not stream.pieces:
                    self._count(stream)
                    if not self._load(stream):
                        return False
        except BlockingIOError:
            return True
        except OSError:
            stream.pieces = []
            stream.socket.close()
        return False

    def _load(self, stream: _Stream) -> bool:
        try:
            task = self._tasks.popleft()
        except IndexError:
            return False
        began = time.perf_counter()
        header, stream.pieces = frame(self._memory, self._number, task, self._codec)
        stream.chunk = task.chunk
        stream.sent = 0
        seconds = time.perf_counter() - began
        with self._lock:
            self.work.encoding.append(seconds)
            self.work.raw += count(task.wanted) * PAGE
            self.work.encoded += total(stream.pieces)
            self.work.data += PAGE * (count(header.data) - count(header.delta))
            self.work.deltas += count(header.delta)
            self.work.changes += header.changes
        return True

    def _count(self, stream: _Stream) -> None:
        with self._lock:
            self.work.read[stream.chunk] = time.monotonic()
            self.work.frames += 1
            self.work.wire += stream.sent


def _ready(poll: select.epoll, deadline: float, aborted: threading.Event) -> list[tuple[int, int]]:
    """The sockets that take more; none after the deadline, or when the migration is to stop."""
    while not (ready := poll.poll(GLANCE)):
        if aborted.is_set() or time.monotonic() > deadline:
            break
    return ready


def _give_up(waiting: dict[int, _Stream]) -> None:
    for stream in waiting.values():
        stream.socket.close()
    waiting.clear()


def frame(memory: Memory, number: int, task: Task, codec: str) -> tuple[Header, list[memoryview]]:
    """A frame as pieces to send: of guest memory itself where the codec is `none`."""
    zero = memory.zero_pages(task.chunk, task.wanted)
    data = task.wanted & ~zero
    delta, content, changed = _changes(memory, task, data)
    pieces = slices(memory.view, task.chunk, data & ~delta)
    if codec != "none" and pieces:
        raw = b"".join(pieces)
        digest = checksum([memoryview(raw), *content])
        pieces = [memoryview(encode(codec, raw))]
    else:
        codec = "none"
        digest = checksum([*pieces, *content])
    header = Header(
        round=number,
        codec=CODECS.index(codec),
        chunk=task.chunk,
        size=total(pieces) + len(changed),
        changes=len(changed),
        checksum=digest,
        data=data,
        delta=delta,
        zero=zero,
    )
    return header, [memoryview(pack(header)), *pieces, memoryview(changed)]


def _changes(memory: Memory, task: Task, data: Bits) -> tuple[Bits, list[memoryview], bytes]:
    """The pages that go as a difference, what they hold now, and the difference."""
    delta = task.delta & data
    if delta.any():
        first = task.chunk * PAGES
        content = memory.pages[first : first + PAGES][delta]  # a copy: the guest writes on
        was = np.frombuffer(task.base, np.uint64).reshape(-1, PAGE // 8)
        changed = changes(content, was[delta[task.delta]].tobytes())
        if changed is not None:
            return delta, [content.data.cast("B")], changed
    return NO_PAGES, [], b""


def all_tasks(memory: Memory) -> list[Task]:
    return [Task(chunk, np.ones(PAGES, np.bool_)) for chunk in range(memory.chunks)]


def _connect(link: Link, key: bytes) -> socket.socket:
    stream = socket.create_connection(link.destination, timeout=CONNECT_SECONDS)
    try:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, link.congestion.encode())
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        if link.pacing:
            rate = struct.pack("@Q", link.pacing)
            stream.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, rate)
        stream.sendall(STREAM_HELLO + key)
    except OSError:
        stream.close()
        raise
    stream.setblocking(False)
    return stream
