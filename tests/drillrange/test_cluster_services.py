"""Addresses of pods, and services that lead to them, by the real kubectl and real connections."""

import asyncio
import ipaddress
import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from drillrange.cluster.addresses import Addresses
from drillrange.cluster.server import PocketCluster
from drillrange.processes import free_ports
from tests.drillrange.conftest import Kubectl
from tests.servers import PATIENCE

PORT = 9091
# Answers every line with its own name; not ready while the file `sick-NAME` is there.
ECHO = """
import os, socketserver, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
address, name, marks = sys.argv[1:]
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(name.encode() + b" " + line)
class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if os.path.exists(f"{marks}/sick-{name}") else 200)
        self.end_headers()
    def log_message(self, *_):
        pass
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
threading.Thread(target=HTTPServer((address, 8080), Health).serve_forever, daemon=True).start()
Server((address, 9091), Echo).serve_forever()
"""


def a_pod(name: str, marks: Path, **labels: str) -> dict[str, Any]:
    """A pod that listens on its own address, with the same ports as all the others."""
    container = {
        "name": "echo",
        "command": [sys.executable, "-c", ECHO],
        "args": ["$(POD_IP)", "$(POD_NAME)", str(marks)],
        "env": [
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "URL", "value": "http://$(POD_IP):9091/"},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        ],
        "ports": [{"name": "echo", "containerPort": PORT}],
        "readinessProbe": {
            "httpGet": {"path": "/", "port": 8080},
            "periodSeconds": 1,
            "failureThreshold": 1,
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "echo", **labels}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }


