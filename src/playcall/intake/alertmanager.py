"""Reads Alertmanager's webhook (version 4) into alerts. Labels stay data, whatever they hold."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec

from playcall.core.alert import Alert

VERSION = "4"
LONGEST_SOURCE = 500  # characters


class BadWebhook(ValueError):
    """The body is no notification; the text says where and what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What one webhook told."""

    alerts: tuple[Alert, ...]
    truncated: int  # alerts that Alertmanager left out because of max_alerts
    receiver: str
    group_key: str
    source: str = ""  # the Alertmanager's external URL; empty: it told none


class _Alert(msgspec.Struct, rename="camel"):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: datetime
    annotations: dict[str, str] | None = None
    ends_at: datetime | None = None
    generator_url: str = msgspec.field(default="", name="generatorURL")
    fingerprint: str = ""


class _Version(msgspec.Struct):
    version: str


class _Webhook(msgspec.Struct, rename="camel"):
    alerts: list[_Alert]
    truncated_alerts: int = 0
    receiver: str = ""
    group_key: str = ""
    external_url: str = msgspec.field(default="", name="externalURL")


_VERSION = msgspec.json.Decoder(_Version)
_WEBHOOK = msgspec.json.Decoder(_Webhook)


def read_webhook(body: bytes) -> Notification:
    """Raises BadWebhook. An empty list of alerts is refused: Alertmanager never sends one."""
    try:
        version = _VERSION.decode(body).version
        if version != VERSION:
            raise BadWebhook(
                f'$.version: "{version[:20]}" is not supported. '
                f'Send Alertmanager\'s webhook version "{VERSION}".'
            )
        webhook = _WEBHOOK.decode(body)
        if not webhook.alerts:
            raise BadWebhook("$.alerts: the list is empty. A notification tells of one alert.")
        alerts = tuple(_alert(alert, n) for n, alert in enumerate(webhook.alerts))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadWebhook(
            f"not an Alertmanager notification: {error}. "
            "Point a webhook_config of Alertmanager here; nothing else speaks this format."
        ) from error
    return Notification(
        alerts=alerts,
        truncated=max(webhook.truncated_alerts, 0),
        receiver=webhook.receiver,
        group_key=webhook.group_key,
        source=_source(webhook.external_url),
    )


def _source(url: str) -> str:
    """It becomes a key in the database: what cannot be one is as good as none."""
    fits = url.startswith(("http://", "https://")) and len(url) <= LONGEST_SOURCE
    return url.rstrip("/") if fits else ""


def _alert(alert: _Alert, n: int) -> Alert:
    firing = alert.status == "firing"
    return Alert(
        fingerprint=alert.fingerprint or _fingerprint(alert.labels),
        labels=alert.labels,
        annotations=alert.annotations or {},
        firing=firing,
        starts_at=_utc(alert.starts_at, f"$.alerts[{n}].startsAt"),
        ends_at=None if firing else _end(alert, n),
        generator_url=alert.generator_url,
    )


def _end(alert: _Alert, n: int) -> datetime:
    """Alertmanager writes year 1 where it knows no end; then it ended when it began, at least."""
    if alert.ends_at is None or alert.ends_at.year == 1:
        return _utc(alert.starts_at, f"$.alerts[{n}].startsAt")
    return _utc(alert.ends_at, f"$.alerts[{n}].endsAt")


def _utc(at: datetime, where: str) -> datetime:
    if at.tzinfo is None:
        raise BadWebhook(f'{where}: "{at.isoformat()}" has no time zone. Add "Z" or an offset.')
    if at.year == 1:
        raise BadWebhook(f"{where}: year 1 means that no time is known. Send when it began.")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise BadWebhook(f"{where}: {at.isoformat()} is out of range.") from error


def _fingerprint(labels: Mapping[str, str]) -> str:
    """Sixteen hex digits, as Alertmanager's; the same labels give the same, in any order."""
    pairs = msgspec.json.encode(sorted(labels.items()))
    return hashlib.blake2b(pairs, digest_size=8).hexdigest()
