"""The example's files are accepted by the programs they are for, and agree with the range."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from drillrange import dwcp_v3, monitoring
from playcall.core.compiler import compile_document
from playcall.core.people import roles
from playcall.settings import read_settings
from tests.servers import HOST, free_port, prometheus

EXAMPLE = Path(__file__).parents[2] / "examples" / "dwcp-v3"
SCRIPTS = sorted((EXAMPLE / "scripts").glob("*.sh"))
SOURCE = Path(__file__).parents[2] / "src"
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
DASHBOARD = json.loads((EXAMPLE / "dashboard.json").read_text("utf-8"))


def said(*argv: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_alert_fires_when_it_should_and_only_then() -> None:
    assert "SUCCESS" in said("promtool", "test", "rules", "alerts.test.yml", cwd=EXAMPLE)


def test_the_range_has_the_very_same_rules() -> None:
    written = yaml.safe_load((EXAMPLE / "alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
    ranged = yaml.safe_load(monitoring.rules_file(1.0))["groups"][0]["rules"]

    def compared(rules: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            rule["alert"]: {
                **rule,
                "expr": "".join(rule["expr"].split()).replace("[300000ms]", "[5m]"),
                "for": pytest.approx(_seconds(rule["for"])),
            }
            for rule in rules
        }

    assert compared(written) == compared(ranged)


def _seconds(duration: str) -> float:
    number, unit = duration.rstrip("ms"), duration.lstrip("0123456789")
    return float(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


async def test_alertmanager_starts_with_its_file(tmp_path: Path) -> None:
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    assert program
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={EXAMPLE / 'alertmanager.yml'}",
        f"--storage.path={tmp_path}",
        f"--web.listen-address={HOST}:{free_port()}",
        "--cluster.listen-address=",
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    try:
        async with asyncio.timeout(20):
            seen = b""
            while b"Completed loading of configuration file" not in seen:
                line = await process.stderr.readline()
                assert line, seen.decode()
                seen += line
    finally:
        process.kill()
        await process.wait()


def test_playcall_takes_its_settings_and_everybody_who_is_paged_is_there() -> None:
    settings = read_settings(EXAMPLE / "playcall.toml")
    plan = compile_document(settings.playbook.read_bytes(), settings.playbook.name).plan
    assert plan
    assert set(roles(plan)) <= set(settings.on_call)
    assert settings.files == EXAMPLE


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_bash_and_can_be_run(script: Path) -> None:
    said("bash", "-n", script)
    sourced = script.name == "metrics.sh"
    assert bool(script.stat().st_mode & 0o100) is not sourced


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("check-latency-trend.sh --metric p95 --duration 30m", "p95 over 30 min: only 0 values"),
        (
            "compare-to-baseline.sh --metric throughput --window 7d",
            "throughput: only 0 values of 20",
        ),
    ],
)
def test_a_script_that_measures_says_when_there_is_too_little(call: str, told: str) -> None:
    with prometheus() as url:
        env = {"PATH": PATH, "PYTHONPATH": str(SOURCE), "PROMETHEUS_URL": url}
        argv = [str(EXAMPLE / "scripts" / call.split()[0]), *call.split()[1:]]
        done = subprocess.run(argv, capture_output=True, text=True, env=env, check=False)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith(told)


def test_every_file_that_the_playbook_names_is_there() -> None:
    text = (EXAMPLE / "playbooks.md").read_text("utf-8")
    named = {
        word.removeprefix("./").strip("`)")
        for word in text.split()
        if word.startswith("./scripts/") or word.endswith(".yaml")
    }
    assert named
    assert [name for name in named if not (EXAMPLE / name).is_file()] == []


def settings_in(name: str) -> dict[str, str]:
    found = yaml.safe_load((EXAMPLE / name).read_text("utf-8"))
    assert (found["kind"], found["metadata"]["name"]) == ("ConfigMap", dwcp_v3.CONFIG)
    return dict(found["data"])


def test_the_known_settings_are_those_the_range_is_made_with() -> None:
    assert settings_in("configs/dwcp-v3-known-good.yaml") == dwcp_v3.SETTINGS


@pytest.mark.parametrize("name", ["configs/circuit-breaker-enabled.yaml", "hotfix-config.yaml"])
def test_every_other_settings_file_is_whole_since_applying_it_replaces_the_one_before(
    name: str,
) -> None:
    found = settings_in(name)
    assert found.keys() == dwcp_v3.SETTINGS.keys()
    assert found["circuit-breaker"] == "enabled"


# --- the dashboard


def expressions() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def unit_test(directory: Path, tests: list[dict[str, Any]]) -> None:
    path = directory / "dashboard.test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [], "tests": tests}), "utf-8")
    said("promtool", "test", "rules", path)


def test_every_panel_asks_what_prometheus_understands(tmp_path: Path) -> None:
    asked = [{"expr": expr, "eval_time": "1m", "exp_samples": []} for expr in expressions()]
    unit_test(tmp_path, [{"promql_expr_test": asked}])


@pytest.mark.parametrize(
    ("holding", "shown"), [("111", "GO"), ("110", "CAUTION"), ("100", "NO-GO"), ("000", "NO-GO")]
)
def test_the_rollout_panel_can_show_every_verdict(tmp_path: Path, holding: str, shown: str) -> None:
    panel = next(each for each in DASHBOARD["panels"] if each["title"] == "Rollout")
    names = ("latency", "throughput", "error_rate")
    series = [
        {"series": f'dwcp_v3_sla_compliance{{sla_type="{name}"}}', "values": f"{held}x4"}
        for name, held in zip(names, holding, strict=True)
    ]
    value = holding.count("1")
    expected = {"expr": panel["targets"][0]["expr"], "eval_time": "1m"}
    sample = {"labels": "{}", "value": value}
    unit_test(
        tmp_path,
        [{"input_series": series, "promql_expr_test": [expected | {"exp_samples": [sample]}]}],
    )
    texts = {
        number: option["text"]
        for mapping in panel["fieldConfig"]["defaults"]["mappings"]
        if mapping["type"] == "value"
        for number, option in mapping["options"].items()
    }
    assert texts[str(value)] == shown


def test_without_data_of_all_three_there_is_no_verdict(tmp_path: Path) -> None:
    panel = next(each for each in DASHBOARD["panels"] if each["title"] == "Rollout")
    series = [
        {"series": f'dwcp_v3_sla_compliance{{sla_type="{name}"}}', "values": "1x4"}
        for name in ("latency", "throughput")
    ]
    asked = {"expr": panel["targets"][0]["expr"], "eval_time": "1m", "exp_samples": []}
    unit_test(tmp_path, [{"input_series": series, "promql_expr_test": [asked]}])
    assert panel["fieldConfig"]["defaults"]["noValue"] == "NO DATA"
