"""Alerts of the past, to be played again: webhooks as they came, or what Alertmanager lists."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from playcall.core.alert import Alert
from playcall.intake.alertmanager import BadWebhook, read_webhook

YEARS = range(1971, 2200)


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
        if line.lstrip().startswith(b"["):
            return tuple(_alert(one, f"$[{n}]") for n, one in enumerate(_LISTED.decode(line)))
        alerts = read_webhook(line).alerts
        for n, alert in enumerate(alerts):
            _moment(alert.starts_at, f"$.alerts[{n}].startsAt")
            _end(alert.ends_at, f"$.alerts[{n}].endsAt")
        return alerts
    except (BadWebhook, msgspec.DecodeError, ValueError) as error:
        raise BadHistory(f"line {number}: {error}") from None


def _alert(one: _Listed, where: str) -> Alert:
    return Alert(
        fingerprint=one.fingerprint or repr(sorted(one.labels.items())),
        labels=one.labels,
        annotations=one.annotations,
        firing=True,
        starts_at=_moment(one.starts_at, f"{where}.startsAt"),
        ends_at=_end(one.ends_at, f"{where}.endsAt"),
        generator_url="",
    )


def _end(at: datetime | None, where: str) -> datetime | None:
    """Alertmanager writes year 1 where it knows no end."""
    return None if at is None or at.year == 1 else _moment(at, where)


def _moment(at: datetime, where: str) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f'{where}: "{at.isoformat()}" has no time zone. Add "Z" or an offset.')
    if at.year not in YEARS:
        raise ValueError(
            f'{where}: "{at.isoformat()}" is not in the years {YEARS.start} to {YEARS.stop - 1}.'
        )
    return at.astimezone(UTC)
