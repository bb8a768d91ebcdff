"""The front door: takes a request to move a machine and sees it through, by this version or v1.

A machine is moved when its digest was proved and its new owner is agreed on; before that nothing
has happened. Guest memory never passes through here.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from dwcp import web
from dwcp.acp import Commit, NoQuorum, OwnedElsewhere
from dwcp.environment import Address
from dwcp.experiment import Experiment
from dwcp.itp import Node
from dwcp.metrics import Attempt, ServiceMetrics
from dwcp.request import BadRequest, Request, parse, read_id
from dwcp.rollout import is_new
from dwcp.turn import Full, Turn
from dwcp.web import Answer, says

log = logging.getLogger(__name__)

MIGRATION_SECONDS = 900.0
RETRY_SECONDS = 0.1
ACCEPTED_SECONDS = 0.1  # a source that breaks off later than this had begun
WAITING = 32  # requests


class Owners(Protocol):
    """Who owns which machine."""

    def create(self, vm: str, node: str) -> Commit: ...
    def move(self, vm: str, source: str, destination: str) -> Commit: ...
    def end(self, vm: str) -> Commit: ...
    def owner(self, vm: str) -> str | None: ...


class Places(Protocol):
    """Where a machine goes; None: nowhere fits."""

    def choose(self, vm: str, size: int) -> Node | None: ...
    def moved(self, vm: str, node: str, wire_bytes_per_second: float) -> None: ...
    def failed(self, vm: str, kind: str, why: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    rollout: int  # percent
    mode: str
    substitute: bool  # shared memory may stand in where RDMA is asked for
    source: Address
    source_node: str
    v1: Address | None
    retry: float  # seconds


class Failed(Exception):
    """The machine stays where it is. `kind` is one word for it."""

    def __init__(self, component: str, kind: str, why: str) -> None:
        super().__init__(why)
        self.component = component
        self.kind = kind


class Front:
    """`owners` and `places` may be absent: then ownership is not kept, and the source decides."""

    def __init__(
        self,
        settings: Settings,
        metrics: ServiceMetrics,
        owners: Owners | None,
        places: Places | None,
        stop: threading.Event,
        experiment: Experiment,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._owners = owners
        self._places = places
        self._stop = stop
        self._experiment = experiment
        self._turn = Turn(WAITING)
        self._lock = threading.Lock()
        self._moving: set[str] = set()

    @property
    def in_flight(self) -> int:
        return len(self._moving)

    def migrate(self, body: bytes) -> Answer:
        """Answers when the migration has ended."""
        try:
            request = parse(body)
        except BadRequest as error:
            return says(400, error=str(error))
        if self._stop.is_set():
            return says(503, error="draining; ask again")
        if not is_new(request.id, self._settings.rollout):
            return self._hand_on(request)
        try:
            with self._only(request.id):
                return self._move(request)
        except Full:
            return says(503, error=f"{WAITING} machines wait already; ask again")
        except OwnedElsewhere as error:
            return says(409, error=str(error), owner=error.owner)
        except Failed as error:
            self._metrics.failed(error.component, error.kind)
            log.error("%s not moved: %s: %s", request.id, error.kind, error)
            return says(502, id=request.id, kind=error.kind, error=str(error))

    def machine(self, name: bytes) -> Answer:
        return self._about(name, lambda vm: {"owner": self._owners and self._owners.owner(vm)})

    def end(self, name: bytes) -> Answer:
        def forget(vm: str) -> Mapping[str, object]:
            with self._only(vm):
                return {"ended": str(self._owners.end(vm)) if self._owners else "committed"}

        return self._about(name, forget)

    def _about(self, name: bytes, do: Callable[[str], Mapping[str, object]]) -> Answer:
        try:
            vm = read_id(name.decode("ascii", "replace"))
            return says(200, id=vm, **do(vm))
        except BadRequest as error:
            return says(400, error=str(error))
        except OwnedElsewhere as error:
            return says(409, error=str(error), owner=error.owner)
        except NoQuorum as error:
            return says(503, error=f"etcd has no quorum: {error}")

    @contextmanager
    def _only(self, vm: str) -> Iterator[None]:
        """Raises OwnedElsewhere when something is done with this machine already."""
        with self._lock:
            if vm in self._moving:
                raise OwnedElsewhere(vm, "a migration that runs")
            self._moving.add(vm)
        try:
            yield
        finally:
            with self._lock:
                self._moving.discard(vm)

    def _hand_on(self, request: Request) -> Answer:
        """To version 1, whose answer it is then."""
        if self._settings.v1 is None:
            return says(503, error="this machine is version 1's, and DWCP_V1 is not set")
        try:
            code, answer = web.ask(
                self._settings.v1, "/migrations", request.asked(), MIGRATION_SECONDS
            )
        except OSError as error:
            return says(503, error=f"version 1 does not answer: {error}")
        return says(code, **answer)

    def _move(self, request: Request) -> Answer:
        """Raises Full, OwnedElsewhere, Failed."""
        self._claim(request.id)
        with self._turn.taken():
            if self._stop.is_set():
                return says(503, error="draining; ask again")
            node = self._place(request)
            answer = self._transfer(request, node)
        destination = node.name if node else str(answer["destination"])
        commit = self._commit(request.id, destination, node)
        self._record(request, destination, answer)
        return says(200, **answer | {"id": request.id, "version": "v3", "commit": str(commit)})

    def _claim(self, vm: str) -> None:
        if self._owners is None:
            return
        try:
            self._owners.create(vm, self._settings.source_node)
        except NoQuorum as error:
            raise Failed("acp", "no_quorum", str(error)) from error

    def _place(self, request: Request) -> Node | None:
        if self._places is None:
            return None
        node = self._places.choose(request.id, request.size)
        if node is None:
            raise Failed("itp", "no_place", f"no node takes {request.size >> 20} MiB")
        return node

    def _commit(self, vm: str, destination: str, node: Node | None) -> Commit:
        if self._owners is None:
            return Commit.COMMITTED
        try:
            return self._owners.move(vm, self._settings.source_node, destination)
        except NoQuorum as error:
            if self._places and node:
                self._places.failed(vm, "no_quorum", str(error))
            raise Failed("acp", "no_quorum", str(error)) from error

    def _record(self, request: Request, destination: str, answer: Mapping[str, Any]) -> None:
        seconds, wire = float(answer["seconds"]), int(answer["wire_bytes"])
        end = Attempt(
            at=time.monotonic(),
            seconds=seconds,
            logical=int(answer["logical_bytes"]),
            wire=wire,
        )
        transport = str(answer.get("transport", "tcp"))
        self._metrics.moved(
            str(answer["source"]), destination, request.size, self._settings.mode, end, transport
        )
        if self._places:
            self._places.moved(request.id, destination, wire / seconds if seconds else 0.0)
        log.info(
            "moved %s, %d MiB, to %s in %.0f ms, verified",
            request.id,
            request.size >> 20,
            destination,
            seconds * 1000,
        )

    # --- the source

    def _transfer(self, request: Request, node: Node | None) -> dict[str, Any]:
        """What the source answered. Raises Failed."""
        more = {"size": request.size + self._experiment.more, "transport": self._transport()}
        body = request.asked() | more
        if node is not None:
            body["destination"] = f"{node.address[0]}:{node.address[1]}"
        deadline = time.monotonic() + self._settings.retry
        refusals = 0
        while True:
            code, answer = self._ask_source(body)
            if code == 200:
                return answer
            kind, why = str(answer.get("kind", "refused")), str(answer.get("error"))
            if code == 400:
                refusals += 1
                self._metrics.errors.count("amst", "refused", "critical")
                log.error("%s refused: %s", request.id, why)
            again = refusals < self._experiment.tries if code == 400 else code in (409, 503)
            if not again or time.monotonic() > deadline or self._stop.wait(RETRY_SECONDS):
                if self._places:
                    self._places.failed(request.id, kind, why)
                raise Failed("amst", kind, why)

    def _ask_source(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Its answer; 503 when it cannot be reached."""
        started = time.monotonic()
        try:
            code, answer = web.ask(self._settings.source, "/migrations", body, MIGRATION_SECONDS)
        except OSError as error:
            if time.monotonic() - started > ACCEPTED_SECONDS:
                self._metrics.errors.count("amst", "source_lost", "warning")
                log.warning("%s: the source broke off: %s", body["id"], error)
            return 503, {"kind": "source_unreachable", "error": str(error)}
        if code in (409, 503):
            answer.setdefault("kind", "source_busy")
        return code, answer

    def _transport(self) -> str:
        """Raises Failed where RDMA is asked for: there is none."""
        if self._settings.mode != "rdma_only":
            return "tcp"
        if self._settings.substitute:
            return "shm"
        raise Failed("amst", "no_rdma", "TRANSPORT_MODE is rdma_only, and there is no RDMA device")
