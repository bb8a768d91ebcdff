"""A wrong value of a knob on a whole range: it is told, and what ran before keeps running."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.drillrange.whole import Whole, a_range

KNOBS = (
    ("dwcp-v3-amst", "component=amst", "STREAM_COUNT=abc", "it takes 1 to 512"),
    ("dwcp-v3-hde", "app=dwcp-v3-hde", "COMPRESSION_ALGO=fast", "it takes one of none, lz4"),
    ("dwcp-v3", "component=control", "FEATURE_FLAG_ROLLOUT=lots", "it takes 0 to 100"),
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Whole]:
    with a_range("knobs", tmp_path) as made:
        yield made


def tells(place: Whole, label: str, told: str) -> bool:
    """A pod that was started again this moment has said nothing yet."""
    return told in place.ok(f"kubectl logs -l {label} --tail=20")


def test_a_wrong_knob_is_told_and_the_old_value_stays(place: Whole) -> None:
    moved = "sum(increase(dwcp_v3_migration_latency_seconds_count[5s]))"
    for deployment, label, setting, told in KNOBS:
        pods = place.get("deployment", deployment)["status"]["availableReplicas"]
        place.ok(f"kubectl set env deployment/{deployment} {setting}")
        stuck = place.sh(f"kubectl rollout status deployment/{deployment} --timeout=3s")
        assert stuck.code == 1
        place.until(partial(tells, place, label, told), 15, f"{deployment} does not say: {told}")
        assert place.get("deployment", deployment)["status"]["availableReplicas"] >= pods
    place.until(lambda: (place.ask(moved) or 0) > 1, 15, "machines are moved no more")