def a_service(**spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": "echo"}]
    chosen = {"selector": {"app": "echo"}, "ports": ports}
    meta = {"name": "front"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {**chosen, **spec}}


async def apply(kubectl: Kubectl, *manifests: dict[str, Any]) -> None:
    await kubectl.ok("apply", "-f", "-", stdin="\n".join(map(json.dumps, manifests)))
    names = [made["metadata"]["name"] for made in manifests if made["kind"] == "Pod"]
    if names:
        await kubectl.ok("wait", "--for=condition=ready", "--timeout=20s", "pod", *names)


async def address_of(kubectl: Kubectl) -> str:
    return str((await kubectl.get("service", "front"))["spec"]["clusterIP"])


async def endpoints(kubectl: Kubectl, names: Sequence[str]) -> None:
    """Until the service leads to these pods and no others."""

    def led(found: Any) -> bool:
        there = [a for s in found.get("subsets") or [] for a in s.get("addresses") or []]
        return sorted(a["targetRef"]["name"] for a in there) == sorted(names)

    await kubectl.until(led, "endpoints", "front")


async def ask(address: str, port: int = 80, said: bytes = b"hello\n") -> bytes:
    """Raises OSError when refused; empty when closed at once."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(said)
        writer.write_eof()
        return await reader.read()
    finally:
        writer.close()


async def test_every_pod_has_an_address_of_its_own_before_it_starts(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    await apply(kubectl, a_pod("one", tmp_path), a_pod("two", tmp_path))
    pods = (await kubectl.get("pods"))["items"]
    addresses = [pod["status"]["podIP"] for pod in pods]
    assert len(set(addresses)) == 2
    for pod, address in zip(pods, addresses, strict=True):
        name = pod["metadata"]["name"]
        assert pod["status"]["podIPs"] == [{"ip": address}]
        seen = await kubectl.ok("exec", name, "--", "sh", "-c", "echo $POD_IP $URL $APP $HOSTNAME")
        assert seen.split() == [address, f"http://{address}:9091/", "echo", name]
        assert await ask(address, PORT) == f"{name} hello\n".encode()
    wide = (await kubectl.ok("get", "pods", "-o", "wide")).splitlines()
    assert addresses[0] in wide[1].split()


async def test_clusters_side_by_side_have_subnets_of_their_own(
    cluster: PocketCluster, tmp_path: Path
) -> None:
    async with PocketCluster(directory=tmp_path / "second", token="another") as second:
        one, two = (made.url.split("/")[2].split(":")[0] for made in (cluster, second))
        subnets = {ipaddress.ip_network(f"{found}/24", strict=False) for found in (one, two)}
        assert len(subnets) == 2
        assert ipaddress.ip_network("127.0.0.0/24") not in subnets


def test_a_subnet_that_is_claimed_is_not_claimed_again() -> None:
    claims = [Addresses.claim() for _ in range(20)]
    assert len({made.own for made, _ in claims}) == 20
    for _, held in claims:
        held.close()


async def test_a_service_leads_to_its_ready_pods_in_turn(kubectl: Kubectl, tmp_path: Path) -> None:
    pods = [a_pod(name, tmp_path) for name in ("one", "two", "three")]
    await apply(kubectl, a_service(), *pods)
    await endpoints(kubectl, ["one", "two", "three"])
    address = await address_of(kubectl)
    answers = [(await ask(address)).split()[0] for _ in range(6)]
    assert sorted(answers) == [b"one", b"one", b"three", b"three", b"two", b"two"]
    table = (await kubectl.ok("get", "endpoints", "front")).splitlines()
    assert table[1].count(f":{PORT}") == 3
    told = await kubectl.ok("describe", "service", "front")
    assert f"{(await kubectl.get('pod', 'one'))['status']['podIP']}:{PORT}" in told


async def test_a_patch_of_the_selector_leads_elsewhere_and_cuts_nothing(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    old, new = a_pod("old", tmp_path, version="v3"), a_pod("new", tmp_path, version="v1")
    selector = {"app": "echo", "version": "v3"}
    await apply(kubectl, a_service(selector=selector), old, new)
    await endpoints(kubectl, ["old"])
    address = await address_of(kubectl)
    reader, writer = await asyncio.open_connection(address, 80)
    writer.write(b"first\n")
    assert await reader.readline() == b"old first\n"
    patch = '{"spec":{"selector":{"version":"v1"}}}'
    await kubectl.ok("patch", "service", "front", "-p", patch)
    await endpoints(kubectl, ["new"])
    assert await ask(address) == b"new hello\n"
    writer.write(b"second\n")
    assert await reader.readline() == b"old second\n"
    writer.close()
    assert await address_of(kubectl) == address


async def test_a_service_without_ready_pods_refuses_until_there_is_one(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    sick = tmp_path / "sick-one"
    await apply(kubectl, a_service(), a_pod("one", tmp_path))
    await endpoints(kubectl, ["one"])
    address = await address_of(kubectl)
    sick.touch()
    await endpoints(kubectl, [])
    with pytest.raises(ConnectionRefusedError):
        await ask(address)
    (subset,) = (await kubectl.get("endpoints", "front"))["subsets"]
    assert [one["targetRef"]["name"] for one in subset["notReadyAddresses"]] == ["one"]
    sick.unlink()
    await endpoints(kubectl, ["one"])
    assert await until_answered(address) == b"one hello\n"


async def until_answered(address: str, port: int = 80) -> bytes:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            return await ask(address, port)
        except OSError:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.02)


async def test_a_killed_pod_breaks_its_connections_and_no_others_are_led_to_it(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    await apply(kubectl, a_service(), a_pod("one", tmp_path), a_pod("two", tmp_path))
    await endpoints(kubectl, ["one", "two"])
    address = await address_of(kubectl)
    ends = [await asyncio.open_connection(address, 80) for _ in range(2)]
    for _, writer in ends:
        writer.write(b"x\n")
    names = [(await reader.readline()).split()[0] for reader, _ in ends]
    await kubectl.ok("delete", "pod", "one", "--now")
    (cut, closed) = ends[names.index(b"one")]
    assert await asyncio.wait_for(cut.read(), 20) == b""
    closed.close()
    assert {await ask(address) for _ in range(4)} == {b"two hello\n"}
    reader, writer = ends[names.index(b"two")]
    writer.write(b"y\n")
    assert await reader.readline() == b"two y\n"
    writer.close()


async def test_much_passes_through_a_service_whole(kubectl: Kubectl, tmp_path: Path) -> None:
    await apply(kubectl, a_service(), a_pod("one", tmp_path))
    await endpoints(kubectl, ["one"])
    lines = b"".join(b"%06d %s\n" % (number, b"x" * 100) for number in range(20_000))
    answer = await ask(await address_of(kubectl), 80, lines)
    assert answer == b"".join(b"one " + line for line in lines.splitlines(keepends=True))


async def test_external_addresses_are_listened_on_and_what_cannot_be_is_told(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    ports = [{"port": port, "targetPort": PORT}]
    service = a_service(ports=ports, externalIPs=["127.0.0.1", "192.0.2.7"])
    await apply(kubectl, service, a_pod("one", tmp_path))
    await endpoints(kubectl, ["one"])
    assert await until_answered("127.0.0.1", port) == b"one hello\n"
    assert await ask(await address_of(kubectl), port) == b"one hello\n"

    def told(found: Any) -> bool:
        return any("192.0.2.7" in event["message"] for event in found["items"])

    await kubectl.until(told, "events", "--field-selector=involvedObject.name=front")
    assert "192.0.2.7" in await kubectl.ok("describe", "service", "front")
    assert "FailedToListen" in await kubectl.ok("get", "events")


async def test_an_external_address_is_taken_as_soon_as_it_is_free(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = [{"port": port, "targetPort": PORT}]
        service = a_service(ports=ports, externalIPs=["127.0.0.1"])
        await apply(kubectl, service, a_pod("one", tmp_path))
        await kubectl.until(lambda found: found["items"], "events")
    assert await until_answered("127.0.0.1", port) == b"one hello\n"


async def test_a_service_without_a_selector_leads_nowhere(kubectl: Kubectl, tmp_path: Path) -> None:
    service = a_service()
    del service["spec"]["selector"]
    await apply(kubectl, service, a_pod("one", tmp_path))
    found = await kubectl.until(lambda _: True, "endpoints", "front")
    assert not found.get("subsets")
    with pytest.raises(ConnectionRefusedError):
        await ask(await address_of(kubectl))


async def test_a_deleted_service_leaves_nothing(kubectl: Kubectl, tmp_path: Path) -> None:
    await apply(kubectl, a_service(), a_pod("one", tmp_path))
    await endpoints(kubectl, ["one"])
    address = await address_of(kubectl)
    await kubectl.ok("delete", "service", "front")
    await kubectl.until(lambda found: not found["items"], "endpoints")
    await kubectl.until(lambda found: not found["items"], "endpointslices")
    with pytest.raises(ConnectionRefusedError):
        await ask(address)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"ports": [{"port": 0}]}, "spec.ports[0].port: Invalid value: 0"),
        ({"ports": [{"port": 1}, {"port": 2}]}, "spec.ports[0].name: Required value"),
        ({"ports": [{"port": 1, "protocol": "UDP"}]}, "spec.ports[0].protocol: Unsupported"),
        ({"externalIPs": ["nowhere"]}, "spec.externalIPs: Invalid value: 'nowhere'"),
        ({"clusterIP": "10.0.0.1"}, "spec.clusterIP: Invalid value: '10.0.0.1'"),
    ],
)
async def test_services_that_cannot_be_are_refused(
    kubectl: Kubectl, spec: dict[str, Any], told: str
) -> None:
    said = await kubectl("create", "-f", "-", stdin=json.dumps(a_service(**spec)))
    assert said.code == 1
    assert told in said.err
