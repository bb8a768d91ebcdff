"""The stream workers that have joined a source: who they are, and whether they still live.

It hands out no work: a crew does.
"""

import contextlib
import itertools
import logging
import queue
import socket
import threading
import time

from dwcp import orders
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.orders import BadOrder, Channel, Message
from dwcp.streams import MAX_STREAMS

log = logging.getLogger(__name__)

HELLO_SECONDS = 5.0
HELLO_BYTES = 4096
SILENCE_SECONDS = 5.0  # a worker beats twice a second
JOIN_SECONDS = 5.0  # that a migration waits for a worker when there is none
GLANCE = 0.1
MOST = 512  # connections at a time

ERRORS = (
    ("bad_worker", "critical"),
    ("worker_lost", "warning"),
)

Told = tuple["Member", Message]


class Member:
    """A worker. Its fields are written by the thread that reads from it."""

    def __init__(self, channel: Channel, node: str, streams: int, pacing: int | None) -> None:
        self._channel = channel
        self.node = node
        self.streams = streams
        self.pacing = pacing  # bytes/s of one stream, when it was last asked to open them
        self.leaving = False
        self.gone = False
        self.engaged: queue.SimpleQueue[Told] | None = None  # where its crew hears of it
        self._heard_at = time.monotonic()

    def tell(self, tail: bytes = b"", **message: object) -> None:
        """A worker that cannot be told is gone."""
        try:
            self._channel.send(tail, **message)
        except OSError as error:
            log.warning("worker %s does not listen: %s", self.node, error)
            self.drop()

    def heard(self) -> None:
        self._heard_at = time.monotonic()

    def silent(self) -> bool:
        return time.monotonic() - self._heard_at > SILENCE_SECONDS

    def dismiss(self) -> None:
        """It has asked to leave."""
        self.tell(op="bye")

    def drop(self) -> None:
        self.gone = True
        self._channel.cut()


class Fleet:
    def __init__(self, listen: Address, node: str, errors: Errors) -> None:
        self._listener = socket.create_server(listen, backlog=128, reuse_port=True)
        self._node = node
        self._errors = errors
        errors.expect("amst", *ERRORS)
        self._members: list[Member] = []
        self._changed = threading.Condition()
        self._places = threading.BoundedSemaphore(MOST)
        self._numbers = itertools.count(1)
        host, port = self._listener.getsockname()[:2]
        self.address: Address = (host, port)
        log.info("listening on %s:%d (workers)", host, port)
        threading.Thread(target=self._accept, daemon=True).start()

    def present(self) -> list[Member]:
        """Those that may be given work, the longest here first."""
        with self._changed:
            return [m for m in self._members if not m.leaving and not m.gone]

    def streams(self) -> int:
        return min(MAX_STREAMS, sum(member.streams for member in self.present()))

    def wait_for_one(self, given_up: threading.Event, seconds: float = JOIN_SECONDS) -> bool:
        """True once a worker may be given work; False when none came, or `given_up` is set."""
        deadline = time.monotonic() + seconds
        while not self.present():
            if time.monotonic() > deadline or given_up.wait(GLANCE / 5):
                return False
        return True

    def engage(self, wanted: list[Member], told: queue.SimpleQueue[Told]) -> list[Member]:
        """Those of them that are still here; what they say goes there from now on."""
        with self._changed:
            engaged = [member for member in wanted if member in self._members]
            for member in engaged:
                member.engaged = told
            return engaged

    def release(self, member: Member) -> None:
        """Its crew does not need it any more."""
        with self._changed:
            member.engaged = None
            leaving = member.leaving
        if leaving:
            member.dismiss()

    def number(self) -> int:
        """Of the next opening: answers to another one are old."""
        return next(self._numbers)

    def forget(self) -> None:
        """The memory is about to go: no worker may keep it mapped."""
        for member in self.present():
            member.tell(op="forget")

    def close(self) -> None:
        """Take no more workers; those that are here stay until the process ends."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or it would still accept one
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return
            if not self._places.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(target=self._greet, args=(connection, peer[0]), daemon=True).start()

    def _greet(self, connection: socket.socket, peer: str) -> None:
        connection.settimeout(HELLO_SECONDS)
        channel = Channel(connection, largest_tail=0)
        try:
            if joining := channel.receive(HELLO_BYTES):
                member = _member(channel, joining[0])
                connection.settimeout(None)
                self._listen_to(member, channel)
        except BadOrder as error:
            self._errors.amst("bad_worker", "critical")
            log.error("worker at %s refused: %s", peer, error)
        except OSError as error:
            self._errors.amst("worker_lost", "warning")
            log.warning("worker at %s lost: %s", peer, error)
        finally:
            channel.close()
            self._places.release()

    def _listen_to(self, member: Member, channel: Channel) -> None:
        """Raises BadOrder, OSError."""
        channel.send(op="joined", node=self._node)
        with self._changed:
            self._members.append(member)
        log.info("worker %s joined with %d streams", member.node, member.streams)
        try:
            while received := channel.receive():
                member.heard()
                self._take(member, received[0])
            if not member.leaving:
                raise ConnectionResetError(f"{member.node} closed the line")
        finally:
            with self._changed:
                member.gone = True
                self._members.remove(member)
                if member.engaged:
                    member.engaged.put((member, {"op": "gone"}))
        log.info("worker %s left", member.node)

    def _take(self, member: Member, message: Message) -> None:
        match message["op"]:
            case "beat":
                return
            case "leave":
                with self._changed:
                    member.leaving = True
                    idle = member.engaged is None
                if idle:
                    member.dismiss()
            case "opened" | "failed" | "sent":
                if message["op"] == "opened":
                    member.pacing = _pacing(message)
                with self._changed:
                    if member.engaged:
                        member.engaged.put((member, message))
            case other:
                raise BadOrder(f"it says {other!r}"[:80])


def _member(channel: Channel, message: Message) -> Member:
    """Raises BadOrder."""
    if message["op"] != "join":
        raise BadOrder("it did not ask to join")
    streams = orders.number(message, "streams", 1, MAX_STREAMS)
    return Member(channel, orders.text(message, "node", 253), streams, _pacing(message))


def _pacing(message: Message) -> int | None:
    if message.get("pacing") is None:
        return None
    return orders.number(message, "pacing", 1, (1 << 63) - 1)
