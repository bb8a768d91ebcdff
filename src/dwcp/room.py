"""The place for one machine's memory at a destination: who has it, and what happens to it when its
source leaves. It reads no connection.
"""

import logging
import socket
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from dwcp import host, mapping
from dwcp.memory import Memory
from dwcp.session import Session, excuse

log = logging.getLogger(__name__)

RESUME_SECONDS = 15.0  # that an image waits for its source to come back
REMEMBERED = 8  # sessions whose streams may still be on their way


class Room:
    """The memory of the machine that arrives; made once for the largest, and zero in between."""

    def __init__(
        self,
        directory: Path | None = None,
        capacity: int | None = None,
        frame_limit: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._directory = directory  # for memory that a source on this host may write itself
        self._capacity = capacity  # bytes of machines; None: what the host can give
        self._frame_limit = frame_limit  # bytes of a frame's payload; None: any
        self._lock = threading.Condition()
        self._closed = False
        self._memory: Memory | None = None
        self._session: Session | None = None
        self._late: deque[dict[bytes, int]] = deque(maxlen=REMEMBERED)
        self._owner: object = None  # the line that steers the session; None: it may be resumed

    @property
    def busy(self) -> bool:
        return self._session is not None

    @property
    def capacity(self) -> int:
        """Bytes of machines that there may be."""
        return self.host_room() if self._capacity is None else self._capacity

    @property
    def free(self) -> int:
        """Bytes of them that no machine has now."""
        session = self._session
        return max(0, self.capacity - (session.memory.size if session else 0))

    def close(self, seconds: float) -> bool:
        """Begin nothing more; True once nothing is in the room."""
        with self._lock:
            self._closed = True
            return self._lock.wait_for(lambda: self._session is None, seconds)

    def trouble(self, size: int) -> str | None:
        """Why an image of this size cannot come here: `no_capacity`, `no_room`, or nothing."""
        if self._capacity is not None and size > self._capacity:
            log.error(
                "an image of %d MiB: only %d are for machines", size >> 20, self.capacity >> 20
            )
            return "no_capacity"
        if size > self.host_room():
            log.error("an image of %d MiB does not fit into this host's memory", size >> 20)
            return "no_room"
        return None

    def host_room(self) -> int:
        """Bytes that the host could give to machines, what is held for them included."""
        with self._lock:
            held = self._memory.size if self._memory else 0
        available = host.available()
        if self._directory:
            available = min(available, mapping.free(self._directory))
        return held + available

    def prepare(self, size: int) -> None:
        with self._lock:
            if self._session is None and not self.trouble(size):
                self._part(size)

    def begin(self, size: int, streams: int, owner: object) -> Session | None:
        """None while another source has the room, and once it is closed."""
        with self._lock:
            if self._closed or (self._session and self._owner is not None):
                return None
            self._end()
            session = Session(self._part(size), streams, self._frame_limit())
            self._session, self._owner = session, owner
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

    def leave(self, owner: object, done: bool, silent: bool = False) -> None:
        """The line has ended: by a word that all is done; by silence, after which nobody is waited
        for; or otherwise, and its source may come back."""
        over = done or silent
        with self._lock:
            if self._owner is not owner or self._session is None:
                return
            self._owner = None
            if over:
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
            self._session.end(done)
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
