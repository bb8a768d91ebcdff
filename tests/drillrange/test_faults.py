"""Faults break something real, can be put in and healed twice, and know no remedy."""

import ast
import inspect
from pathlib import Path

import pytest

from drillrange import bad_source, faults
from drillrange import changes as kinds
from drillrange.changes import PACING_FILE, Ground, Key, Pacing, Setting
from drillrange.dwcp_v3 import CONFIG, SETTINGS, Site, deployments, hosts, services
from drillrange.faults import FAULTS, Fault
from drillrange.monitoring import RULES

ALERTS = {rule.name for rule in RULES}
REMEDIES = ("STREAM_COUNT", "replicas", "undo", "iptables", "known-good", "breaker", "rdma")


def test_faults_know_no_remedy_and_nobody_who_does() -> None:
    for module in (faults, kinds, bad_source):
        source = inspect.getsource(module)
        assert [word for word in REMEDIES if word in source] == []
        imported = {
            name.name if isinstance(node, ast.Import) else str(node.module)
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in node.names
        }
        assert not [
            name for name in imported if name.split(".")[0] in ("playcall", "dwcp", "examples")
        ]


def test_every_alert_has_a_fault_and_every_fault_an_alert() -> None:
    assert {fault.alert for fault in FAULTS.values()} == ALERTS
    for fault in FAULTS.values():
        assert set(fault.neighbours) <= ALERTS - {fault.alert}
        assert fault.about
    assert len(FAULTS) >= 11


def site(directory: Path) -> Site:
    names = [m["metadata"]["name"] for m in services([])]
    pods = ["dwcp-v3-source", "dwcp-v3-destination", "dwcp-v3-destination-2"]
    return Site(
        directory=directory,
        memory=directory,
        pacing=directory / PACING_FILE,
        factor=20.0,
        addresses=dict.fromkeys(names, "127.1.2.3"),
        pods=dict.fromkeys(pods, "127.1.2.4"),
    )


def changes(kind: type[Setting] | type[Key]) -> list[tuple[Fault, Setting | Key]]:
    return [(f, c) for f in FAULTS.values() for c in f.changes if isinstance(c, kind)]


def test_what_a_fault_calls_good_is_what_the_range_is_made_with(tmp_path: Path) -> None:
    assert hosts(site(tmp_path))
    containers = {
        manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"]["containers"][0]
        for manifest in deployments(site(tmp_path))
    }
    for fault, change in changes(Setting):
        assert isinstance(change, Setting)
        env = {item["name"]: item.get("value") for item in containers[change.deployment]["env"]}
        assert env.get(change.name, "") == change.good, fault
    for fault, change in changes(Key):
        assert isinstance(change, Key)
        assert change.config == CONFIG
        assert SETTINGS[change.name] == change.good != change.bad, fault


@pytest.mark.parametrize(
    "fault", [f for f in FAULTS.values() if all(isinstance(c, Pacing) for c in f.changes)]
)
def test_a_fault_may_be_put_in_and_healed_twice_and_leaves_nothing(
    fault: Fault, tmp_path: Path
) -> None:
    ground = Ground(tmp_path)
    fault.heal(ground)
    assert not fault.is_in(ground)
    fault.inject(ground)
    fault.inject(ground)
    assert fault.is_in(ground)
    assert (tmp_path / PACING_FILE).exists()
    fault.heal(ground)
    fault.heal(ground)
    assert not fault.is_in(ground)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
