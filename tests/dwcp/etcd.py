"""A real etcd of three members on free ports of loopback. Its members can be frozen, thawed, killed
and started again, and what is asked of one can be lost or kept back on the way."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dwcp.environment import Address
from dwcp.etcd import Etcd, Unavailable
from tests.dwcp.processes import wait_until

MEMBERS = 3
HEARTBEAT_MS = 50
ELECTION_MS = 500
READS = b'"mod_revision": "-1"'
without_etcd = pytest.mark.skipif(
    not shutil.which("etcd"), reason="there is no etcd here (apt-get install etcd-server)"
)


class Cluster:
    def __init__(self, folder: Path) -> None:
        with ExitStack() as held:
            clients = [_free(held) for _ in range(MEMBERS)]
            peers = [_free(held) for _ in range(MEMBERS)]
        self.endpoints: list[Address] = [("127.0.0.1", port) for port in clients]
        self._folder = folder
        self._peers = [f"http://127.0.0.1:{port}" for port in peers]
        self._frozen: set[int] = set()
        self._members = [self._start(at) for at in range(MEMBERS)]
        self.until_quorum()

    def until_quorum(self) -> None:
        etcd = Etcd(self.endpoints, 1.0)
        wait_until(lambda: _answers(etcd))

    def until_whole(self) -> None:
        """Every member takes changes by itself."""
        for endpoint in self.endpoints:
            wait_until(partial(_healthy, endpoint))

    def freeze(self, *members: int) -> None:
        """Every thread of them has stopped when this returns."""
        for at in members:
            self._members[at].send_signal(signal.SIGSTOP)
            self._frozen.add(at)
        for at in members:
            wait_until(partial(_stopped, self._members[at].pid))

    def thaw(self) -> None:
        for at in sorted(self._frozen):
            self._members[at].send_signal(signal.SIGCONT)
        self._frozen = set()

    def kill(self, at: int) -> None:
        self._members[at].kill()
        self._members[at].wait()
        self._frozen.discard(at)

    def restart(self, at: int) -> None:
        """With the data that it had when it was killed."""
        self._members[at] = self._start(at)

    def close(self) -> None:
        for at in range(MEMBERS):
            self.kill(at)

    def history(self, key: str) -> list[bytes]:
        """Every value that the key ever had, oldest first."""
        values: list[bytes] = []
        body: dict[str, str] = {"key": b64encode(key.encode()).decode()}
        while found := json.loads(_post(self.endpoints[0], "/v3/kv/range", body)).get("kvs"):
            values.insert(0, b64decode(found[0]["value"]))
            if found[0]["version"] == "1":
                break
            body["revision"] = str(int(found[0]["mod_revision"]) - 1)
        return values

    def _start(self, at: int) -> subprocess.Popen[bytes]:
        name = f"etcd-{at}"
        client = "http://{}:{}".format(*self.endpoints[at])
        members = ",".join(f"etcd-{n}={peer}" for n, peer in enumerate(self._peers))
        options = {
            "name": name,
            "data-dir": str(self._folder / name),
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": self._peers[at],
            "initial-advertise-peer-urls": self._peers[at],
            "initial-cluster": members,
            "heartbeat-interval": str(HEARTBEAT_MS),
            "election-timeout": str(ELECTION_MS),
            "pre-vote": "true",  # who comes back unseats nobody
            "logger": "zap",
            "log-level": "error",
        }
        words = [f"--{option}={value}" for option, value in options.items()]
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(["etcd", *words, "--unsafe-no-fsync"], stdout=log, stderr=log)


class Gateway:
    """Stands before a member. Of the next changes, `lose` says how many are carried out and not
    answered, and `hold` how many are not even passed on until `release`."""

    def __init__(self, member: Address) -> None:
        self.lose = 0
        self.hold = 0
        self._member = member
        self._held: list[tuple[str, bytes]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address: Address = ("127.0.0.1", self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def release(self) -> None:
        for path, body in self._held:
            _post(self._member, path, body)
        self._held = []

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _pass(self, path: str, body: bytes) -> bytes | None:
        reads = READS in body
        if self.hold and not reads:
            self.hold -= 1
            self._held.append((path, body))
            return None
        answer = _post(self._member, path, body)
        if self.lose and not reads:
            self.lose -= 1
            return None
        return answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        passed = self._pass

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if answer := passed(self.path, body):
                    self.send_response(200)
                    self.send_header("content-length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None: ...

        return Handler


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    running = Cluster(folder)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def shared_etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """For tests that leave its members alone, and other tests' keys too."""
    with cluster(tmp_path_factory.mktemp("etcd")) as running:
        yield running


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[Cluster]:
    """For tests that break it."""
    with cluster(tmp_path) as running:
        yield running


def _free(held: ExitStack) -> int:
    probe = held.enter_context(socket.socket())
    probe.bind(("127.0.0.1", 0))
    port: int = probe.getsockname()[1]
    return port


def _stopped(pid: int) -> bool:
    states = [task.read_text().rpartition(")")[2].split()[0] for task in _tasks(pid)]
    return set(states) == {"T"}


def _tasks(pid: int) -> Iterator[Path]:
    return Path("/proc", str(pid), "task").glob("*/stat")


def _post(member: Address, path: str, body: bytes | dict[str, str]) -> bytes:
    connection = http.client.HTTPConnection(*member, timeout=5.0)
    try:
        connection.request("POST", path, body if isinstance(body, bytes) else json.dumps(body))
        return connection.getresponse().read()
    finally:
        connection.close()


def _answers(etcd: Etcd) -> bool:
    try:
        etcd.put_if("/ready", 0, b"")
    except Unavailable:
        return False
    return True


def _healthy(endpoint: Address) -> bool:
    connection = http.client.HTTPConnection(*endpoint, timeout=1.0)
    try:
        connection.request("GET", "/health")
        return b'"true"' in connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
