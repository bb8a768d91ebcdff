"""Records become alike on every node, whatever was cut in between."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from dwcp import ass, web
from dwcp.ass import Record, Records, State, Synchroniser
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.records import bodies, digest, merge, newer
from tests.dwcp.processes import wait_until
from tests.servers import free_port

NOW = datetime(2026, 5, 1, tzinfo=UTC)
EVERY = 0.02
records = st.builds(
    Record,
    vm=st.sampled_from(["vm-1", "vm-2", "vm-3"]),
    version=st.integers(1, 5),
    node=st.sampled_from(["a", "b"]),
    state=st.sampled_from(State),
    holder=st.sampled_from(["", "x", "y"]),
    source=st.sampled_from(["", "x"]),
)
copies = st.lists(records, max_size=8).map(lambda found: merge({}, found))


def of_one_vm(record: Record) -> Record:
    return Record(**{**bodies([record])[0], "vm": "vm", "state": record.state})


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def a_copy(node: str = "a", watch: Watch | None = None) -> Records:
    return Records(node, now=watch or Watch(), keep=timedelta(hours=1))


@given(records.map(of_one_vm), records.map(of_one_vm), records.map(of_one_vm))
def test_newer_is_the_same_in_any_order_and_repetition(
    one: Record, two: Record, six: Record
) -> None:
    assert newer(one, two) == newer(two, one)
    assert newer(one, newer(two, six)) == newer(newer(one, two), six)
    assert newer(one, one) == one
    assert newer(one, two) in (one, two)


@given(copies, copies, copies)
def test_merging_is_commutative_associative_and_idempotent(
    one: dict[str, Record], two: dict[str, Record], six: dict[str, Record]
) -> None:
    assert merge(one, two.values()) == merge(two, one.values())
    assert merge(merge(one, two.values()), six.values()) == merge(
        one, merge(two, six.values()).values()
    )
    assert merge(one, one.values()) == one


@given(copies, copies)
def test_digests_are_equal_exactly_when_the_records_are(
    one: dict[str, Record], two: dict[str, Record]
) -> None:
    assert (digest(one.values()) == digest(two.values())) == (one == two)
    assert digest(reversed(one.values())) == digest(one.values())


def test_the_last_writer_wins_by_version_and_then_by_node() -> None:
    first = Record(vm="vm", version=1, node="z", state=State.OWNED, holder="x")
    later = Record(vm="vm", version=2, node="a", state=State.OWNED, holder="y")
    beside = Record(vm="vm", version=2, node="b", state=State.ENDED)
    assert newer(first, later) == later
    assert newer(later, beside) == beside


def test_versions_rise_even_when_the_clock_does_not() -> None:
    watch = Watch()
    copy = a_copy("a", watch)
    versions = [copy.write("vm", State.OWNED).version for _ in range(3)]
    watch.now -= timedelta(days=1)
    versions.append(copy.write("vm-2", State.OWNED).version)
    assert all(one < two for one, two in pairwise(versions))


def test_what_is_written_after_a_merge_is_newer_than_what_was_merged() -> None:
    ahead = Watch()
    ahead.now += timedelta(minutes=5)
    fast, slow = a_copy("fast", ahead), a_copy("slow")
    slow.merge([fast.write("vm", State.OWNED, holder="x")])
    slow.write("vm", State.OWNED, holder="y")
    assert fast.merge(slow.all().values()) == 1
    assert fast.get("vm") == slow.get("vm")


def test_a_restarted_node_that_lost_its_copy_still_overrides_what_it_wrote_before() -> None:
    watch = Watch()
    peer, before = a_copy("peer", watch), a_copy("ctl", watch)
    for holder in "xyz":
        peer.merge([before.write("vm", State.OWNED, holder=holder)])
    watch.now += timedelta(seconds=1)
    restarted = a_copy("ctl", watch)
    assert peer.merge([restarted.write("vm", State.ENDED)]) == 1


def test_ended_machines_are_kept_for_a_while_and_then_forgotten_everywhere() -> None:
    watch = Watch()
    one, two = a_copy("one", watch), a_copy("two", watch)
    one.write("gone", State.ENDED)
    one.write("here", State.OWNED, holder="x")
    two.merge(one.all().values())
    watch.now += timedelta(hours=1)
    assert one.forget() == 0
    watch.now += timedelta(seconds=1)
    assert one.forget() == 1
    assert set(one.all()) == {"here"}
    assert one.merge(two.all().values()) == 0, "a peer that has not forgotten brings nothing back"
    assert two.forget() == 1
    assert one.digest() == two.digest()


def test_pending_changes_come_in_the_order_they_were_written() -> None:
    copy = a_copy()
    for vm in ("vm-9", "vm-1", "vm-5"):
        copy.write(vm, State.PENDING, holder="x")
    copy.write("vm-1", State.OWNED, holder="x")
    assert [record.vm for record in copy.pending()] == ["vm-9", "vm-5"]


GOOD = {
    "vm": "vm",
    "version": 1,
    "node": "b",
    "state": "owned",
    "holder": "x",
    "source": "",
}
AHEAD = int((NOW + timedelta(minutes=11)).timestamp() * 1000)


BAD_FIELDS: tuple[dict[str, object], ...] = (
    {"vm": ""},
    {"vm": 5},
    {"vm": "x" * 257},
    {"vm": "a\nb"},
    {"node": ""},
    {"node": None},
    {"state": "lost"},
    {"state": []},
    {"version": 0},
    {"version": -1},
    {"version": True},
    {"version": 1.5},
    {"version": "1"},
    {"version": AHEAD},
    {"version": 10**400},
    {"holder": {}},
    {"more": 1},
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"records": {}}',
        b'{"records": [1]}',
        b'{"records": [{}]}',
        *(
            json.dumps({"records": [GOOD | {"vm": "good"}, GOOD | bad]}).encode()
            for bad in BAD_FIELDS
        ),
        json.dumps({"records": [{k: v for k, v in GOOD.items() if k != "source"}]}).encode(),
        b'{"records": [{"version": NaN}]}',
    ],
)
def test_a_hostile_body_is_refused_and_changes_nothing(body: bytes) -> None:
    copy = a_copy()
    copy.write("vm", State.OWNED, holder="y")
    before = copy.snapshot()
    answer = ass.routes(copy)["POST", "/ass/records"](body)
    assert answer.status == 400
    assert json.loads(answer.body)["error"]
    assert copy.snapshot() == before


@given(st.binary())
def test_any_body_is_answered(body: bytes) -> None:
    assert ass.routes(a_copy())["POST", "/ass/records"](body).status in (200, 400)


def test_a_good_body_is_merged_and_told_back() -> None:
    copy = a_copy()
    routes = ass.routes(copy)
    body = json.dumps({"records": [GOOD]}).encode()
    assert json.loads(routes["POST", "/ass/records"](body).body)["taken"] == 1
    assert json.loads(routes["POST", "/ass/records"](body).body)["taken"] == 0
    assert json.loads(routes["GET", "/ass/records"](b"").body) == {"node": "a", "records": [GOOD]}
    told = json.loads(routes["GET", "/ass/digest"](b"").body)
    assert told == {"node": "a", "digest": copy.digest(), "records": 1}


class Follower:
    """One node that keeps its copy like its peers'."""

    def __init__(self, copy: Records, peers: dict[str, Address]) -> None:
        self.copy = copy
        self.registry = CollectorRegistry()
        self.sync = Synchroniser(copy, peers, self.registry, Errors(self.registry), every=EVERY)

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self.sync.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def unreachable(self) -> float | None:
        labels = {"component": "ass", "error_type": "peer_unreachable", "severity": "warning"}
        return self.registry.get_sample_value("dwcp_v3_errors_total", labels)

    def lag(self, peer: str) -> float | None:
        return self.registry.get_sample_value("dwcp_v3_ass_lag_records", {"peer": peer})

    def rate(self) -> float | None:
        return self.registry.get_sample_value("dwcp_v3_ass_sync_rate")


