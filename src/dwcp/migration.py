"""One migration from the source's side: rounds while the guest runs, a stop, a last round, proof.

The image counts as moved only when the destination's digest of all of it equals the source's.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from dwcp.amst import Aborted, Link, Task, Transport, Work, all_tasks
from dwcp.codec import QUICK, measure
from dwcp.guest import Guest
from dwcp.held import Held
from dwcp.line import Line, NoRoom
from dwcp.memory import RUN, Memory
from dwcp.wire import PAGE, PAGES, Bits, count

ROUNDS = 8  # before the guest is stopped whatever is left
FEW = 256  # dirty pages that are not worth another round
RESENDS = 3  # of one chunk
RESUMES = 5  # of one migration
BUSY_SECONDS = 5.0  # that a destination may have another image
RESUME_SECONDS = 8.0  # that a destination may be out of reach once the migration has begun
RETRY_SECONDS = 0.05
BLOCKED = 0.5  # share of the workers' time that they wait for sockets when the link is the limit
TELLING = 8 << 20  # bytes on the wire, below which a rate tells more of latency than of the link
SAMPLED_RUNS = 6  # of pages that each codec is tried on


class MigrationFailed(Exception):
    """The image did not arrive whole; the guest stays where it was. `kind` is one word."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Carrier(Protocol):
    """What carries rounds of one migration: streams of this process, or of others."""

    def send_round(self, memory: Memory, number: int, tasks: Sequence[Task]) -> Work:
        """Send every task once, unless streams break. Raises Aborted, OSError."""

    def reopen(self, key: bytes) -> None:
        """All streams anew, with this key. Raises OSError."""

    def close(self) -> None:
        """Of all streams; may be done twice."""


Connect = Callable[[Link, bytes, threading.Event], Carrier]  # link, key, aborted


@dataclass(slots=True)
class Tally:
    """What a migration did so far."""

    logical: int = 0  # bytes of guest memory made current, zero pages included
    wire: int = 0  # bytes handed to the streams
    raw: int = 0  # bytes of pages that were encoded, zero pages included
    encoded: int = 0  # bytes that came of them
    data: int = 0  # bytes of the pages that went whole
    deltas: int = 0  # pages that went as the difference to what they were
    changes: int = 0  # bytes of the differences
    encoding: list[float] = field(default_factory=list)  # seconds, for each chunk
    rounds: int = 0
    resent: int = 0  # chunks sent again because they were damaged or lost
    torn: int = 0  # chunks that the guest wrote into on their way
    resumes: int = 0
    worked: float = 0.0  # seconds of all workers
    blocked: float = 0.0  # seconds of those that they waited for sockets to take more
    sending: float = 0.0  # seconds of rounds
    downtime: float = 0.0  # seconds that the guest stood still
    seconds: float = 0.0  # from the first connection to the proof
    destination: str = ""  # its name
    digest: str = ""  # xxh3_128 of the whole image, the same at both ends

    def utilization(self, link: Link) -> float:
        """Share of the streams' pacing that was used; 0 where there is none."""
        if not link.pacing or self.sending <= 0:
            return 0.0
        return min(1.0, self.wire / self.sending / (link.pacing * link.streams))

    def link_rate(self, link: Link) -> float | None:
        """Bytes/s that the link can carry; None where encoding was the limit."""
        limited = link.codec == "none" or self.blocked > BLOCKED * self.worked
        return self.wire / self.sending if limited and self.wire >= TELLING else None


