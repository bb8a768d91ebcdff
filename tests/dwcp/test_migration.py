"""Migrations between real processes: over good and bad networks, paced, and through drains."""

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from dwcp import host, web
from dwcp.amst import Link
from dwcp.codec import CODECS
from dwcp.line import Line, NoRoom
from dwcp.memory import Memory
from dwcp.migration import Migration, MigrationFailed
from tests.dwcp.processes import Role, wait_until
from tests.dwcp.proxy import Proxy

MIB = 1 << 20
GOOD_REPORT = (
    '{"codec": "none", "seconds": [0.5], "raw": 10, "encoded": 5, "wire_bytes_per_second": 1}'
)


@pytest.fixture(scope="module")
def destination() -> Iterator[Role]:
    with Role("destination") as role:
        yield role


def a_source(destination: Role, **variables: str) -> Role:
    return Role("source", **({"DWCP_DESTINATION": destination.address("streams")} | variables))


def streams(source: Role) -> float:
    return source.metrics()["dwcp_v3_amst_active_streams"][()]


def a_migration(address: str, size: int = 8 * MIB, dirty_share: float = 0.02) -> Migration:
    memory = Memory(size)
    memory.fill(0.5, seed=2)
    host, port = address.split(":")
    link = Link(
        destination=(host, int(port)), streams=4, congestion="cubic", pacing=None, codec="none"
    )
    return Migration(memory, link, dirty_share, seed=1)


@pytest.mark.parametrize("codec", ["none", "lz4", "snappy", "zstd", "zstd-max"])
def test_a_machine_that_keeps_writing_arrives_whole(destination: Role, codec: str) -> None:
    with (
        Role("hde", COMPRESSION_ALGO=codec) as hde,
        a_source(destination, DWCP_HDE=hde.address("metrics"), STREAM_COUNT="3") as source,
    ):
        for seed in range(3):
            code, answer = source.migrate(4 * MIB, seed=seed, zero_share=0.5)
            assert (code, answer.get("codec")) == (200, codec), source.log
            assert answer["rounds"] > 1
            assert 4 * MIB <= answer["logical_bytes"] < 6 * MIB
        told = hde.metrics()
        assert told["dwcp_v3_hde_compression_latency_seconds_count"][(("codec", codec),)] >= 12
        assert 0.3 < told["dwcp_v3_hde_compression_ratio"][()] < 1
        assert source.errors() == {}


def test_auto_names_a_codec_that_the_source_can_use(destination: Role) -> None:
    with (
        Role("hde", COMPRESSION_ALGO="auto") as hde,
        a_source(destination, DWCP_HDE=hde.address("metrics")) as source,
    ):
        assert source.migrate(2 * MIB)[1]["codec"] in CODECS


def test_without_a_choice_nothing_is_compressed() -> None:
    with Role("hde") as hde:
        for _ in range(20):
            assert web.ask(hde.listening["metrics"], "/codec") == (200, {"codec": "none"})


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "[" * 100_000,
        '{"codec": "none"}',
        GOOD_REPORT.replace("0.5", "1e999"),
        GOOD_REPORT.replace("10", "1e999"),
        GOOD_REPORT.replace("none", "gzip"),
    ],
    ids=["list", "nested", "empty", "infinite seconds", "infinite bytes", "codec"],
)
def test_a_report_that_makes_no_sense_is_refused_and_counted(body: str) -> None:
    with Role("hde") as hde:
        connection = http.client.HTTPConnection(*hde.listening["metrics"], timeout=5)
        connection.request("POST", "/chunks", body)
        assert connection.getresponse().status == 400
        connection.close()
        assert hde.errors() == {"bad_report": 1}


def test_an_image_that_no_host_can_hold_is_refused_and_nothing_dies(destination: Role) -> None:
    size = 64 << 30
    if host.available() >= size:
        pytest.skip("this host can hold the largest image")
    with Line(destination.listening["streams"]) as line, pytest.raises(NoRoom):
        line.begin(size, 1)
    with a_source(destination) as source:
        code, answer = source.migrate(size)
        assert (code, answer["kind"]) == (502, "no_room")
        assert source.migrate(MIB)[0] == 200


def test_zero_pages_are_not_sent(destination: Role) -> None:
    tally = a_migration(destination.address("streams"), dirty_share=0).run()
    assert tally.logical == 8 * MIB
    assert tally.wire < 6 * MIB


def test_damaged_chunks_are_sent_again_and_counted(destination: Role) -> None:
    with (
        Proxy(destination.address("streams"), flips=3) as proxy,
        a_source(destination, DWCP_DESTINATION=proxy.address) as source,
    ):
        code, answer = source.migrate(8 * MIB, zero_share=0)
        assert code == 200
        assert answer["resent"] + answer["torn"] >= 3
        assert source.errors().get("chunk_resent", 0) == answer["resent"]