@contextmanager
def served(copy: Records, port: int = 0) -> Iterator[Address]:
    server = web.Server(("127.0.0.1", port), ass.routes(copy), "ass")
    try:
        yield ("127.0.0.1", server.server_address[1])
    finally:
        server.close()


def test_a_link_that_was_cut_is_told_once_and_both_sides_agree_again_after_it() -> None:
    here, there, port = Records("here"), Records("there"), free_port()
    follower = Follower(here, {"there": ("127.0.0.1", port)})
    here.write("vm-1", State.OWNED, holder="x")
    with follower.running():
        with served(there, port):
            wait_until(lambda: here.digest() == there.digest() and follower.lag("there") == 0)
            assert follower.rate()
            cut = follower.unreachable() or 0
        wait_until(lambda: follower.unreachable() == cut + 1)
        for number in range(2, 12):
            here.write(f"vm-{number}", State.OWNED, holder="x")
        there.write("vm-1", State.OWNED, holder="y")
        there.write("vm-99", State.ENDED)
        assert follower.lag("there") == 10
        with served(there, port):
            wait_until(lambda: here.digest() == there.digest())
            assert set(there.all()) == {f"vm-{n}" for n in (*range(1, 12), 99)}
            written = here.get("vm-1")
            assert written
            assert written.holder == "y"
            wait_until(lambda: follower.lag("there") == 0)
            assert follower.unreachable() == cut + 1, "an outage is one error, however long"


