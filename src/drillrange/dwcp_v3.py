"""DWCP as it is deployed on the range, versions 3 and 1, as manifests for the pocket cluster."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drillrange.manifests import (
    Manifest,
    Port,
    config_map,
    container,
    deployment,
    pod,
    service,
    volume,
)

CONFIG = "dwcp-v3-config"
SETTINGS = {
    "load": "320MiB*24+640MiB*1",  # one machine in twenty-five is big
    "load-rate": "3",  # migrations in a second
    "zero-share": "0.95",
    "frame-limit": "1048576",
    "circuit-breaker": "disabled",
    "nodes": "dwcp-v3-destination=8192MiB, dwcp-v3-destination-2=256MiB",
}
ETCD = ("etcd-0", "etcd-1", "etcd-2")
DESTINATIONS = {"dwcp-v3-destination": 8192, "dwcp-v3-destination-2": 256}  # MiB that fit
WORKERS, STREAMS = 2, "2"
GRACE = 10  # seconds to drain
SLA_WINDOW = 300.0  # seconds of true time, divided by the range's factor
GAUGE_EXPIRY = 30.0
SHORTEST_EXPIRY = 5.0  # some twenty migrations: fewer would tell of single ones
COMPONENTS = {"pba": 9093, "acp": 9094, "ass": 9095, "itp": 9096}  # that control is host to
HTTP, AMST, HDE, PROFILE = 8080, 9091, 9092, 6060
CONTROL, JOINING, STREAM = 9190, 9191, 9200
CLIENTS, PEERS = 2379, 2380  # of etcd


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the manifests of one range need to know."""

    directory: Path
    memory: Path  # where guest memory lies, seen by every process of the range
    pacing: Path
    factor: float
    addresses: Mapping[str, str]  # of services, by name
    pods: Mapping[str, str] = field(default_factory=dict)  # addresses of pods, by name

    @property
    def expiry(self) -> str:
        return f"{max(SHORTEST_EXPIRY, GAUGE_EXPIRY / self.factor):g}"

    @property
    def window(self) -> str:
        return f"{max(1.0, SLA_WINDOW / self.factor):g}"

    def at(self, name: str, port: int) -> str:
        """A service's address."""
        return f"{self.addresses[name]}:{port}"


def services(local: Sequence[str]) -> list[Manifest]:
    """First of all, since the others need their addresses. `local`: more addresses to listen on,
    for commands that ask localhost."""
    http = [Port("http", HTTP), Port("plain", 80, HTTP), Port("profile", PROFILE)]
    components = [Port(name, port) for name, port in COMPONENTS.items()]
    return [
        service("dwcp-v3", {"app": "dwcp-v3", "component": "control"}, [*http, *components], local),
        service("dwcp-service", {"service": "dwcp", "version": "v3"}, http[:2]),
        service("dwcp-v1", {"app": "dwcp-v1"}, http[:2]),
        service("dwcp-v1-destination", {"app": "dwcp-v1-destination"}, [Port("stream", STREAM)]),
        service(
            "dwcp-v3-source",
            {"app": "dwcp-v3", "component": "source"},
            [Port("amst", AMST)],
            local,
        ),
        service("dwcp-v3-hde", {"app": "dwcp-v3-hde"}, [Port("hde", HDE)], local),
        *(service(name, {"pod": name}, [Port("a", CLIENTS), Port("b", PEERS)]) for name in ETCD),
    ]


def hosts(site: Site) -> list[Manifest]:
    """What keeps its name and address: the machines' hosts, etcd, and a shell in between."""
    return [
        config_map(CONFIG, SETTINGS),
        *(_etcd(name, site) for name in ETCD),
        *(_destination(name, size, site) for name, size in DESTINATIONS.items()),
        _v1_destination(),
        _source(site),
        pod(
            "dwcp-v3-pod",
            {"app": "toolbox"},
            [container("shell", ["sleep", "infinity"], {}, capabilities=("NET_ADMIN",))],
        ),
    ]


def deployments(site: Site) -> list[Manifest]:
    """`site.pods` must be known."""
    return [
        _hde(site),
        _amst(site),
        _v1(site),
        _control(site),
        _load(site),
    ]


