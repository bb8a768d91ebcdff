"""What is generated for Prometheus and Alertmanager, read by their own checkers."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from drillrange.dwcp_v3 import Ports as ServicePorts
from drillrange.dwcp_v3 import manifests
from drillrange.monitoring import Files, Ports, rules_file

PORTS = ServicePorts(http=1, amst=2, hde=3, control=4, destination=5, destination_metrics=6)


def check(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.parametrize("factor", [1.0, 20.0, 60.0])
def test_the_generated_files_are_good(tmp_path: Path, factor: float) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    files = Files(directory=tmp_path, factor=factor)
    monitors = Ports(prometheus=9090, alertmanager=9093)
    files.write(monitors, PORTS.scraped, "http://127.0.0.1:1/hook", token)
    said = check("promtool", "check", "config", str(tmp_path / "prometheus.yml"))
    assert "6 rules found" in said
    check("amtool", "check-config", str(tmp_path / "alertmanager.yml"))
    assert "secret" not in (tmp_path / "alertmanager.yml").read_text()


def rules(factor: float) -> dict[str, dict[str, Any]]:
    (group,) = yaml.safe_load(rules_file(factor))["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def test_one_factor_divides_every_window_and_nothing_else() -> None:
    true, fast = rules(1.0), rules(20.0)
    for name, rule in true.items():
        assert fast[name]["expr"] == rule["expr"].replace("[300000ms]", "[15000ms]")
        assert int(rule["for"][:-2]) == 20 * int(fast[name]["for"][:-2])
        assert {**fast[name], "expr": 0, "for": 0} == {**rule, "expr": 0, "for": 0}


def test_every_alert_names_its_severity_its_team_and_what_it_means() -> None:
    found = rules(1.0)
    assert {name: rule["for"] for name, rule in found.items()} == {
        "DWCPv3RolloutNoGo": "60000ms",
        "DWCPv3LatencyP99Critical": "120000ms",
        "DWCPv3ThroughputCriticalLow": "180000ms",
        "DWCPv3ErrorRateCritical": "60000ms",
        "DWCPv3LatencyP95High": "300000ms",
        "DWCPv3ThroughputLow": "300000ms",
    }
    for rule in found.values():
        assert set(rule["labels"]) == {"severity", "team"}
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}


def test_only_the_service_is_told_where_its_parts_are(tmp_path: Path) -> None:
    made = manifests(PORTS, tmp_path, 20.0)
    deployments = [m for m in made if m["kind"] == "Deployment"]
    assert {m["metadata"]["name"] for m in deployments} == set(PORTS.scraped)
    assert {m["spec"]["strategy"]["type"] for m in deployments} == {"Recreate"}
    labels = {
        m["metadata"]["name"]: m["spec"]["template"]["metadata"]["labels"] for m in deployments
    }
    assert labels["dwcp-v3-amst"] == {"app": "dwcp-v3", "component": "amst", "version": "v3"}
    assert labels["dwcp-v3"]["app"] == "dwcp-v3"
    services = {m["metadata"]["name"] for m in made if m["kind"] == "Service"}
    assert services == {"dwcp-v3", "dwcp-service"}