def test_a_lost_connection_is_resumed_with_what_is_missing(destination: Role) -> None:
    size = 64 * MIB
    with Proxy(destination.address("streams"), cut_after=24 * MIB) as proxy:
        tally = a_migration(proxy.address, size, dirty_share=0).run()
        assert proxy.cuts == 1
        assert tally.resumes >= 1
        whole = a_migration(destination.address("streams"), size, dirty_share=0).run()
        # What was in flight is sent twice; what had arrived is not.
        assert tally.logical == whole.logical
        assert whole.wire < tally.wire < 1.7 * whole.wire


def test_as_many_streams_as_there_may_be_are_no_error(destination: Role) -> None:
    before = destination.errors()
    with a_source(destination, STREAM_COUNT="512") as source:
        for seed in range(3):
            assert source.migrate(2 * MIB, seed=seed)[0] == 200
        with Line(destination.listening["streams"]) as line:
            wait_until(lambda: line.begin(MIB, 1))
            line.done()
        assert source.errors() == {}
    assert destination.errors() == before


def test_streams_that_break_alone_cost_only_what_they_carried(destination: Role) -> None:
    size = 64 * MIB
    before = destination.errors()
    with Proxy(destination.address("streams"), breaks=2) as proxy:
        tally = a_migration(proxy.address, size, dirty_share=0).run()
    assert tally.logical == size
    assert tally.resumes == 0
    assert 0 < tally.resent < 64
    errors = destination.errors()
    assert errors.get("bad_connection", 0) == before.get("bad_connection", 0)
    assert errors.get("bad_frame", 0) == before.get("bad_frame", 0)


def test_a_destination_that_dies_mid_round_fails_the_migration_in_time(
    destination: Role, tmp_path: Path
) -> None:
    (tmp_path / "pacing").write_text("1000000")
    with (
        Role("destination") as other,
        a_source(other, DWCP_PACING_FILE=str(tmp_path / "pacing")) as source,
        ThreadPoolExecutor() as pool,
    ):
        moving = pool.submit(source.migrate, 32 * MIB)
        wait_until(lambda: streams(source) == 4)
        wait_until(lambda: _arriving(other))
        other.process.kill()
        code, answer = moving.result(30)
        assert (code, answer["kind"]) == (502, "destination_lost")


def test_a_source_that_dies_mid_round_leaves_room_for_the_next(
    destination: Role, tmp_path: Path
) -> None:
    (tmp_path / "pacing").write_text("1000000")
    with Role("destination") as other, ThreadPoolExecutor() as pool:
        with a_source(other, DWCP_PACING_FILE=str(tmp_path / "pacing")) as first:
            moving = pool.submit(first.migrate, 32 * MIB)
            wait_until(lambda: _arriving(other))
            first.process.kill()
            assert isinstance(moving.exception(), OSError)
        with a_source(other) as second:
            assert second.migrate(32 * MIB, seed=9)[0] == 200


def _arriving(destination: Role) -> bool:
    return bool(web.ask(destination.listening["metrics"], "/health")[1]["busy"])


def test_a_destination_that_is_gone_fails_the_migration_and_frees_the_source(
    destination: Role,
) -> None:
    with Role("destination") as other, a_source(other) as source:
        assert source.migrate(MIB)[0] == 200
        other.process.kill()
        other.process.wait()
        code, answer = source.migrate(MIB)
        assert (code, answer["kind"]) == (502, "destination_unreachable")
        assert source.migrate(MIB)[0] == 502


def test_a_destination_that_lost_the_image_fails_the_migration(destination: Role) -> None:
    address = destination.address("streams")
    with Role("destination") as other:
        host, port = other.listening["streams"]
        with Proxy(f"{host}:{port}", cut_after=MIB) as proxy:
            proxied = a_migration(proxy.address, 16 * MIB)
            proxy.redirect_after_cut(address)
            with pytest.raises(MigrationFailed) as failed:
                proxied.run()
            assert failed.value.kind == "destination_lost"


@pytest.mark.parametrize("body", [{}, {"id": "a", "size": 5}, {"id": "a", "size": -MIB}])
def test_a_request_that_makes_no_sense_is_refused(
    destination: Role, body: dict[str, object]
) -> None:
    with a_source(destination) as source:
        assert web.ask(source.listening["control"], "/migrations", body)[0] == 400


