"""Version 1, and both versions behind one door: shares, hand-over, ownership in a real etcd."""

import contextlib
import gzip
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from dwcp import web
from dwcp.rollout import is_new
from dwcp.v1_stream import HELLO
from tests.dwcp.etcd import Cluster, cluster, shared_etcd, without_etcd
from tests.dwcp.processes import Role, wait_until

__all__ = ["shared_etcd"]
MIB = 1 << 20
pytestmark = without_etcd


@dataclass(frozen=True)
class Service:
    """Both versions, over one etcd."""

    control: Role
    v1: Role
    destination: Role


def addresses(etcd: Cluster) -> str:
    return ",".join(f"{host}:{port}" for host, port in etcd.endpoints)


def start(stack: ExitStack, etcd: Cluster, rollout: str = "100", **variables: str) -> Service:
    found = {"DWCP_ETCD": addresses(etcd)}
    old = stack.enter_context(Role("v1-destination"))
    v1 = stack.enter_context(Role("v1", DWCP_DESTINATION=old.address("stream"), **found))
    destination = stack.enter_context(Role("destination"))
    source = stack.enter_context(Role("source", DWCP_DESTINATION=destination.address("streams")))
    place = f"one={destination.address('streams')}/{destination.address('metrics')}"
    control = Role(
        "control",
        DWCP_SOURCE=source.address("control"),
        DWCP_DESTINATIONS=place,
        DWCP_V1=v1.address("http"),
        FEATURE_FLAG_ROLLOUT=rollout,
        **found,
        **variables,
    )
    return Service(stack.enter_context(control), v1, destination)


@pytest.fixture(scope="module")
def service(shared_etcd: Cluster) -> Iterator[Service]:
    with ExitStack() as stack:
        yield start(stack, shared_etcd, "50")


def named(prefix: str, new: bool, percent: int = 50) -> str:
    return next(n for n in (f"{prefix}-{i}" for i in range(1000)) if is_new(n, percent) is new)


def test_the_same_machine_has_the_same_digest_through_either_version(service: Service) -> None:
    found = {}
    for new in (True, False):
        name = named("same", new)
        code, answer = service.control.migrate(8 * MIB, id=name, idle=True, zero_share=0.5)
        assert code == 200, answer
        assert answer["version"] == ("v3" if new else "v1")
        found[new] = answer["digest"]
    assert found[True] == found[False]


def test_shares_stick_and_version_1_counts_only_its_own(service: Service) -> None:
    before = service.v1.metrics("http")["dwcp_v1_migrations_total"][(("outcome", "moved"),)]
    names = [f"share-{number}" for number in range(12)]
    for name in names:
        code, answer = service.control.migrate(MIB, id=name, room=8 * MIB, zero_share=0.5)
        assert (code, answer["version"]) == (200, "v3" if is_new(name, 50) else "v1")
    metrics = service.v1.metrics("http")
    after = metrics["dwcp_v1_migrations_total"][(("outcome", "moved"),)]
    assert after - before == sum(not is_new(name, 50) for name in names)
    assert not [name for name in metrics if name.startswith("dwcp_v3")]
    assert metrics["dwcp_v1_migration_latency_seconds_count"][(("version", "v1"),)] == after


def test_a_machine_that_was_moved_is_owned_there_and_not_moved_again(service: Service) -> None:
    for new, owner in ((True, "one"), (False, "dwcp-v1-destination")):
        name = named("owned", new)
        assert service.control.migrate(MIB, id=name, room=8 * MIB, zero_share=0.5)[0] == 200
        http = service.control.listening["http"]
        assert web.ask(http, f"/machines/{name}")[1]["owner"] == owner
        code, answer = service.control.migrate(MIB, id=name, room=8 * MIB, zero_share=0.5)
        assert (code, answer["owner"]) == (409, owner)
        assert web.ask(http, f"/machines/{name}", method="DELETE")[0] == 200
        assert web.ask(http, f"/machines/{name}")[1]["owner"] is None
        assert service.control.migrate(MIB, id=name, room=8 * MIB, zero_share=0.5)[0] == 200


