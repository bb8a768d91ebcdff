"""A real destination process, and peers that send what no source would."""

import contextlib
import json
import os
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dwcp import ass, web
from dwcp.amst import Task, all_tasks, frame
from dwcp.environment import Address
from dwcp.line import Line, NoRoom
from dwcp.memory import Memory
from dwcp.records import Records, State
from dwcp.wire import CONTROL_HELLO, HEADER_SIZE, PAGES, STREAM_HELLO, Header, pack
from tests.dwcp.processes import Role, wait_until

MIB = 1 << 20


@pytest.fixture(scope="module")
def destination() -> Iterator[Role]:
    with Role("destination") as role:
        yield role


def an_image() -> Memory:
    memory = Memory(2 * MIB)
    memory.fill(0.5, seed=4)
    return memory


def connect(destination: Role) -> socket.socket:
    return socket.create_connection(destination.listening["streams"], timeout=5)


class Peer:
    """Speaks the protocol by hand."""

    def __init__(self, destination: Role, size: int = 2 * MIB, streams: int = 1) -> None:
        address: Address = destination.listening["streams"]
        self.line = Line(address)
        begun = self.line.begin(size, streams)
        while begun is None:
            begun = self.line.begin(size, streams)
        self.session = begun[0]
        self.line.open_round(0)
        self.stream = self.open(destination)

    def open(self, destination: Role) -> socket.socket:
        stream = connect(destination)
        stream.sendall(STREAM_HELLO + self.session)
        return stream

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.line.done()
        self.line.close()
        self.stream.close()


def is_closed(stream: socket.socket) -> bool:
    try:
        return stream.recv(1) == b""
    except ConnectionResetError:
        return True


def counted(destination: Role, kind: str) -> float:
    return destination.errors().get(kind, 0)


def good_frame(memory: Memory, chunk: int = 0, codec: str = "none") -> bytes:
    return b"".join(frame(memory, 0, Task(chunk, np.ones(PAGES, np.bool_)), codec)[1])


@pytest.mark.parametrize("codec", ["none", "snappy"])
def test_an_image_sent_by_hand_has_the_senders_digest(destination: Role, codec: str) -> None:
    memory = an_image()
    with Peer(destination) as peer:
        for task in all_tasks(memory):
            peer.stream.sendall(b"".join(frame(memory, 0, task, codec)[1]))
        assert peer.line.close_round({0, 1})[:2] == (set(), set())
        peer.line.ask_digest()
        assert peer.line.read_digest() == memory.digest()


def test_the_next_image_finds_nothing_of_the_last(destination: Role) -> None:
    for memory in (an_image(), Memory(2 * MIB)):
        with Peer(destination) as peer:
            if memory.view[:MIB] != bytes(MIB):
                peer.stream.sendall(good_frame(memory))
            peer.line.close_round({0}, in_a_hurry=True)
            peer.line.ask_digest()
            last = peer.line.read_digest()
    assert last == Memory(2 * MIB).digest()


def test_a_page_that_became_zero_is_zero_at_the_destination(destination: Role) -> None:
    memory = an_image()
    with Peer(destination) as peer:
        peer.stream.sendall(good_frame(memory))
        peer.line.close_round({0})
        memory.pages[:] = 0
        peer.line.open_round(1)
        peer.stream.sendall(
            b"".join(frame(memory, 1, Task(0, np.ones(PAGES, np.bool_)), "none")[1])
        )
        assert peer.line.close_round({0})[:2] == (set(), set())
        peer.line.ask_digest()
        assert peer.line.read_digest() == memory.digest()


BAD_FRAMES = {
    "noise": os.urandom(HEADER_SIZE),
    "another round": pack(
        Header(
            round=9,
            codec=0,
            chunk=0,
            size=0,
            changes=0,
            checksum=0,
            data=np.zeros(PAGES, np.bool_),
            delta=np.zeros(PAGES, np.bool_),
            zero=np.ones(PAGES, np.bool_),
        )
    ),
    "oversized": pack(
        Header(
            round=0,
            codec=2,
            chunk=0,
            size=1 << 30,
            changes=0,
            checksum=0,
            data=np.ones(PAGES, np.bool_),
            delta=np.zeros(PAGES, np.bool_),
            zero=np.zeros(PAGES, np.bool_),
        )
    ),
    "replayed": good_frame(an_image()) * 2,
}


@pytest.mark.parametrize("kind", BAD_FRAMES)
def test_a_bad_frame_is_counted_and_closes_its_stream(destination: Role, kind: str) -> None:
    before = counted(destination, "bad_frame")
    with Peer(destination) as peer:
        peer.stream.sendall(BAD_FRAMES[kind])
        assert is_closed(peer.stream)
    assert counted(destination, "bad_frame") == before + 1


