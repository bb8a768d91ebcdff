"""What is generated for Prometheus and Alertmanager, read by their own checkers."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from drillrange.manifests import SCRAPED
from drillrange.monitoring import Monitors, rules_file, targets


def check(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.parametrize("factor", [1.0, 20.0, 60.0])
def test_the_generated_files_are_good(tmp_path: Path, factor: float) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    monitors = Monitors(directory=tmp_path, factor=factor, alertmanager="127.9.9.9")
    monitors.write("http://127.0.0.1:1/hook", token)
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


def a_pod(name: str, ports: str | None, address: str, **meta: str) -> dict[str, Any]:
    annotations = {} if ports is None else {SCRAPED: ports}
    return {
        "metadata": {"name": name, "annotations": annotations, **meta},
        "status": {"podIP": address} if address else {},
    }


def test_what_is_scraped_is_every_marked_port_of_a_pod_with_an_address() -> None:
    pods = [
        a_pod("both", "8080,9093", "127.3.4.5"),
        a_pod("unmarked", None, "127.3.4.6"),
        a_pod("not-placed-yet", "8080", ""),
        a_pod("ending", "8080", "127.3.4.7", deletionTimestamp="now"),
    ]
    assert targets(pods) == [
        {"targets": ["127.3.4.5:8080", "127.3.4.5:9093"], "labels": {"pod": "both"}}
    ]
