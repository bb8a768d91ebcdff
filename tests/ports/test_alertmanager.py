"""Silences in a real Alertmanager, and its own webhook read back."""

import json
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from playcall.alertmanager import Alertmanager
from playcall.engine.ports import Unavailable
from playcall.intake.alertmanager import read_webhook
from tests.servers import alertmanager, free_port, mute_port, prometheus, receiver, wait_for

LABELS = {"alertname": "DiskFull", "path": 'C:\\"x" ü .*', "empty": ""}
HOUR = timedelta(hours=1)
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with alertmanager() as url:
        yield url


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def now() -> datetime:
    return datetime.now(UTC)


async def silences(client: httpx.AsyncClient, server: str, comment: str) -> list[Any]:
    answer = await client.get(f"{server}/api/v2/silences")
    return [silence for silence in answer.json() if silence["comment"] == comment]


async def test_a_silence_matches_exactly_the_labels(server: str, client: httpx.AsyncClient) -> None:
    until = now() + HOUR
    made = await Alertmanager(server, client, "playcall").silence(LABELS, now(), until, "exact")
    (silence,) = await silences(client, server, "exact")
    assert silence["id"] == made
    assert silence["createdBy"] == "playcall"
    assert {m["name"]: m["value"] for m in silence["matchers"]} == {
        name: value for name, value in LABELS.items() if value
    }
    assert all(m["isEqual"] and not m["isRegex"] for m in silence["matchers"])
    assert abs(datetime.fromisoformat(silence["endsAt"]) - until) < timedelta(milliseconds=2)


async def test_the_same_silence_asked_for_twice_is_made_once(
    server: str, client: httpx.AsyncClient
) -> None:
    hand = Alertmanager(server, client, "playcall")
    first = await hand.silence(LABELS, now(), now() + HOUR, "twice")
    assert await hand.silence(LABELS, now(), now() + HOUR, "twice") == first
    assert len(await silences(client, server, "twice")) == 1
    assert await hand.silence(LABELS | {"more": "x"}, now(), now() + HOUR, "twice") != first
    assert await hand.silence(LABELS, now(), now() + HOUR, "thrice") != first
    other = Alertmanager(server, client, "somebody else")
    assert await other.silence(LABELS, now(), now() + HOUR, "twice") != first


@pytest.mark.parametrize(
    "value", ["a\tb", "a\nb", "a\\nb", '"', "a,b=c}", "{a=~'.*'}", "\u202e", "\x01", " ", "ü" * 500]
)
async def test_a_silence_is_known_again_whatever_its_labels_hold(
    server: str, client: httpx.AsyncClient, value: str
) -> None:
    hand = Alertmanager(server, client, "playcall")
    first = await hand.silence({"a": value}, now(), now() + HOUR, "odd values")
    assert await hand.silence({"a": value}, now(), now() + HOUR, "odd values") == first


async def test_an_expired_silence_is_made_anew(server: str, client: httpx.AsyncClient) -> None:
    hand = Alertmanager(server, client, "playcall")
    first = await hand.silence(LABELS, now(), now() + HOUR, "expired")
    await client.delete(f"{server}/api/v2/silence/{first}")
    assert await hand.silence(LABELS, now(), now() + HOUR, "expired") != first


async def test_a_silence_of_everything_is_refused(server: str, client: httpx.AsyncClient) -> None:
    with pytest.raises(Unavailable, match="silence everything") as refused:
        await Alertmanager(server, client, "playcall").silence({}, now(), now() + HOUR, "all")
    assert refused.value.permanent


async def test_alertmanagers_own_refusal_is_passed_on(
    server: str, client: httpx.AsyncClient
) -> None:
    hand = Alertmanager(server, client, "playcall")
    with pytest.raises(Unavailable, match=r"refused \(400\)") as refused:
        await hand.silence(LABELS, now(), now() - HOUR, "backwards")
    assert refused.value.permanent


async def test_an_alertmanager_that_is_gone_or_silent_may_come_back(
    client: httpx.AsyncClient,
) -> None:
    quick = timedelta(milliseconds=200)
    with mute_port() as mute:
        for port in (free_port(), mute):
            hand = Alertmanager(f"http://127.0.0.1:{port}", client, "playcall", timeout=quick)
            with pytest.raises(Unavailable, match="did not answer") as refused:
                await hand.silence(LABELS, now(), now() + HOUR, "gone")
            assert not refused.value.permanent


