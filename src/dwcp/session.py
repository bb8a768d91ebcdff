"""One migration at the receiving end: which frames it may still take, and what has arrived whole.

A chunk is taken once in a round; everything else that claims to be part of it is refused.
"""

import contextlib
import secrets
import socket
import threading
import time

import numpy as np

from dwcp.memory import Memory
from dwcp.wire import PAGES, SESSION_SIZE, BadFrame, Bits, Header, Oversized, runs

LAST_ROUND = 255  # a frame has one byte for it
HURRIED_SECONDS = 0.5  # without a frame, once a stream broke, before a round is called incomplete
CUT_SECONDS = 5.0  # for the workers to let go of streams that were cut


class Session:
    """Shared by the control line and the workers that read its streams."""

    def __init__(self, memory: Memory, streams: int, frame_limit: int | None = None) -> None:
        self.id = secrets.token_bytes(SESSION_SIZE)
        self.key = self.id  # what a stream must show to join; another one after each cut
        self._announced = streams
        self.due = {self.key: streams}  # streams of each key that have not come yet
        self.memory = memory
        self.written: Bits = np.zeros((memory.chunks, PAGES), np.bool_)  # pages no longer zero
        self.heard_at = time.monotonic()  # when a stream last brought something
        self.refused = 0  # frames of this round that were larger than is taken
        self._frame_limit = frame_limit  # bytes of payload
        self._changed = threading.Condition()
        self._round = -1
        self._begun: set[int] = set()
        self._verified: set[int] = set()
        self._rejected: set[int] = set()
        self._streams: set[socket.socket] = set()
        self._joined = False  # a stream, since the last cut: before that they may be on their way
        self._broken = False  # a stream, since the last cut: what it carried will not come
        self._ended = False
        self.exposed = False  # its source may write the memory itself

    def join(self, stream: socket.socket, key: bytes) -> bool:
        """False for a stream that was opened before a cut and only arrives now: what it carries is
        old. Raises BadFrame when the session has no such key, or it is used up."""
        with self._changed:
            if key != self.key:
                excuse(self.due, key)
                return False
            self.due[key] -= 1
            self._streams.add(stream)
            self._joined = True
            return True

    def leave(self, stream: socket.socket) -> None:
        with self._changed:
            self._streams.discard(stream)
            self._broken = True
            self._changed.notify_all()

    def open_round(self, number: int) -> None:
        with self._changed:
            if not self._round < number <= LAST_ROUND:
                raise BadFrame(f"round {number} after round {self._round}")
            self._round = number
            self._begun, self._verified, self._rejected = set(), set(), set()
            self.refused = 0

    def begin_frame(self, header: Header) -> None:
        """Raises BadFrame for a frame of another round, and for one that was here before; Oversized
        for one with too large a payload."""
        with self._changed:
            if self._ended or header.round != self._round:
                raise BadFrame(f"a frame of round {header.round} in round {self._round}")
            if header.chunk in self._begun:
                raise BadFrame(f"chunk {header.chunk} came a second time in round {self._round}")
            if self._frame_limit is not None and header.size > self._frame_limit:
                self.refused += 1
                raise Oversized(f"{header.size} bytes in a frame; {self._frame_limit} are taken")
            self._begun.add(header.chunk)

    def heard(self) -> None:
        self.heard_at = time.monotonic()

    def end_frame(self, chunk: int, whole: bool) -> None:
        with self._changed:
            (self._verified if whole else self._rejected).add(chunk)
            self._changed.notify_all()

    def place(self, number: int, chunks: list[int]) -> None:
        """Their source wrote them into the memory itself. Raises BadFrame."""
        with self._changed:
            if not self.exposed or self._ended or number != self._round:
                raise BadFrame(f"chunks placed in round {number}, not in {self._round}")
            for chunk in chunks:
                if not 0 <= chunk < self.memory.chunks or chunk in self._begun:
                    raise BadFrame(f"chunk {chunk} placed, of {self.memory.chunks}")
                self._begun.add(chunk)
                self._verified.add(chunk)
                self.written[chunk] = True
            self._changed.notify_all()

    def close_round(self, wanted: set[int], patience: float) -> tuple[set[int], set[int]]:
        """The chunks that arrived damaged, and those that never did.

        Waits for what is on its way: until nothing has come for `patience` seconds (once a stream
        broke, for HURRIED_SECONDS), or no stream is left. When something is lost all streams are
        cut, so that nothing old can arrive later.
        """
        with self._changed:
            while missing := len(wanted - self._seen()):
                if self._deserted() or not self._progress(wanted, missing, patience):
                    break
            lost = wanted - self._seen()
        if lost:
            self.cut()
        with self._changed:
            return wanted & self._rejected, wanted - self._seen()

    def verified(self) -> set[int]:
        """The chunks of this round that arrived whole."""
        with self._changed:
            return set(self._verified)

    def sums(self, chunks: list[int]) -> list[str]:
        """xxh3_64 of whole chunks, as they are now."""
        return [self.memory.sum(chunk) for chunk in chunks]

    def cut(self) -> None:
        """Close every stream; returns when no worker reads from one any more. Later streams need
        the new key."""
        with self._changed:
            self.key = secrets.token_bytes(SESSION_SIZE)
            self.due[self.key] = self._announced
            for stream in self._streams:
                with contextlib.suppress(OSError):
                    stream.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._streams, CUT_SECONDS)
            self._joined = self._broken = False

    def end(self, proven: bool) -> None:
        """No frame is taken from now on, and the memory is as it was: all zero. Where an image was
        not proven to be its source's, anything may have been written."""
        with self._changed:
            self._ended = True
        self.cut()
        if not proven:
            self.written[:] = True
        for first, last in runs(self.written.reshape(-1)):
            self.memory.pages[first:last] = 0
        self.written[:] = False

    def _seen(self) -> set[int]:
        return self._verified | self._rejected

    def _progress(self, wanted: set[int], than: int, patience: float) -> bool:
        hurried = self._broken

        def changed() -> bool:
            news = self._broken != hurried or self._deserted()
            return news or len(wanted - self._seen()) < than

        return self._changed.wait_for(
            changed, min(patience, HURRIED_SECONDS) if hurried else patience
        )

    def _deserted(self) -> bool:
        return self._joined and not self._streams


def excuse(due: dict[bytes, int], key: bytes) -> None:
    """A stream that comes too late is no error, as often as one was announced. Raises BadFrame."""
    if due.get(key, 0) <= 0:
        raise BadFrame("no session waits for a stream with this key")
    due[key] -= 1
