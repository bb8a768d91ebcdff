"""The destination's end of the control line: a line of JSON in, one out. A source that falls silent
is given up; one that only encodes slowly is not.
"""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

from dwcp.room import Room
from dwcp.session import HURRIED_SECONDS, Session
from dwcp.wire import CHUNK, BadFrame

BARRIER_SECONDS = 10.0  # without a frame, before a round is called incomplete
GLANCE = 0.5  # seconds between looks at whether anything was heard
LARGEST = 64 << 30
MAX_STREAMS = 512
LONGEST_LINE = 1 << 20

Message = dict[str, Any]


class Answers:
    """One source's control connection: a line of JSON in, one out."""

    def __init__(self, room: Room, node: str, patience: float) -> None:
        self._room = room
        self._node = node
        self._patience = patience
        self._session: Session | None = None
        self._heard_at = time.monotonic()

    def run(self, connection: socket.socket) -> None:
        """Raises BadFrame, TimeoutError when nothing is heard any more, and OSError."""
        done = silent = False
        connection.settimeout(min(GLANCE, self._patience))
        try:
            for line in self._lines(connection):
                message = _parse(line)
                answer = self._answer(message)
                self._heard_at = time.monotonic()
                connection.sendall(json.dumps(answer).encode() + b"\n")
                done = message["op"] == "done"
        except TimeoutError:
            silent = True
            raise
        finally:
            self._room.leave(self, done, silent)

    def _lines(self, connection: socket.socket) -> Iterator[bytes]:
        """Until the source closes. Raises TimeoutError when neither this line nor any stream has
        brought anything for a while: encoding can be slow, but not that slow."""
        held = bytearray()
        while True:
            line, found, rest = held.partition(b"\n")
            if found:
                held = rest
                yield bytes(line)
                continue
            if len(held) > LONGEST_LINE:
                raise BadFrame("a control line without end")
            try:
                piece = connection.recv(1 << 16)
            except TimeoutError:
                if time.monotonic() - self._last_heard() > self._patience:
                    raise TimeoutError(f"silent for {self._patience:g} s; given up") from None
                continue
            if not piece:
                return
            held += piece

    def _last_heard(self) -> float:
        session = self._session
        if session is None:
            return self._heard_at
        if session.exposed:  # its source writes the memory, and says nothing meanwhile
            return max(self._heard_at, time.monotonic() - self._patience)
        return max(self._heard_at, session.heard_at)

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
        if trouble := self._room.trouble(size):
            return {"no_room": True, "kind": trouble}
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
                arrived = {"rejected": sorted(rejected), "lost": sorted(lost)}
                return {**arrived, "key": key, "refused": session.refused}
            case "sums":
                return {"sums": session.sums([int(chunk) for chunk in message["chunks"]])}
            case "digest":
                return {"digest": session.memory.digest()}
        raise BadFrame(f"unknown operation {message['op']!r}")


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