@pytest.mark.parametrize(
    ("status", "body", "permanent"),
    [(200, b"<html>", False), (200, b"[{}]", False), (404, b"no", True), (502, b"no", False)],
)
async def test_what_is_not_an_alertmanager_is_named(
    client: httpx.AsyncClient, status: int, body: bytes, permanent: bool
) -> None:
    with receiver() as web:
        web.status, web.body = status, body
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1") as refused:
            await Alertmanager(web.url, client, "p").silence(LABELS, now(), now() + HOUR, "x")
    assert refused.value.permanent is permanent


async def test_a_silenced_alert_is_known_by_its_labels_to_the_letter(
    server: str, client: httpx.AsyncClient
) -> None:
    labels = {"alertname": "Odd", "value": "a.c{}|\n\\ü"}
    alert = [{"labels": labels}, {"labels": labels | {"value": "abc"}}]
    (await client.post(f"{server}/api/v2/alerts", json=alert)).raise_for_status()
    await Alertmanager(server, client, "p").silence(labels, now(), now() + HOUR, "odd")
    query = urllib.parse.urlencode({"filter": 'alertname="Odd"', "silenced": "true"})

    def silenced() -> list[str]:
        found = httpx.get(f"{server}/api/v2/alerts?{query}", trust_env=False).json()
        return [one["labels"]["value"] for one in found if one["status"]["silencedBy"]]

    wait_for(lambda: silenced() == [labels["value"]], "silenced alert")


def test_the_webhook_of_a_real_alertmanager_is_read_firing_and_resolved() -> None:
    rule = {"alert": "Always", "expr": "vector(1) > 0", "labels": {"severity": "critical"}}
    with receiver() as web, alertmanager(f"{web.url}/hook", token="hush") as url:
        with prometheus(rules=[rule], alertmanagers=[url.removeprefix("http://")]):
            wait_for(lambda: len(web.requests) > 0, "firing notification")
            firing = web.requests[0]
        (alert,) = json.loads(httpx.get(f"{url}/api/v2/alerts", trust_env=False).content)
        ended = {"labels": alert["labels"], "endsAt": datetime.now(UTC).isoformat()}
        ended["startsAt"] = alert["startsAt"]
        httpx.post(f"{url}/api/v2/alerts", json=[ended], trust_env=False).raise_for_status()
        wait_for(lambda: len(web.requests) > 1, "resolved notification")
        resolved = web.requests[-1]
    assert firing.headers["authorization"] == "Bearer hush"
    (one,) = read_webhook(firing.body).alerts
    assert (one.name, one.firing, one.ends_at) == ("Always", True, None)
    assert one.labels["severity"] == "critical"
    assert one.fingerprint == alert["fingerprint"]
    (gone,) = read_webhook(resolved.body).alerts
    assert not gone.firing
    assert gone.ends_at is not None
    assert (gone.fingerprint, gone.starts_at) == (one.fingerprint, one.starts_at)


# --- Silences that are prolonged and ended -------------------------------------------------------


async def test_a_silence_is_prolonged_and_keeps_its_name(
    server: str, client: httpx.AsyncClient
) -> None:
    hand = Alertmanager(server, client, "playcall")
    first = await hand.silence(LABELS, now(), now() + HOUR, "prolonged")
    second = await hand.silence(LABELS | {"more": "x"}, now(), now() + HOUR, "prolonged")
    until = now() + 3 * HOUR
    assert await hand.prolong(first, until) == first
    ends = {s["id"]: s["endsAt"] for s in await silences(client, server, "prolonged")}
    assert set(ends) == {first, second}
    assert abs(datetime.fromisoformat(ends[first]) - until) < timedelta(milliseconds=2)
    assert datetime.fromisoformat(ends[second]) < now() + 2 * HOUR


async def test_a_silence_that_has_ended_or_never_was_is_not_prolonged(
    server: str, client: httpx.AsyncClient
) -> None:
    hand = Alertmanager(server, client, "playcall")
    first = await hand.silence(LABELS, now(), now() + HOUR, "ended early")
    await client.delete(f"{server}/api/v2/silence/{first}")
    for silence in (first, UNKNOWN):
        with pytest.raises(Unavailable) as refused:
            await hand.prolong(silence, now() + HOUR)
        assert refused.value.permanent
    (only,) = await silences(client, server, "ended early")
    assert only["status"]["state"] == "expired"


