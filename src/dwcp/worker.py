"""A stream worker, a pod of deployment/dwcp-v3-amst: sends what a source hands it, over streams of
its own. It reads guest memory and never writes it, and holds nothing that a source would miss.
"""

import contextlib
import logging
import queue
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter

from dwcp import environment, mapping, orders, web
from dwcp.amst import Aborted, Link, Transport
from dwcp.codec import CODECS
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.mapping import BadMemory
from dwcp.memory import Memory
from dwcp.orders import BadOrder, Channel, Message
from dwcp.streams import LARGEST, Streams
from dwcp.web import Answer, says
from dwcp.wire import CHUNK, SESSION_SIZE

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
RETRY_SECONDS = 0.2
JOIN_SECONDS = 5.0

ERRORS = (
    ("bad_memory", "critical"),
    ("bad_order", "critical"),
    ("bad_pacing_file", "warning"),
    ("source_lost", "warning"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    node: str
    source: Address
    memory: Path
    streams: Streams
    drain: float


@dataclass(frozen=True, slots=True)
class Order:
    """What the source wants done, in turn; `aborted` is set once it no longer does."""

    message: Message
    tail: bytes
    aborted: threading.Event


class Worker:
    """`run` returns once `stop` is set and what was under way is done."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self._settings = settings
        self._errors = Errors(registry)
        self._errors.expect("amst", *ERRORS)
        self._wire = Counter(
            "dwcp_v3_amst_wire_bytes", "Bytes handed to the streams", registry=registry
        )
        self._channel: Channel | None = None
        self._leaving = False
        self.joined = threading.Event()

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(RETRY_SECONDS):
            try:
                connection = socket.create_connection(self._settings.source, JOIN_SECONDS)
            except OSError:
                continue
            self._serve(connection)

    def leave(self) -> None:
        """Tell the source, which lets go of this worker when it can."""
        self._leaving = True
        if channel := self._channel:
            with contextlib.suppress(OSError):
                channel.send(op="leave")

    def cut(self) -> None:
        if channel := self._channel:
            channel.cut()

    def health(self) -> Answer:
        joined = self.joined.is_set()
        return says(
            200 if joined else 503,
            status="healthy" if joined else "unhealthy",
            version="v3",
            streams=self._settings.streams.count,
            components={"source": {"status": "healthy" if joined else "unreachable"}},
        )

    def _serve(self, connection: socket.socket) -> None:
        """Until the source lets go of this worker, or is gone."""
        channel = Channel(connection, orders.LARGEST_TAIL)
        try:
            self._join(channel)
            connection.settimeout(None)
            self._channel = channel
            self.joined.set()
            log.info("joined the source at %s:%d", *self._settings.source)
            if self._leaving:  # it was told to while it joined
                channel.send(op="leave")
            self._obey(channel)
        except BadOrder as error:
            self._errors.amst("bad_order", "critical")
            log.error("left the source: %s", error)
        except OSError as error:
            if self.joined.is_set():
                self._errors.amst("source_lost", "warning")
            log.warning("the source is gone: %s", error)
        finally:
            self.joined.clear()
            self._channel = None
            channel.close()

    def _join(self, channel: Channel) -> None:
        streams = self._settings.streams
        channel.send(
            op="join",
            node=self._settings.node,
            streams=streams.count,
            pacing=streams.pacing(self._errors),
        )
        answer = channel.receive()
        if answer is None:
            raise ConnectionResetError("it closed the line")
        if answer[0]["op"] != "joined":
            raise BadOrder("it did not let this worker join")

    def _obey(self, channel: Channel) -> None:
        """Read orders, while another thread does them. Raises BadOrder, OSError."""
        todo: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        aborted = threading.Event()
        over = threading.Event()
        hands = Hands(self._settings, self._errors, self._wire, channel)
        doing = threading.Thread(target=hands.run, args=(todo,), daemon=True)
        beating = threading.Thread(target=_beat, args=(channel, over), daemon=True)
        doing.start()
        beating.start()
        try:
            while received := channel.receive():
                message, tail = received
                match message["op"]:
                    case "bye":
                        return
                    case "abort":
                        aborted.set()
                    case "open":
                        aborted = threading.Event()
                        todo.put(Order(message, tail, aborted))
                    case _:
                        todo.put(Order(message, tail, aborted))
            raise ConnectionResetError("it closed the line")
        finally:
            over.set()
            aborted.set()
            todo.put(None)
            doing.join()
            beating.join()
            if hands.refused:
                raise hands.refused


class Hands:
    """Do the source's orders, one after the other."""

    def __init__(self, settings: Settings, errors: Errors, wire: Counter, channel: Channel) -> None:
        self._settings = settings
        self._errors = errors
        self._wire = wire
        self._channel = channel
        self._memory: Memory | None = None
        self._transport: Transport | None = None
        self._aborted = threading.Event()
        self.refused: BadOrder | None = None

    def run(self, todo: "queue.SimpleQueue[Order | None]") -> None:
        try:
            while order := todo.get():
                self._do(order)
        except BadOrder as error:
            self.refused = error
        except OSError as error:
            log.warning("the source does not take answers: %s", error)
        finally:
            self._close()
            self._channel.cut()

    def _do(self, order: Order) -> None:
        """Raises BadOrder, and OSError when the source does not take the answer."""
        match order.message["op"]:
            case "open":
                self._open(order)
            case "send":
                self._send(order)
            case "close":
                self._close()
            case "forget":
                self._close()
                self._memory = None
            case other:
                raise BadOrder(f"it wants {other!r}"[:80])

    def _open(self, order: Order) -> None:
        self._close()
        move = orders.number(order.message, "move", 0, 1 << 53)
        link = _link(order.message, self._settings.streams, self._errors)
        key = _key(order.message)
        self._aborted = order.aborted
        try:
            self._memory = self._map(order.message)
            self._transport = Transport(link, key, order.aborted)
        except BadMemory as error:
            self._errors.amst("bad_memory", "critical")
            log.error("%s", error)
            self._channel.send(op="failed", move=move, kind="memory", error=str(error))
        except OSError as error:
            self._channel.send(op="failed", move=move, kind="destination", error=str(error))
        else:
            self._channel.send(op="opened", move=move, pacing=link.pacing)

    def _map(self, message: Message) -> Memory:
        """Raises BadOrder, BadMemory."""
        path = Path(orders.text(message, "memory"))
        size = orders.number(message, "size", CHUNK, LARGEST)
        if size % CHUNK:
            raise BadOrder(f"a machine of {size} bytes")
        held, self._memory = self._memory, None
        if held and held.path == path and held.room >= size:
            return held.anew(size)
        del held  # the old mapping goes first
        return Memory(size, mapping.attached(path, size, self._settings.memory))

    def _send(self, order: Order) -> None:
        move = orders.number(order.message, "move", 0, 1 << 53)
        round_ = orders.number(order.message, "round", 0, 255)
        if self._transport is None or self._memory is None or order.aborted is not self._aborted:
            self._channel.send(op="failed", move=move, kind="destination", error="not open")
            return
        tasks = orders.unpack_tasks(order.tail, self._memory.chunks)
        try:
            work = self._transport.send_round(self._memory, round_, tasks)
        except Aborted:
            self._close()
            return
        self._wire.inc(work.wire)
        self._channel.send(op="sent", move=move, work=orders.work_as_json(work))

    def _close(self) -> None:
        if self._transport:
            self._transport.close()
        self._transport = None


def _beat(channel: Channel, over: threading.Event) -> None:
    """As long as this process runs, the source hears of it."""
    with contextlib.suppress(OSError):
        while not over.wait(BEAT_SECONDS):
            channel.send(op="beat")


def _link(message: Message, streams: Streams, errors: Errors) -> Link:
    """Raises BadOrder."""
    codec = orders.text(message, "codec")
    if codec not in CODECS:
        raise BadOrder(f"no codec is called {codec!r}"[:80])
    try:
        destination = environment.parse_address(orders.text(message, "destination"))
    except ValueError as error:
        raise BadOrder(f"destination: {error}"[:200]) from error
    return Link(
        destination=destination,
        streams=orders.number(message, "streams", 1, streams.count),
        congestion=streams.congestion,
        pacing=streams.pacing(errors),
        codec=codec,
    )


def _key(message: Message) -> bytes:
    try:
        key = bytes.fromhex(orders.text(message, "key"))
    except ValueError as error:
        raise BadOrder("a key that is none") from error
    if len(key) != SESSION_SIZE:
        raise BadOrder(f"a key of {len(key)} bytes")
    return key


def _settings() -> Settings:
    return Settings(
        node=environment.node("dwcp-v3-amst"),
        source=environment.address("DWCP_SOURCE"),
        memory=environment.directory("DWCP_MEMORY"),
        streams=Streams.from_environment(),
        drain=environment.number("DWCP_DRAIN", "10", 0, 600),
    )


def run(stop: threading.Event) -> None:
    settings = _settings()
    listen = environment.address("DWCP_METRICS_LISTEN", "127.0.0.1:9091")
    registry = CollectorRegistry()
    worker = Worker(settings, registry)
    routes = web.probes("amst", registry, stop, worker.health)
    probe = routes["GET", "/ready"]
    routes["GET", "/ready"] = lambda body: (
        probe(body)
        if stop.is_set() or worker.joined.is_set()
        else says(503, status="not joined to a source")
    )
    server = web.Server(listen, routes, "metrics")
    log.info("%d streams for the source at %s:%d", settings.streams.count, *settings.source)
    working = threading.Thread(target=worker.run, args=(stop,), daemon=True)
    working.start()
    stop.wait()
    log.info("draining")
    worker.leave()
    working.join(settings.drain)
    if working.is_alive():
        log.warning("the source still needed this worker after %g s", settings.drain)
        worker.cut()
        working.join(1.0)
    server.close()
    log.info("stopped")