def _destination(name: str, size: int, site: Site) -> Manifest:
    labels = {"app": "dwcp-v3", "component": "destination", "version": "v3"}
    env = {
        "DWCP_NODE": name,
        "DWCP_LISTEN": f"$(POD_IP):{STREAM}",
        "DWCP_METRICS_LISTEN": f"$(POD_IP):{AMST}",
        "DWCP_MEMORY": str(site.memory),
        "DWCP_CAPACITY": str(size),
        **_config_directory(site, name),
    }
    role = _role("destination", env, probed=AMST, volume=_config_directory(site, name))
    others = [] if shutil.which("iperf3") is None else [_iperf3()]
    return pod(name, labels, [role, *others], scraped=[AMST], volumes=[volume("config", CONFIG)])


def _iperf3() -> Manifest:
    """What a test of the bare network talks to."""
    return container("iperf3", ["iperf3", "-s", "-B", "$(POD_IP)"], {})


def _source(site: Site) -> Manifest:
    env = {
        "DWCP_NODE": "dwcp-v3-source",
        "DWCP_METRICS_LISTEN": f"$(POD_IP):{AMST}",
        "DWCP_CONTROL_LISTEN": f"$(POD_IP):{CONTROL}",
        "DWCP_WORKERS_LISTEN": f"$(POD_IP):{JOINING}",
        "DWCP_HDE": site.at("dwcp-v3-hde", HDE),
        "DWCP_MEMORY": str(site.memory),
        "DWCP_GAUGE_EXPIRY": site.expiry,
    }
    labels = {"app": "dwcp-v3", "component": "source", "version": "v3"}
    return pod("dwcp-v3-source", labels, [_role("source", env, probed=AMST)], scraped=[AMST])


def _amst(site: Site) -> Manifest:
    env = {
        "STREAM_COUNT": STREAMS,
        "DWCP_SOURCE": f"{site.pods['dwcp-v3-source']}:{JOINING}",
        "DWCP_METRICS_LISTEN": f"$(POD_IP):{AMST}",
        "DWCP_MEMORY": str(site.memory),
        "DWCP_PACING_FILE": str(site.pacing),
        "DWCP_GAUGE_EXPIRY": site.expiry,
    }
    # Some kernels let only administrators of the network choose the congestion control.
    made = _role("amst", env, probed=AMST, capabilities=("NET_ADMIN",))
    return _v3("dwcp-v3-amst", "amst", made, replicas=WORKERS, scraped=[AMST])


def _hde(site: Site) -> Manifest:
    env = {
        "COMPRESSION_ALGO": "none",
        "DWCP_METRICS_LISTEN": f"$(POD_IP):{HDE}",
        "DWCP_PBA": site.at("dwcp-v3", COMPONENTS["pba"]),
        "DWCP_GAUGE_EXPIRY": site.expiry,
    }
    return deployment(
        "dwcp-v3-hde",
        {"app": "dwcp-v3-hde", "version": "v3"},
        [_role("hde", env, probed=HDE)],
        scraped=[HDE],
        grace=GRACE,
    )


def _control(site: Site) -> Manifest:
    known = site.pods
    env = {
        "FEATURE_FLAG_ROLLOUT": "100",
        "TRANSPORT_MODE": "datacenter",
        "DWCP_HTTP_LISTEN": f"$(POD_IP):{HTTP}",
        "DWCP_PROFILE_LISTEN": f"$(POD_IP):{PROFILE}",
        **{f"DWCP_{name.upper()}_LISTEN": f"$(POD_IP):{n}" for name, n in COMPONENTS.items()},
        "DWCP_SOURCE": f"{known['dwcp-v3-source']}:{CONTROL}",
        "DWCP_DESTINATIONS": ",".join(
            f"{name}={known[name]}:{STREAM}/{known[name]}:{AMST}" for name in DESTINATIONS
        ),
        "DWCP_ETCD": _etcd_clients(site),
        "DWCP_ETCD_TIMEOUT": "0.5",
        "DWCP_V1": site.at("dwcp-v1", HTTP),
        "DWCP_WINDOW": site.window,
        "DWCP_GAUGE_EXPIRY": site.expiry,
        **_config_directory(site, "control"),
    }
    made = _role(
        "control",
        env,
        probed=HTTP,
        volume=_config_directory(site, "control"),
        capabilities=("NET_ADMIN",),
    )
    return _v3(
        "dwcp-v3",
        "control",
        made,
        scraped=[HTTP, *COMPONENTS.values()],
        volumes=[volume("config", CONFIG)],
    )


