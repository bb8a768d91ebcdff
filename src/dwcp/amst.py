"""AMST, the sending end: frames over N streams that few epoll workers share.

A stream is not a thread: two workers own all sockets. What a stream sends is taken from guest
memory where it lies. A stream that breaks takes only itself down; its chunks are sent again.
"""

import contextlib
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import xxhash

from dwcp.environment import Address
from dwcp.guest import Memory
from dwcp.wire import (
    CHUNK,
    CODECS,
    PAGE,
    PAGES,
    STREAM_HELLO,
    Bits,
    Header,
    advance,
    pack,
    slices,
    total,
)

WORKERS = 2
SO_MAX_PACING_RATE = 47  # socket(7), since Linux 3.13
PIECES = 512  # of one sendmsg, below IOV_MAX
SEND_BUFFER = 1 << 20
PATIENCE = 10.0  # seconds without any progress before a round is given up

Task = tuple[int, Bits]  # a chunk, and which of its pages to send


@dataclass(slots=True)
class _Stream:
    socket: socket.socket
    pieces: list[memoryview] = field(default_factory=list)
    sent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundResult:
    frames: int  # handed to the kernel whole
    encoding: float  # seconds spent making frames, summed over the workers
    logical: int  # bytes of guest memory made current
    wire: int  # bytes sent
    seconds: float
    broken: int  # streams that broke


class Transport:
    """The streams of one migration. `pacing` is bytes/s of each stream, kept by the kernel."""

    def __init__(
        self,
        destination: Address,
        session: bytes,
        streams: int,
        congestion: str,
        pacing: int | None,
    ) -> None:
        self._streams: list[_Stream] = []
        for _ in range(streams):
            self._streams.append(_Stream(_connect(destination, session, congestion, pacing)))

    @property
    def active(self) -> int:
        return len(self._streams)

    def send_round(self, memory: Memory, number: int, tasks: Sequence[Task]) -> RoundResult:
        """Send every task once. Raises ConnectionError when no stream is left."""
        started = time.monotonic()
        work = _Round(memory, number, deque(tasks))
        threads = [
            threading.Thread(target=work.drive, args=(self._streams[n::WORKERS],), daemon=True)
            for n in range(min(WORKERS, len(self._streams)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        alive = [stream for stream in self._streams if stream.socket.fileno() >= 0]
        broken = len(self._streams) - len(alive)
        self._streams = alive
        if not alive:
            raise ConnectionError("every stream to the destination broke")
        return RoundResult(
            frames=work.frames,
            encoding=work.encoding,
            logical=work.logical,
            wire=work.wire,
            seconds=time.monotonic() - started,
            broken=broken,
        )

    def close(self) -> None:
        for stream in self._streams:
            stream.socket.close()


class _Round:
    """One round's work, shared by the workers."""

    def __init__(self, memory: Memory, number: int, tasks: deque[Task]) -> None:
        self._memory = memory
        self._number = number
        self._tasks = tasks
        self._lock = threading.Lock()
        self.frames = 0
        self.encoding = 0.0
        self.logical = 0
        self.wire = 0

    def drive(self, streams: list[_Stream]) -> None:
        """Keep these streams busy until there is nothing more to send."""
        poll = select.epoll()
        waiting = {}
        for stream in streams:
            if self._load(stream):
                waiting[stream.socket.fileno()] = stream
                poll.register(stream.socket.fileno(), select.EPOLLOUT)
        with contextlib.closing(poll):
            while waiting:
                ready = poll.poll(PATIENCE)
                if not ready:
                    for stream in waiting.values():
                        stream.socket.close()
                    return
                for number, _ in ready:
                    if not self._push(waiting[number]):
                        with contextlib.suppress(OSError, ValueError):
                            poll.unregister(number)
                        del waiting[number]

    def _push(self, stream: _Stream) -> bool:
        """Send what the socket takes; False once this stream has nothing more to do."""
        try:
            while stream.pieces:
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
            stream.socket.close()
            return False
        return False

    def _load(self, stream: _Stream) -> bool:
        try:
            chunk, wanted = self._tasks.popleft()
        except IndexError:
            return False
        began = time.monotonic()
        stream.pieces, logical = encode(self._memory, self._number, chunk, wanted)
        stream.sent = 0
        with self._lock:
            self.encoding += time.monotonic() - began
            self.logical += logical
        return True

    def _count(self, stream: _Stream) -> None:
        with self._lock:
            self.frames += 1
            self.wire += stream.sent


def encode(memory: Memory, number: int, chunk: int, wanted: Bits) -> tuple[list[memoryview], int]:
    """A frame as pieces to send, and the bytes of guest memory that it makes current."""
    zero = memory.zero_pages(chunk) & wanted
    data = wanted & ~zero
    content = slices(memory.view, chunk, data)
    checksum = xxhash.xxh3_64()
    for piece in content:
        checksum.update(piece)
    header = Header(
        round=number,
        codec=CODECS.index("none"),
        chunk=chunk,
        size=total(content),
        checksum=checksum.intdigest(),
        data=data,
        zero=zero,
    )
    return [memoryview(pack(header)), *content], int(wanted.sum()) * PAGE


def all_tasks(memory: Memory) -> list[Task]:
    return [(chunk, np.ones(PAGES, np.bool_)) for chunk in range(memory.chunks)]


def dirty_tasks(dirty: Bits) -> list[Task]:
    """The chunks that have dirty pages, with those pages."""
    by_chunk = dirty.reshape(-1, CHUNK // PAGE)
    return [(int(chunk), by_chunk[chunk]) for chunk in np.flatnonzero(by_chunk.any(axis=1))]


def _connect(
    destination: Address, session: bytes, congestion: str, pacing: int | None
) -> socket.socket:
    stream = socket.create_connection(destination, timeout=5)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if pacing:
        stream.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, pacing)
    stream.sendall(STREAM_HELLO + session)
    stream.setblocking(False)
    return stream
