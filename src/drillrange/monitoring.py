"""Configuration for a real Prometheus and a real Alertmanager, on a compressed clock.

One factor divides every window and every `for`; the expressions are the service's own.
"""

from dataclasses import dataclass
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
    ),
    Rule(
        name="DWCPv3LatencyP99Critical",
        expression=f"histogram_quantile(0.99, sum(rate({P}[{{window}}])) by (le)) > 0.5",
        lasting=120,
        severity="critical",
        team="performance",
        summary="P99 of migrations is {{ $value | humanizeDuration }}, the limit is 500 ms",
    ),
    Rule(
        name="DWCPv3ThroughputCriticalLow",
        expression="avg(dwcp_v3_throughput_bytes_per_second) < 2.0e9",
        lasting=180,
        severity="critical",
        team="network",
        summary="Throughput is {{ $value | humanize }}B/s, the limit is 2 GB/s",
    ),
    Rule(
        name="DWCPv3ErrorRateCritical",
        expression="sum(rate(dwcp_v3_errors_total[{window}])) > 10",
        lasting=60,
        severity="critical",
        team="oncall",
        summary="{{ $value | humanize }} errors in a second, the limit is 10",
    ),
    Rule(
        name="DWCPv3LatencyP95High",
        expression=f"histogram_quantile(0.95, sum(rate({P}[{{window}}])) by (le)) > 0.3",
        lasting=300,
        severity="warning",
        team="performance",
        summary="P95 of migrations is {{ $value | humanizeDuration }}",
    ),
    Rule(
        name="DWCPv3ThroughputLow",
        expression="avg(dwcp_v3_throughput_bytes_per_second) < 2.2e9",
        lasting=300,
        severity="warning",
        team="network",
        summary="Throughput is {{ $value | humanize }}B/s",
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
            "runbook_url": f"playbooks.md#{rule.name.lower()}",
        },
    }


def prometheus_file(targets: dict[str, str], alertmanager: str, rules: str) -> str:
    """`targets` are addresses by job name."""
    return _yaml(
        {
            "global": {
                "scrape_interval": milliseconds(SCRAPE),
                "evaluation_interval": milliseconds(SCRAPE),
            },
            "rule_files": [rules],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [address]}]}
                for job, address in targets.items()
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
