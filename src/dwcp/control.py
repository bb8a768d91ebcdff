"""The control process, the pod of deployment/dwcp-v3: the front door on 8080, and host to the
components PBA, ACP, ASS and ITP, each on an address of its own."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from dwcp import ass, environment, front, itp, profile, web
from dwcp.acp import Ownership
from dwcp.ass import Synchroniser
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.experiment import EXPERIMENTS
from dwcp.front import Front
from dwcp.host import HostUse
from dwcp.hot import Hot, counted
from dwcp.itp import Placement
from dwcp.metrics import ServiceMetrics
from dwcp.pba import Predictions
from dwcp.place import Nodes, Places
from dwcp.records import Records
from dwcp.watch import Status, Watch, component_health
from dwcp.web import says

log = logging.getLogger(__name__)

MODES = ("datacenter", "internet", "hybrid", "rdma_only")
COMPONENTS = ("pba", "acp", "ass", "itp")
BREAKER = {"enabled": True, "disabled": False}
Runner = Callable[[threading.Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    node: str
    window: float
    expiry: float
    drain: float
    etcd: tuple[Address, ...]
    etcd_timeout: float
    destinations: Mapping[str, tuple[Address, Address | None]]
    listen: Mapping[str, Address]  # by what answers there: the front door, or a component
    config: Path | None
    experiment: str
    front: front.Settings


@dataclass(slots=True)
class Component:
    """One of those that live here: what it exports, and how it is."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    status: Callable[[], Status] = lambda: {"status": "not configured"}
    routes: web.Routes = field(default_factory=dict)
    run: Runner | None = None