def test_a_truncated_frame_is_counted_and_its_chunk_is_lost(destination: Role) -> None:
    before = counted(destination, "stream_broken")
    with Peer(destination) as peer:
        peer.stream.sendall(good_frame(an_image())[:-10])
        peer.stream.close()
        assert peer.line.close_round({0})[:2] == (set(), {0})
        assert counted(destination, "stream_broken") == before + 1


def test_a_stream_that_breaks_beside_others_loses_its_chunk_and_no_other(
    destination: Role,
) -> None:
    memory = an_image()
    with Peer(destination) as peer, peer.open(destination) as other:
        other.sendall(good_frame(memory, 1)[:-10])
        peer.stream.sendall(good_frame(memory, 0))
        other.close()
        assert peer.line.close_round({0, 1})[:2] == (set(), {1})


@pytest.mark.parametrize("codec", ["none", "lz4", "snappy", "zstd"])
def test_a_damaged_chunk_is_asked_for_again(destination: Role, codec: str) -> None:
    damaged = bytearray(good_frame(an_image(), codec=codec))
    damaged[-50] ^= 0xFF
    with Peer(destination) as peer:
        peer.stream.sendall(damaged)
        assert peer.line.close_round({0})[:2] == ({0}, set())


def test_an_announced_stream_that_comes_after_the_end_is_excused_once(destination: Role) -> None:
    memory = an_image()
    before = counted(destination, "bad_connection")
    with Peer(destination, streams=2) as peer:
        peer.stream.sendall(good_frame(memory))
        peer.line.close_round({0})
    for errors in (0, 1):
        with peer.open(destination) as late:
            assert is_closed(late)
        assert counted(destination, "bad_connection") == before + errors


def test_an_old_session_takes_no_streams(destination: Role) -> None:
    with Peer(destination) as peer:
        old = peer.session
    before = counted(destination, "bad_connection")
    with connect(destination) as stream:
        stream.sendall(STREAM_HELLO + old)
        assert is_closed(stream)
    assert counted(destination, "bad_connection") == before + 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="http"),
        pytest.param(CONTROL_HELLO + b"not json\n", id="not json"),
        pytest.param(CONTROL_HELLO + b"[]\n", id="no operation"),
        pytest.param(CONTROL_HELLO + b'{"op": "digest"}\n', id="digest of nothing"),
        pytest.param(CONTROL_HELLO + b'{"op": "begin"}\n', id="begin without a size"),
        pytest.param(
            CONTROL_HELLO + b'{"op": "begin", "size": 1e999, "streams": 1}\n', id="infinite"
        ),
        pytest.param(
            CONTROL_HELLO + b'{"op": "begin", "size": 1048576, "streams": 9999}\n', id="streams"
        ),
        pytest.param(CONTROL_HELLO + b"[" * 100_000 + b"\n", id="nested without end"),
        pytest.param(
            CONTROL_HELLO
            + json.dumps({"op": "begin", "size": 1 << 60, "streams": 1}).encode()
            + b"\n",
            id="too large",
        ),
        pytest.param(CONTROL_HELLO + b'{"op": "resume", "session": "zz"}\n', id="bad session"),
        pytest.param(STREAM_HELLO + b"1234567890123456", id="unknown session"),
    ],
)
def test_a_bad_connection_is_counted_and_closed(destination: Role, data: bytes) -> None:
    before = counted(destination, "bad_connection")
    with connect(destination) as stream:
        stream.sendall(data)
        assert is_closed(stream)
    assert counted(destination, "bad_connection") == before + 1


def test_a_probe_of_the_port_is_no_error(destination: Role) -> None:
    before = destination.errors()
    connect(destination).close()
    with Line(destination.listening["streams"]) as line:
        assert line.ping() == "dwcp-v3-destination"
    assert destination.errors() == before


def test_a_second_source_waits_until_the_first_is_done(destination: Role) -> None:
    with Peer(destination), Line(destination.listening["streams"]) as other:
        assert other.begin(MIB, 1) is None
    with Line(destination.listening["streams"]) as other:
        wait_until(lambda: other.begin(MIB, 1))
        other.done()


def test_a_source_that_comes_back_is_told_what_arrived(destination: Role) -> None:
    memory = an_image()
    with Peer(destination) as peer:
        peer.stream.sendall(good_frame(memory, 0))
        half = peer.open(destination)
        half.sendall(good_frame(memory, 1)[:5000])
        peer.line.close_round({0})
        peer.line.close()
        peer.line = Line(destination.listening["streams"])
        resumed = peer.line.resume(peer.session)
        assert resumed is not None
        assert resumed[0] == {0}
        assert is_closed(half)
        half.close()


