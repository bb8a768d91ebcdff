"""HDE's process, the pod of deployment/dwcp-v3-hde: says which codec the source is to use, and
exports what encoding cost and saved. Chunks never pass through it."""

import json
import logging
import math
import random
import threading
import time

from prometheus_client import CollectorRegistry, Histogram

from dwcp import environment, web
from dwcp.codec import CODECS, encode
from dwcp.errors import Errors
from dwcp.fading import Fading
from dwcp.memory import Memory
from dwcp.web import Answer, says
from dwcp.wire import CHUNK

log = logging.getLogger(__name__)

AUTO = "auto"
BUCKETS = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
MEMORY_SECONDS = 60.0  # that a link's speed is believed
PROBE_EVERY = 16  # answers of `auto`, one is `none`: only that shows what the link can do


class Chooser:
    """Picks the codec that takes least time for a byte: to encode it, or to send what is left."""

    def __init__(self) -> None:
        self._sample = _sample()
        self._costs = {codec: _measure(codec, self._sample) for codec in CODECS[:-1]}
        self._links: list[tuple[float, float]] = []  # (at, bytes/s)
        self._asked = 0

    def heard(self, wire_rate: float) -> None:
        now = time.monotonic()
        self._links = [(at, r) for at, r in self._links if at > now - MEMORY_SECONDS]
        self._links.append((now, wire_rate))

    def choose(self) -> str:
        self._asked += 1
        if not self._links or self._asked % PROBE_EVERY == 0:
            return "none"
        link = max(rate for _, rate in self._links)
        return min(self._costs, key=lambda codec: self._seconds(codec, link))

    def _seconds(self, codec: str, link: float) -> float:
        encoding, left = self._costs[codec]
        return max(encoding, left / link)


def _sample() -> bytes:
    memory = Memory(CHUNK)
    memory.fill(0.0, random.randrange(1 << 30))
    return memory.view.tobytes()


def _measure(codec: str, sample: bytes) -> tuple[float, float]:
    """Seconds to encode a byte, and what is left of it."""
    if codec == "none":
        return 0.0, 1.0
    started = time.perf_counter()
    size = len(encode(codec, sample))
    return (time.perf_counter() - started) / len(sample), size / len(sample)


class Hde:
    def __init__(self, algorithm: str, expiry: float, registry: CollectorRegistry) -> None:
        self._algorithm = algorithm
        self._chooser = Chooser()
        self._errors = Errors(registry)
        self._latency = Histogram(
            "dwcp_v3_hde_compression_latency_seconds",
            "Time to encode one chunk: zero scan, checksum and codec",
            ["codec"],
            registry=registry,
            buckets=BUCKETS,
        )
        self._ratio = Fading(
            "dwcp_v3_hde_compression_ratio",
            "Share of the bytes that need not be sent, zero pages included",
            registry,
            expiry,
        )

    def routes(self) -> dict[tuple[str, str], web.Route]:
        return {("GET", "/codec"): self._codec, ("POST", "/chunks"): self._chunks}

    def health(self) -> Answer:
        return says(200, status="healthy", version="v3", algorithm=self._algorithm)

    def _codec(self, _: bytes) -> Answer:
        return says(
            200, codec=self._chooser.choose() if self._algorithm == AUTO else self._algorithm
        )

    def _chunks(self, body: bytes) -> Answer:
        try:
            report = json.loads(body)
            codec, seconds = str(report["codec"]), [float(each) for each in report["seconds"]]
            raw, encoded = int(report["raw"]), int(report["encoded"])
            wire_rate = float(report["wire_bytes_per_second"])
            if codec not in CODECS:
                raise ValueError(f"unknown codec {codec}")
            if not all(map(math.isfinite, (*seconds, wire_rate))):
                raise ValueError("a figure that is not finite")
        except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
            self._errors.count("hde", "bad_report", "warning")
            return says(400, error=f"not a report: {error!r}")
        for each in seconds:
            self._latency.labels(codec).observe(each)
        if raw > 0:
            self._ratio.set(max(0.0, 1 - encoded / raw))
        if wire_rate > 0:
            self._chooser.heard(wire_rate)
        return says(200)


def run(stop: threading.Event) -> None:
    algorithm = environment.one_of("COMPRESSION_ALGO", "none", (*CODECS, AUTO))
    listen = environment.address("DWCP_METRICS_LISTEN", "127.0.0.1:9092")
    expiry = environment.number("DWCP_GAUGE_EXPIRY", "30", 0.1, 3600)
    environment.number("DWCP_DRAIN", "10", 0, 600)
    registry = CollectorRegistry()
    hde = Hde(algorithm, expiry, registry)
    routes = web.probes("hde", registry, stop, hde.health) | hde.routes()
    server = web.Server(listen, routes, "metrics")
    log.info("codec is %s", algorithm)
    stop.wait()
    server.close()
    log.info("stopped")
