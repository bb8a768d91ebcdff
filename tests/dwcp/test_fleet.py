"""Stream workers, as real processes: joining, leaving, dying in any round, and hostile company."""

import contextlib
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from dwcp import mapping, web
from dwcp.amst import Link, Task, Work
from dwcp.crew import Crew
from dwcp.errors import Errors
from dwcp.fleet import Fleet
from dwcp.images import Images
from dwcp.memory import Memory
from dwcp.migration import Migration, MigrationFailed, Tally
from tests.dwcp.processes import FREE, Role, wait_until

MIB = 1 << 20
SLOW = "40000000"  # bytes/s of one stream: a migration then takes long enough to be disturbed


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where memory lies; nothing may be left there."""
    with tempfile.TemporaryDirectory(prefix="dwcp-test-", dir="/dev/shm") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def destination() -> Iterator[Role]:
    with Role("destination") as role:
        yield role


def a_source(destination: Role, directory: Path, workers: str = FREE, **variables: str) -> Role:
    chosen = {
        "DWCP_DESTINATION": destination.address("streams"),
        "DWCP_MEMORY": str(directory),
        "DWCP_WORKERS_LISTEN": workers,
    }
    return Role("source", **(chosen | variables))


def a_worker(source: str, directory: Path, **variables: str) -> Role:
    chosen = {"DWCP_SOURCE": source, "DWCP_MEMORY": str(directory), "STREAM_COUNT": "2"}
    return Role("amst", **(chosen | variables))


def joined(source: Role) -> int:
    """Streams of the workers that have joined."""
    health = web.ask(source.listening["control"], "/health")[1]
    return int(health["streams"])


def ready(worker: Role) -> bool:
    return web.ask(worker.listening["metrics"], "/ready")[0] == 200


def sent(worker: Role) -> float:
    return worker.metrics()["dwcp_v3_amst_wire_bytes_total"][()]


@pytest.mark.parametrize(("replicas", "streams"), [(1, 4), (2, 2), (8, 2)])
def test_replicas_share_the_work_and_the_image_is_the_same(
    destination: Role, directory: Path, replicas: int, streams: int
) -> None:
    with (
        a_source(destination, directory) as source,
        Role("source", DWCP_DESTINATION=destination.address("streams")) as alone,
        contextlib.ExitStack() as stack,
    ):
        address = source.address("workers")
        count = str(streams)
        workers = [
            stack.enter_context(a_worker(address, directory, STREAM_COUNT=count))
            for _ in range(replicas)
        ]
        wait_until(lambda: joined(source) == replicas * streams)
        for _ in range(3):
            code, answer = source.migrate(64 * MIB, idle=True)
            assert (code, answer.get("streams")) == (200, replicas * streams), source.log
        assert answer["digest"] == alone.migrate(64 * MIB, idle=True)[1]["digest"]
        assert source.migrate(64 * MIB)[1]["rounds"] > 1
        assert source.metrics()["dwcp_v3_amst_active_streams"][()] == replicas * streams
        shares = [sent(worker) for worker in workers]
        assert sum(shares) == source.metrics()["dwcp_v3_amst_wire_bytes_total"][()]
        assert min(shares) > 0
        assert [role.errors() for role in (source, *workers)] == [{}] * (replicas + 1)
    assert list(directory.iterdir()) == [] or _only_of_killed(directory)


def _only_of_killed(directory: Path) -> bool:
    """The source was killed; whoever starts next clears what it left."""
    mapping.sweep(directory)
    return list(directory.iterdir()) == []


class Scene:
    """A fleet in this process, workers and a destination in others."""

    def __init__(self, directory: Path, destination: Role) -> None:
        self.errors = Errors(CollectorRegistry())
        self.fleet = Fleet(("127.0.0.1", 0), "source", self.errors)
        self.address = "{}:{}".format(*self.fleet.address)
        self._destination = destination.listening["streams"]
        self._images = Images(directory)

    def move(
        self, size: int, dirty_share: float, at_round: Callable[[int], None] = lambda _: None
    ) -> Tally:
        """`at_round` is told of each round before it begins."""
        self._images.make(size, 0.5)
        memory = self._images.take(size)
        before = memory.digest()
        crew = Watched(self.fleet, memory, at_round)
        link = Link(
            destination=self._destination,
            streams=self.fleet.streams(),
            congestion="cubic",
            pacing=None,
            codec="none",
        )
        try:
            return Migration(memory, link, dirty_share, 1, crew.connect).run()
        finally:
            assert memory.digest() == before


class Watched(Crew):
    def __init__(self, fleet: Fleet, memory: Memory, at_round: Callable[[int], None]) -> None:
        super().__init__(fleet, memory)
        self._at_round = at_round

    def send_round(self, memory: Memory, number: int, tasks: Sequence[Task]) -> Work:
        self._at_round(number)
        return super().send_round(memory, number, tasks)


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("mid_round", [True, False], ids=["within", "before"])
def test_a_worker_that_is_killed_in_any_round_costs_nothing(
    destination: Role, directory: Path, tmp_path: Path, number: int, mid_round: bool
) -> None:
    pacing = tmp_path / "pacing"
    pacing.write_text(SLOW)
    scene = Scene(directory, destination)
    with (
        a_worker(scene.address, directory, DWCP_PACING_FILE=str(pacing)) as doomed,
        a_worker(scene.address, directory, DWCP_PACING_FILE=str(pacing)) as other,
    ):
        wait_until(lambda: scene.fleet.streams() == 4)

        def kill() -> None:
            before = sent(doomed)
            if mid_round:
                with contextlib.suppress(AssertionError):  # a round may be over soon
                    wait_until(lambda: sent(doomed) > before)
            doomed.process.kill()
            doomed.process.wait()

        def at_round(found: int) -> None:
            if found == number and mid_round:
                threading.Thread(target=kill, daemon=True).start()
            elif found == number:
                kill()

        tally = scene.move(32 * MIB, 3.0, at_round)
        assert tally.rounds > number
        wait_until(lambda: scene.fleet.streams() == 2)
        assert sent(other) > 0
        assert scene.move(8 * MIB, 0.02).digest


def test_a_worker_that_is_told_to_stop_finishes_its_round_and_leaves_without_an_error(
    destination: Role, directory: Path, tmp_path: Path
) -> None:
    pacing = tmp_path / "pacing"
    pacing.write_text(SLOW)
    scene = Scene(directory, destination)
    with (
        a_worker(scene.address, directory, DWCP_PACING_FILE=str(pacing)) as leaving,
        a_worker(scene.address, directory) as other,
    ):
        wait_until(lambda: scene.fleet.streams() == 4)

        def at_round(number: int) -> None:
            if number == 0:
                leaving.process.send_signal(signal.SIGTERM)
                wait_until(lambda: scene.fleet.streams() == 2)  # the source knows that it leaves
            if number == 1:
                wait_until(lambda: leaving.process.poll() == 0, lambda: "".join(leaving.log))

        tally = scene.move(32 * MIB, 0.3, at_round)
        assert tally.rounds > 1
        assert (tally.resent, tally.resumes) == (0, 0)
        assert other.errors() == {}
        assert leaving.process.wait(5) == 0
        assert not [line for line in leaving.log if "WARN" in line or "ERROR" in line]


def test_the_only_worker_stays_until_the_machine_has_arrived(
    destination: Role, directory: Path
) -> None:
    scene = Scene(directory, destination)
    with a_worker(scene.address, directory) as only:
        wait_until(lambda: scene.fleet.streams() == 2)

        def at_round(number: int) -> None:
            if number == 0:
                only.process.send_signal(signal.SIGTERM)
                wait_until(lambda: scene.fleet.streams() == 0)

        tally = scene.move(32 * MIB, 0.3, at_round)
        assert tally.rounds > 1
        assert tally.resent == 0
        assert only.process.wait(5) == 0


def test_a_worker_that_hangs_is_given_up_and_joins_again_when_it_goes_on(
    destination: Role, directory: Path
) -> None:
    scene = Scene(directory, destination)
    with a_worker(scene.address, directory) as hanging, a_worker(scene.address, directory):
        wait_until(lambda: scene.fleet.streams() == 4)

        def at_round(number: int) -> None:
            if number == 0:
                hanging.process.send_signal(signal.SIGSTOP)

        assert scene.move(32 * MIB, 0.1, at_round).digest
        hanging.process.send_signal(signal.SIGCONT)
        wait_until(lambda: scene.fleet.streams() == 4)
        assert scene.move(8 * MIB, 0.02).resent == 0


def test_without_any_worker_left_the_machine_stays_and_says_why(
    destination: Role, directory: Path
) -> None:
    scene = Scene(directory, destination)
    with a_worker(scene.address, directory) as only:
        wait_until(lambda: scene.fleet.streams() == 2)

        def at_round(number: int) -> None:
            if number == 1:
                only.process.kill()

        with pytest.raises(MigrationFailed) as failed:
            scene.move(16 * MIB, 0.3, at_round)
        assert failed.value.kind == "no_workers"
    with a_worker(scene.address, directory):
        wait_until(lambda: scene.fleet.streams() == 2)
        wait_until(lambda: _moves(scene))  # once the destination has let go of the first


def _moves(scene: Scene) -> bool:
    try:
        return bool(scene.move(16 * MIB, 0.02).digest)
    except MigrationFailed:
        return False


def test_a_worker_that_joins_in_time_takes_over_from_one_that_was_killed(
    destination: Role, directory: Path
) -> None:
    scene = Scene(directory, destination)
    with a_worker(scene.address, directory) as doomed, contextlib.ExitStack() as stack:
        wait_until(lambda: scene.fleet.streams() == 2)

        def at_round(number: int) -> None:
            if number == 1:
                doomed.process.kill()
                doomed.process.wait()
                wait_until(lambda: scene.fleet.streams() == 0)
                stack.enter_context(a_worker(scene.address, directory, STREAM_COUNT="5"))

        tally = scene.move(16 * MIB, 0.3, at_round)
        assert tally.digest
        assert tally.resent > 0
        assert destination.errors().get("bad_connection", 0) == 0


def test_a_source_without_workers_says_so_and_no_worker_is_ready_without_a_source(
    destination: Role, directory: Path
) -> None:
    with a_source(destination, directory) as source:
        assert web.ask(source.listening["control"], "/health")[0] == 503
        code, answer = source.migrate(4 * MIB)
        assert (code, answer["kind"]) == (502, "no_workers")
        address = source.address("workers")
        with a_worker(address, directory) as worker:
            wait_until(lambda: ready(worker))
            assert source.migrate(4 * MIB)[0] == 200
            source.process.kill()
            wait_until(lambda: not ready(worker))
            assert web.ask(worker.listening["metrics"], "/health")[0] == 503
            with a_source(destination, directory, workers=address) as again:
                wait_until(lambda: ready(worker))
                assert len(list(directory.iterdir())) == 0  # what the killed one left is gone
                assert again.migrate(4 * MIB)[0] == 200
            assert worker.errors() == {"source_lost": 1} or worker.errors() == {"source_lost": 2}


def test_pacing_of_the_workers_limits_them_and_shows_in_the_utilization(
    destination: Role, directory: Path, tmp_path: Path
) -> None:
    pacing = tmp_path / "pacing"
    pacing.write_text("10000000")
    with (
        a_source(destination, directory) as source,
        a_worker(source.address("workers"), directory, DWCP_PACING_FILE=str(pacing)),
    ):
        wait_until(lambda: joined(source) == 2)
        code, answer = source.migrate(16 * MIB, zero_share=0, idle=True)
        assert code == 200
        assert answer["seconds"] > 16 * MIB / 2e7 * 0.7
        used = source.metrics()["dwcp_v3_amst_stream_utilization"][()]
        assert 0.5 < used <= 1


HOSTILE = {
    "noise": os.urandom(256) + b"\n",
    "no JSON": b"hello\n",
    "nested": b"[" * 3000 + b"\n",
    "a list": b"[1]\n",
    "an endless line": b"x" * 10_000,
    "no streams": b'{"op": "join", "node": "w"}\n',
    "too many streams": b'{"op": "join", "node": "w", "streams": 513}\n',
    "half a stream": b'{"op": "join", "node": "w", "streams": 1.5}\n',
    "true streams": b'{"op": "join", "node": "w", "streams": true}\n',
    "a huge number": b'{"op": "join", "node": "w", "streams": ' + b"9" * 3000 + b"}\n",
    "a node of lines": b'{"op": "join", "node": "w\\n2026 ERROR", "streams": 1}\n',
    "bytes after it": b'{"op": "join", "node": "w", "streams": 1, "bytes": 9}\n',
    "negative bytes": b'{"op": "join", "node": "w", "streams": 1, "bytes": -1}\n',
    "another word": b'{"op": "sent"}\n',
    "nonsense once joined": b'{"op": "join", "node": "w", "streams": 1}\n{"op": "format"}\n',
    "pacing of nothing": b'{"op": "join", "node": "w", "streams": 1, "pacing": 0}\n',
}


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_no_worker_says_is_refused_and_counted(
    destination: Role, directory: Path, said: bytes
) -> None:
    registry = CollectorRegistry()
    fleet = Fleet(("127.0.0.1", 0), "source", Errors(registry))
    with socket.create_connection(fleet.address) as peer:
        peer.settimeout(10)
        peer.sendall(said)
        with contextlib.suppress(ConnectionResetError):
            while peer.recv(4096):
                pass
    labels = {"component": "amst", "error_type": "bad_worker", "severity": "critical"}
    wait_until(lambda: registry.get_sample_value("dwcp_v3_errors_total", labels) == 1)
    assert fleet.present() == []
    fleet.close()


def test_a_probe_of_the_port_is_no_error() -> None:
    registry = CollectorRegistry()
    fleet = Fleet(("127.0.0.1", 0), "source", Errors(registry))
    socket.create_connection(fleet.address).close()
    labels = {"component": "amst", "error_type": "worker_lost", "severity": "warning"}
    assert registry.get_sample_value("dwcp_v3_errors_total", labels) == 0
    fleet.close()
