"""HDE's own process, the pod of deployment/dwcp-v3-hde: what encoding costs and saves, exported.

In this version pages are sent as they are, and zero pages are not sent at all: `COMPRESSION_ALGO`
takes `none` only, and says so.
"""

import json
import logging
import threading

from prometheus_client import CollectorRegistry, Gauge, Histogram

from dwcp import environment, web
from dwcp.metrics import exposition
from dwcp.web import Answer

log = logging.getLogger(__name__)

ALGORITHMS = ("none",)
BUCKETS = (1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1)


def run(stop: threading.Event) -> None:
    algorithm = environment.one_of("COMPRESSION_ALGO", "none", ALGORITHMS)
    registry = CollectorRegistry()
    latency = Histogram(
        "dwcp_v3_hde_compression_latency_seconds",
        "Encoding of one chunk, mean over a migration",
        registry=registry,
        buckets=BUCKETS,
    )
    ratio = Gauge(
        "dwcp_v3_hde_compression_ratio",
        "Share of the guest memory that was not sent, latest migration",
        registry=registry,
    )

    def take(body: bytes) -> Answer:
        report = json.loads(body)
        latency.observe(float(report["seconds"]) / max(1, int(report["chunks"])))
        ratio.set(float(report["saved"]))
        return Answer(204, b"")

    health = json.dumps({"status": "healthy", "component": "hde", "algorithm": algorithm}).encode()
    server = web.serve(
        environment.address("DWCP_METRICS_LISTEN"),
        {
            ("GET", "/metrics"): lambda _: exposition(registry),
            ("GET", "/metrics/hde"): lambda _: exposition(registry),
            ("GET", "/health"): lambda _: Answer(200, health),
            ("POST", "/encoded"): take,
        },
    )
    log.info("hde ready, algorithm %s", algorithm)
    stop.wait()
    server.shutdown()
