"""The source agent, the pod of deployment/dwcp-v3-amst: holds guests and moves one at a time."""

import json
import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter

from dwcp import environment, host, web
from dwcp.amst import Aborted, Link
from dwcp.codec import CODECS
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.fading import Fading
from dwcp.line import Line
from dwcp.memory import Memory
from dwcp.migration import Migration, MigrationFailed, Tally
from dwcp.web import Answer, says
from dwcp.wire import CHUNK

log = logging.getLogger(__name__)

MAX_STREAMS = 512
LARGEST = 64 << 30
DIRTY_SHARE = 0.02  # of the pages, written by the guest while it is moved
PROBE_SECONDS = 1.0
ANSWER_SECONDS = 2.0  # that an answer may take to leave once its migration has ended
CODEC_SECONDS = 1.0  # that HDE's answer is believed
CODEC_GRACE_SECONDS = 15.0  # that it is kept while HDE does not answer, before that is an error


ERRORS = (
    ("bad_pacing_file", "warning"),
    ("chunk_resent", "warning"),
    ("stream_lost", "warning"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    node: str
    streams: int
    congestion: str
    destination: Address
    hde: Address | None
    pacing_file: Path | None
    drain: float
    expiry: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What control asks for."""

    id: str
    size: int
    room: int  # of the largest image that will be asked for
    zero_share: float
    seed: int


class Advice:
    """Which codec HDE wants, and what it is told in return."""

    def __init__(self, hde: Address | None, errors: Errors) -> None:
        self._hde = hde
        self._errors = errors
        self._codec = "none"
        self._asked_at = 0.0
        self._answered_at = time.monotonic()

    def codec(self) -> str:
        now = time.monotonic()
        if self._hde and now - self._asked_at >= CODEC_SECONDS:
            self._asked_at = now
            try:
                codec = web.ask(self._hde, "/codec", seconds=PROBE_SECONDS)[1].get("codec")
                if codec not in CODECS:
                    raise ConnectionError(f"hde named no codec but {codec!r}")
                self._codec, self._answered_at = codec, now
            except OSError as error:
                self._missed(now, error)
        return self._codec

    def report(self, codec: str, tally: Tally) -> None:
        if self._hde is None:
            return
        body = {
            "codec": codec,
            "seconds": [round(each, 6) for each in tally.encoding],
            "raw": tally.raw,
            "encoded": tally.encoded,
            "wire_bytes_per_second": tally.wire / tally.sending if tally.sending else 0.0,
        }
        try:
            web.ask(self._hde, "/chunks", body, seconds=PROBE_SECONDS)
        except OSError as error:
            log.warning("hde did not take the report: %s", error)

    def _missed(self, now: float, error: OSError) -> None:
        log.warning("hde does not answer, codec stays %s: %s", self._codec, error)
        if now - self._answered_at > CODEC_GRACE_SECONDS:
            self._errors.count("hde", "unreachable", "warning")

    def status(self) -> str:
        if self._hde is None:
            return "not configured"
        try:
            code, _ = web.ask(self._hde, "/ready", seconds=PROBE_SECONDS)
        except OSError:
            return "unreachable"
        return "healthy" if code == 200 else "draining"


class Gauges:
    def __init__(self, registry: CollectorRegistry, expiry: float) -> None:
        self._streams = Fading(
            "dwcp_v3_amst_active_streams",
            "Streams of the migration that runs, or of the last one",
            registry,
            expiry,
            otherwise=0,
        )
        self._throughput = Fading(
            "dwcp_v3_amst_throughput_bytes_per_second",
            "Guest memory made current per second of the last migration",
            registry,
            expiry,
        )
        self._utilization = Fading(
            "dwcp_v3_amst_stream_utilization",
            "Share of the streams' pacing that was used; 0 where there is none",
            registry,
            expiry,
        )
        self._wire = Counter(
            "dwcp_v3_amst_wire_bytes", "Bytes handed to the streams", registry=registry
        )

    def begin(self, link: Link) -> None:
        self._streams.set(link.streams)

    def end(self, link: Link, tally: Tally) -> None:
        self._streams.set(link.streams)
        self._wire.inc(tally.wire)
        if tally.seconds:
            self._throughput.set(tally.logical / tally.seconds)
            self._utilization.set(tally.utilization(link))


class Source:
    """Moves one image at a time; its memory is made once, for the largest."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self._settings = settings
        self._errors = Errors(registry)
        self._errors.expect("amst", *ERRORS)
        self._gauges = Gauges(registry, settings.expiry)
        self._advice = Advice(settings.hde, self._errors)
        self._memory: Memory | None = None
        self._zero_share = -1.0
        self._idle = threading.Lock()
        self._draining = threading.Event()
        self._migration: Migration | None = None

    def health(self) -> Answer:
        hde = self._advice.status()
        try:
            with Line(self._settings.destination, PROBE_SECONDS) as line:
                destination, detail = "healthy", line.ping()
        except OSError as error:
            destination, detail = "unreachable", str(error)
        good = destination == "healthy" and not self._draining.is_set()
        return says(
            200 if good else 503,
            status="healthy" if good else "unhealthy",
            version="v3",
            streams=self._settings.streams,
            components={
                "destination": {"status": destination, "detail": detail},
                "hde": {"status": hde},
            },
        )

    def migrate(self, body: bytes) -> Answer:
        """Answers when the migration has ended."""
        try:
            request = _request(json.loads(body))
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            return says(400, error=f"not a migration: {error!r}")
        if self._draining.is_set():
            return says(503, error="draining")
        if not self._idle.acquire(blocking=False):
            return says(409, error="another migration runs")
        try:
            return self._move(request)
        finally:
            self._migration = None
            self._idle.release()

    def drain(self) -> None:
        """Finish what is under way, or abort it when it takes too long."""
        self._draining.set()
        if self._idle.acquire(timeout=self._settings.drain):
            return
        if migration := self._migration:
            log.warning("a migration still ran after %g s; aborted", self._settings.drain)
            migration.abort()
        self._idle.acquire(timeout=5)

    def _move(self, request: Request) -> Answer:
        if not self._fits(request):
            return says(502, error="the source has not the memory", kind="no_room")
        link = self._link()
        memory = self._image(request)
        self._migration = migration = Migration(memory, link, DIRTY_SHARE, request.seed)
        self._gauges.begin(link)
        try:
            tally = migration.run()
        except Aborted:
            log.warning("migration %s aborted", request.id)
            return says(503, error="aborted")
        except MigrationFailed as error:
            log.error("migration %s failed: %s: %s", request.id, error.kind, error)
            return says(502, error=str(error), kind=error.kind)
        finally:
            self._gauges.end(link, migration.tally)
            if migration.tally.resent:
                self._errors.count("amst", "chunk_resent", "warning", migration.tally.resent)
            if migration.tally.resumes:
                self._errors.count("amst", "stream_lost", "warning", migration.tally.resumes)
        self._advice.report(link.codec, tally)
        return self._moved(request, link, tally)

    def _moved(self, request: Request, link: Link, tally: Tally) -> Answer:
        log.info(
            "moved %s: %d MiB in %.0f ms, %d streams, %s, %.0f MB sent",
            request.id,
            request.size >> 20,
            tally.seconds * 1000,
            link.streams,
            link.codec,
            tally.wire / 1e6,
        )
        return says(
            200,
            source=self._settings.node,
            destination=tally.destination,
            codec=link.codec,
            streams=link.streams,
            seconds=tally.seconds,
            downtime_seconds=tally.downtime,
            logical_bytes=tally.logical,
            wire_bytes=tally.wire,
            rounds=tally.rounds,
            resent=tally.resent,
            torn=tally.torn,
            resumes=tally.resumes,
        )

    def _fits(self, request: Request) -> bool:
        room, held = max(request.room, request.size), self._memory.size if self._memory else 0
        return room <= held or room <= held + host.available()

    def _image(self, request: Request) -> Memory:
        room = max(request.room, request.size)
        if (
            self._memory is None
            or self._memory.size < room
            or self._zero_share != request.zero_share
        ):
            self._memory = None  # the smaller one goes first: never both
            self._memory = Memory(room)
            self._memory.fill(request.zero_share, seed=1)
            self._zero_share = request.zero_share
            try:
                with Line(self._settings.destination) as line:
                    line.prepare(room)
            except OSError as error:
                log.warning("the destination could not prepare: %s", error)
        return self._memory.part(request.size)

    def _link(self) -> Link:
        return Link(
            destination=self._settings.destination,
            streams=self._settings.streams,
            congestion=self._settings.congestion,
            pacing=self._pacing(),
            codec=self._advice.codec(),
        )

    def _pacing(self) -> int | None:
        """Bytes/s of one stream, as the file says now."""
        if self._settings.pacing_file is None:
            return None
        try:
            pacing = int(self._settings.pacing_file.read_text("utf-8"))
            if not 1 <= pacing < 1 << 63:
                raise ValueError(f"{pacing} is no rate")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._errors.count("amst", "bad_pacing_file", "warning")
            log.error("%s is not used: %s", self._settings.pacing_file, error)
            return None
        return pacing


def _request(body: dict[str, object]) -> Request:
    size, room = int(str(body["size"])), int(str(body.get("room", body["size"])))
    zero_share = float(str(body.get("zero_share", 0.7)))
    for each in (size, room):
        if not CHUNK <= each <= LARGEST or each % CHUNK:
            raise ValueError(f"{each} is not a number of whole MiB up to 64 GiB")
    if not 0 <= zero_share <= 1:
        raise ValueError(f"zero_share {zero_share} is not between 0 and 1")
    seed = int(str(body.get("seed", 1)))
    return Request(id=str(body["id"]), size=size, room=room, zero_share=zero_share, seed=seed)


def _congestion(name: str) -> str:
    available = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
    if name not in available.read_text("utf-8").split():
        raise ValueError
    return name


def _settings() -> Settings:
    pacing = environment.text("DWCP_PACING_FILE", "-")
    return Settings(
        node=environment.text("DWCP_NODE", "dwcp-v3-source"),
        streams=environment.count("STREAM_COUNT", "4", 1, MAX_STREAMS),
        congestion=environment.read(
            "DWCP_CONGESTION", "cubic", _congestion, "a congestion control that this kernel has"
        ),
        destination=environment.address("DWCP_DESTINATION"),
        hde=environment.optional_address("DWCP_HDE"),
        pacing_file=None if pacing == "-" else Path(pacing),
        drain=environment.number("DWCP_DRAIN", "10", 0, 600),
        expiry=environment.number("DWCP_GAUGE_EXPIRY", "30", 0.1, 3600),
    )


def run(stop: threading.Event) -> None:
    settings = _settings()
    control_listen = environment.address("DWCP_CONTROL_LISTEN", "127.0.0.1:9190")
    metrics_listen = environment.address("DWCP_METRICS_LISTEN", "127.0.0.1:9091")
    registry = CollectorRegistry()
    source = Source(settings, registry)
    control_routes: web.Routes = {
        ("POST", "/migrations"): source.migrate,
        ("GET", "/health"): lambda _: source.health(),
    }
    probes = web.probes("amst", registry, stop, source.health)
    metrics = web.Server(metrics_listen, probes, "metrics")
    control = web.Server(control_listen, control_routes, "control")
    log.info("%d streams to %s:%d", settings.streams, *settings.destination)
    stop.wait()
    log.info("draining")
    control.close()
    source.drain()
    control.settle(ANSWER_SECONDS)
    metrics.close()
    log.info("stopped")