def test_three_copies_agree_though_two_of_them_never_meet() -> None:
    middle, left, right = Records("middle"), Records("left"), Records("right")
    with served(left) as left_at, served(right) as right_at:
        follower = Follower(middle, {"left": left_at, "right": right_at})
        left.write("vm-1", State.OWNED, holder="left")
        right.write("vm-2", State.OWNED, holder="right")
        with follower.running():
            wait_until(lambda: left.digest() == right.digest() == middle.digest())
    assert set(left.all()) == {"vm-1", "vm-2"}


def test_more_records_than_one_body_holds_are_exchanged() -> None:
    here, there = Records("here"), Records("there")
    many = [
        Record(vm=f"vm-{n:0200}", version=n + 1, node="n", state=State.OWNED) for n in range(4000)
    ]
    here.merge(many)
    with served(there) as address, Follower(here, {"there": address}).running():
        wait_until(lambda: here.digest() == there.digest())
    assert len(there.all()) == 4000


def test_a_peer_that_answers_nonsense_counts_as_unreachable_and_changes_nothing() -> None:
    here = Records("here")
    here.write("vm", State.OWNED)
    nonsense = {
        ("GET", "/ass/digest"): lambda _: web.says(200, digest="other"),
        ("GET", "/ass/records"): lambda _: web.says(200, records=[GOOD | {"version": 1e99}]),
    }
    server = web.Server(("127.0.0.1", 0), nonsense, "ass")
    try:
        follower = Follower(here, {"there": ("127.0.0.1", server.server_address[1])})
        before = here.snapshot()
        with follower.running():
            wait_until(lambda: follower.unreachable() == 1)
        assert here.snapshot() == before
    finally:
        server.close()


def test_health_is_lost_when_a_peer_stays_away_and_comes_back_with_it() -> None:
    here, there, port = Records("here"), Records("there"), free_port()
    follower = Follower(here, {"there": ("127.0.0.1", port)})
    with follower.running():
        wait_until(lambda: follower.unreachable() == 1)
        assert follower.sync.status()["status"] == "healthy"
        wait_until(lambda: follower.sync.status()["status"] == "unhealthy")
        assert follower.sync.status()["detail"] == "without there"
        assert follower.rate() == 0
        with served(there, port):
            wait_until(lambda: follower.sync.status()["status"] == "healthy")
