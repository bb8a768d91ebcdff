"""Version 1's receiving end: one stream for each machine, gzip, the digest as the answer.

A stream begins with HELLO and the size; what comes then is inflated, and never beyond that size.
"""

import logging
import socket
import struct
import threading
import zlib

from dwcp import environment, host
from dwcp.memory import Memory

log = logging.getLogger(__name__)

HELLO = b"DWV1"
SIZE = struct.Struct("!Q")
DIGEST_SIZE = 32  # characters of an xxh3_128
LEVEL = 6
LARGEST = 64 << 30
PIECE = 1 << 20
SILENCE_SECONDS = 30.0
MIB = 1 << 20


class BadStream(ValueError):
    """Bytes that are no machine."""


def receive(stream: socket.socket) -> str:
    """The digest of what came. Raises BadStream, OSError."""
    stream.settimeout(SILENCE_SECONDS)
    start = stream.recv(len(HELLO) + SIZE.size, socket.MSG_WAITALL)
    if len(start) < len(HELLO) + SIZE.size or not start.startswith(HELLO):
        raise BadStream("it does not begin as a machine does")
    (size,) = SIZE.unpack(start[len(HELLO) :])
    if not MIB <= size <= LARGEST or size % MIB:
        raise BadStream(f"a machine of {size} bytes")
    if size > host.available():
        raise BadStream(f"there is no room for {size >> 20} MiB")
    memory = Memory(size)
    _inflate(stream, memory)
    return memory.digest()


def _inflate(stream: socket.socket, memory: Memory) -> None:
    grow = zlib.decompressobj(wbits=31)
    at = 0
    while data := stream.recv(PIECE):
        while data:
            try:
                piece = grow.decompress(data, PIECE)
            except zlib.error as error:
                raise BadStream(f"it is no gzip: {error}") from error
            if at + len(piece) > memory.size:
                raise BadStream("it is longer than it said")
            memory.view[at : at + len(piece)] = piece
            at += len(piece)
            data = grow.unconsumed_tail
            if grow.eof and (data or grow.unused_data):
                raise BadStream("something follows its end")
    if at != memory.size or not grow.eof:
        raise BadStream(f"it ended after {at} of {memory.size} bytes")


def run(stop: threading.Event) -> None:
    """The role `v1-destination`."""
    listen = environment.address("DWCP_LISTEN")
    listener = socket.create_server(listen, backlog=64)
    log.info("listening on %s:%d (stream)", *listener.getsockname()[:2])
    threading.Thread(target=_serve, args=(listener,), daemon=True).start()
    stop.wait()
    listener.close()
    log.info("stopped")


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            stream, peer = listener.accept()
        except OSError:
            return
        threading.Thread(target=_attend, args=(stream, peer[0]), daemon=True).start()


def _attend(stream: socket.socket, peer: str) -> None:
    with stream:
        try:
            stream.sendall(receive(stream).encode())
        except (BadStream, OSError) as error:
            log.error("ERROR machine from %s refused: %s", peer, error)
