"""The control process, the pod of deployment/dwcp-v3: starts migrations, keeps the record, answers
on 8080. Guest memory never passes through it."""

import itertools
import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from dwcp import environment, web
from dwcp.environment import Address
from dwcp.host import HostUse
from dwcp.metrics import Attempt, ServiceMetrics
from dwcp.web import Answer, says

log = logging.getLogger(__name__)

MODES = ("datacenter", "internet", "hybrid", "rdma_only")
MIGRATION_SECONDS = 900.0
RETRY_SECONDS = 0.1
ACCEPTED_SECONDS = 0.1  # a source that breaks off later than this had begun
WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    node: str
    rollout: int  # percent
    mode: str
    source: Address
    load: tuple[int, ...]  # bytes
    rate: float  # migrations/s
    zero_share: float
    window: float
    expiry: float
    retry: float
    drain: float


class Load:
    """Asks for one migration after another; the share `rollout` of them goes through v3.

    What cannot be started in time is skipped: nothing is ever queued.
    """

    def __init__(self, settings: Settings, metrics: ServiceMetrics, stop: threading.Event) -> None:
        self._settings = settings
        self._metrics = metrics
        self._stop = stop

    def run(self) -> None:
        if not self._settings.rate:
            return
        interval = 1 / self._settings.rate
        due = time.monotonic()
        numbered = zip(itertools.count(1), itertools.cycle(self._settings.load), strict=False)
        for number, size in numbered:
            if self._stop.wait(min(max(0.0, due - time.monotonic()), threading.TIMEOUT_MAX)):
                return
            if share(f"vm-{number}") < self._settings.rollout:
                self._migrate(number, size)
            due += interval
            if (late := int((time.monotonic() - due) / interval)) > 0:
                self._metrics.skipped(late)
                due += late * interval

    def _migrate(self, number: int, size: int) -> None:
        if self._settings.mode == "rdma_only":
            self._metrics.failed("amst", "no_rdma")
            log.error("vm-%d: TRANSPORT_MODE is rdma_only, and there is no RDMA device", number)
            return
        body = {
            "id": f"vm-{number}",
            "size": size,
            "room": max(self._settings.load),
            "zero_share": self._settings.zero_share,
            "seed": number,
        }
        deadline = time.monotonic() + self._settings.retry
        trouble = ("source_unreachable", "")
        while time.monotonic() <= deadline:
            ended, trouble = self._attempt(size, body)
            if ended or self._stop.wait(RETRY_SECONDS):
                return
        self._metrics.failed("amst", trouble[0])
        log.error("vm-%d given up: %s %s", number, *trouble)

    def _attempt(self, size: int, body: dict[str, Any]) -> tuple[bool, tuple[str, str]]:
        """Whether that was the end of it, and else what stood in the way."""
        started = time.monotonic()
        try:
            code, answer = web.ask(self._settings.source, "/migrations", body, MIGRATION_SECONDS)
        except OSError as error:
            if time.monotonic() - started > ACCEPTED_SECONDS:
                self._metrics.errors.count("amst", "source_lost", "warning")
                log.warning("%s: the source broke off: %s", body["id"], error)
            return False, ("source_unreachable", str(error))
        if code in (409, 503):
            return False, ("source_busy", str(answer.get("error")))
        if code != 200:
            self._metrics.failed("amst", str(answer.get("kind", "refused")))
            log.error("%s failed: %s", body["id"], answer.get("error"))
            return True, ("", "")
        self._record(size, answer)
        return True, ("", "")

    def _record(self, size: int, answer: dict[str, Any]) -> None:
        end = Attempt(
            at=time.monotonic(),
            seconds=float(answer["seconds"]),
            logical=int(answer["logical_bytes"]),
            wire=int(answer["wire_bytes"]),
        )
        source, destination = str(answer["source"]), str(answer["destination"])
        self._metrics.moved(source, destination, size, self._settings.mode, end)
        log.info(
            "moved %d MiB from %s to %s in %.0f ms, verified",
            size >> 20,
            source,
            destination,
            answer["seconds"] * 1000,
        )


