"""The control process, the pod of deployment/dwcp-v3: starts migrations, keeps the record, answers
on 8080. Guest memory never passes through it."""

import itertools
import json
import logging
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from dwcp import environment, web
from dwcp.metrics import ServiceMetrics, exposition
from dwcp.web import Answer

log = logging.getLogger(__name__)

TRANSPORTS = ("tcp",)
RETRY_SECONDS = 8.0  # a source that restarts is waited for
MIGRATION_SECONDS = 120


class SourceGone(Exception):
    """The source did not answer at all: it restarts, or is gone."""


class Control:
    """Asks for one migration after another; the share `rollout` of them goes through v3."""

    def __init__(self) -> None:
        self._rollout = environment.count("FEATURE_FLAG_ROLLOUT", "100", 0, 100)
        self._transport = environment.one_of("TRANSPORT_MODE", "tcp", TRANSPORTS)
        self._source = environment.address("DWCP_SOURCE")
        self._load = environment.load("DWCP_LOAD", "128MiB*19+768MiB*1")
        self._rate = environment.number("DWCP_LOAD_RATE", "2", 0.01, 1000)
        self.metrics = ServiceMetrics(
            environment.number("DWCP_WINDOW", "300", 0.1, 86400),
            environment.number("DWCP_GAUGE_EXPIRY", "30", 0.1, 3600),
            self._rollout,
        )
        self._source_answers = True
        self._started = time.time()

    def routes(self) -> dict[tuple[str, str], web.Route]:
        return {
            ("GET", "/metrics"): lambda _: exposition(self.metrics.registry),
            ("GET", "/metrics/summary"): lambda _: _json(200, self.metrics.summary()),
            ("GET", "/health"): lambda _: self._health(),
            ("GET", "/ready"): lambda _: _json(200, {"status": "ready"}),
        }

    def work(self, stop: threading.Event) -> None:
        """Migrate at the configured rate; when that is more than the source can do, as fast as it
        can."""
        self._prepare(stop)
        due = time.monotonic()
        for number, size in zip(itertools.count(1), itertools.cycle(self._load), strict=False):
            if stop.wait(max(0.0, due - time.monotonic())):
                return
            due = max(due + 1 / self._rate, time.monotonic())
            if share(f"vm-{number}") < self._rollout:
                self._migrate(size, stop)

    def _prepare(self, stop: threading.Event) -> None:
        """Wait for the source, and let it make its guests; a restarted source makes them anew."""
        while not stop.wait(0.1):
            try:
                self._ask("/prepare", {"sizes": sorted(set(self._load))})
                return
            except SourceGone as error:
                log.info("waiting for the source: %s", error)
                stop.wait(0.4)

    def _migrate(self, size: int, stop: threading.Event) -> None:
        deadline = time.monotonic() + RETRY_SECONDS
        while not stop.is_set():
            try:
                answer = self._ask("/migrate", {"size": size})
            except SourceGone as error:
                if time.monotonic() > deadline:
                    self._set_source(False)
                    self.metrics.failed("amst", "source_unreachable")
                    log.error("source unreachable: %s", error)
                    return
                self._prepare(stop)
                continue
            self._set_source(True)
            self._record(size, answer)
            return

    def _record(self, size: int, answer: dict[str, Any]) -> None:
        if "error" in answer:
            self.metrics.failed("amst", "migration_failed")
            log.error("migration of %d MiB failed: %s", size >> 20, answer["error"])
            return
        speed = answer["logical"] / answer["sending"] if answer["sending"] else 0.0
        self.metrics.succeeded(answer["seconds"], speed, size, self._transport)

    def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raises SourceGone."""
        host, port = self._source
        request = urllib.request.Request(f"http://{host}:{port}{path}", json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=MIGRATION_SECONDS) as response:
                return dict(json.loads(response.read() or b"{}"))
        except urllib.error.HTTPError as error:
            if error.code == 503:
                raise SourceGone("it is draining") from error
            return {"error": error.read().decode("utf-8", "replace")[:300]}
        except (OSError, ValueError) as error:
            raise SourceGone(str(error)) from error

    def _set_source(self, answers: bool) -> None:
        self._source_answers = answers
        self.metrics.health.labels("amst", "v3").set(float(answers))

    def _health(self) -> Answer:
        status = "healthy" if self._source_answers else "unhealthy"
        body = {
            "status": status,
            "timestamp": time.time(),
            "uptime": time.time() - self._started,
            "version": "v3",
            "components": {"amst": {"status": status}},
        }
        return _json(200 if self._source_answers else 503, body)


def share(name: str) -> int:
    """0 to 99, always the same for a name: FNV-1a, 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value % 100


def _json(status: int, body: dict[str, object]) -> Answer:
    return Answer(status, json.dumps(body).encode())


def run(stop: threading.Event) -> None:
    control = Control()
    server = web.serve(environment.address("DWCP_HTTP_LISTEN"), control.routes())
    log.info("control ready")
    control.work(stop)
    server.shutdown()
