"""Configuration for a real Prometheus and a real Alertmanager, on a compressed clock.

One factor divides every window and every `for`; the expressions are the service's own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from drillrange.manifests import SCRAPED, Manifest, Port, container, pod, service

SCRAPE = 1.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An alert of the service; windows in seconds of true time."""

    name: str
    expression: str  # {window} stands for the rate window
    lasting: float
    severity: str
    team: str
    summary: str
    description: str


P = "dwcp_v3_migration_latency_seconds_bucket"
RULES = (
    Rule(
        name="DWCPv3RolloutNoGo",
        expression=(
            '(min(dwcp_v3_sla_compliance{{sla_type="latency"}})'
            ' + min(dwcp_v3_sla_compliance{{sla_type="throughput"}})'
            ' + min(dwcp_v3_sla_compliance{{sla_type="error_rate"}})) / 3 < 0.5'
        ),
        lasting=60,
        severity="critical",
        team="oncall",
        summary="At most one of three SLAs holds: NO-GO",
        description=(
            "Half or more of latency, throughput and error rate are outside what "
            "was agreed. A rollout is not to go on."
        ),
    ),
    Rule(
        name="DWCPv3LatencyP99Critical",
        expression=f"histogram_quantile(0.99, sum(rate({P}[{{window}}])) by (le)) > 0.5",
        lasting=120,
        severity="critical",
        team="performance",
        summary="P99 of migrations is {{ $value | humanizeDuration }}, the limit is 500 ms",
        description=(
            "One migration in a hundred takes longer than the half second that guests can bear."
        ),
    ),
    Rule(
        name="DWCPv3ThroughputCriticalLow",
        expression="avg(dwcp_v3_throughput_bytes_per_second) < 2.0e9",
        lasting=180,
        severity="critical",
        team="network",
        summary="Throughput is {{ $value | humanize }}B/s, the limit is 2 GB/s",
        description=(
            "Machines are moved at less than 2 GB/s of guest memory, averaged over the components."
        ),
    ),
    Rule(
        name="DWCPv3ErrorRateCritical",
        expression="sum(rate(dwcp_v3_errors_total[{window}])) > 10",
        lasting=60,
        severity="critical",
        team="oncall",
        summary="{{ $value | humanize }} errors in a second, the limit is 10",
        description=(
            "More than ten errors in a second, over all components. Guests may be "
            "left where they were."
        ),
    ),
    Rule(
        name="DWCPv3LatencyP95High",
        expression=f"histogram_quantile(0.95, sum(rate({P}[{{window}}])) by (le)) > 0.3",
        lasting=300,
        severity="warning",
        team="performance",
        summary="P95 of migrations is {{ $value | humanizeDuration }}",
        description=(
            "One migration in twenty takes longer than 300 ms. The limit for one "
            "in a hundred is near."
        ),
    ),
    Rule(
        name="DWCPv3ThroughputLow",
        expression="avg(dwcp_v3_throughput_bytes_per_second) < 2.2e9",
        lasting=300,
        severity="warning",
        team="network",
        summary="Throughput is {{ $value | humanize }}B/s",
        description=(
            "Machines are moved at less than 2.2 GB/s of guest memory: above the "
            "limit, below what is usual."
        ),
    ),
)
WINDOW = 300.0  # seconds, of every rate


def milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"


def rules_file(factor: float, rules: tuple[Rule, ...] = RULES) -> str:
    return _yaml(
        {
            "groups": [
                {
                    "name": "dwcp-v3",
                    "interval": milliseconds(SCRAPE),
                    "rules": [_rule(rule, factor) for rule in rules],
                }
            ]
        }
    )


def _rule(rule: Rule, factor: float) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": rule.expression.format(window=milliseconds(WINDOW / factor)),
        "for": milliseconds(rule.lasting / factor),
        "labels": {"severity": rule.severity, "team": rule.team},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook_url": f"playbooks.md#{rule.name.lower()}",
        },
    }


