"""Pages that the destination holds in an older version travel as what changed, and come exact."""

import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.amst import Link, Task, frame
from dwcp.codec import BadPayload
from dwcp.delta import apply, changes
from dwcp.guest import Written
from dwcp.held import Held
from dwcp.memory import RUN, Memory
from dwcp.migration import Migration, Tally
from dwcp.wire import CHANGE, PAGE, PAGES, Bits, unpack
from tests.dwcp.processes import Role
from tests.dwcp.test_destination import Peer

MIB = 1 << 20
WORDS = PAGE // 8
LATE, EARLY = 2.0, 0.5  # writes after and before a chunk was read at 1.0
READ = {0: 1.0, 1: 1.0}


@pytest.fixture(scope="module")
def destination() -> Iterator[Role]:
    with Role("destination") as role:
        yield role


def an_image(size: int = MIB) -> Memory:
    memory = Memory(size)
    memory.fill(0.3, seed=8)
    return memory


def bits(*pages: int, of: int = PAGES) -> Bits:
    found: Bits = np.zeros(of, np.bool_)
    found[list(pages)] = True
    return found


def written(*pages: int, at: float, of: int = 2 * PAGES, was: int = 7) -> Written:
    before = {page // RUN * RUN: (at, bytes([was]) * (RUN * PAGE)) for page in pages}
    return Written(pages=bits(*pages, of=of), before=before)


def everything(of: int = 2 * PAGES) -> list[Task]:
    return [Task(chunk, np.ones(PAGES, np.bool_)) for chunk in range(of // PAGES)]


@given(st.lists(st.tuples(st.integers(0, 2 * WORDS - 1), st.integers(0, 2**64 - 1)), max_size=90))
def test_what_changed_makes_the_new_pages_of_the_old(writes: list[tuple[int, int]]) -> None:
    old = np.arange(2 * WORDS, dtype=np.uint64).reshape(2, WORDS)
    new = old.copy()
    for place, value in writes:
        new.reshape(-1)[place] = value
    changed = changes(new, old.tobytes())
    assert changed is not None
    assert len(changed) == CHANGE * int((old != new).sum())
    apply(old, changed)
    assert (old == new).all()


def test_pages_that_changed_a_lot_are_not_sent_as_a_difference() -> None:
    old = np.zeros((1, WORDS), np.uint64)
    assert changes(old + 1, old.tobytes()) is None


def test_a_change_outside_its_pages_is_refused_and_changes_nothing() -> None:
    page = np.zeros((1, WORDS), np.uint64)
    outside = np.array([3, WORDS], "<u4").tobytes() + np.array([1, 1], "<u8").tobytes()
    with pytest.raises(BadPayload, match="outside"):
        apply(page, outside)
    assert not page.any()


def test_a_page_written_after_its_chunk_was_read_goes_as_a_difference() -> None:
    held = Held(2 * PAGES)
    log = written(5, at=LATE)
    held.note(log, everything(), read=READ)
    (task,) = held.tasks(log.pages)
    assert (task.chunk, task.base) == (0, bytes([7]) * PAGE)
    assert np.flatnonzero(task.delta).tolist() == np.flatnonzero(task.wanted).tolist() == [5]


@pytest.mark.parametrize(
    ("at", "failed", "read"),
    [(EARLY, set(), READ), (1.0, set(), READ), (LATE, {0}, READ), (LATE, set(), {})],
    ids=[
        "written before it was read",
        "at the same time",
        "damaged or lost",
        "read who knows when",
    ],
)
def test_a_page_that_may_have_arrived_otherwise_goes_whole(
    at: float, failed: set[int], read: dict[int, float]
) -> None:
    held = Held(2 * PAGES)
    log = written(5, at=at)
    held.note(log, everything(), failed, read)
    assert not held.tasks(log.pages)[0].delta.any()
    later = written(5, at=9.0)
    held.note(later)
    assert not held.tasks(later.pages)[0].delta.any()


def test_a_page_that_a_round_did_not_carry_is_held_as_it_was_whenever_it_was_written() -> None:
    held = Held(2 * PAGES)
    held.note(written(at=LATE), everything(), read=READ)
    log = written(300, at=EARLY)
    held.note(log, [Task(0, bits(1))], read=READ)
    assert held.tasks(log.pages)[0].delta[300 - PAGES]


def test_the_oldest_version_that_was_not_sent_on_is_the_base() -> None:
    held = Held(2 * PAGES)
    held.note(written(5, at=LATE, was=1), everything(), read=READ)
    again = written(5, 6, at=LATE, was=2)
    again.before[0] = (LATE, bytes([1]) * PAGE * 6 + bytes([2]) * PAGE * (RUN - 6))
    held.note(again)
    (task,) = held.tasks(again.pages)
    assert task.base[:PAGE] == bytes([1]) * PAGE
    assert len(task.base) == 2 * PAGE


def test_a_doubtful_chunk_goes_whole() -> None:
    held = Held(2 * PAGES)
    log = written(5, 300, at=LATE)
    held.note(log, everything(), read=READ)
    held.doubt(0)
    first, second = held.tasks(log.pages)
    assert not first.delta.any()
    assert second.delta.any()


@given(st.randoms(use_true_random=False))
def test_whatever_happens_a_base_is_what_the_destination_holds(chance: random.Random) -> None:
    now = np.zeros(PAGES, np.int64)  # a page's content is one byte here
    there: list[int | None] = [None] * PAGES
    held = Held(PAGES)
    left: Bits = np.ones(PAGES, np.bool_)
    for _ in range(6):
        tasks = held.tasks(left)
        for task in tasks:
            pages = np.flatnonzero(task.delta).tolist()
            for number, page in enumerate(pages):
                assert task.base[number * PAGE] == there[page]
        log: dict[int, tuple[float, bytes]] = {}
        dirty: Bits = np.zeros(PAGES, np.bool_)
        fails, read = chance.random() < 0.2, {0: 5.0}
        wanted = tasks[0].wanted if tasks else bits()
        sent = now.copy()
        for at in sorted(chance.uniform(0, 10) for _ in range(chance.randrange(12))):
            page = chance.randrange(PAGES)
            run = page // RUN * RUN
            content = b"".join(bytes([int(each)]) * PAGE for each in now[run : run + RUN])
            log.setdefault(run, (at, content))
            dirty[page] = True
            now[page] = chance.randrange(1, 256)
            if at <= 5 and chance.random() < 0.5:
                sent[page] = now[page]  # it was read after this write
        for page in np.flatnonzero(wanted).tolist():
            there[page] = None if fails else int(sent[page])
        held.note(Written(pages=dirty, before=log), tasks, {0} if fails else (), read)
        left = dirty | wanted if fails else dirty
        if chance.random() < 0.3:
            held.doubt(0)


def test_a_frame_carries_of_a_delta_page_only_what_changed(destination: Role) -> None:
    memory = an_image()
    page = int(np.flatnonzero(~memory.zero_pages(0, np.ones(PAGES, np.bool_)))[0])
    base = memory.pages[page].tobytes()
    with Peer(destination, MIB) as peer:
        whole = Task(0, np.ones(PAGES, np.bool_))
        peer.stream.sendall(b"".join(frame(memory, 0, whole, "none")[1]))
        peer.line.close_round({0})
        memory.pages[page, 3] ^= np.uint64(99)
        header, pieces = frame(memory, 1, Task(0, bits(page), bits(page), base), "none")
        assert unpack(bytes(pieces[0]), 1).changes == header.size == CHANGE
        peer.line.open_round(1)
        peer.stream.sendall(b"".join(pieces))
        assert peer.line.close_round({0})[:2] == (set(), set())
        peer.line.ask_digest()
        assert peer.line.read_digest() == memory.digest()


@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_a_wrong_base_is_noticed_and_the_page_taken_whole(destination: Role, codec: str) -> None:
    memory = an_image()
    with Peer(destination, MIB) as peer:
        whole = Task(0, np.ones(PAGES, np.bool_))
        peer.stream.sendall(b"".join(frame(memory, 0, whole, codec)[1]))
        peer.line.close_round({0})
        was = memory.pages[:2].copy()
        was[1, 5] ^= np.uint64(1)  # not what was sent
        memory.pages[:2, 9] = 12345
        peer.line.open_round(1)
        task = Task(0, bits(0, 1, 2), bits(0, 1), was.tobytes())
        peer.stream.sendall(b"".join(frame(memory, 1, task, codec)[1]))
        assert peer.line.close_round({0})[:2] == ({0}, set())
        peer.line.open_round(2)
        peer.stream.sendall(b"".join(frame(memory, 2, Task(0, bits(0, 1, 2)), codec)[1]))
        assert peer.line.close_round({0})[:2] == (set(), set())
        peer.line.ask_digest()
        assert peer.line.read_digest() == memory.digest()


def migrate(
    destination: Role, codec: str, dirty_share: float, pacing: int | None, seed: int
) -> Tally:
    memory = an_image(4 * MIB)
    link = Link(
        destination=destination.listening["streams"],
        streams=3,
        congestion="cubic",
        pacing=pacing,
        codec=codec,
    )
    return Migration(memory, link, dirty_share, seed).run()


@pytest.mark.parametrize("codec", ["none", "lz4", "snappy", "zstd"])
def test_a_wild_guest_costs_no_error(destination: Role, codec: str) -> None:
    before = destination.errors()
    tallies = [
        migrate(destination, codec, dirty_share=3, pacing=pacing, seed=seed)
        for seed, pacing in enumerate((None, 30_000_000, 8_000_000) * 4)
    ]
    assert sum(tally.resent for tally in tallies) == 0
    assert sum(tally.deltas for tally in tallies) > 100
    assert sum(tally.rounds for tally in tallies) > 2 * len(tallies)
    assert destination.errors() == before


def test_differences_save_most_of_what_a_writing_guest_costs(destination: Role) -> None:
    tally = migrate(destination, "none", dirty_share=6, pacing=8_000_000, seed=3)
    assert tally.deltas > 100
    assert tally.changes < 0.02 * tally.deltas * PAGE
