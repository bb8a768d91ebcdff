"""What an incident's page shows beside the play: its alerts, and the links that the document and
the alerts give. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from playcall.core.incident import Incident
from playcall.core.plan import Plan

MOST_ALERTS = 50
MOST_LINKS = 20
_ADDRESS = re.compile(r"https?://[^\s<>\"'`|)\]]+", re.IGNORECASE)
_WORDS = re.compile(r"[_-]+|url$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    name: str
    labels: str  # what tells it from the others
    firing: bool
    since: datetime  # it fires, or it cleared


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    title: str
    address: str  # only http and https; empty: a name that is no address


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideView:
    alerts: tuple[AlertLine, ...]  # those that fire first
    more_alerts: int
    links: tuple[Link, ...]


def beside(incident: Incident, plan: Plan) -> BesideView:
    members = sorted(incident.alerts.values(), key=lambda one: not one.firing)
    return BesideView(
        alerts=tuple(
            AlertLine(
                name=one.alert.name,
                labels=_labels(one.alert.labels),
                firing=one.firing,
                since=one.changed_at,
            )
            for one in members[:MOST_ALERTS]
        ),
        more_alerts=max(0, len(members) - MOST_ALERTS),
        links=tuple(_once(_links(incident, plan)))[:MOST_LINKS],
    )


def _links(incident: Incident, plan: Plan) -> Iterator[Link]:
    for member in incident.alerts.values():
        for name, value in sorted(member.alert.annotations.items()):
            if _is_address(value):
                yield Link(title=_title(name), address=value.strip())
        if _is_address(member.alert.generator_url):
            yield Link(title="The alert in Prometheus", address=member.alert.generator_url)
    for channel in plan.channels:
        yield Link(title=f"{channel.purpose}: {channel.name}", address="")
    if plan.status_page and _is_address(plan.status_page.url):
        yield Link(title="Status page", address=plan.status_page.url)


def _once(links: Iterator[Link]) -> Iterator[Link]:
    seen: set[str] = set()
    for link in links:
        if (key := link.address or link.title) not in seen:
            seen.add(key)
            yield link


def _is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text.strip()) is not None


def _title(annotation: str) -> str:
    """'runbook_url' reads as 'Runbook'."""
    return _WORDS.sub(" ", annotation).strip().capitalize() or "Link"


def _labels(labels: Mapping[str, str]) -> str:
    told = {k: v for k, v in labels.items() if k not in ("alertname", "severity")}
    return ", ".join(f"{name}={value}" for name, value in sorted(told.items()))