PROMETHEUS, ALERTMANAGER = 9090, 9093  # ports
SERVICES = {"prometheus": PROMETHEUS, "alertmanager": ALERTMANAGER}
ALERTMANAGERS = ("prometheus-alertmanager", "alertmanager")  # Debian's name first


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitors:
    """Prometheus and Alertmanager of one range, as pods; their files lie in its directory."""

    directory: Path
    factor: float
    alertmanager: str  # address of its service

    @property
    def targets(self) -> Path:
        """What Prometheus reads, as its file-based discovery has it; followed at once."""
        return self.directory / "targets.json"

    def write(self, webhook_url: str, token_file: Path) -> None:
        token = str(token_file.resolve())
        for name, text in (
            ("rules.yml", rules_file(self.factor)),
            ("prometheus.yml", self._prometheus_file()),
            ("alertmanager.yml", alertmanager_file(webhook_url, token, self.factor)),
            ("targets.json", "[]"),
        ):
            (self.directory / name).write_text(text, "utf-8")

    def pods(self, prometheus: str, alertmanager: str) -> list[Manifest]:
        """Given where the programs are."""
        watching = [
            prometheus,
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'prometheus-data'}",
            f"--web.listen-address=$(POD_IP):{PROMETHEUS}",
            "--log.level=warn",
        ]
        telling = [
            alertmanager,
            f"--config.file={self.directory / 'alertmanager.yml'}",
            f"--storage.path={self.directory / 'alertmanager-data'}",
            f"--web.listen-address=$(POD_IP):{ALERTMANAGER}",
            "--cluster.listen-address=",  # alone: with no address for others of its kind
        ]
        return [
            pod("prometheus-0", {"app": "prometheus"}, [container("prometheus", watching, {})]),
            pod("alertmanager-0", {"app": "alertmanager"}, [container("am", telling, {})]),
        ]

    def _prometheus_file(self) -> str:
        alertmanager = f"{self.alertmanager}:{ALERTMANAGER}"
        discovery = {"files": [str(self.targets)], "refresh_interval": "5s"}
        return _yaml(
            {
                "global": {
                    "scrape_interval": milliseconds(SCRAPE),
                    "evaluation_interval": milliseconds(SCRAPE),
                },
                "rule_files": [str(self.directory / "rules.yml")],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
                "scrape_configs": [{"job_name": "pods", "file_sd_configs": [discovery]}],
            }
        )


def services(local: Sequence[str]) -> list[Manifest]:
    """`local`: more addresses of Prometheus; the other one's port is somebody else's there."""
    return [
        service("prometheus", {"app": "prometheus"}, [Port("http", PROMETHEUS)], local),
        service("alertmanager", {"app": "alertmanager"}, [Port("http", ALERTMANAGER)]),
    ]


def targets(pods: Iterable[Manifest]) -> list[Manifest]:
    """As file-based discovery has them: of pods as they are now, every port marked for it."""
    found = []
    for each in pods:
        meta, address = each["metadata"], each.get("status", {}).get("podIP")
        ports = meta.get("annotations", {}).get(SCRAPED)
        if ports and address and "deletionTimestamp" not in meta:
            ports = [f"{address}:{port}" for port in ports.split(",")]
            found.append({"targets": ports, "labels": {"pod": meta["name"]}})
    return found


def alertmanager_file(webhook_url: str, token_file: str, factor: float) -> str:
    return _yaml(
        {
            "route": {
                "receiver": "playcall",
                "group_by": ["alertname"],
                "group_wait": milliseconds(10 / factor),
                "group_interval": milliseconds(60 / factor),
                "repeat_interval": milliseconds(14_400 / factor),
            },
            "receivers": [
                {
                    "name": "playcall",
                    "webhook_configs": [
                        {
                            "url": webhook_url,
                            "send_resolved": True,
                            "max_alerts": 0,
                            "http_config": {
                                "authorization": {"type": "Bearer", "credentials_file": token_file}
                            },
                        }
                    ],
                }
            ],
        }
    )


def _yaml(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=1000)
