"""AMST, the receiving end: epoll workers that read frames into guest memory where they belong.

Nothing that arrives can write outside its chunk; a frame that is wrong closes its stream.
"""

import logging
import select
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from dwcp.codec import CODECS, BadPayload, decode
from dwcp.delta import apply
from dwcp.session import Session
from dwcp.wire import (
    HEADER_SIZE,
    PAGE,
    PAGES,
    BadFrame,
    Header,
    advance,
    checksum,
    count,
    slices,
    unpack,
)

log = logging.getLogger(__name__)

PIECES = 512  # of one recvmsg, below IOV_MAX
IDLE_SECONDS = 1.0

CountError = Callable[[str, str], None]  # type, severity


@dataclass(slots=True)
class Inbound:
    """A stream's state: either its header is being read, or its payload."""

    socket: socket.socket
    session: Session
    header_bytes: bytearray = field(default_factory=lambda: bytearray(HEADER_SIZE))
    filled: int = 0
    header: Header | None = None
    payload: bytearray = field(default_factory=bytearray)  # empty: straight into guest memory
    changes: bytearray = field(default_factory=bytearray)
    pieces: list[memoryview] = field(default_factory=list)  # what is still to be read


class Worker:
    """An epoll loop that owns some of the streams."""

    def __init__(self, count_error: CountError) -> None:
        self._count_error = count_error
        self._poll = select.epoll()
        self._streams: dict[int, Inbound] = {}
        threading.Thread(target=self._run, name="receiver", daemon=True).start()

    def add(self, stream: Inbound) -> None:
        number = stream.socket.fileno()
        self._streams[number] = stream
        self._poll.register(number, select.EPOLLIN)

    def _run(self) -> None:
        while True:
            for number, _ in self._poll.poll(IDLE_SECONDS):
                self._attend(number)

    def _attend(self, number: int) -> None:
        stream = self._streams[number]
        if self._pull(stream):
            return
        del self._streams[number]
        self._poll.unregister(number)
        stream.pieces = []
        stream.session.leave(stream.socket)
        stream.socket.close()

    def _pull(self, stream: Inbound) -> bool:
        """Read what is there; False when the stream is at its end, or not to be trusted."""
        stream.session.heard()
        try:
            while _read_some(stream):
                pass
        except BlockingIOError:
            return True
        except BadFrame as error:
            self._count_error(error.kind, "critical")
            log.error("stream closed: %s", error)
        except OSError as error:
            self._count_error("stream_broken", "warning")
            log.warning("stream broke: %s", error)
        return False


def _read_some(stream: Inbound) -> bool:
    """One read. False at a clean end. Raises BadFrame, OSError."""
    if stream.header is None:
        got = stream.socket.recv_into(memoryview(stream.header_bytes)[stream.filled :])
        stream.filled += got
        if not got and not stream.filled:
            return False
        if stream.filled == HEADER_SIZE:
            _begin_frame(stream)
    else:
        got = stream.socket.recvmsg_into(stream.pieces[:PIECES])[0]
        stream.pieces = advance(stream.pieces, got)
        if not stream.pieces:
            _end_frame(stream)
    if not got:
        raise ConnectionResetError("the source vanished within a frame")
    return True


def _begin_frame(stream: Inbound) -> None:
    session = stream.session
    header = unpack(stream.header_bytes, session.memory.chunks)
    session.begin_frame(header)
    _clear(session, header)
    session.written[header.chunk] |= header.data
    stream.header = header
    stream.filled = 0
    whole = slices(session.memory.view, header.chunk, header.data & ~header.delta)
    encoded = header.size - header.changes
    if CODECS[header.codec] == "none":
        stream.payload, stream.pieces = bytearray(), list(whole)
    else:
        stream.payload = bytearray(encoded)
        stream.pieces = [memoryview(stream.payload)] if encoded else []
    stream.changes = bytearray(header.changes)
    if header.changes:
        stream.pieces.append(memoryview(stream.changes))
    if not stream.pieces:
        _end_frame(stream)


def _clear(session: Session, header: Header) -> None:
    """Pages start as zero, so only those that were written since need to be made zero again."""
    stale = session.written[header.chunk] & header.zero
    if stale.any():
        first = header.chunk * PAGES
        session.memory.pages[first : first + PAGES][stale] = 0


def _end_frame(stream: Inbound) -> None:
    header = stream.header
    assert header is not None
    try:
        arrived = checksum(_decode(stream, header)) == header.checksum
    except BadPayload as error:
        log.debug("chunk %d: %s", header.chunk, error)
        arrived = False
    if not arrived:
        log.debug("chunk %d arrived damaged in round %d", header.chunk, header.round)
    stream.header = None
    stream.payload = stream.changes = bytearray()
    stream.session.end_frame(header.chunk, arrived)


def _decode(stream: Inbound, header: Header) -> list[memoryview]:
    """Put the frame's pages in their places; returns them in the checksum's order. Raises
    BadPayload."""
    memory = stream.session.memory
    first = header.chunk * PAGES
    pages = memory.pages[first : first + PAGES]
    whole = header.data & ~header.delta
    if stream.payload:
        raw = decode(CODECS[header.codec], stream.payload, count(whole) * PAGE)
        pages[whole] = np.frombuffer(raw, np.uint64).reshape(-1, PAGE // 8)
    if header.delta.any():
        content = pages[header.delta]
        apply(content, stream.changes)
        pages[header.delta] = content
    return [
        *slices(memory.view, header.chunk, whole),
        *slices(memory.view, header.chunk, header.delta),
    ]
