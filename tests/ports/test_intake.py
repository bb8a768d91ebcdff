"""Alertmanager's webhook, version 4, good and bad."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from playcall.intake.alertmanager import BadWebhook, read_webhook

NEVER = "0001-01-01T00:00:00Z"
HOSTILE = "</script><img src=x onerror=alert(1)> $(reboot) `id` \u202e {{7*7}} ' OR 1=1"


def an_alert(**changes: Any) -> dict[str, Any]:
    alert = {
        "status": "firing",
        "labels": {"alertname": "DiskFull", "instance": "a:9100"},
        "annotations": {"summary": "almost full"},
        "startsAt": "2026-03-29T03:30:00.5+02:00",
        "endsAt": NEVER,
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "c0ffee",
    }
    return {name: value for name, value in (alert | changes).items() if value is not ...}


def a_webhook(*alerts: dict[str, Any], **changes: Any) -> bytes:
    webhook = {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "playcall",
        "commonLabels": {},
        "alerts": alerts,
    }
    return json.dumps(webhook | changes).encode()


def test_a_firing_alert_has_no_end_and_its_times_are_utc() -> None:
    (alert,) = read_webhook(a_webhook(an_alert(endsAt="2026-03-29T05:00:00Z"))).alerts
    assert alert.starts_at == datetime(2026, 3, 29, 1, 30, 0, 500_000, tzinfo=UTC)
    assert alert.starts_at.tzinfo is UTC
    assert alert.ends_at is None
    assert (alert.name, alert.firing) == ("DiskFull", True)
    assert alert.annotations == {"summary": "almost full"}


def test_the_status_of_each_alert_counts_and_not_that_of_the_group() -> None:
    ended = an_alert(status="resolved", endsAt="2026-03-29T02:00:00Z")
    firing, resolved = read_webhook(a_webhook(an_alert(), ended)).alerts
    assert (firing.firing, resolved.firing) == (True, False)
    assert resolved.ends_at == datetime(2026, 3, 29, 2, tzinfo=UTC)


def test_a_resolved_alert_without_an_end_ended_when_it_began() -> None:
    (alert,) = read_webhook(a_webhook(an_alert(status="resolved"))).alerts
    assert alert.ends_at == alert.starts_at


def test_fields_nobody_knows_are_passed_over() -> None:
    body = a_webhook(an_alert(mood={"deep": [1]}), notification_reason="x", future=None)
    assert len(read_webhook(body).alerts) == 1


def test_alerts_left_out_are_told() -> None:
    notification = read_webhook(a_webhook(an_alert(), truncatedAlerts=12))
    assert notification.truncated == 12
    assert (notification.receiver, notification.group_key) == ("playcall", "{}:{}")


def test_labels_are_data_whatever_they_hold() -> None:
    labels = {"alertname": HOSTILE, HOSTILE: "1", "größe": "\x00\x1b[2J"}
    (alert,) = read_webhook(a_webhook(an_alert(labels=labels))).alerts
    assert alert.labels == labels


def test_a_missing_fingerprint_is_made_from_the_labels_in_any_order() -> None:
    labels = {"alertname": "A", "b": "1", "c": "2"}
    turned = dict(reversed(labels.items()))
    others = {"alertname": "A", "b": "1,c=2"}
    made = [
        read_webhook(a_webhook(an_alert(fingerprint=missing, labels=one))).alerts[0].fingerprint
        for missing, one in (("", labels), (..., turned), ("", others))
    ]
    assert made[0] == made[1] != made[2]
    assert len(made[0]) == 16


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b"\xff\xfe", "malformed"),
        (b'{"alerts":[]}', "missing required field `version`"),
        (a_webhook(an_alert(), version="3"), r'\$\.version: "3".*version "4"'),
        (a_webhook(), "the list is empty"),
        (
            a_webhook(an_alert(status="odd")),
            r"Invalid enum value 'odd' - at `\$.alerts\[0\].status`",
        ),
        (a_webhook(an_alert(), an_alert(labels=...)), r"`labels` - at `\$.alerts\[1\]`"),
        (a_webhook(an_alert(labels={"a": 1})), "Expected `str`, got `int`"),
        (a_webhook(an_alert(startsAt="yesterday")), r"\$.alerts\[0\].startsAt"),
        (a_webhook(an_alert(startsAt="2026-01-01T00:00:00")), "has no time zone"),
        (a_webhook(an_alert(startsAt=NEVER)), r"\$.alerts\[0\].startsAt: year 1"),
        (a_webhook(an_alert(startsAt="9999-12-31T23:59:59-12:00")), "out of range"),
        (b'{"version":"4","x":' + b"[" * 100_000, "recursion"),
    ],
)
def test_a_bad_webhook_is_refused_with_where_and_what(body: bytes, says: str) -> None:
    with pytest.raises(BadWebhook, match=says):
        read_webhook(body)


def test_ten_thousand_alerts_are_one_notification() -> None:
    alerts = [an_alert(fingerprint=f"{n:016x}") for n in range(10_000)]
    notification = read_webhook(a_webhook(*alerts))
    assert len({alert.fingerprint for alert in notification.alerts}) == 10_000
    assert notification.alerts[-1].starts_at + timedelta(0) == notification.alerts[0].starts_at
