"""The source agent: holds guests and moves one at a time, over its own streams, over those of its
workers, or straight into the memory of a destination on this host.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from prometheus_client import CollectorRegistry

from dwcp import environment, mapping, request, web
from dwcp.advice import PROBE_SECONDS, Advice
from dwcp.amst import Aborted, Link, Transport
from dwcp.crew import Crew
from dwcp.environment import Address, BadVariable
from dwcp.errors import Errors
from dwcp.fleet import Fleet
from dwcp.gauges import Gauges
from dwcp.images import Images
from dwcp.line import Line
from dwcp.memory import Memory
from dwcp.migration import Connect, Migration, MigrationFailed, Tally
from dwcp.request import BadRequest, Request
from dwcp.shm import OneSided
from dwcp.streams import Streams
from dwcp.web import Answer, says

log = logging.getLogger(__name__)

DIRTY_SHARE = 0.02  # of the pages, written by the guest while it is moved
ANSWER_SECONDS = 2.0  # that an answer may take to leave once its migration has ended

ERRORS = (
    ("bad_pacing_file", "warning"),
    ("chunk_resent", "warning"),
    ("stream_lost", "warning"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    node: str
    streams: Streams  # of this process
    workers: Address | None  # where stream workers join; None: this process sends by itself
    destination: Address | None  # where machines go that are asked for without one
    memory: Path | None  # where other processes of this host find a machine's memory
    hde: Address | None
    drain: float
    expiry: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How one machine gets to its destination."""

    link: Link
    connect: Connect
    crew: Crew | None = None
    streams: int  # 0 for one-sided writes

    def as_used(self) -> Link:
        """With the pacing that the workers found when they opened their streams."""
        return replace(self.link, pacing=self.crew.pacing) if self.crew else self.link


class Source:
    """Moves one image at a time; its memory is made once, for the largest."""

    def __init__(
        self, settings: Settings, registry: CollectorRegistry, errors: Errors, fleet: Fleet | None
    ) -> None:
        self._settings = settings
        self._errors = errors
        self._errors.expect("amst", *ERRORS)
        self._fleet = fleet
        self._gauges = Gauges(registry, settings.expiry)
        self._advice = Advice(settings.hde, self._errors)
        self._images = Images(settings.memory)
        self._prepared: dict[Address, int] = {}  # bytes that each destination was told to expect
        self._idle = threading.Lock()
        self._draining = threading.Event()
        self._moving = ""  # a machine's id
        self._migration: Migration | None = None

    def health(self) -> Answer:
        destination, detail = self._destination_status()
        workers, streams = self._worker_status()
        fine = {destination, workers} <= {"healthy", "not configured"}
        good = fine and not self._draining.is_set()
        return says(
            200 if good else 503,
            status="healthy" if good else "unhealthy",
            version="v3",
            streams=streams,
            components={
                "destination": {"status": destination, "detail": detail},
                "workers": {"status": workers},
                "hde": {"status": self._advice.status()},
            },
        )

    def migrate(self, body: bytes) -> Answer:
        """Answers when the migration has ended."""
        try:
            wanted = request.parse(body)
        except BadRequest as error:
            return says(400, error=f"not a migration: {error}")
        destination = wanted.destination or self._settings.destination
        if destination is None:
            return says(400, error="not a migration: destination is missing; it takes host:port")
        if self._draining.is_set():
            return says(503, error="draining")
        if not self._idle.acquire(blocking=False):
            return says(409, error=f"another migration runs: of {self._moving}")
        try:
            self._moving = wanted.id
            return self._move(wanted, destination)
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

    def _move(self, wanted: Request, destination: Address) -> Answer:
        try:
            memory = self._image(wanted, destination)
            way = self._way(wanted, destination, memory)
            share = 0.0 if wanted.idle else DIRTY_SHARE
            self._migration = migration = Migration(
                memory, way.link, share, wanted.seed, way.connect
            )
            with self._measured(way, migration):
                tally = migration.run()
        except Aborted:
            log.warning("migration %s aborted", wanted.id)
            return says(503, error="aborted")
        except MigrationFailed as error:
            log.error("migration %s failed: %s: %s", wanted.id, error.kind, error)
            return says(502, error=str(error), kind=error.kind)
        if wanted.transport == "tcp" and self._advice.wants_reports:
            self._advice.report(migration.report())
        return self._moved(wanted, way, tally)

    @contextlib.contextmanager
    def _measured(self, way: Way, migration: Migration) -> Iterator[None]:
        self._gauges.begin(way.streams)
        tally = migration.tally
        try:
            yield
        finally:
            self._gauges.end(way.as_used(), way.streams, tally)
            if tally.resent:
                self._errors.count("amst", "chunk_resent", "warning", tally.resent)
            if tally.resumes:
                self._errors.count("amst", "stream_lost", "warning", tally.resumes)

    def _moved(self, wanted: Request, way: Way, tally: Tally) -> Answer:
        log.info(
            "moved %s: %d MiB in %.0f ms, %s, %d streams, %s, %.0f MB sent",
            wanted.id,
            wanted.size >> 20,
            tally.seconds * 1000,
            wanted.transport,
            way.streams,
            way.link.codec,
            tally.wire / 1e6,
        )
        return says(
            200,
            source=self._settings.node,
            destination=tally.destination,
            transport=wanted.transport,
            codec=way.link.codec,
            streams=way.streams,
            digest=tally.digest,
            seconds=tally.seconds,
            downtime_seconds=tally.downtime,
            logical_bytes=tally.logical,
            wire_bytes=tally.wire,
            rounds=tally.rounds,
            resent=tally.resent,
            torn=tally.torn,
            resumes=tally.resumes,
        )

    def _image(self, wanted: Request, destination: Address) -> Memory:
        """Raises MigrationFailed."""
        if not self._images.fits(wanted.room):
            raise MigrationFailed("no_room", "the source has not the memory")
        if not self._images.has(wanted.room, wanted.zero_share):
            if self._fleet:
                self._fleet.forget()
            try:
                self._images.make(wanted.room, wanted.zero_share)
            except OSError as error:
                raise MigrationFailed("no_room", f"the source has no memory: {error}") from error
        if self._prepared.get(destination, 0) < wanted.room:
            self._prepare(destination, wanted.room)
        return self._images.take(wanted.size)

    def _prepare(self, destination: Address, room: int) -> None:
        try:
            with Line(destination) as line:
                line.prepare(room)
            self._prepared[destination] = room
        except OSError as error:
            log.warning("the destination could not prepare: %s", error)

    def _way(self, wanted: Request, destination: Address, memory: Memory) -> Way:
        """Raises MigrationFailed."""
        own = self._settings.streams
        link = Link(
            destination=destination,
            streams=own.count,
            congestion=own.congestion,
            pacing=None,
            codec="none" if wanted.transport == "shm" else self._advice.codec(),
        )
        if wanted.transport == "shm":
            copier = OneSided(memory, self._settings.memory)
            return Way(link=replace(link, streams=1), connect=copier.connect, streams=0)
        if self._fleet is None:
            paced = replace(link, pacing=own.pacing(self._errors))
            return Way(link=paced, connect=Transport, streams=own.count)
        if not self._fleet.wait_for_one(self._draining):
            raise MigrationFailed("no_workers", "no stream worker has joined the source")
        streams, crew = self._fleet.streams(), Crew(self._fleet, memory)
        return Way(
            link=replace(link, streams=streams), connect=crew.connect, crew=crew, streams=streams
        )

    def _destination_status(self) -> tuple[str, str]:
        if self._settings.destination is None:
            return "not configured", "each migration names its own"
        try:
            with Line(self._settings.destination, PROBE_SECONDS) as line:
                return "healthy", line.ping()
        except OSError as error:
            return "unreachable", str(error)

    def _worker_status(self) -> tuple[str, int]:
        """And their streams."""
        if self._fleet is None:
            return "not configured", self._settings.streams.count
        streams = self._fleet.streams()
        return "healthy" if streams else "none has joined", streams


