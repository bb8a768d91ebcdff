"""Consensus on who owns a machine: one compare-and-put in etcd for each change, so that a machine
never has two owners and never none. It moves no memory and chooses no place.

A change that was not answered is unknown. Asking for it again settles it, since its comparison
holds at most once. When that is impossible too, the caller is told NoQuorum, and should the change
have happened all the same, it is taken back before anything else is done with the machine.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge

from dwcp.breaker import Breaker, Phase
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.etcd import Etcd, Held, LeaseGone, Unavailable
from dwcp.recent import Recent
from dwcp.records import Record, Records, State

log = logging.getLogger(__name__)

T = TypeVar("T")
PREFIX = "/dwcp/v3/machines/"
ATTEMPTS = 3
LOCKS = 1024
EVERY_SECONDS = 0.2
IDLE_SECONDS = 5.0  # without a request, before etcd is asked how it is
LEASE_SECONDS = 3600  # that an ended machine's key stays, against changes that come late
LEASE_SHARED_SECONDS = 600


class Commit(StrEnum):
    COMMITTED = "committed"
    QUEUED = "queued"  # the breaker is open: it is done when quorum is back


class OwnedElsewhere(Exception):
    """Another node has the machine, or, with `owner` None, nobody has."""

    def __init__(self, vm: str, owner: str | None) -> None:
        super().__init__(f"{vm} is owned by {owner or 'nobody'}")
        self.owner = owner


class NoQuorum(Exception):
    """etcd decided nothing: everything stays as it was. Ask again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    vm: str
    source: str  # that must own the machine; empty: nobody may
    holder: str  # that then owns it; empty: nobody, whoever did before
    token: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(slots=True, kw_only=True)
class _Doubt:
    """Changes that callers were told did not happen, and that may have, or still may."""

    source: str  # who has the machine, as callers were told
    tokens: set[str] = field(default_factory=set)


