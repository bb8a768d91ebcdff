"""Configuration for a real Prometheus and a real Alertmanager, on a compressed clock.

One factor divides every window and every `for`; the expressions are the service's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the monitors of one range listen."""

    prometheus: int
    alertmanager: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The configuration of one range's monitors, in its directory."""

    directory: Path
    factor: float

    def write(
        self, ports: Ports, scraped: Mapping[str, int], webhook_url: str, token_file: Path
    ) -> None:
        """`scraped` are ports by job name."""
        token = str(token_file.resolve())
        for name, text in (
            ("rules.yml", rules_file(self.factor)),
            ("prometheus.yml", prometheus_file(scraped, ports, str(self.directory / "rules.yml"))),
            ("alertmanager.yml", alertmanager_file(webhook_url, token, self.factor)),
        ):
            (self.directory / name).write_text(text, "utf-8")

    def prometheus_flags(self, ports: Ports) -> list[str]:
        return [
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'prometheus-data'}",
            f"--web.listen-address=127.0.0.1:{ports.prometheus}",
            "--log.level=warn",
        ]

    def alertmanager_flags(self, ports: Ports) -> list[str]:
        """Alone: with no address for others of its kind."""
        return [
            f"--config.file={self.directory / 'alertmanager.yml'}",
            f"--storage.path={self.directory / 'alertmanager-data'}",
            f"--web.listen-address=127.0.0.1:{ports.alertmanager}",
            "--cluster.listen-address=",
        ]


def prometheus_file(scraped: Mapping[str, int], ports: Ports, rules: str) -> str:
    """`scraped` are ports by job name."""
    alertmanager = f"127.0.0.1:{ports.alertmanager}"
    return _yaml(
        {
            "global": {
                "scrape_interval": milliseconds(SCRAPE),
                "evaluation_interval": milliseconds(SCRAPE),
            },
            "rule_files": [rules],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                for job, port in scraped.items()
            ],
        }
    )


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