class Migration:
    """Moves one image; to be run once. `abort` may be called from another thread."""

    def __init__(
        self,
        memory: Memory,
        link: Link,
        dirty_share: float,
        seed: int,
        connect: Connect = Transport,
    ) -> None:
        self._memory = memory
        self._link = link
        self._connect = connect
        self._guest = Guest(memory, dirty_share, seed)
        self._held = Held(len(memory.pages))
        self._aborted = threading.Event()
        self._line: Line | None = None
        self._transport: Carrier | None = None
        self._session = b""
        self._troubles: Counter[int] = Counter()  # by chunk
        self._torn: set[int] = set()
        self._refused = False  # frames of the last round, for their size
        self.tally = Tally()

    def run(self) -> Tally:
        """Raises MigrationFailed and Aborted."""
        started = time.monotonic()
        try:
            self._begin()
            self._guest.start()
            self._copy()
            self._prove()
            self.tally.seconds = time.monotonic() - started
        except NoRoom as error:
            raise MigrationFailed(error.kind, "the destination has not the memory") from error
        except OSError as error:
            if self._aborted.is_set():
                raise Aborted from error
            raise MigrationFailed("destination_unreachable", str(error)) from error
        finally:
            self._end()
        return self.tally

    def abort(self) -> None:
        self._aborted.set()
        if self._line:
            self._line.cut()

    def report(self) -> dict[str, object]:
        """What HDE is told once the migration has ended. Takes milliseconds: each codec is tried on
        some pages of the image."""
        tally = self.tally
        content = self._sample()
        return {
            "codec": self._link.codec,
            "destination": tally.destination,
            "seconds": [round(each, 6) for each in tally.encoding],
            "raw": tally.raw,
            "encoded": tally.encoded,
            "wire_bytes_per_second": tally.wire / tally.sending if tally.sending else 0.0,
            "link_bytes_per_second": tally.link_rate(self._link),
            "encoding_seconds_per_byte": sum(tally.encoding) / tally.data
            if self._coded()
            else None,
            "cores": len(os.sched_getaffinity(0)),
            "samples": {codec: measure(codec, content) for codec in QUICK if content},
        }

    def _coded(self) -> bool:
        return self._link.codec != "none" and self.tally.data > 0

    def _sample(self) -> bytes:
        """Pages of the image that are not zero; none where there are no such pages."""
        pages = self._memory.pages
        firsts = (random.randrange(len(pages) // RUN) * RUN for _ in range(SAMPLED_RUNS))
        found = np.concatenate([pages[first : first + RUN] for first in firsts])
        return found[found.any(axis=1)].tobytes()

    def _begin(self) -> None:
        self._line = line = Line(self._link.destination)
        deadline = time.monotonic() + BUSY_SECONDS
        while (begun := line.begin(self._memory.size, self._link.streams)) is None:
            if time.monotonic() > deadline:
                raise MigrationFailed("destination_busy", "the destination has another image")
            if self._aborted.wait(RETRY_SECONDS / 5):
                raise Aborted
        self._session, self.tally.destination = begun
        self._transport = self._connect(self._link, self._session, self._aborted)

    def _copy(self) -> None:
        left = self._round(all_tasks(self._memory))
        while self.tally.rounds < ROUNDS and count(left) > FEW:
            left = self._round(self._held.tasks(left))
        stopped = time.monotonic()
        self._guest.pause()
        written = self._guest.take_written()
        self._held.note(written)
        left |= written.pages
        while left.any() or self._torn:
            left = self._round(self._held.tasks(left)) if left.any() else self._check_torn()
        self.tally.downtime = time.monotonic() - stopped

    def _round(self, tasks: list[Task]) -> Bits:
        """Send the tasks; returns the pages that are to be sent next."""
        assert self._line
        assert self._transport
        started = time.monotonic()
        wanted = {task.chunk for task in tasks}
        work = Work()
        try:
            self._line.open_round(self.tally.rounds)
            work = self._transport.send_round(self._memory, self.tally.rounds, tasks)
            rejected, lost, key, self._refused = self._line.close_round(wanted, work.broken > 0)
            if lost:
                self._transport.reopen(key)
        except OSError as error:
            rejected, lost = set(), wanted - self._resume(error)
        written = self._guest.take_written()
        self._held.note(written, tasks, rejected | lost, work.read)
        dirty = written.pages
        again = self._judge(rejected, lost, dirty)
        self._count(tasks, work, again, time.monotonic() - started)
        for task in tasks:
            if task.chunk in again:
                dirty[task.chunk * PAGES : (task.chunk + 1) * PAGES] |= task.wanted
        return dirty

    def _resume(self, error: OSError) -> set[int]:
        """Find the destination again; returns what of this round it has. Raises MigrationFailed."""
        self.tally.resumes += 1
        if self.tally.resumes > RESUMES:
            raise MigrationFailed("destination_lost", f"lost {RESUMES} times: {error}")
        assert self._line
        assert self._transport
        self._line.close()
        self._transport.close()
        deadline = time.monotonic() + RESUME_SECONDS
        while not self._aborted.wait(RETRY_SECONDS):
            try:
                return self._reconnect()
            except OSError as still:
                if time.monotonic() > deadline:
                    raise MigrationFailed("destination_lost", str(still)) from still
        raise Aborted

    def _reconnect(self) -> set[int]:
        assert self._transport
        self._line = line = Line(self._link.destination)
        resumed = line.resume(self._session)
        if resumed is None:
            raise MigrationFailed("destination_lost", "the destination no longer has the image")
        verified, key = resumed
        self._transport.reopen(key)
        return verified

    def _count(self, tasks: list[Task], work: Work, again: set[int], seconds: float) -> None:
        tally = self.tally
        tally.rounds += 1
        tally.logical += PAGE * sum(count(t.wanted) for t in tasks if t.chunk not in again)
        tally.wire += work.wire
        tally.raw += work.raw
        tally.encoded += work.encoded
        tally.data += work.data
        tally.deltas += work.deltas
        tally.changes += work.changes
        tally.encoding += work.encoding
        tally.worked += work.worked
        tally.blocked += work.blocked
        tally.sending += seconds

    def _judge(self, rejected: set[int], lost: set[int], dirty: Bits) -> set[int]:
        """The chunks that are to be sent again with all they carried.

        One that the guest wrote into on its way may differ in just those pages, and they are sent
        again anyway; whether that was all is checked when the guest stands still.
        """
        written = set(np.flatnonzero(dirty.reshape(-1, PAGES).any(axis=1)).tolist())
        torn = rejected & written
        self.tally.torn += len(torn)
        self._torn |= torn
        return self._trouble((rejected - written) | lost)

    def _trouble(self, chunks: set[int]) -> set[int]:
        if not self._refused:  # else the destination has counted them
            self.tally.resent += len(chunks)
        self._troubles.update(chunks)
        if max(self._troubles.values(), default=0) > RESENDS:
            if self._refused:
                raise MigrationFailed("refused_frames", "the destination takes smaller frames only")
            raise MigrationFailed("chunk_damaged", f"a chunk did not arrive in {RESENDS + 1} tries")
        return chunks

    def _check_torn(self) -> Bits:
        """The pages of torn chunks that differ from the source's after all."""
        assert self._line
        torn, self._torn = sorted(self._torn), set()
        try:
            sums = self._line.sums(torn)
        except OSError as error:
            self._resume(error)
            self._torn = set(torn)
            sums = [self._memory.sum(chunk) for chunk in torn]
        differ = {c for c, found in zip(torn, sums, strict=True) if found != self._memory.sum(c)}
        left = np.zeros(self._memory.chunks * PAGES, np.bool_)
        for chunk in self._trouble(differ):
            self._held.doubt(chunk)
            left[chunk * PAGES : (chunk + 1) * PAGES] = True
        return left

    def _prove(self) -> None:
        assert self._line
        self._line.ask_digest()
        mine = self._memory.digest()
        if self._line.read_digest() != mine:
            raise MigrationFailed(
                "digest_mismatch", "the image at the destination is not the source's"
            )
        self.tally.digest = mine
        self._line.done()

    def _end(self) -> None:
        if self._transport:
            self._transport.close()
        if self._line:
            self._line.close()
        self._guest.pause()
        self._guest.restore()
