"""Alerts of the past, to be played again: webhooks as they came, or what Alertmanager lists."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from playcall.core.alert import Alert
from playcall.intake.alertmanager import BadWebhook, read_webhook


class BadHistory(ValueError):
    """A line is neither; the text says which one and why."""


class _Listed(msgspec.Struct, rename="camel"):
    """An alert of GET /api/v2/alerts."""

    labels: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None = None
    annotations: dict[str, str] = {}
    fingerprint: str = ""


_LISTED = msgspec.json.Decoder(list[_Listed])


def read_history(data: bytes) -> tuple[Alert, ...]:
    """One alert for each start, with its end where one was told. Raises BadHistory."""
    found: dict[tuple[str, datetime], Alert] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        for alert in _read(line, number):
            key = (alert.fingerprint, alert.starts_at)
            known = found.get(key)
            ends_at = alert.ends_at or (known.ends_at if known else None)
            found[key] = replace(alert, firing=True, ends_at=ends_at)
    if not found:
        raise BadHistory("there are no alerts in it: one JSON document a line is expected")
    return tuple(sorted(found.values(), key=lambda alert: alert.starts_at))


def _read(line: bytes, number: int) -> tuple[Alert, ...]:
    try:
        if not line.lstrip().startswith(b"["):
            return read_webhook(line).alerts
        return tuple(_alert(one) for one in _LISTED.decode(line))
    except (BadWebhook, msgspec.DecodeError, ValueError) as error:
        raise BadHistory(f"line {number}: {error}") from None


def _alert(one: _Listed) -> Alert:
    if one.starts_at.tzinfo is None:
        raise ValueError(f"{one.starts_at.isoformat()} has no time zone")
    return Alert(
        fingerprint=one.fingerprint or repr(sorted(one.labels.items())),
        labels=one.labels,
        annotations=one.annotations,
        firing=True,
        starts_at=one.starts_at.astimezone(UTC),
        ends_at=one.ends_at.astimezone(UTC) if one.ends_at else None,
        generator_url="",
    )