def _v3(
    name: str,
    component: str,
    made: Manifest,
    *,
    replicas: int = 1,
    scraped: Sequence[int],
    volumes: Sequence[Manifest] = (),
) -> Manifest:
    labels = {"app": "dwcp-v3", "component": component, "version": "v3"}
    if component == "control":
        labels["service"] = "dwcp"
    return deployment(
        name, labels, [made], replicas=replicas, scraped=scraped, volumes=volumes, grace=GRACE
    )


def _load(site: Site) -> Manifest:
    env = {
        "DWCP_SERVICE": site.at("dwcp-service", HTTP),
        "DWCP_METRICS_LISTEN": f"$(POD_IP):{AMST}",
        "DWCP_LOAD_INFLIGHT": "8",
        **_config_directory(site, "load"),
    }
    made = _role("load", env, probed=AMST, volume=_config_directory(site, "load"))
    labels = {"app": "dwcp-load"}
    return deployment(
        "dwcp-load", labels, [made], scraped=[AMST], volumes=[volume("config", CONFIG)], grace=1
    )


def _v1(site: Site) -> Manifest:
    env = {
        "DWCP_HTTP_LISTEN": f"$(POD_IP):{HTTP}",
        "DWCP_DESTINATION": site.at("dwcp-v1-destination", STREAM),
        "DWCP_ETCD": _etcd_clients(site),
        "DWCP_GAUGE_EXPIRY": site.expiry,
    }
    labels = {"app": "dwcp-v1", "service": "dwcp", "version": "v1"}
    made = _role("v1", env, probed=HTTP)
    return deployment("dwcp-v1", labels, [made], scraped=[HTTP], grace=GRACE)


def _v1_destination() -> Manifest:
    env = {"DWCP_LISTEN": f"$(POD_IP):{STREAM}"}
    made = container("v1-destination", _python("v1-destination"), env)
    return pod("dwcp-v1-destination", {"app": "dwcp-v1-destination", "version": "v1"}, [made])


def _etcd(name: str, site: Site) -> Manifest:
    own = site.addresses[name]
    cluster = ",".join(f"{each}=http://{site.at(each, PEERS)}" for each in ETCD)
    command = [
        "etcd",
        f"--name={name}",
        f"--data-dir={site.directory / name}",
        f"--listen-client-urls=http://$(POD_IP):{CLIENTS}",
        f"--listen-peer-urls=http://$(POD_IP):{PEERS}",
        f"--advertise-client-urls=http://{own}:{CLIENTS}",
        f"--initial-advertise-peer-urls=http://{own}:{PEERS}",
        f"--initial-cluster={cluster}",
        "--pre-vote=true",  # who comes back unseats nobody
        "--unsafe-no-fsync",  # a range does not outlive its machine
        "--logger=zap",
        "--log-level=warn",
    ]
    env = {"ETCDCTL_API": "3", "ETCDCTL_ENDPOINTS": f"http://$(POD_IP):{CLIENTS}"}
    return pod(name, {"app": "etcd", "pod": name}, [container("etcd", command, env)])


def _etcd_clients(site: Site) -> str:
    return ",".join(site.at(name, CLIENTS) for name in ETCD)


def _role(
    role: str,
    env: Mapping[str, str],
    *,
    probed: int,
    volume: Mapping[str, str] | None = None,
    capabilities: Sequence[str] = (),
) -> Manifest:
    made = container(role, _python(role), env, probed=probed, capabilities=capabilities)
    if volume:
        made["volumeMounts"] = [{"name": "config", "mountPath": volume["DWCP_CONFIG"]}]
    return made


def _python(role: str) -> list[str]:
    return [sys.executable, "-m", "dwcp", role]


def _config_directory(site: Site, name: str) -> dict[str, str]:
    return {"DWCP_CONFIG": str(site.directory / "config" / name)}