def _settings() -> Settings:
    """Raises BadVariable."""
    workers = environment.optional_address("DWCP_WORKERS_LISTEN")
    memory = environment.optional_directory("DWCP_MEMORY")
    if workers and memory is None:
        raise BadVariable("DWCP_MEMORY is not set; with DWCP_WORKERS_LISTEN it takes a directory")
    return Settings(
        node=environment.node("dwcp-v3-source"),
        streams=Streams.from_environment(),
        workers=workers,
        destination=environment.optional_address("DWCP_DESTINATION"),
        memory=memory,
        hde=environment.optional_address("DWCP_HDE"),
        drain=environment.number("DWCP_DRAIN", "10", 0, 600),
        expiry=environment.number("DWCP_GAUGE_EXPIRY", "30", 0.1, 3600),
    )


def run(stop: threading.Event) -> None:
    settings = _settings()
    control_listen = environment.address("DWCP_CONTROL_LISTEN", "127.0.0.1:9190")
    metrics_listen = environment.address("DWCP_METRICS_LISTEN", "127.0.0.1:9091")
    if settings.memory and (swept := mapping.sweep(settings.memory)):
        log.warning("%d files of dead processes removed from %s", swept, settings.memory)
    registry = CollectorRegistry()
    errors = Errors(registry)
    fleet = Fleet(settings.workers, settings.node, errors) if settings.workers else None
    source = Source(settings, registry, errors, fleet)
    control_routes: web.Routes = {
        ("POST", "/migrations"): source.migrate,
        ("GET", "/health"): lambda _: source.health(),
    }
    probes = web.probes("amst", registry, stop, source.health)
    metrics = web.Server(metrics_listen, probes, "metrics")
    control = web.Server(control_listen, control_routes, "control")
    stop.wait()
    log.info("draining")
    control.close()
    if fleet:
        fleet.close()
    source.drain()
    control.settle(ANSWER_SECONDS)
    metrics.close()
    log.info("stopped")