class Ownership:
    def __init__(
        self,
        endpoints: Sequence[Address],
        registry: CollectorRegistry,
        errors: Errors,
        *,
        timeout: float,
        records: Records,
        breaker_enabled: Callable[[], bool],
        attempts: int = ATTEMPTS,
        breaker: Breaker | None = None,
        window: float = 30.0,
    ) -> None:
        """`timeout` and `window` in seconds; an answer from etcd is awaited for `timeout`."""
        self._etcd = Etcd(endpoints, timeout)
        self._errors = errors
        self._errors.expect("acp", ("consensus_timeout", "critical"))
        self._errors.expect("acp", ("commit_conflict", "critical"))
        self._records = records
        self._breaker_enabled = breaker_enabled
        self._attempts = attempts
        self._latency = Recent(
            "dwcp_v3_acp_consensus_latency_ms",
            "Milliseconds until etcd answered or was given up, mean of the last while",
            registry,
            window,
        )
        self._failures = Counter(
            "dwcp_v3_acp_consensus_failures",
            "Attempts that etcd did not answer in time",
            registry=registry,
        )
        queue = Gauge("dwcp_v3_acp_queued_changes", "Changes that wait for etcd", registry=registry)
        queue.set_function(lambda: len(self._waiting()))
        self._lock = threading.Lock()
        self._breaker = breaker or Breaker()
        self._quorum: bool | None = None
        self._heard_at = time.monotonic()
        self._locks = [threading.Lock() for _ in range(LOCKS)]
        self._known: dict[str, Held] = {}
        self._doubts: dict[str, _Doubt] = {}
        self._queued: dict[str, Record] = {}
        self._lease: tuple[int, float] | None = None  # its number, and when it was granted

    def create(self, vm: str, node: str) -> Commit:
        """A machine that nobody owns is `node`'s; done again, it changes nothing.
        Raises OwnedElsewhere, NoQuorum."""
        return self._change(_Change(vm=vm, source="", holder=node))

    def move(self, vm: str, source: str, destination: str) -> Commit:
        """From `source` to `destination`; done again, it changes nothing.
        Raises OwnedElsewhere, NoQuorum."""
        return self._change(_Change(vm=vm, source=source, holder=destination))

    def end(self, vm: str) -> Commit:
        """Nobody owns the machine any more. Raises NoQuorum."""
        return self._change(_Change(vm=vm, source="", holder=""))

    def owner(self, vm: str) -> str | None:
        """What is queued counts. While the breaker is open: as last recorded, if it was.
        Raises NoQuorum."""
        with self._locked(vm):
            if queued := self._pending(vm):
                return queued.holder or None
            if self._queueing() and (record := self._records.get(vm)):
                return record.holder or None
            return self._asked(lambda: self._effective(vm, self._read(vm)))

    def run(self, stop: threading.Event) -> None:
        """Does what was queued, in order, and settles what is in doubt, whenever etcd answers."""
        rest_until = 0.0
        while not stop.wait(EVERY_SECONDS):
            if time.monotonic() < rest_until or not self._due():
                continue
            try:
                self._settle(stop)
            except Unavailable:
                rest_until = time.monotonic() + self._breaker.pause

    def status(self) -> dict[str, object]:
        queue = len(self._waiting())
        phase = self._breaker.phase
        good = self._quorum is not False and not queue
        return {
            "status": "healthy" if good else "unhealthy",
            "detail": _detail(self._quorum, queue),
            "breaker": str(phase),
            "breaker_enabled": self._breaker_enabled(),
            "queue": queue,
            "quorum": self._quorum,
        }

    def _change(self, change: _Change) -> Commit:
        with self._locked(change.vm):
            if self._queueing():
                return self._queue(change)
            try:
                if queued := self._pending(change.vm):
                    self._asked(lambda: self._flush(queued))
                self._asked(lambda: self._commit(change))
            except NoQuorum:
                if not self._queueing():
                    raise
                return self._queue(change)
            self._note(change)
            return Commit.COMMITTED

    def _note(self, change: _Change) -> None:
        state = State.OWNED if change.holder else State.ENDED
        held = self._records.get(change.vm)
        if held is None or (held.state, held.holder) != (state, change.holder):
            self._records.write(change.vm, state, holder=change.holder)

    # What etcd is asked

    def _asked(self, question: Callable[[], T]) -> T:
        """Raises NoQuorum after as many attempts as are allowed."""
        for left in reversed(range(self._attempts)):
            try:
                return question()
            except Unavailable as error:
                if not left or self._queueing():
                    raise NoQuorum(str(error)) from error
        raise NoQuorum("no attempt is allowed")

    def _commit(self, change: _Change) -> None:
        """One attempt; another one with the same change settles what this one left unknown.
        Raises OwnedElsewhere, Unavailable."""
        held = self._known.get(change.vm)
        if held is None or not change.holder or _owner(held) != change.source:
            held = self._read(change.vm)
        while not self._done(change, held):
            self._doubt(change, held)
            done, held = self._put(change, held)
            if done:
                break
        self._doubts.pop(change.vm, None)

    def _doubt(self, change: _Change, held: Held | None) -> None:
        """Until it is answered, `change` may happen. Where another process has changed the owner
        since, older changes in doubt cannot any more."""
        source = self._effective(change.vm, held) or ""
        doubt = self._doubts.get(change.vm)
        if doubt is None or doubt.source != source:
            doubt = self._doubts[change.vm] = _Doubt(source=source)
        doubt.tokens.add(change.token)

    def _done(self, change: _Change, held: Held | None) -> bool:
        """Raises OwnedElsewhere when it can never be."""
        if _owner(held) == change.holder:
            # Where there is no key at all, a creation in doubt could still put one.
            return held is not None or change.vm not in self._doubts
        effective = self._effective(change.vm, held)
        if change.holder and (effective or "") != change.source:
            raise OwnedElsewhere(change.vm, effective)
        return False

    def _effective(self, vm: str, held: Held | None) -> str | None:
        """The owner; before a change that callers were told did not happen, if it did."""
        doubt = self._doubts.get(vm)
        owner = doubt.source if doubt and held and _token(held) in doubt.tokens else _owner(held)
        return owner or None

    def _read(self, vm: str) -> Held | None:
        held = self._timed(lambda: self._etcd.read(PREFIX + vm))
        self._remember(vm, held)
        return held

    def _put(self, change: _Change, held: Held | None) -> tuple[bool, Held | None]:
        value = json.dumps({"owner": change.holder, "token": change.token}).encode()
        revision = held.revision if held else 0

        def put() -> tuple[bool, Held | None]:
            lease = 0 if change.holder else self._leased()
            try:
                return self._etcd.put_if(PREFIX + change.vm, revision, value, lease)
            except LeaseGone:
                self._lease = None
                raise

        done, held = self._timed(put)
        self._remember(change.vm, held)
        return done, held

    def _leased(self) -> int:
        """One lease for all the machines that end within a while."""
        lease = self._lease
        if lease is None or time.monotonic() - lease[1] > LEASE_SHARED_SECONDS:
            lease = self._lease = (self._etcd.lease(LEASE_SECONDS), time.monotonic())
        return lease[0]

    def _remember(self, vm: str, held: Held | None) -> None:
        if held and _owner(held):
            self._known[vm] = held
        else:
            self._known.pop(vm, None)

    def _timed(self, request: Callable[[], T]) -> T:
        """Every attempt is measured, and told to the breaker. Raises Unavailable."""
        started = time.monotonic()
        try:
            answer = request()
        except Unavailable as error:
            self._failures.inc()
            self._errors.count("acp", "consensus_timeout", "critical")
            if self._quorum is not False:
                log.warning("%s", error)
            self._heard(started, quorum=False)
            raise
        self._heard(started, quorum=True)
        return answer

    def _heard(self, started: float, *, quorum: bool) -> None:
        now = time.monotonic()
        self._latency.add((now - started) * 1000)
        with self._lock:
            before = self._breaker.phase is Phase.CLOSED
            self._breaker = self._breaker.succeeded() if quorum else self._breaker.failed(now)
            after = self._breaker.phase is Phase.CLOSED
            self._quorum, self._heard_at = quorum, now
        if before != after and self._breaker_enabled():
            log.warning("the circuit breaker is %s", "closed again" if after else "open")

    # What waits for etcd

    def _queueing(self) -> bool:
        return self._breaker.phase is not Phase.CLOSED and self._breaker_enabled()

    def _queue(self, change: _Change) -> Commit:
        """Kept as a record. Two changes of one machine become one. Raises OwnedElsewhere when it is
        known already that this one will be refused."""
        vm, source = change.vm, change.source
        last = self._pending(vm) or self._records.get(vm)
        if last and last.holder == change.holder and last.state is State.PENDING:
            return Commit.QUEUED
        if last and change.holder and last.holder not in (change.source, change.holder):
            raise OwnedElsewhere(vm, last.holder or None)
        if last and last.state is State.PENDING:
            source = last.source
        self._queued[vm] = self._records.write(
            vm, State.PENDING, holder=change.holder, source=source
        )
        return Commit.QUEUED

    def _pending(self, vm: str) -> Record | None:
        """The machine's change that is not done yet: this process's, or that of one before it."""
        if queued := self._queued.get(vm):
            return queued
        record = self._records.get(vm)
        pending = record and record.state is State.PENDING and record.node == self._records.node
        return record if pending else None

    def _waiting(self) -> list[str]:
        """Machines with a queued change, in the order in which those were queued."""
        found = {r.vm: r for r in self._records.pending() if r.node == self._records.node}
        found |= self._queued
        return sorted(found, key=lambda vm: (found[vm].version, vm))

    def _due(self) -> bool:
        """Whether there is something to do, and etcd may be asked."""
        with self._lock:
            idle = time.monotonic() - self._heard_at > IDLE_SECONDS
            if not (idle or self._doubts or self._waiting() or self._breaker.failures):
                return False
            tried = self._breaker.tried(time.monotonic())
            self._breaker = tried or self._breaker
            return tried is not None

    def _settle(self, stop: threading.Event) -> None:
        """Raises Unavailable, with the rest left for later."""
        self._read("")
        for vm in self._waiting():
            with self._locked(vm):
                if queued := self._pending(vm):
                    self._flush(queued)
            if stop.is_set():
                return
        for vm in list(self._doubts):
            with self._locked(vm):
                if (doubt := self._doubts.get(vm)) and not self._pending(vm):
                    self._take_back(vm, doubt)

    def _flush(self, queued: Record) -> None:
        """Do what was queued. Raises Unavailable."""
        change = _Change(vm=queued.vm, source=queued.source, holder=queued.holder)
        try:
            self._commit(change)
            state, holder = State.OWNED if queued.holder else State.ENDED, queued.holder
        except OwnedElsewhere as error:
            self._errors.count("acp", "commit_conflict", "critical")
            log.error("queued change to %s refused: %s", queued.holder or "nobody", error)
            state, holder = State.OWNED if error.owner else State.ENDED, error.owner or ""
        self._records.write(queued.vm, state, holder=holder)
        self._queued.pop(queued.vm, None)

    def _take_back(self, vm: str, doubt: _Doubt) -> None:
        """Write the owner that callers were told, so that no change in doubt can hold any more.
        Raises Unavailable."""
        held = self._read(vm)
        while self._effective(vm, held) == (doubt.source or None):
            change = _Change(vm=vm, source="", holder=doubt.source)
            doubt.tokens.add(change.token)
            done, held = self._put(change, held)
            if done:
                break
        self._doubts.pop(vm, None)

    @contextmanager
    def _locked(self, vm: str) -> Iterator[None]:
        """Changes of one machine are made one after the other."""
        with self._locks[hash(vm) % LOCKS]:
            yield


def _owner(held: Held | None) -> str:
    return _parts(held)[0] if held else ""


def _token(held: Held) -> str:
    return _parts(held)[1]


def _parts(held: Held) -> tuple[str, str]:
    """Owner and token. What somebody put by hand is an owner."""
    try:
        value = json.loads(held.value)
        return str(value["owner"]), str(value["token"])
    except (ValueError, LookupError, TypeError):
        return held.value.decode(errors="replace").strip(), ""


def _detail(quorum: bool | None, queue: int) -> str:
    told = {True: "etcd answers", False: "etcd has no quorum", None: "etcd not asked yet"}[quorum]
    return f"{told}, {queue} changes wait" if queue else told