def test_two_doors_never_move_one_machine_twice(shared_etcd: Cluster, service: Service) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        other = start(stack, shared_etcd, "0")
        asked = [
            pool.submit(door.migrate, 2 * MIB, id=named("twice", new=True), zero_share=0.5)
            for door in (service.control, other.control)
        ]
        assert sorted(each.result()[0] for each in asked) == [200, 409]


def test_without_a_quorum_nothing_is_committed_and_it_goes_on_afterwards(tmp_path: Path) -> None:
    with cluster(tmp_path) as etcd, ExitStack() as stack:
        service = start(stack, etcd)
        etcd.freeze(1, 2)
        for new_name in ("a", "b"):
            code, answer = service.control.migrate(MIB, id=new_name)
            assert (code, answer["kind"]) == (502, "no_quorum")
        etcd.thaw()
        wait_until(lambda: service.control.migrate(MIB, id="a")[0] == 200)
        http = service.control.listening["http"]
        assert web.ask(http, "/machines/a")[1]["owner"] == "one"


def test_an_open_breaker_lets_machines_move_and_commits_them_later(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "circuit-breaker").write_text("enabled")
    (tmp_path / "etcd").mkdir()
    with cluster(tmp_path / "etcd") as etcd, ExitStack() as stack:
        service = start(stack, etcd, DWCP_CONFIG=str(config))
        etcd.freeze(1, 2)
        wait_until(lambda: service.control.migrate(MIB, id="queued")[1].get("commit") == "queued")
        etcd.thaw()
        http = service.control.listening["http"]
        wait_until(lambda: web.ask(http, "/health")[1]["components"]["acp"]["status"] == "healthy")
        wait_until(lambda: web.ask(http, "/machines/queued")[1].get("owner") == "one")


def test_a_node_that_is_smaller_than_the_table_says_refuses_and_that_is_an_error(
    shared_etcd: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "nodes").write_text("one=1MiB")
    with ExitStack() as stack:
        service = start(stack, shared_etcd, DWCP_CONFIG=str(tmp_path))
        code, answer = service.control.migrate(2 * MIB, id="too-big")
        assert (code, answer["kind"]) == (502, "no_place")
        (tmp_path / "nodes").write_text("one=lots")
        assert service.control.migrate(2 * MIB, id="too-big-2")[0] == 502
        assert service.control.errors("http")["bad_config"] == 1
        (tmp_path / "nodes").write_text("one=4MiB")
        assert service.control.migrate(2 * MIB, id="fits")[0] == 200


STREAMS = [
    b"",
    b"GET / HTTP/1.1\r\n\r\n",
    HELLO + struct.pack("!Q", 1),
    HELLO + struct.pack("!Q", 1 << 60),
    HELLO + struct.pack("!Q", MIB) + b"no gzip",
    HELLO + struct.pack("!Q", MIB) + gzip.compress(bytes(MIB - 1)),
    HELLO + struct.pack("!Q", MIB) + gzip.compress(bytes(MIB))[:-9],
    HELLO + struct.pack("!Q", MIB) + gzip.compress(bytes(64 * MIB)),
    HELLO + struct.pack("!Q", MIB) + gzip.compress(bytes(MIB)) + b"more",
]


@pytest.mark.parametrize("data", STREAMS, ids=range(len(STREAMS)))
def test_what_is_no_machine_gets_no_digest(data: bytes) -> None:
    with Role("v1-destination") as destination:
        with socket.create_connection(destination.listening["stream"], 5) as stream:
            stream.sendall(data)
            with contextlib.suppress(OSError):  # it may have hung up already
                stream.shutdown(socket.SHUT_WR)
                assert stream.recv(100) == b""
        with socket.create_connection(destination.listening["stream"], 5) as stream:
            stream.sendall(HELLO + struct.pack("!Q", MIB) + gzip.compress(bytes(MIB)))
            stream.shutdown(socket.SHUT_WR)
            assert len(stream.recv(100)) == 32
