"""One migration from the source's side: rounds while the guest runs, a stop, a last round, proof.

The image counts as moved only when the destination's digest of all of it equals the source's.
"""

import json
import socket
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from dwcp.amst import Task, Transport, all_tasks, dirty_tasks
from dwcp.environment import Address
from dwcp.guest import Guest, Memory
from dwcp.wire import CONTROL_HELLO, PAGES, Bits

ROUNDS = 8  # before the guest is stopped whatever is left
FEW = 256  # dirty pages that are not worth another round
RESENDS = 3  # of what did not arrive whole, once the guest is stopped
CONTROL_SECONDS = 30


class MigrationFailed(Exception):
    """The image did not arrive whole; the guest stays where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    seconds: float  # from the request to the proof
    sending: float  # of them, with streams at work
    encoding: float  # making frames, summed over the workers
    chunks: int  # frames made
    saved: float  # share of the guest memory that was not sent
    logical: int  # bytes of guest memory made current
    wire: int  # bytes sent
    streams: int
    rounds: int
    resent: int  # chunks sent again
    utilization: float  # of the streams' pacing, 0 where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How to reach the destination."""

    destination: Address
    streams: int
    congestion: str
    pacing: int | None  # bytes/s of one stream


def migrate(memory: Memory, link: Link, dirty_share: float, seed: int) -> Moved:
    """Move the image while its guest writes. Raises MigrationFailed."""
    started = time.monotonic()
    guest = Guest(memory, dirty_share, seed)
    try:
        with _Control(link.destination) as control:
            session = control.begin(memory.size)
            transport = Transport(
                link.destination, session, link.streams, link.congestion, link.pacing
            )
            guest.start()
            try:
                tally = _copy(memory, guest, transport, control)
            finally:
                transport.close()
            if control.digest() != memory.digest():
                raise MigrationFailed("the image at the destination is not the source's")
    except (OSError, ValueError, KeyError) as error:
        raise MigrationFailed(f"{type(error).__name__}: {error}") from error
    finally:
        guest.pause()
    seconds = time.monotonic() - started
    return Moved(
        seconds=seconds,
        sending=tally.sending,
        encoding=tally.encoding,
        chunks=tally.chunks,
        saved=max(0.0, 1 - tally.wire / tally.logical) if tally.logical else 0.0,
        logical=tally.logical,
        wire=tally.wire,
        streams=link.streams,
        rounds=tally.rounds,
        resent=tally.resent,
        utilization=_utilization(tally, link),
    )


def prepare(size: int, destination: Address) -> None:
    """Let the destination make memory ready for images of `size` bytes. Raises OSError."""
    with _Control(destination) as control:
        control.prepare(size)


@dataclass(slots=True)
class _Tally:
    logical: int = 0
    wire: int = 0
    rounds: int = 0
    resent: int = 0
    sending: float = 0.0
    encoding: float = 0.0
    chunks: int = 0


def _copy(memory: Memory, guest: Guest, transport: Transport, control: "_Control") -> _Tally:
    tally = _Tally()
    tasks = all_tasks(memory)
    while tally.rounds < ROUNDS:
        again = _round(memory, transport, control, tasks, tally)
        dirty = guest.take_dirty()
        _add_chunks(dirty, again)
        if int(dirty.sum()) <= FEW:
            break
        tasks = dirty_tasks(dirty)
    guest.pause()
    dirty |= guest.take_dirty()
    for _ in range(RESENDS + 1):
        if not dirty.any():
            return tally
        again = _round(memory, transport, control, dirty_tasks(dirty), tally)
        dirty = np.zeros_like(dirty)
        _add_chunks(dirty, again)
    if dirty.any():
        raise MigrationFailed(f"{int(dirty.sum())} pages did not arrive whole in {RESENDS} tries")
    return tally


def _round(
    memory: Memory,
    transport: Transport,
    control: "_Control",
    tasks: list[Task],
    tally: _Tally,
) -> list[int]:
    """Send the tasks; returns the chunks that the destination wants again."""
    sent = transport.send_round(memory, tally.rounds, tasks)
    again = control.end_round(tally.rounds, [chunk for chunk, _ in tasks])
    tally.rounds += 1
    tally.logical += sent.logical
    tally.wire += sent.wire
    tally.sending += sent.seconds
    tally.encoding += sent.encoding
    tally.chunks += sent.frames
    tally.resent += len(again)
    return again


def _add_chunks(dirty: Bits, chunks: list[int]) -> None:
    for chunk in chunks:
        dirty[chunk * PAGES : (chunk + 1) * PAGES] = True


def _utilization(tally: _Tally, link: Link) -> float:
    if not link.pacing or tally.sending <= 0:
        return 0.0
    return min(1.0, tally.wire / tally.sending / (link.pacing * link.streams))


class _Control:
    """The line to the destination: one JSON object out, one back."""

    def __init__(self, destination: Address) -> None:
        self._socket = socket.create_connection(destination, timeout=CONTROL_SECONDS)
        self._socket.sendall(CONTROL_HELLO)
        self._lines = self._socket.makefile("rwb")

    def __enter__(self) -> "_Control":
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def begin(self, size: int) -> bytes:
        return bytes.fromhex(self._ask({"op": "begin", "size": size})["session"])

    def prepare(self, size: int) -> None:
        self._ask({"op": "prepare", "size": size})

    def end_round(self, number: int, chunks: list[int]) -> list[int]:
        answer = self._ask({"op": "round", "number": number, "chunks": chunks})
        return [int(chunk) for chunk in answer["again"]]

    def digest(self) -> str:
        return str(self._ask({"op": "digest"})["digest"])

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        self._lines.write(json.dumps(message).encode() + b"\n")
        self._lines.flush()
        line = self._lines.readline()
        if not line:
            raise ConnectionResetError("the destination closed the line")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("the destination answered with something else")
        return answer
