"""Faults break something real, can be done twice, and know nothing of what mends them."""

import inspect
from pathlib import Path

import pytest

from drillrange import faults
from drillrange.dwcp_v3 import Ports, manifests
from drillrange.faults import FAULTS

PORTS = Ports(http=1, amst=2, hde=3, control=4, destination=5, destination_metrics=6)


def test_faults_name_no_setting_of_the_service() -> None:
    source = inspect.getsource(faults)
    known = {
        item["name"]
        for manifest in manifests(PORTS, Path("/r"), 1.0)
        if manifest["kind"] == "Deployment"
        for item in manifest["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    assert {"STREAM_COUNT", "COMPRESSION_ALGO", "FEATURE_FLAG_ROLLOUT"} <= known
    words = {*known, "kubectl", "replicas", "snappy", "playcall", "import dwcp", "dwcp_v3"}
    assert [word for word in words if word in source] == []


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_may_be_put_in_and_healed_twice_and_leaves_nothing(
    name: str, tmp_path: Path
) -> None:
    fault = FAULTS[name]
    fault.heal(tmp_path)
    fault.inject(tmp_path)
    fault.inject(tmp_path)
    assert fault.about
    fault.heal(tmp_path)
    fault.heal(tmp_path)
    assert list(tmp_path.iterdir()) == []
