"""The playbook's rollback on a whole range: whatever stops it midway, machines keep being moved,
each has one owner, and the same command given again goes through.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.drillrange.whole import Whole, a_range, machines

ROLLBACK = "./scripts/rollback-dwcp-v3.sh --phase 6 --confirm"
NODES = {
    *("dwcp-v3-source", "dwcp-v3-destination", "dwcp-v3-destination-2"),
    *("dwcp-v1-source", "dwcp-v1-destination"),
}
IMAGE = 64 << 20


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Whole]:
    with a_range("rollback", tmp_path) as made:
        few = json.dumps({"data": {"load-rate": "0.2"}})  # v1 could not follow the usual load
        made.ok(f"kubectl patch configmap/dwcp-v3-config -p '{few}'")
        yield made


def move(place: Whole, name: str) -> Mapping[str, Any]:
    """As a customer asks for it, again and again until somebody has moved it."""
    body = json.dumps({"id": name, "size": IMAGE, "zero_share": 0.5, "idle": True})
    asking = f"curl -sS --retry 0 --max-time 30 -d '{body}' http://dwcp-service:8080/migrations"
    answer: dict[str, Any] = {}

    def moved() -> bool:
        said = place.sh(asking)
        answer.clear()
        if said.code == 0:
            answer.update(json.loads(said.text))
        return "digest" in answer

    place.until(moved, 40, f"{name} was not moved: {answer}")
    return answer


@contextmanager
def customers(place: Whole) -> Iterator[dict[str, str]]:
    """Machines that are moved, one after the other, all the while; where they were told to be."""
    told: dict[str, str] = {}
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            name = f"customer-{len(told)}"
            told[name] = move(place, name)["destination"]

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join()


def led_to(place: Whole) -> str:
    return str(place.get("service/dwcp-service")["spec"]["selector"]["version"])


def rollout(place: Whole) -> str:
    containers = place.get("deployment/dwcp-v3")["spec"]["template"]["spec"]["containers"]
    values = {each["name"]: each.get("value") for each in containers[0]["env"]}
    return str(values["FEATURE_FLAG_ROLLOUT"])


def replicas(place: Whole) -> dict[str, int]:
    found = place.get("deployments")["items"]
    return {each["metadata"]["name"]: each["spec"]["replicas"] for each in found}


def test_a_rollback_goes_through_though_it_fails_midway(place: Whole) -> None:
    with customers(place) as told:
        before = move(place, "kept")
        listed = place.sh(ROLLBACK.replace("--confirm", ""))
        assert listed.code == 2
        assert "Nothing was done" in listed.text

        place.ok("kubectl scale deployment/dwcp-v1 --replicas=0")
        place.ok("kubectl set env deployment/dwcp-v1 DWCP_DESTINATION=nowhere")
        no_v1 = place.sh(ROLLBACK, ROLLOUT_TIMEOUT="4s")
        assert (no_v1.code, led_to(place), rollout(place)) == (1, "v3", "100"), no_v1
        assert "STOPPED at: 1. v1 is up" in no_v1.text
        place.ok("kubectl rollout undo deployment/dwcp-v1")
        place.ok("kubectl rollout status deployment/dwcp-v1 --timeout=30s")

        blind = place.sh(ROLLBACK, PROMETHEUS_URL="http://127.0.0.1:9", DRAIN_SECONDS="2")
        assert (blind.code, led_to(place), rollout(place)) == (1, "v3", "0"), blind
        assert "STOPPED at: 3. migrations on v3 end" in blind.text
        assert replicas(place)["dwcp-v3"] == 1, "v3 hands machines on while customers come to it"

        done = place.sh(ROLLBACK)
        assert done.code == 0, done
        assert led_to(place) == "v1"
        left = replicas(place)
        assert [left[name] for name in ("dwcp-v3", "dwcp-v3-amst", "dwcp-v3-hde")] == [0, 0, 0]
        through_v1 = move(place, "after")
        met = len(told)
        place.until(lambda: len(told) >= met + 2, 30, "customers are not served by v1")

    assert (before["version"], through_v1["version"]) == ("v3", "v1")
    assert through_v1["digest"] == before["digest"], "the same memory arrives through v1"
    in_flight = place.ask("sum(dwcp_v3_migrations_in_flight)")
    assert not in_flight, in_flight
    owners = machines(place)
    assert set(owners.values()) <= NODES
    assert {name: owners.get(name) for name in told} == told, "nobody owns another machine, or none"
    assert place.sh(ROLLBACK).code == 0, "done again, it changes nothing"
