"""The source agent, the pod of deployment/dwcp-v3-amst: holds guests and moves them when asked."""

import json
import logging
import socket
import threading
import urllib.request
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge

from dwcp import environment, web
from dwcp.environment import Address
from dwcp.guest import Memory
from dwcp.metrics import exposition
from dwcp.migration import Link, MigrationFailed, Moved, migrate, prepare
from dwcp.web import Answer

log = logging.getLogger(__name__)

MAX_STREAMS = 512
DIRTY_SHARE = 0.02  # of the pages, written by the guest while it is moved


class Source:
    """Moves one image at a time; the images of a size are made once and kept."""

    def __init__(self) -> None:
        self._streams = environment.count("STREAM_COUNT", "4", 1, MAX_STREAMS)
        self._congestion = environment.read(
            "DWCP_CONGESTION", "cubic", _congestion, "a congestion control that this kernel has"
        )
        self._pacing_file = environment.read("DWCP_PACING_FILE", "", str, "a path")
        self._zero_share = environment.number("DWCP_ZERO_SHARE", "0.7", 0, 1)
        self._destination = environment.address("DWCP_DESTINATION")
        self._hde = environment.address("DWCP_HDE") if _is_set("DWCP_HDE") else None
        self._memories: dict[int, Memory] = {}
        self._busy = threading.Lock()
        self._draining = False
        self._migrations = 0
        self._metrics = _Metrics()

    def routes(self) -> dict[tuple[str, str], web.Route]:
        return {
            ("GET", "/metrics"): lambda _: exposition(self._metrics.registry),
            ("GET", "/metrics/amst"): lambda _: exposition(self._metrics.registry),
            ("GET", "/health"): lambda _: self._health(),
        }

    def control_routes(self) -> dict[tuple[str, str], web.Route]:
        return {("POST", "/migrate"): self._migrate, ("POST", "/prepare"): self._prepare}

    def drain(self, seconds: float) -> None:
        """Take no more, and wait for what is under way."""
        self._draining = True
        if self._busy.acquire(timeout=seconds):
            self._busy.release()

    def _health(self) -> Answer:
        status = "draining" if self._draining else "healthy"
        body = {"status": status, "component": "amst", "streams": self._streams}
        return Answer(503 if self._draining else 200, json.dumps(body).encode())

    def _prepare(self, body: bytes) -> Answer:
        """Make the guests and the destination's memory before anything is measured."""
        with self._busy:
            for size in json.loads(body)["sizes"]:
                self._memory(int(size))
                try:
                    prepare(int(size), self._destination)
                except (OSError, ValueError, KeyError) as error:
                    return Answer(502, json.dumps({"error": str(error)}).encode())
        return Answer(204, b"")

    def _migrate(self, body: bytes) -> Answer:
        size = int(json.loads(body)["size"])
        with self._busy:
            if self._draining:
                return Answer(503, b'{"error": "draining"}')
            memory = self._memory(size)
            link = Link(
                destination=self._destination,
                streams=self._streams,
                congestion=self._congestion,
                pacing=self._pacing(),
            )
            self._migrations += 1
            self._metrics.streams.set(link.streams)
            try:
                moved = migrate(memory, link, DIRTY_SHARE, self._migrations)
            except MigrationFailed as error:
                log.error("migration of %d MiB failed: %s", size >> 20, error)
                return Answer(502, json.dumps({"error": str(error)}).encode())
            finally:
                self._metrics.streams.set(0)
        self._metrics.record(moved)
        self._tell_hde(moved)
        log.info("moved %d MiB in %.0f ms", size >> 20, moved.seconds * 1000)
        return Answer(200, json.dumps(_as_json(moved)).encode())

    def _memory(self, size: int) -> Memory:
        if size not in self._memories:
            memory = Memory(size)
            memory.fill(self._zero_share, seed=size >> 20)
            self._memories[size] = memory
        return self._memories[size]

    def _pacing(self) -> int | None:
        """Bytes/s of one stream, as the file says now."""
        if not self._pacing_file:
            return None
        try:
            return int(Path(self._pacing_file).read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.error("DWCP_PACING_FILE is not used: %s", error)
            return None

    def _tell_hde(self, moved: Moved) -> None:
        """How long encoding took, for HDE's own metrics; a lost report costs nothing else."""
        if self._hde is None:
            return
        report = {"chunks": moved.chunks, "seconds": moved.encoding, "saved": moved.saved}
        request = urllib.request.Request(
            f"http://{self._hde[0]}:{self._hde[1]}/encoded", json.dumps(report).encode()
        )
        try:
            urllib.request.urlopen(request, timeout=1).close()
        except OSError as error:
            log.warning("hde does not answer: %s", error)


class _Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.streams = Gauge(
            "dwcp_v3_amst_active_streams", "Streams at work", registry=self.registry
        )
        self._throughput = Gauge(
            "dwcp_v3_amst_throughput_bytes_per_second",
            "Guest memory made current per second of sending, latest migration",
            registry=self.registry,
        )
        self._utilization = Gauge(
            "dwcp_v3_amst_stream_utilization",
            "Share of the streams' own limit that was used; 0 when they have none",
            registry=self.registry,
        )
        self._wire = Counter(
            "dwcp_v3_amst_wire_bytes", "Bytes sent over streams", registry=self.registry
        )
        self._resent = Counter(
            "dwcp_v3_amst_resent_chunks", "Chunks sent again", registry=self.registry
        )

    def record(self, moved: Moved) -> None:
        self._throughput.set(moved.logical / moved.sending if moved.sending else 0)
        self._utilization.set(moved.utilization)
        self._wire.inc(moved.wire)
        self._resent.inc(moved.resent)


def _as_json(moved: Moved) -> dict[str, float]:
    return {
        "seconds": moved.seconds,
        "sending": moved.sending,
        "logical": moved.logical,
        "wire": moved.wire,
        "streams": moved.streams,
        "rounds": moved.rounds,
        "resent": moved.resent,
    }


def _is_set(name: str) -> bool:
    return bool(environment.read(name, "", str, "an address"))


def _congestion(text: str) -> str:
    available = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
    if text not in available.read_text("utf-8").split():
        raise ValueError
    return text


def run(stop: threading.Event) -> None:
    source = Source()
    metrics: Address = environment.address("DWCP_METRICS_LISTEN")
    control: Address = environment.address("DWCP_CONTROL_LISTEN")
    drain = environment.number("DWCP_DRAIN", "10", 0, 600)
    servers = [web.serve(metrics, source.routes()), web.serve(control, source.control_routes())]
    log.info("source ready on %s", socket.gethostname())
    stop.wait()
    source.drain(drain)
    for server in servers:
        server.shutdown()
