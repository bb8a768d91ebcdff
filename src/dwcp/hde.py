"""HDE's process, the pod of deployment/dwcp-v3-hde: says which codec the source is to use, and
exports what encoding cost and saved. Chunks never pass through it."""

import json
import logging
import math
import threading
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, quote

from prometheus_client import CollectorRegistry, Histogram

from dwcp import environment, web
from dwcp.choice import Chooser, Cost, Report
from dwcp.codec import CODECS, QUICK
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.fading import Fading
from dwcp.web import Answer, says

log = logging.getLogger(__name__)

AUTO = "auto"
BUCKETS = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
FORECAST_SECONDS = 1.0  # that PBA's answer is believed, and that it may take
GRACE_SECONDS = 15.0  # that PBA may not answer, before that is an error
MOST_CORES = 4096


class Forecast:
    """What PBA predicts of a destination's link; None while it does not know or answer."""

    def __init__(self, pba: Address | None, errors: Errors) -> None:
        self._pba = pba
        self._errors = errors
        self._answers: dict[str, tuple[float, float | None]] = {}  # when, and what
        self._answered_at = time.monotonic()
        if pba:
            errors.expect("pba", ("unreachable", "warning"))

    def rate(self, destination: str) -> float | None:
        """Bytes/s."""
        now = time.monotonic()
        if self._pba is None or not destination:
            return None
        asked_at, rate = self._answers.get(destination, (-math.inf, None))
        if now - asked_at >= FORECAST_SECONDS:
            rate = self._ask(self._pba, destination, now)
            self._answers = {destination: (now, rate)}
        return rate

    def _ask(self, pba: Address, destination: str, now: float) -> float | None:
        path = f"/prediction?destination={quote(destination)}"
        try:
            status, answer = web.ask(pba, path, seconds=FORECAST_SECONDS)
            rate = answer.get("bytes_per_second")
            if status != 200 or not (rate is None or (isinstance(rate, int | float) and rate > 0)):
                raise ConnectionError(f"pba answered {status} with no prediction")
        except OSError as error:
            log.warning("pba does not answer, what was last seen of the link is used: %s", error)
            if now - self._answered_at > GRACE_SECONDS:
                self._errors.count("pba", "unreachable", "warning")
            return None
        self._answered_at = now
        return rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a source reports of one migration."""

    report: Report
    destination: str
    seconds: list[float]  # to encode each chunk
    raw: int
    encoded: int


class Hde:
    def __init__(
        self, algorithm: str, pba: Address | None, expiry: float, registry: CollectorRegistry
    ) -> None:
        self._algorithm = algorithm
        self._chooser = Chooser()
        self._destination = ""  # of the last migration
        self._errors = Errors(registry)
        self._forecast = Forecast(pba, self._errors)
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

    def _codec(self, query: bytes) -> Answer:
        if self._algorithm != AUTO:
            return says(200, codec=self._algorithm)
        asked = parse_qs(query.decode("ascii", "replace")).get("destination", [self._destination])
        return says(200, codec=self._chooser.choose(self._forecast.rate(asked[0])))

    def _chunks(self, body: bytes) -> Answer:
        try:
            told = _told(json.loads(body))
        except (
            AttributeError,
            KeyError,
            OverflowError,
            RecursionError,
            TypeError,
            ValueError,
        ) as e:
            self._errors.count("hde", "bad_report", "warning")
            return says(400, error=f"not a report: {e!r}")
        for each in told.seconds:
            self._latency.labels(told.report.codec).observe(each)
        if told.raw > 0:
            self._ratio.set(max(0.0, 1 - told.encoded / told.raw))
        self._destination = told.destination
        self._chooser.heard(told.report)
        return says(200)


def _told(body: dict[str, object]) -> Told:
    """Raises many errors for what is no report."""
    samples = body.get("samples", {})
    codec, seconds = str(body["codec"]), body["seconds"]
    if codec not in CODECS:
        raise ValueError(f"unknown codec {codec}")
    if not isinstance(samples, dict) or not isinstance(seconds, list):
        raise TypeError("samples by codec, and a list of seconds")
    cores = int(str(body.get("cores", 1)))
    if not 0 < cores <= MOST_CORES:
        raise ValueError(f"{cores} cores")
    report = Report(
        codec=codec,
        wire_rate=_finite(body["wire_bytes_per_second"]),
        link_rate=_finite(body.get("link_bytes_per_second") or 0) or None,
        encoding=_finite(body.get("encoding_seconds_per_byte") or 0) or None,
        cores=cores,
        samples={str(name): _cost(sample) for name, sample in samples.items() if name in QUICK},
    )
    return Told(
        report=report,
        destination=str(body.get("destination", "")),
        seconds=[_finite(each) for each in seconds],
        raw=int(str(body["raw"])),
        encoded=int(str(body["encoded"])),
    )


def _cost(sample: object) -> Cost:
    if not isinstance(sample, list):
        raise TypeError("a sample is [seconds, share left] of a byte")
    seconds, left = map(_finite, sample)
    return Cost(seconds=seconds, left=left)


def _finite(value: object) -> float:
    number = float(str(value))
    if not 0 <= number < math.inf:
        raise ValueError(f"{number} is no measurement")
    return number


def run(stop: threading.Event) -> None:
    algorithm = environment.one_of("COMPRESSION_ALGO", "none", (*CODECS, AUTO))
    pba = environment.optional_address("DWCP_PBA")
    listen = environment.address("DWCP_METRICS_LISTEN", "127.0.0.1:9092")
    expiry = environment.number("DWCP_GAUGE_EXPIRY", "30", 0.1, 3600)
    environment.number("DWCP_DRAIN", "10", 0, 600)
    registry = CollectorRegistry()
    hde = Hde(algorithm, pba, expiry, registry)
    routes = web.probes("hde", registry, stop, hde.health) | hde.routes()
    server = web.Server(listen, routes, "metrics")
    log.info("codec is %s", algorithm)
    stop.wait()
    server.close()
    log.info("stopped")
