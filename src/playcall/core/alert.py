"""An alert as it reached us, and which incident it belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

# Alerts about the monitoring itself (kube-prometheus), which never open an incident.
WATCHDOG = "Watchdog"  # fires always: that it comes proves the way
HEARTBEATS = frozenset({WATCHDOG, "InfoInhibitor"})

_OWN = "playcall:"  # begins the fingerprint of an alert of our own; Alertmanager's are hexadecimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of an Alertmanager notification (webhook version 4)."""

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    firing: bool
    starts_at: datetime
    ends_at: datetime | None  # None while firing
    generator_url: str
    found: bool = False  # found by asking Alertmanager: its message never came

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")


def own_alert(
    name: str,
    summary: str,
    at: datetime,
    *,
    firing: bool = True,
    key: str = "",
    labels: Mapping[str, str] | None = None,
) -> Alert:
    """An alert that Playcall raises by itself: no Alertmanager knows it. `key` tells it from others
    of its name."""
    return Alert(
        fingerprint=f"{_OWN}{name}{':' if key else ''}{key}",
        labels={"alertname": name, "source": "playcall", **(labels or {})},
        annotations={"summary": summary},
        firing=firing,
        starts_at=at,
        ends_at=None if firing else at,
        generator_url="",
    )


def is_own(alert: Alert) -> bool:
    return alert.fingerprint.startswith(_OWN)


def group_key(alert: Alert, group_by: Sequence[str]) -> str:
    """The key under which alerts join one incident: the alert's name and the labels `group_by`."""
    pairs = [("alertname", alert.name)]
    pairs += [(label, alert.labels.get(label, "")) for label in sorted(group_by)]
    return ",".join(f"{label}={value!r}" for label, value in pairs)
