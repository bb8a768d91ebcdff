"""The customers: machines that are to be moved, one after another, as many in a second as told.

They know an address and no version. What cannot be started in time is skipped: nothing queues here.
"""

import itertools
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter

from dwcp import environment, web
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.hot import Hot, counted
from dwcp.web import says

log = logging.getLogger(__name__)

MIGRATION_SECONDS = 900.0
RETRY_SECONDS = 0.2
IDLE_SECONDS = 0.5
LIVING = 100  # machines that were moved and have not ended yet
OUTCOMES = ("moved", "failed", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    service: Address
    load: tuple[int, ...]  # bytes
    rate: float  # machines/s
    zero_share: float
    most: int  # at once
    retry: float  # seconds
    config: Path | None


class Load:
    def __init__(
        self, settings: Settings, registry: CollectorRegistry, stop: threading.Event
    ) -> None:
        self._settings = settings
        self._stop = stop
        refused = counted(Errors(registry), "load")
        config = settings.config
        sizes = environment.LOAD_TAKES
        self._load = Hot(config, "load", settings.load, environment.parse_load, sizes, refused)
        self._rate = Hot(
            config, "load-rate", settings.rate, _between(0, 1000), "0 to 1000", refused
        )
        self._zero = Hot(
            config, "zero-share", settings.zero_share, _between(0, 1), "0 to 1", refused
        )
        self._free = threading.BoundedSemaphore(settings.most)
        self._requests = Counter(
            "dwcp_load_requests",
            "Machines that were to be moved, by what became of them",
            ["outcome", "version"],
            registry=registry,
        )
        self._living: deque[str] = deque()  # machines that were moved, the oldest first
        self._skipped = Counter(
            "dwcp_load_skipped",
            "Machines whose turn came while others took too long",
            registry=registry,
        )
        for outcome in OUTCOMES:
            for version in ("v1", "v3"):
                self._requests.labels(outcome, version)

    def run(self) -> None:
        stamp = int(time.time())
        due = time.monotonic()
        for number in itertools.count():
            rate = self._rate.value()
            if not rate:
                due = time.monotonic() + IDLE_SECONDS
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            if rate:
                self._start(f"vm-{stamp}-{number}", number)
                due = max(due, time.monotonic() - 1 / rate) + 1 / rate

    def _start(self, vm: str, number: int) -> None:
        if not self._free.acquire(blocking=False):
            self._skipped.inc()
            return
        sizes = self._load.value()
        body = {
            "id": vm,
            "size": sizes[number % len(sizes)],
            "room": max(sizes),
            "zero_share": self._zero.value(),
            "seed": number,
        }
        threading.Thread(target=self._move, args=(body,), daemon=True).start()

    def _move(self, body: dict[str, Any]) -> None:
        try:
            code, answer = self._ask(body)
        finally:
            self._free.release()
        version = str(answer.get("version", "v3"))
        outcome = "moved" if code == 200 else "failed" if code == 502 else "refused"
        self._requests.labels(outcome, version).inc()
        if code == 200:
            self._settle(str(body["id"]))
        else:
            log.error("ERROR %s not moved: %s %s", body["id"], code, answer.get("error"))

    def _settle(self, vm: str) -> None:
        """A moved machine lives on for a while, and then ends."""
        self._living.append(vm)
        if len(self._living) > LIVING:
            ended = self._living.popleft()
            try:
                web.ask(self._settings.service, f"/machines/{ended}", method="DELETE")
            except OSError as error:
                log.info("%s was not ended: %s", ended, error)

    def _ask(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Each time over a new connection, so that a service that was switched is reached."""
        deadline = time.monotonic() + self._settings.retry
        while True:
            code, answer = self._ask_once(body)
            again = code == 503 and time.monotonic() < deadline
            if not again or self._stop.wait(RETRY_SECONDS):
                return code, answer

    def _ask_once(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            return web.ask(self._settings.service, "/migrations", body, MIGRATION_SECONDS)
        except OSError as error:
            return 503, {"error": str(error)}


def _between(low: float, high: float) -> Any:
    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError
        return value

    return parse


def run(stop: threading.Event) -> None:
    settings = Settings(
        service=environment.address("DWCP_SERVICE"),
        load=environment.load("DWCP_LOAD", "128MiB*19+768MiB*1"),
        rate=environment.number("DWCP_LOAD_RATE", "2", 0, 1000),
        zero_share=environment.number("DWCP_ZERO_SHARE", "0.7", 0, 1),
        most=environment.count("DWCP_LOAD_INFLIGHT", "4", 1, 1000),
        retry=environment.number("DWCP_RETRY", "8", 0, 600),
        config=environment.config(),
    )
    listen = environment.address("DWCP_METRICS_LISTEN", "127.0.0.1:9191")
    registry = CollectorRegistry()
    load = Load(settings, registry, stop)
    probes = web.probes("load", registry, stop, lambda: says(200, status="healthy"))
    server = web.Server(listen, probes, "metrics")
    load.run()
    server.close()
    log.info("stopped")
