"""Carries one migration with the workers of a fleet: hands each round's tasks out in batches, more
to whoever is done first. What a lost worker had, the destination names as lost; nothing is assumed.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence

from dwcp import orders
from dwcp.amst import GLANCE, Aborted, Link, Task, Work
from dwcp.fleet import Fleet, Member, Told
from dwcp.memory import Memory
from dwcp.migration import MigrationFailed
from dwcp.orders import LARGEST_BASE, MOST_TASKS, BadOrder, Message
from dwcp.streams import MAX_STREAMS
from dwcp.wire import count

log = logging.getLogger(__name__)

AHEAD = 2  # batches that a worker holds, so that it never waits for the next
LEAST = 4  # chunks of an order for each stream: telling and hearing take their time too
OPEN_SECONDS = 15.0  # that a worker may take to open its streams


class Crew:
    """The carrier of one migration."""

    def __init__(self, fleet: Fleet, memory: Memory) -> None:
        self._fleet = fleet
        self._memory = memory
        self._told: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self._aborted = threading.Event()
        self._link: Link | None = None
        self._move = 0
        self._streams: dict[Member, int] = {}  # open ones, of who carries this migration
        self.streams = 0
        self.pacing: int | None = None

    def connect(self, link: Link, key: bytes, aborted: threading.Event) -> "Crew":
        """Raises OSError, MigrationFailed."""
        self._link = link
        self._aborted = aborted
        self.reopen(key)
        self.streams = sum(self._streams.values())
        self.pacing = self._mean_pacing()
        return self

    def reopen(self, key: bytes) -> None:
        """With everyone who is here now, as far as the destination was told of their streams.
        Raises OSError when no worker gets through, MigrationFailed when there is none."""
        assert self._link
        self.close()
        if not self._fleet.wait_for_one(self._aborted) and not self._aborted.is_set():
            raise MigrationFailed("no_workers", "no stream worker has joined the source")
        self._move = self._fleet.number()
        wanted = _share_out(self._link.streams, self._fleet.present())
        for member in self._fleet.engage(list(wanted), self._told):
            self._streams[member] = wanted[member]
            member.tell(
                op="open",
                move=self._move,
                destination="{}:{}".format(*self._link.destination),
                key=key.hex(),
                codec=self._link.codec,
                memory=str(self._memory.path),
                size=self._memory.size,
                streams=wanted[member],
            )
        try:
            self._await_opened()
        except (Aborted, MigrationFailed, OSError):
            self.close()
            raise

    def send_round(self, memory: Memory, number: int, tasks: Sequence[Task]) -> Work:
        """Raises Aborted; MigrationFailed when no worker is left and none comes."""
        started = time.monotonic()
        division = _Round(self._streams, self._move, number, tasks)
        try:
            while not division.hand_out():
                division.hear(self._next())
                division.lose(member for member in division.alive() if member.silent())
        except Aborted:
            for member in self._streams:
                member.tell(op="abort")
            raise
        division.work.seconds = time.monotonic() - started
        self._streams = division.alive()
        self._let_leave()
        if division.deserted and not self._fleet.wait_for_one(self._aborted):
            if self._aborted.is_set():
                raise Aborted
            raise MigrationFailed("no_workers", "the stream workers are gone, and none has joined")
        return division.work

    def close(self) -> None:
        members, self._streams = list(self._streams), {}
        for member in members:
            member.tell(op="close")
            self._fleet.release(member)

    def _next(self) -> Told | None:
        """What a worker says; None when nobody says anything. Raises Aborted."""
        if self._aborted.is_set():
            raise Aborted
        try:
            return self._told.get(timeout=GLANCE)
        except queue.Empty:
            return None

    def _await_opened(self) -> None:
        """Raises OSError, MigrationFailed, Aborted."""
        waiting = set(self._streams)
        failures: list[Message] = []
        deadline = time.monotonic() + OPEN_SECONDS
        while waiting:
            told = self._next()
            if told and told[1].get("move") == self._move and told[1]["op"] != "opened":
                failures.append(told[1])
                self._fleet.release(told[0])
                del self._streams[told[0]]
            if told and (told[1].get("move") == self._move or told[1]["op"] == "gone"):
                waiting.discard(told[0])
            for member in [m for m in waiting if m.silent() or time.monotonic() > deadline]:
                log.warning("worker %s opens no streams; it is dropped", member.node)
                member.drop()
                waiting.discard(member)
        self._streams = {m: n for m, n in self._streams.items() if not m.gone}
        if self._streams:
            return
        unmapped = next((f for f in failures if f.get("kind") == "memory"), None)
        if unmapped:
            why = orders.text(unmapped, "error")
            raise MigrationFailed("no_workers", f"no worker can map the machine's memory: {why}")
        raise ConnectionError(str(failures[0].get("error")) if failures else "no worker is left")

    def _let_leave(self) -> None:
        """Those who asked to, when others are there to go on."""
        if all(member.leaving for member in self._streams):
            return
        for member in [member for member in self._streams if member.leaving]:
            del self._streams[member]
            member.tell(op="close")
            self._fleet.release(member)

    def _mean_pacing(self) -> int | None:
        """Of one stream; None where one of them is not paced."""
        total = 0
        for member, streams in self._streams.items():
            if member.pacing is None:
                return None
            total += member.pacing * streams
        return total // max(1, sum(self._streams.values()))


class _Round:
    """One round, divided among members."""

    def __init__(
        self, streams: dict[Member, int], move: int, number: int, tasks: Sequence[Task]
    ) -> None:
        self._streams = {member: n for member, n in streams.items() if not member.gone}
        self._move = move
        self._number = number
        self._tasks = deque(tasks)
        self._pages = sum(count(task.wanted) for task in tasks)  # of those not handed out
        self._held = dict.fromkeys(self._streams, 0)  # batches, by member
        # Those without streams are of no use until theirs are opened anew.
        self._spent = {member for member, n in self._streams.items() if not n}
        lost = sum(streams.values()) - sum(self._streams.values())
        self.work = Work(broken=lost + len(self._spent))

    @property
    def deserted(self) -> bool:
        return not self._streams

    def alive(self) -> dict[Member, int]:
        return {member: n for member, n in self._streams.items() if not member.gone}

    def hand_out(self) -> bool:
        """Keep every member supplied; True once there is nothing to hand out or to wait for."""
        able = [member for member in self._held if member not in self._spent]
        for _ in range(AHEAD):
            for member in able:
                if self._tasks and self._held[member] < AHEAD:
                    batch = self._batch(member, able)
                    self._held[member] += 1
                    tail = orders.pack_tasks(batch)
                    member.tell(tail, op="send", move=self._move, round=self._number)
        self.lose([member for member in self._held if member.gone])
        able = [member for member in self._held if member not in self._spent]
        return not any(self._held.values()) and not (self._tasks and able)

    def hear(self, told: Told | None) -> None:
        if told is None or told[0] not in self._held:
            return
        member, message = told
        if message["op"] == "gone":
            self.lose([member])
        elif message.get("move") == self._move:
            self._held[member] -= 1
            if message["op"] != "sent" or not self._count(member, message):
                self.lose([member])

    def lose(self, members: Iterable[Member]) -> None:
        """What they hold may or may not have arrived."""
        for member in list(members):
            if self._held.pop(member, None) is not None:
                log.warning("worker %s is lost within a round", member.node)
                member.drop()
                self.work.broken += self._streams.pop(member)

    def _count(self, member: Member, message: Message) -> bool:
        """False for an answer that makes no sense."""
        try:
            work = orders.work_from_json(message.get("work"))
        except BadOrder as error:
            log.error("worker %s: %s", member.node, error)
            return False
        orders.add(self.work, work)
        self._streams[member] -= min(work.broken, self._streams[member])
        if not self._streams[member]:
            self._spent.add(member)
        return True

    def _batch(self, member: Member, able: list[Member]) -> list[Task]:
        """Half of what is its share of the rest, but enough to keep all its streams busy."""
        streams = self._streams[member]
        share = self._pages * streams // (2 * sum(self._streams[each] for each in able))
        pages = base = 0
        batch: list[Task] = []
        least = LEAST * streams
        while self._tasks and (pages < share or len(batch) < least) and len(batch) < MOST_TASKS:
            if base + len(self._tasks[0].base) > LARGEST_BASE and batch:
                break
            batch.append(self._tasks.popleft())
            pages += count(batch[-1].wanted)
            base += len(batch[-1].base)
        self._pages -= pages
        return batch


def _share_out(streams: int, members: list[Member]) -> dict[Member, int]:
    """Each its own number, as long as there are any."""
    shared: dict[Member, int] = {}
    left = min(streams, MAX_STREAMS)
    for member in members:
        if left > 0:
            shared[member] = min(member.streams, left)
            left -= shared[member]
    return shared