def test_pacing_caps_each_stream_and_more_streams_lift_it(
    destination: Role, tmp_path: Path
) -> None:
    pacing = tmp_path / "pacing"
    rates = {}
    for streams in ("4", "16"):
        with a_source(destination, STREAM_COUNT=streams, DWCP_PACING_FILE=str(pacing)) as source:
            pacing.write_text("1000000")  # far below what a busy machine does
            answer = source.migrate(16 * MIB, zero_share=0.5)[1]
            rates[streams] = answer["wire_bytes"] / answer["seconds"]
            used = source.metrics()["dwcp_v3_amst_stream_utilization"][()]
            assert 0.2 < used <= 1
            pacing.unlink()
            free = source.migrate(16 * MIB, zero_share=0.5)[1]
            assert free["wire_bytes"] / free["seconds"] > 1.5 * rates[streams]
            pacing.write_text("fast")
            assert source.migrate(16 * MIB, zero_share=0.5)[0] == 200
            assert source.errors() == {"bad_pacing_file": 1}
    assert rates["16"] > 2 * rates["4"]


def test_a_draining_source_finishes_what_it_began(destination: Role, tmp_path: Path) -> None:
    (tmp_path / "pacing").write_text("8000000")
    with (
        a_source(destination, DWCP_PACING_FILE=str(tmp_path / "pacing")) as source,
        ThreadPoolExecutor() as pool,
    ):
        moving = pool.submit(source.migrate, 32 * MIB)
        wait_until(lambda: streams(source) == 4)
        assert source.migrate(MIB)[0] == 409
        assert source.terminate() == 0
        assert moving.result()[0] == 200


def test_a_drain_that_takes_too_long_aborts(destination: Role, tmp_path: Path) -> None:
    (tmp_path / "pacing").write_text("100000")
    with (
        a_source(
            destination, DWCP_PACING_FILE=str(tmp_path / "pacing"), DWCP_DRAIN="0.2"
        ) as source,
        ThreadPoolExecutor() as pool,
    ):
        moving = pool.submit(source.migrate, 32 * MIB)
        wait_until(lambda: streams(source) == 4)
        assert source.migrate(MIB)[0] == 409
        assert source.terminate() == 0
        assert moving.result() == (503, {"error": "aborted"})


def test_memory_stays_under_the_image_and_64_mib(destination: Role) -> None:
    with a_source(destination, STREAM_COUNT="16") as source:
        for size in (64 * MIB, 128 * MIB, 64 * MIB):
            assert source.migrate(size)[0] == 200
        for role in (source, destination):
            assert _peak(role) < 128 * MIB + 64 * MIB


def _peak(role: Role) -> int:
    """Anonymous and shared memory at their highest; the libraries' own files are not counted."""
    status = Path(f"/proc/{role.process.pid}/status").read_text().splitlines()
    kib = {line.split()[0]: int(line.split()[1]) for line in status if line.endswith("kB")}
    return (kib["VmHWM:"] - kib["RssFile:"]) << 10


@contextmanager
def customers(source: str, rate: int) -> Iterator[Role]:
    """Control, and those who ask it for migrations all the time."""
    with Role("control", DWCP_SOURCE=source) as control:
        service = control.address("http")
        with Role("load", DWCP_SERVICE=service, DWCP_LOAD="1MiB", DWCP_LOAD_RATE=str(rate)):
            yield control


def test_a_restarting_source_costs_no_error(destination: Role) -> None:
    with a_source(destination) as first, customers(first.address("control"), 20) as control:
        moved = (("outcome", "moved"),)

        def count() -> float:
            return control.metrics("http")["dwcp_v3_migrations_total"].get(moved, 0.0)

        wait_until(lambda: count() >= 3)
        address = first.address("control")
        assert first.terminate() == 0
        before = count()
        with a_source(destination, DWCP_CONTROL_LISTEN=address):
            wait_until(lambda: count() >= before + 3)
        assert control.errors("http") == {}


def test_a_rolling_restart_costs_no_error(destination: Role) -> None:
    with a_source(destination) as old:
        address = old.address("control")
        with customers(address, 50) as control:

            def streamed(count: int) -> bool:
                return any(" MiB in " in line and f"{count} streams" in line for line in new.log)

            new = a_source(destination, DWCP_CONTROL_LISTEN=address, STREAM_COUNT="7")
            with new:
                assert old.terminate() == 0
                wait_until(lambda: streamed(7))
                assert control.errors("http") == {}


def test_logs_are_plain_lines_with_a_utc_time_and_a_level(destination: Role) -> None:
    with a_source(destination) as source:
        source.migrate(MIB)
        source.terminate()
    for line in source.log:
        at, level, _ = line.split(" ", 2)
        assert at.endswith("Z")
        assert len(at) == len("2026-01-31T12:00:00.000Z")
        assert level in ("INFO", "WARN", "ERROR")