async def test_a_silence_is_ended_once_and_then_left_alone(
    server: str, client: httpx.AsyncClient
) -> None:
    hand = Alertmanager(server, client, "playcall")
    first = await hand.silence(LABELS, now(), now() + HOUR, "ended")
    second = await hand.silence(LABELS | {"more": "x"}, now(), now() + HOUR, "ended")
    await hand.end(first)
    await hand.end(first)
    await hand.end(UNKNOWN)
    states = {s["id"]: s["status"]["state"] for s in await silences(client, server, "ended")}
    assert states == {first: "expired", second: "active"}
    assert {s.id for s in await hand.standing() if s.comment == "ended"} == {second}


# --- What it holds -------------------------------------------------------------------------------


async def test_alerts_silences_and_uptime_are_read(client: httpx.AsyncClient) -> None:
    before = now()
    with alertmanager(inhibit=("Cause", "Effect")) as url:
        hand = Alertmanager(url, client, "playcall")
        assert await hand.watched() == []
        began = (before - HOUR).isoformat()
        labels = [{"alertname": name} for name in ("Loud", "Hushed", "Cause", "Effect")]
        alerts = [{"labels": one, "startsAt": began, "generatorURL": "http://g"} for one in labels]
        (await client.post(f"{url}/api/v2/alerts", json=alerts)).raise_for_status()
        silence = await hand.silence(labels[1], now(), now() + HOUR, "hush")

        def settled() -> bool:
            found = httpx.get(f"{url}/api/v2/alerts", trust_env=False).json()
            return [one["status"]["state"] for one in found].count("suppressed") == 2

        wait_for(settled, "suppression of two alerts")
        watched = {one.alert.name: one for one in await hand.watched()}
        (standing,) = await hand.standing()
        assert before - timedelta(seconds=5) < await hand.up_since() <= now()
    assert {name: (w.suppressed, w.silenced_by, w.inhibited) for name, w in watched.items()} == {
        "Loud": (False, (), False),
        "Hushed": (True, (silence,), False),
        "Cause": (False, (), False),
        "Effect": (True, (), True),
    }
    loud = watched["Loud"].alert
    assert loud.firing
    assert loud.generator_url == "http://g"
    assert abs(loud.starts_at - (before - HOUR)) < timedelta(milliseconds=2)
    assert (standing.id, standing.by, standing.comment) == (silence, "playcall", "hush")
    assert standing.active


async def test_an_alertmanager_that_does_not_answer_holds_nothing_that_is_known(
    client: httpx.AsyncClient,
) -> None:
    with receiver() as web:
        hand = Alertmanager(web.url, client, "playcall")
        for ask in (hand.watched, hand.standing, hand.up_since):
            with pytest.raises(Unavailable, match="did not answer as Alertmanager does"):
                await ask()


async def test_an_entry_whose_times_cannot_be_costs_no_other(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    def listed(name: str, starts: str) -> dict[str, Any]:
        status = {"state": "active", "silencedBy": [], "inhibitedBy": []}
        labels = {"alertname": name}
        told = {"fingerprint": name, "labels": labels, "annotations": {}, "startsAt": starts}
        return {**told, "status": status}

    with receiver() as web:
        hand = Alertmanager(web.url, client, "playcall")
        web.body = json.dumps(
            [
                listed("Odd", "0001-01-01T00:00:00+14:00"),
                listed("Late", "9999-12-31T23:59:59-14:00"),
                listed("Good", "2026-03-01T12:00:00Z"),
            ]
        ).encode()
        odd, late, good = await hand.watched()
        assert "2 alerts whose start is out of range, Odd first" in caplog.text
        assert [one.suppressed for one in (odd, late, good)] == [True, True, False]
        times = {"startsAt": "0001-01-01T00:00:00+14:00", "endsAt": "9999-12-31T23:59:59-14:00"}
        silence = {"id": "s", "status": {"state": "active"}, "matchers": [], "createdBy": "eve"}
        web.body = json.dumps([{**silence, **times, "comment": ""}]).encode()
        assert [one.id for one in await hand.standing()] == ["s"]