class Control:
    """Everything in the process, made of the settings."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings = settings
        self.registry = CollectorRegistry()
        self.metrics = ServiceMetrics(
            self.registry, settings.window, settings.expiry, settings.front.rollout
        )
        HostUse(self.registry, settings.node)
        self.components = {name: Component() for name in COMPONENTS}
        self._records = Records(settings.node)
        self._nodes = Nodes(settings.destinations, self._table())
        owners, places = self._owners(), self._places()
        self._synchronise()
        experiment = EXPERIMENTS[settings.experiment]
        self.front = Front(settings.front, self.metrics, owners, places, stop, experiment)
        Gauge(
            "dwcp_v3_migrations_in_flight", "Machines on their way", registry=self.registry
        ).set_function(lambda: self.front.in_flight)
        inside = {name: found.status for name, found in self.components.items()}
        self.watch = Watch(settings.front.source, inside, self.registry)

    def start(self, stop: threading.Event) -> None:
        runners: list[Runner] = [self.watch.run, self._nodes.run]
        runners += [found.run for found in self.components.values() if found.run]
        for runner in runners:
            threading.Thread(target=runner, args=(stop,), daemon=True).start()

    def _table(self) -> Callable[[], Mapping[str, int]]:
        none: Mapping[str, int] = {}
        refused = counted(self.metrics.errors, "itp")
        allowed = "nodes such as a=4096MiB, b=512MiB"
        hot = Hot(self._settings.config, "nodes", none, itp.parse_nodes, allowed, refused)
        return hot.value

    def _owners(self) -> Ownership | None:
        if not self._settings.etcd:
            return None
        acp = self.components["acp"]
        errors = Errors(acp.registry)
        breaker = Hot(
            self._settings.config,
            "circuit-breaker",
            False,
            _breaker,
            "enabled or disabled",
            counted(errors, "acp"),
        )
        owners = Ownership(
            self._settings.etcd,
            acp.registry,
            errors,
            timeout=self._settings.etcd_timeout,
            records=self._records,
            breaker_enabled=breaker.value,
            window=self._settings.expiry,
        )
        acp.status, acp.run = owners.status, owners.run
        return owners

    def _places(self) -> Places | None:
        pba, itp_ = self.components["pba"], self.components["itp"]
        predictions = Predictions(pba.registry, self._settings.expiry)
        pba.routes = predictions.routes()
        pba.status = lambda: {"status": "healthy", "destinations": len(predictions.predicted())}
        if not self._settings.destinations:
            return None
        placement = Placement(itp_.registry, Errors(itp_.registry), self._settings.expiry)
        itp_.status = placement.status
        return Places(self._nodes, placement, predictions)

    def _synchronise(self) -> None:
        found = self.components["ass"]
        peers = self._nodes.peers()
        synchroniser = Synchroniser(self._records, peers, found.registry, Errors(found.registry))
        found.status, found.run = synchroniser.status, synchroniser.run
        found.routes = ass.routes(self._records)


def _breaker(text: str) -> bool:
    if text not in BREAKER:
        raise ValueError
    return BREAKER[text]


def _destinations(text: str) -> dict[str, tuple[Address, Address | None]]:
    """`NAME=host:port/host:port`, with commas; the second address is that of the metrics."""
    found: dict[str, tuple[Address, Address | None]] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, where = part.partition("=")
        streams, _, metrics = where.partition("/")
        if environment.parse_name(name) in found:
            raise ValueError
        found[name] = (
            environment.parse_address(streams),
            environment.parse_address(metrics) if metrics else None,
        )
    return found


def _listen() -> dict[str, Address]:
    found = {
        "http": environment.address("DWCP_HTTP_LISTEN", "127.0.0.1:8080"),
        "pba": environment.optional_address("DWCP_PBA_LISTEN"),
        "acp": environment.optional_address("DWCP_ACP_LISTEN"),
        "ass": environment.optional_address("DWCP_ASS_LISTEN"),
        "itp": environment.optional_address("DWCP_ITP_LISTEN"),
        "profile": environment.optional_address("DWCP_PROFILE_LISTEN"),
    }
    return {name: where for name, where in found.items() if where}


def _settings() -> Settings:
    return Settings(
        node=environment.node("dwcp-v3-control"),
        window=environment.number("DWCP_WINDOW", "300", 1, 86400),
        expiry=environment.number("DWCP_GAUGE_EXPIRY", "30", 0.1, 3600),
        drain=environment.number("DWCP_DRAIN", "10", 0, 600),
        etcd=environment.addresses("DWCP_ETCD"),
        etcd_timeout=environment.number("DWCP_ETCD_TIMEOUT", "0.3", 0.01, 60),
        destinations=environment.read(
            "DWCP_DESTINATIONS",
            "",
            _destinations,
            "destinations such as a=127.0.0.1:9200/127.0.0.1:9091,...",
        ),
        listen=_listen(),
        config=environment.config(),
        experiment=environment.one_of("DWCP_EXPERIMENT", "none", tuple(EXPERIMENTS)),
        front=front.Settings(
            rollout=environment.count("FEATURE_FLAG_ROLLOUT", "100", 0, 100),
            mode=environment.one_of("TRANSPORT_MODE", "datacenter", MODES),
            substitute=environment.one_of("DWCP_RDMA_SUBSTITUTE", "none", ("none", "shm")) == "shm",
            source=environment.address("DWCP_SOURCE"),
            source_node=environment.node("dwcp-v3-source", "DWCP_SOURCE_NODE"),
            v1=environment.optional_address("DWCP_V1"),
            retry=environment.number("DWCP_RETRY", "8", 0, 600),
        ),
    )


def run(stop: threading.Event) -> None:
    settings = _settings()
    control = Control(settings, stop)
    routes = web.probes("control", control.registry, stop, control.watch.health)
    routes["GET", "/metrics/summary"] = lambda _: says(200, **control.metrics.summary())
    routes["POST", "/migrations"] = control.front.migrate
    routes["GET", "/machines/"] = control.front.machine
    routes["DELETE", "/machines/"] = control.front.end
    servers = [web.Server(settings.listen["http"], routes, "http")]
    servers += _component_servers(settings.listen, control, stop)
    log.info("rollout %d %%, mode %s", settings.front.rollout, settings.front.mode)
    control.start(stop)
    stop.wait()
    log.info("draining")
    servers[0].settle(settings.drain)
    for server in servers:
        server.close()
    log.info("stopped")


def _component_servers(
    listen: Mapping[str, Address], control: Control, stop: threading.Event
) -> list[web.Server]:
    servers = []
    for name, found in control.components.items():
        if name in listen:
            probes = web.probes(name, found.registry, stop, component_health(found.status))
            servers.append(web.Server(listen[name], {**probes, **found.routes}, name))
    if "profile" in listen:
        servers.append(web.Server(listen["profile"], profile.routes(), "profile"))
    return servers