class Watch:
    """How the other roles are, asked again and again."""

    def __init__(self, source: Address, registry: CollectorRegistry) -> None:
        self._source = source
        self._started_at = time.monotonic()
        self._components: dict[str, dict[str, str]] = {
            "amst": {"status": "unknown", "detail": "not asked yet"}
        }
        self._gauge = Gauge(
            "dwcp_v3_component_health",
            "1 when the component works",
            ["component", "version"],
            registry=registry,
        )

    def run(self, stop: threading.Event) -> None:
        while True:
            self._look()
            if stop.wait(WATCH_SECONDS):
                return

    def health(self) -> Answer:
        good = self._components["amst"]["status"] == "healthy"
        return says(
            200 if good else 503,
            status="healthy" if good else "unhealthy",
            timestamp=datetime.now(UTC).isoformat(),
            uptime=round(time.monotonic() - self._started_at, 3),
            version="v3",
            components=self._components,
        )

    def _look(self) -> None:
        hde = "unknown"
        try:
            code, answer = web.ask(self._source, "/health", seconds=3.0)
            parts = answer.get("components", {})
            amst = {
                "status": "healthy" if code == 200 else "unhealthy",
                "detail": f"destination {parts.get('destination', {}).get('status')}",
            }
            hde = str(parts.get("hde", {}).get("status"))
        except OSError as error:
            amst = {"status": "unreachable", "detail": str(error)}
        self._components = {"amst": amst, "hde": {"status": hde}}
        self._gauge.labels("amst", "v3").set(amst["status"] == "healthy")
        if hde in ("healthy", "draining", "unreachable"):
            self._gauge.labels("hde", "v3").set(hde != "unreachable")


def share(name: str) -> int:
    """0 to 99, always the same for a name: FNV-1a, 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value % 100


def _settings() -> Settings:
    return Settings(
        node=environment.text("DWCP_NODE", "dwcp-v3-control"),
        rollout=environment.count("FEATURE_FLAG_ROLLOUT", "100", 0, 100),
        mode=environment.one_of("TRANSPORT_MODE", "datacenter", MODES),
        source=environment.address("DWCP_SOURCE"),
        load=environment.load("DWCP_LOAD", "128MiB*19+768MiB*1"),
        rate=environment.number("DWCP_LOAD_RATE", "2", 0, 1000),
        zero_share=environment.number("DWCP_ZERO_SHARE", "0.7", 0, 1),
        window=environment.number("DWCP_WINDOW", "300", 1, 86400),
        expiry=environment.number("DWCP_GAUGE_EXPIRY", "30", 0.1, 3600),
        retry=environment.number("DWCP_RETRY", "8", 0, 600),
        drain=environment.number("DWCP_DRAIN", "10", 0, 600),
    )


def run(stop: threading.Event) -> None:
    settings = _settings()
    listen = environment.address("DWCP_HTTP_LISTEN", "127.0.0.1:8080")
    registry = CollectorRegistry()
    metrics = ServiceMetrics(registry, settings.window, settings.expiry, settings.rollout)
    HostUse(registry, settings.node)
    watch = Watch(settings.source, registry)
    routes = web.probes("control", registry, stop, watch.health)
    routes["GET", "/metrics/summary"] = lambda _: says(200, **metrics.summary())
    server = web.Server(listen, routes, "http")
    log.info("rollout %d %%, mode %s", settings.rollout, settings.mode)
    threading.Thread(target=watch.run, args=(stop,), daemon=True).start()
    load = threading.Thread(target=Load(settings, metrics, stop).run, daemon=True)
    load.start()
    stop.wait()
    log.info("draining")
    load.join(settings.drain)
    server.close()
    log.info("stopped")
