"""Machines have one owner each, whatever happens to etcd; and nothing is claimed that is not so."""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from dwcp.acp import PREFIX, Commit, NoQuorum, OwnedElsewhere, Ownership
from dwcp.ass import Records, State
from dwcp.breaker import Breaker, Phase
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.etcd import Etcd, Unavailable
from dwcp.web import Server, says
from tests.dwcp.etcd import Cluster, Gateway, etcd, shared_etcd, without_etcd
from tests.dwcp.processes import wait_until

__all__ = ["etcd", "shared_etcd"]

TIMEOUT = 0.4
names = (f"vm-{number}" for number in itertools.count(1))


class Control:
    """What one process knows of etcd."""

    def __init__(
        self, endpoints: list[Address], records: Records | None = None, *, most: int = 3
    ) -> None:
        self.enabled = False
        self.records = records or Records("control")
        self.registry = CollectorRegistry()
        self.owners = Ownership(
            endpoints,
            self.registry,
            Errors(self.registry),
            timeout=TIMEOUT,
            records=self.records,
            breaker_enabled=lambda: self.enabled,
            breaker=Breaker(most=most, pause=0.3),
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self.owners.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def errors(self, error_type: str) -> float | None:
        labels = {"component": "acp", "error_type": error_type, "severity": "critical"}
        return self.registry.get_sample_value("dwcp_v3_errors_total", labels)

    def value(self, name: str) -> float | None:
        return self.registry.get_sample_value(name)

    def without_quorum(self) -> None:
        """Asks until the breaker is open."""
        self.enabled = True
        while self.owners.status()["breaker"] == "closed":
            with pytest.raises(NoQuorum):
                self.owners.owner("any")


def owners_in(cluster: Cluster, vm: str) -> list[str]:
    """As etcd tells them, first to last; one after the other is never the same."""
    told = [str(json.loads(value)["owner"]) for value in cluster.history(PREFIX + vm)]
    return [owner for owner, _ in itertools.groupby(told)]


def test_the_breaker_opens_after_failures_in_a_row_and_not_before() -> None:
    breaker = Breaker(most=3, pause=5)
    twice = breaker.failed(1).failed(2)
    assert twice.phase is Phase.CLOSED
    assert twice.succeeded().failed(3).failed(4).phase is Phase.CLOSED
    assert twice.failed(3).phase is Phase.OPEN


def test_an_open_breaker_allows_one_trial_after_each_pause() -> None:
    opened = Breaker(most=1, pause=5).failed(10)
    assert opened.tried(14.9) is None
    assert opened.failed(14) == opened
    trial = opened.tried(15)
    assert trial
    assert trial.phase is Phase.HALF_OPEN
    assert trial.tried(15.1) is None
    again = trial.failed(15.5)
    assert again.phase is Phase.OPEN
    assert again.tried(20.4) is None
    assert again.tried(20.5)
    assert trial.succeeded() == replace(Breaker(most=1, pause=5), since=15)


def test_a_trial_of_which_nothing_is_heard_does_not_keep_the_breaker_for_ever() -> None:
    trial = Breaker(most=1, pause=5).failed(0).tried(5)
    assert trial
    assert trial.tried(9.9) is None
    assert trial.tried(10)


@without_etcd
def test_a_machine_is_created_moved_and_ended(shared_etcd: Cluster) -> None:
    control, vm = Control(shared_etcd.endpoints), next(names)
    assert control.owners.owner(vm) is None
    assert control.owners.create(vm, "a") is Commit.COMMITTED
    assert control.owners.move(vm, "a", "b") is Commit.COMMITTED
    assert control.owners.owner(vm) == "b"
    written = control.records.get(vm)
    assert written
    assert (written.state, written.holder) == (State.OWNED, "b")
    assert control.owners.end(vm) is Commit.COMMITTED
    assert control.owners.owner(vm) is None
    ended = control.records.get(vm)
    assert ended
    assert ended.state is State.ENDED
    assert owners_in(shared_etcd, vm) == ["a", "b", ""]
    assert control.errors("consensus_timeout") == 0


@without_etcd
def test_everything_may_be_done_again(shared_etcd: Cluster) -> None:
    control, vm = Control(shared_etcd.endpoints), next(names)
    for _ in range(2):
        control.owners.create(vm, "a")
    for _ in range(2):
        control.owners.move(vm, "a", "b")
    for _ in range(2):
        control.owners.end(vm)
    assert len(shared_etcd.history(PREFIX + vm)) == 3
    control.owners.create(vm, "c")
    assert control.owners.owner(vm) == "c"


@without_etcd
def test_who_is_not_the_owner_changes_nothing_and_hears_who_is(shared_etcd: Cluster) -> None:
    control, vm = Control(shared_etcd.endpoints), next(names)
    with pytest.raises(OwnedElsewhere, match="owned by nobody") as refused:
        control.owners.move(vm, "a", "b")
    assert refused.value.owner is None
    control.owners.create(vm, "a")
    attempts: list[Callable[[], Commit]] = [
        lambda: control.owners.create(vm, "b"),
        lambda: control.owners.move(vm, "c", "b"),
        lambda: Control(shared_etcd.endpoints).owners.move(vm, "c", "b"),
    ]
    for attempt in attempts:
        with pytest.raises(OwnedElsewhere) as refused:
            attempt()
        assert refused.value.owner == "a"
    assert owners_in(shared_etcd, vm) == ["a"]


@without_etcd
def test_what_another_process_changed_meanwhile_is_noticed(shared_etcd: Cluster) -> None:
    one, other, vm = Control(shared_etcd.endpoints), Control(shared_etcd.endpoints), next(names)
    one.owners.create(vm, "a")
    other.owners.move(vm, "a", "b")
    with pytest.raises(OwnedElsewhere):
        one.owners.move(vm, "a", "c")
    other.owners.move(vm, "b", "a")
    assert one.owners.move(vm, "a", "c") is Commit.COMMITTED
    assert owners_in(shared_etcd, vm) == ["a", "b", "a", "c"]


@without_etcd
def test_of_many_that_move_a_machine_at_once_one_succeeds(shared_etcd: Cluster) -> None:
    controls = [Control(shared_etcd.endpoints) for _ in range(2)]
    vm = next(names)
    won: list[str] = []
    lost: list[str | None] = []
    controls[0].owners.create(vm, "a")

    def move(number: int) -> None:
        try:
            controls[number % 2].owners.move(vm, "a", f"b-{number}")
            won.append(f"b-{number}")
        except OwnedElsewhere as error:
            lost.append(error.owner)

    threads = [threading.Thread(target=move, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert lost == won * 7
    assert owners_in(shared_etcd, vm) == ["a", *won]


@without_etcd
def test_a_member_that_is_gone_costs_no_error(shared_etcd: Cluster) -> None:
    control, vm = Control([("127.0.0.1", 1), *shared_etcd.endpoints]), next(names)
    assert control.owners.create(vm, "a") is Commit.COMMITTED
    assert control.errors("consensus_timeout") == 0


@without_etcd
def test_an_owner_that_was_put_by_hand_is_an_owner(shared_etcd: Cluster) -> None:
    control, vm = Control(shared_etcd.endpoints), next(names)
    Etcd(shared_etcd.endpoints, TIMEOUT).put_if(PREFIX + vm, 0, b"node-b\n")
    assert control.owners.owner(vm) == "node-b"
    assert control.owners.move(vm, "node-b", "a") is Commit.COMMITTED


def test_what_is_no_etcd_counts_as_no_answer() -> None:
    answers: list[dict[str, object]] = [
        {},
        {"responses": []},
        {"responses": [{}]},
        {"responses": [5]},
        {"succeeded": True},
        {"succeeded": True, "header": 5},
    ]
    queue = iter(answers)
    routes = {("POST", "/v3/kv/txn"): lambda _: says(200, **next(queue))}
    server = Server(("127.0.0.1", 0), routes, "no etcd")
    try:
        client = Etcd([("127.0.0.1", server.server_address[1])], TIMEOUT)
        for _ in answers:
            with pytest.raises(Unavailable):
                client.read("key")
        with pytest.raises(Unavailable, match="404"):
            client.lease(5)
    finally:
        server.close()


@pytest.fixture
def gateway(shared_etcd: Cluster) -> Iterator[Gateway]:
    running = Gateway(shared_etcd.endpoints[0])
    yield running
    running.close()


@without_etcd
def test_a_change_whose_answer_was_lost_is_found_to_be_done(
    shared_etcd: Cluster, gateway: Gateway
) -> None:
    control, vm = Control([gateway.address]), next(names)
    control.owners.create(vm, "a")
    gateway.lose = 2
    assert control.owners.move(vm, "a", "b") is Commit.COMMITTED
    assert control.errors("consensus_timeout") == 2
    assert control.value("dwcp_v3_acp_consensus_failures_total") == 2
    assert len(shared_etcd.history(PREFIX + vm)) == 2


@without_etcd
def test_a_change_that_was_reported_as_not_done_is_taken_back_if_it_was(
    shared_etcd: Cluster, gateway: Gateway
) -> None:
    control, vm = Control([gateway.address]), next(names)
    control.owners.create(vm, "a")
    gateway.lose = 3
    with pytest.raises(NoQuorum):
        control.owners.move(vm, "a", "b")
    assert owners_in(shared_etcd, vm) == ["a", "b"]
    assert control.owners.owner(vm) == "a"
    with pytest.raises(OwnedElsewhere):
        control.owners.move(vm, "b", "c")
    with control.running():
        wait_until(lambda: owners_in(shared_etcd, vm) == ["a", "b", "a"])
    assert control.owners.move(vm, "a", "c") is Commit.COMMITTED


@without_etcd
def test_what_is_taken_back_goes_to_the_owner_of_last_and_not_to_one_of_long_ago(
    shared_etcd: Cluster, gateway: Gateway
) -> None:
    control, other, vm = Control([gateway.address]), Control(shared_etcd.endpoints), next(names)
    control.owners.create(vm, "a")
    gateway.hold = 3
    with pytest.raises(NoQuorum):
        control.owners.move(vm, "a", "b")
    other.owners.move(vm, "a", "c")
    gateway.lose = 3
    with pytest.raises(NoQuorum):
        control.owners.move(vm, "c", "d")
    assert control.owners.owner(vm) == "c"
    with control.running():
        wait_until(lambda: owners_in(shared_etcd, vm) == ["a", "c", "d", "c"])


@without_etcd
def test_a_change_that_was_reported_as_not_done_may_be_asked_for_again(
    shared_etcd: Cluster, gateway: Gateway
) -> None:
    control, vm = Control([gateway.address]), next(names)
    control.owners.create(vm, "a")
    gateway.lose = 3
    with pytest.raises(NoQuorum):
        control.owners.move(vm, "a", "b")
    assert control.owners.move(vm, "a", "b") is Commit.COMMITTED
    assert owners_in(shared_etcd, vm) == ["a", "b"]


@without_etcd
def test_a_change_that_reaches_etcd_late_changes_nothing_any_more(
    shared_etcd: Cluster, gateway: Gateway
) -> None:
    control, vm = Control([gateway.address]), next(names)
    gateway.hold = 2
    control.owners.create(vm, "a")
    assert control.errors("consensus_timeout") == 2
    gateway.hold = 2
    control.owners.move(vm, "a", "b")
    control.owners.move(vm, "b", "a")
    gateway.release()
    assert owners_in(shared_etcd, vm) == ["a", "b", "a"]
    gateway.hold = 2
    control.owners.end(vm)
    gateway.release()
    assert owners_in(shared_etcd, vm) == ["a", "b", "a", ""]


@without_etcd
def test_a_creation_that_reaches_etcd_late_does_not_bring_an_ended_machine_back(
    shared_etcd: Cluster, gateway: Gateway
) -> None:
    control, vm = Control([gateway.address]), next(names)
    gateway.hold = 2
    control.owners.create(vm, "a")
    control.owners.end(vm)
    gateway.release()
    assert owners_in(shared_etcd, vm) == ["a", ""]


@without_etcd
def test_a_machine_that_was_reported_as_not_created_is_not_created_late(
    shared_etcd: Cluster, gateway: Gateway
) -> None:
    control, vm = Control([gateway.address]), next(names)
    gateway.hold = 3
    with pytest.raises(NoQuorum):
        control.owners.create(vm, "a")
    control.owners.end(vm)
    gateway.release()
    assert owners_in(shared_etcd, vm) == [""]
    vm = next(names)
    gateway.hold = 3
    with pytest.raises(NoQuorum):
        control.owners.create(vm, "a")
    with control.running():
        wait_until(lambda: owners_in(shared_etcd, vm) == [""])
    gateway.release()
    assert owners_in(shared_etcd, vm) == [""]
    assert control.owners.create(vm, "b") is Commit.COMMITTED


@without_etcd
def test_without_quorum_nothing_is_done_and_every_attempt_is_an_error(etcd: Cluster) -> None:
    control = Control(etcd.endpoints)
    control.owners.create("vm", "a")
    etcd.freeze(0, 1)
    with pytest.raises(NoQuorum):
        control.owners.move("vm", "a", "b")
    assert control.errors("consensus_timeout") == 3
    assert control.value("dwcp_v3_acp_consensus_failures_total") == 3
    latency = control.value("dwcp_v3_acp_consensus_latency_ms")
    assert latency
    assert latency > 100
    assert control.owners.status()["quorum"] is False
    assert control.owners.status()["status"] == "unhealthy"
    etcd.thaw()
    etcd.until_quorum()
    with control.running():
        wait_until(lambda: control.owners.status()["quorum"])
        assert control.owners.owner("vm") == "a"
        assert control.owners.move("vm", "a", "b") is Commit.COMMITTED
    assert control.owners.status()["status"] == "healthy"


@without_etcd
def test_an_open_breaker_queues_at_once_and_does_it_when_quorum_is_back(etcd: Cluster) -> None:
    control = Control(etcd.endpoints)
    control.owners.create("vm-1", "a")
    control.owners.create("vm-2", "a")
    etcd.freeze(1, 2)
    control.without_quorum()
    failures = control.errors("consensus_timeout")
    assert control.owners.move("vm-2", "a", "b") is Commit.QUEUED
    assert control.owners.move("vm-1", "a", "b") is Commit.QUEUED
    assert control.owners.move("vm-1", "b", "c") is Commit.QUEUED
    assert control.owners.create("vm-3", "d") is Commit.QUEUED
    assert control.owners.end("vm-2") is Commit.QUEUED
    assert control.errors("consensus_timeout") == failures
    assert [(r.vm, r.source, r.holder) for r in control.records.pending()] == [
        ("vm-1", "a", "c"),
        ("vm-3", "", "d"),
        ("vm-2", "a", ""),
    ]
    assert control.owners.owner("vm-1") == "c"
    assert control.owners.owner("vm-2") is None
    with pytest.raises(OwnedElsewhere):
        control.owners.move("vm-1", "a", "b")
    assert control.owners.status()["queue"] == 3
    assert control.value("dwcp_v3_acp_queued_changes") == 3
    etcd.thaw()
    with control.running():
        wait_until(lambda: not control.owners.status()["queue"])
    assert control.owners.status()["breaker"] == "closed"
    assert [owners_in(etcd, vm) for vm in ("vm-1", "vm-2", "vm-3")] == [
        ["a", "c"],
        ["a", ""],
        ["d"],
    ]
    assert not control.records.pending()
    assert control.errors("commit_conflict") == 0


@without_etcd
def test_a_queued_change_that_loses_is_an_error_and_its_record_is_set_right(etcd: Cluster) -> None:
    control, other = Control(etcd.endpoints), Control(etcd.endpoints)
    control.owners.create("vm", "a")
    etcd.freeze(1, 2)
    control.without_quorum()
    control.owners.move("vm", "a", "b")
    etcd.thaw()
    etcd.until_quorum()
    other.owners.move("vm", "a", "c")
    with control.running():
        wait_until(lambda: control.errors("commit_conflict") == 1)
        wait_until(lambda: not control.owners.status()["queue"])
    record = control.records.get("vm")
    assert record
    assert (record.state, record.holder) == (State.OWNED, "c")
    assert owners_in(etcd, "vm") == ["a", "c"]


@without_etcd
def test_a_queue_outlives_its_process_as_long_as_a_peer_has_the_records(etcd: Cluster) -> None:
    control, peer = Control(etcd.endpoints), Records("peer")
    control.owners.create("vm", "a")
    etcd.freeze(1, 2)
    control.without_quorum()
    control.owners.move("vm", "a", "b")
    peer.merge(control.records.all().values())
    etcd.thaw()
    successor = Control(etcd.endpoints)
    with successor.running():
        successor.records.merge(peer.all().values())
        wait_until(lambda: owners_in(etcd, "vm") == ["a", "b"])


@without_etcd
def test_the_breaker_is_not_consulted_unless_it_is_enabled(etcd: Cluster) -> None:
    control = Control(etcd.endpoints)
    control.owners.create("vm", "a")
    etcd.freeze(1, 2)
    control.without_quorum()
    control.enabled = False
    with pytest.raises(NoQuorum):
        control.owners.move("vm", "a", "b")
    control.enabled = True
    assert control.owners.move("vm", "a", "b") is Commit.QUEUED


class Movers:
    """Two processes' threads that move the same machines, each time to a node never used before, so
    that every move can be found in etcd's history."""

    def __init__(self, cluster: Cluster, vms: list[str]) -> None:
        self.controls = [Control(cluster.endpoints, Records(f"control-{n}")) for n in range(2)]
        self.outcomes: list[tuple[str, str, str, str]] = []  # machine, from, to, what was said
        self._vms = vms
        self._numbers = itertools.count(1)
        for vm in vms:
            self.controls[0].owners.create(vm, "first")

    @contextmanager
    def moving(self, seed: int) -> Iterator[None]:
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._move, args=(control, Random(f"{seed} {n}"), stop))
            for n, control in enumerate(self.controls * 2)
        ]
        with self.controls[0].running(), self.controls[1].running():
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
            wait_until(lambda: all(c.owners.status()["status"] == "healthy" for c in self.controls))
            wait_until(lambda: not any(c.owners._doubts for c in self.controls))

    def said(self, what: str) -> int:
        return sum(each[3] == what for each in self.outcomes)

    def _move(self, control: Control, random: Random, stop: threading.Event) -> None:
        believed: dict[str, str | None] = dict.fromkeys(self._vms, "first")
        while not stop.is_set():
            vm, to = random.choice(self._vms), f"node-{next(self._numbers)}"
            source = believed[vm] or "nobody"
            try:
                said = str(control.owners.move(vm, source, to))
                believed[vm] = to
            except NoQuorum:
                said = "no quorum"
            except OwnedElsewhere as error:
                said, believed[vm] = "elsewhere", error.owner
            self.outcomes.append((vm, source, to, said))


@without_etcd
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_to_members_each_machine_has_one_owner_and_reports_are_true(
    etcd: Cluster, seed: int
) -> None:
    random, vms = Random(seed), [f"vm-{number}" for number in range(4)]
    movers = Movers(etcd, vms)
    with movers.moving(seed):
        for how in random.sample(["freeze one", "freeze two", "freeze two", "kill"], 4):
            harm(etcd, how, random, movers)
    assert movers.said("no quorum")
    for vm in vms:
        history = owners_in(etcd, vm)
        assert all(history), "it has an owner at every moment"
        moves = {to: (source, said) for of, source, to, said in movers.outcomes if of == vm}
        done = {to for to, (_, said) in moves.items() if said == "committed"}
        assert done <= set(history), "what was reported is so"
        assert history[-1] in {"first", *done}, "what was not reported does not stay"
        assert all(lawful(step, moves) for step in pairwise(history))
        assert {c.owners.owner(vm) for c in movers.controls} == {history[-1]}


@without_etcd
def test_with_the_breaker_every_promise_is_kept_whatever_happens_to_members(etcd: Cluster) -> None:
    control = Control(etcd.endpoints, most=1)
    promised: dict[str, str] = {}
    said: Counter[str] = Counter()
    control.enabled = True
    stop = threading.Event()

    def promise(vm: str) -> None:
        control.owners.create(vm, "node-0")
        promised[vm] = "node-0"
        for number in itertools.count(1):
            if stop.is_set():
                return
            to = f"node-{number}"
            said[str(control.owners.move(vm, promised[vm], to))] += 1
            promised[vm] = to

    def more(what: str) -> None:
        before = said[what]
        wait_until(lambda: said[what] > before + 50)

    threads = [threading.Thread(target=promise, args=(f"vm-{n}",)) for n in range(4)]
    with control.running():
        for thread in threads:
            thread.start()
        for frozen in ((0, 1), (1, 2), (0, 2)):
            etcd.freeze(*frozen)
            more("queued")
            etcd.thaw()
            more("committed")
        stop.set()
        for thread in threads:
            thread.join()
        wait_until(lambda: not control.owners.status()["queue"])
    assert {vm: owners_in(etcd, vm)[-1] for vm in promised} == promised
    assert {vm: record.holder for vm, record in control.records.all().items()} == promised
    assert control.errors("commit_conflict") == 0


def lawful(step: tuple[str, str], moves: dict[str, tuple[str, str]]) -> bool:
    """The owner changed from the one that the mover named, or back from a move of which its mover
    was told that it did not happen, or from there on as if it had not."""
    before, after = step
    refused = moves[before][0] if before in moves and moves[before][1] == "no quorum" else None
    return after == refused or moves[after][0] in (before, refused)


def harm(cluster: Cluster, how: str, random: Random, movers: Movers) -> None:
    """Until it was felt; and then until machines are moved again."""
    hurt = random.sample(range(3), 2)
    refused = movers.said("no quorum")
    if how == "kill":
        cluster.kill(hurt[0])
    else:
        cluster.freeze(*hurt[: 1 if how == "freeze one" else 2])
    if how == "freeze two":
        wait_until(lambda: movers.said("no quorum") >= refused + 4)
    else:
        heard = len(movers.outcomes)
        wait_until(lambda: len(movers.outcomes) >= heard + 50)
    cluster.thaw()
    if how == "kill":
        cluster.restart(hurt[0])
    moved = movers.said("committed")
    wait_until(lambda: movers.said("committed") >= moved + 50)
