"""Peers that vanish at every moment, memory that is damaged, two sources at once: what is proven to
have moved has moved, and nobody is held up for long."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from dwcp.amst import Link
from dwcp.memory import Memory
from dwcp.migration import Migration, MigrationFailed
from tests.dwcp.processes import Role
from tests.dwcp.proxy import Proxy

MIB = 1 << 20
SIZE = 6 * MIB
MOMENTS = {
    "before it begins": b'"op": "begin"',
    "before the first round": b'"op": "open", "round": 0',
    "in the first round": b'"op": "close"',
    "before the second round": b'"op": "open", "round": 1',
    "before the proof": b'"op": "digest"',
    "after the proof": b'"op": "done"',
}


@pytest.fixture(scope="module")
def destination() -> Iterator[Role]:
    with Role("destination") as role:
        yield role


def a_source(address: str, **variables: str) -> Role:
    return Role("source", **({"DWCP_DESTINATION": address} | variables))


def a_migration(
    address: str, size: int = SIZE, dirty_share: float = 0.1, pacing: int | None = None
) -> Migration:
    memory = Memory(size)
    memory.fill(0.3, seed=6)
    host, port = address.split(":")
    link = Link(
        destination=(host, int(port)), streams=3, congestion="cubic", pacing=pacing, codec="none"
    )
    return Migration(memory, link, dirty_share, seed=2)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_destination_that_is_killed_fails_the_migration_and_the_next_one_works(
    destination: Role, moment: str
) -> None:
    with Role("destination") as doomed, Proxy(doomed.address("streams")) as proxy:

        def kill() -> None:
            proxy.redirect(destination.address("streams"))
            doomed.process.kill()
            doomed.process.wait()

        proxy.when(MOMENTS[moment], kill)
        with a_source(proxy.address) as source:
            code, answer = source.migrate(SIZE, id="a")
            if moment == "after the proof":
                assert code in (200, 502)
            else:
                assert code == 502, answer
                assert answer["kind"] in ("destination_lost", "destination_unreachable")
            code, answer = source.migrate(SIZE, id="b", seed=2)
            assert code == 200, source.log


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_source_that_is_killed_leaves_the_destination_to_the_next(
    destination: Role, moment: str
) -> None:
    before = destination.errors().get("bad_frame", 0)
    with Proxy(destination.address("streams")) as proxy, ThreadPoolExecutor() as pool:
        with a_source(proxy.address) as doomed:
            proxy.when(MOMENTS[moment], doomed.process.kill)
            moving = pool.submit(doomed.migrate, SIZE)
            assert isinstance(moving.exception(30), OSError)
        with a_source(destination.address("streams")) as source:
            assert source.migrate(SIZE, seed=2)[0] == 200, source.log
    assert destination.errors().get("bad_frame", 0) == before


def test_two_sources_share_one_destination_one_after_the_other(destination: Role) -> None:
    address = destination.address("streams")
    before = destination.errors()
    with (
        a_source(address) as first,
        a_source(address) as second,
        ThreadPoolExecutor() as pool,
    ):
        moving = [
            pool.submit(lambda s, n: [s.migrate(SIZE, id=f"{n}", seed=i) for i in range(5)], s, n)
            for n, s in enumerate((first, second))
        ]
        answers = [answer for each in moving for answer in each.result(60)]
        assert [code for code, _ in answers] == [200] * 10, answers
        assert first.errors() == second.errors() == {}
    assert destination.errors() == before


def flip_a_byte(destination: Role, size: int) -> None:
    """In the image that is there, behind the process's back."""
    process = Path(f"/proc/{destination.process.pid}")
    for line in (process / "maps").read_text().splitlines():
        found = re.match(r"(\w+)-(\w+) rw", line)
        if found and int(found[2], 16) - int(found[1], 16) == size:
            with (process / "mem").open("r+b", buffering=0) as memory:
                at = int(found[1], 16) + size // 2 + 17
                memory.seek(at)
                byte = memory.read(1)
                memory.seek(at)
                memory.write(bytes([byte[0] ^ 0x40]))
            return
    raise AssertionError("the destination has no memory of this size")


def test_memory_that_changes_by_itself_is_noticed_and_does_not_spoil_the_next_image() -> None:
    size = 7 * MIB
    with (
        Role("destination") as destination,
        Proxy(destination.address("streams")) as proxy,
        a_source(proxy.address) as source,
    ):
        assert source.migrate(size)[0] == 200
        proxy.when(b'"op": "digest"', lambda: flip_a_byte(destination, size))
        code, answer = source.migrate(size, seed=2, zero_share=0.7)
        assert (code, answer["kind"]) == (502, "digest_mismatch")
        assert source.migrate(size, seed=3)[0] == 200
        assert destination.errors() == {}


def test_a_round_of_differences_that_breaks_off_is_resumed_exactly(destination: Role) -> None:
    deltas = resumes = 0
    for after in (20_000, 200_000, 400_000):
        with Proxy(destination.address("streams")) as proxy:
            migration = a_migration(proxy.address, 8 * MIB, dirty_share=3, pacing=8_000_000)
            proxy.when(b'"op": "open", "round": 1', partial(proxy.cut_soon, after))
            tally = migration.run()
            deltas, resumes = deltas + tally.deltas, resumes + tally.resumes
    assert resumes == 3
    assert deltas > 100


def test_frames_that_are_too_large_for_the_destination_fail_the_migration_in_time(
    tmp_path: Path,
) -> None:
    limit = tmp_path / "frame-limit"
    with (
        Role("destination", DWCP_CONFIG=str(tmp_path)) as destination,
        a_source(destination.address("streams"), STREAM_COUNT="4") as source,
    ):
        limit.write_text("100000")
        code, answer = source.migrate(16 * MIB)
        assert (code, answer["kind"]) == (502, "refused_frames")
        refused = destination.errors()
        assert set(refused) == {"oversized"}
        assert 4 <= refused["oversized"] <= 16
        assert "chunk_resent" not in source.errors()
        limit.unlink()
        assert source.migrate(16 * MIB)[0] == 200
        assert destination.errors() == refused


def test_a_destination_without_the_capacity_fails_the_migration_by_name(tmp_path: Path) -> None:
    with Role("destination", DWCP_CAPACITY="4") as destination:
        with pytest.raises(MigrationFailed) as failed:
            a_migration(destination.address("streams"), 5 * MIB).run()
        assert failed.value.kind == "no_capacity"
        assert a_migration(destination.address("streams"), 4 * MIB).run().logical >= 4 * MIB