def test_a_stream_of_before_the_cut_is_closed_and_is_no_error(destination: Role) -> None:
    memory = an_image()
    with Peer(destination, streams=2) as peer:
        peer.line.close()
        peer.line = Line(destination.listening["streams"])
        resumed = peer.line.resume(peer.session)
        before = destination.errors()
        late = peer.open(destination)
        assert is_closed(late)
        late.close()
        assert resumed is not None
        with connect(destination) as stream:
            stream.sendall(STREAM_HELLO + resumed[1])
            peer.line.open_round(1)
            stream.sendall(b"".join(frame(memory, 1, Task(0, np.ones(PAGES, np.bool_)), "none")[1]))
            assert peer.line.close_round({0})[:2] == (set(), set())
        assert destination.errors() == before


def test_an_image_beyond_the_capacity_finds_no_room() -> None:
    with Role("destination", DWCP_CAPACITY="3") as destination:
        told = health(destination)
        assert (told["capacity"], told["free"]) == (3 * MIB, 3 * MIB)
        with Line(destination.listening["streams"]) as line, pytest.raises(NoRoom) as refused:
            line.begin(4 * MIB, 1)
        assert refused.value.kind == "no_capacity"
        with Peer(destination, 2 * MIB):
            assert health(destination)["free"] == MIB
        wait_until(lambda: health(destination)["free"] == 3 * MIB)


def test_frames_above_the_limit_are_refused_and_each_is_counted(tmp_path: Path) -> None:
    memory = an_image()
    limit = tmp_path / "frame-limit"
    with Role("destination", DWCP_CONFIG=str(tmp_path)) as destination:
        limit.write_text("65536")
        with Peer(destination, streams=2) as peer, peer.open(destination) as other:
            for number, stream in enumerate((peer.stream, other)):
                stream.sendall(good_frame(memory, number)[: HEADER_SIZE + 10])
                assert is_closed(stream)
            closed = peer.line.close_round({0, 1}, in_a_hurry=True)
            assert closed.lost == {0, 1}
            assert closed.refused
        assert destination.errors() == {"oversized": 2}
        limit.write_text("much")
        with Peer(destination) as peer:  # the last good limit holds
            peer.stream.sendall(good_frame(memory)[: HEADER_SIZE + 10])
            assert is_closed(peer.stream)
        assert destination.errors() == {"oversized": 3, "bad_config": 1}
        assert any("frame-limit" in line and "ERROR" in line for line in destination.log)
        limit.unlink()
        with Peer(destination) as peer:
            peer.stream.sendall(good_frame(memory))
            closed = peer.line.close_round({0})
            assert (closed.rejected, closed.lost, closed.refused) == (set(), set(), False)


def test_a_source_that_falls_silent_is_given_up() -> None:
    with Role("destination", DWCP_PATIENCE="0.3") as hasty, Peer(hasty) as peer:
        wait_until(lambda: hasty.errors())
        assert hasty.errors() == {"source_silent": 1}
        assert not health(hasty)["busy"]
        peer.line.close()
        peer.line = Line(hasty.listening["streams"])
        assert peer.line.resume(peer.session) is None


def test_a_source_that_is_slow_is_not_given_up() -> None:
    frame_ = good_frame(an_image())
    with Role("destination", DWCP_PATIENCE="0.5") as hasty, Peer(hasty) as peer:
        deadline = time.monotonic() + 1.5
        sent = 0
        while time.monotonic() < deadline:
            peer.stream.sendall(frame_[sent : sent + 1000])
            sent += 1000
            select.select([peer.stream], [], [], 0.1)
        peer.stream.sendall(frame_[sent:])
        assert peer.line.close_round({0})[:2] == (set(), set())
        assert hasty.errors() == {}


def test_a_control_line_without_end_is_refused(destination: Role) -> None:
    before = counted(destination, "bad_connection")
    with connect(destination) as stream:
        stream.sendall(CONTROL_HELLO)
        with contextlib.suppress(OSError):
            for _ in range(40):
                stream.sendall(b"x" * (1 << 16))
        assert is_closed(stream)
    assert counted(destination, "bad_connection") == before + 1


def test_a_destination_holds_the_records_that_its_peers_have() -> None:
    records = Records("elsewhere")
    peer = web.Server(("127.0.0.1", 0), ass.routes(records), "records")
    try:
        with Role("destination", DWCP_PEERS=f"elsewhere=127.0.0.1:{peer.server_port}") as here:
            digest = web.ask(here.listening["metrics"], "/ass/digest")[1]
            assert (digest["node"], digest["records"]) == ("dwcp-v3-destination", 0)
            records.write("vm-1", State.OWNED, holder="here")
            metrics = here.listening["metrics"]
            wait_until(lambda: web.ask(metrics, "/ass/digest")[1]["digest"] == records.digest())
    finally:
        peer.close()


def health(destination: Role) -> dict[str, Any]:
    return web.ask(destination.listening["metrics"], "/health")[1]
