"""The webhook of Alertmanager: 2xx means on disk, 5xx means try again, 4xx means mend it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from playcall.core.events import PageDelivered
from tests.engine.world import World
from tests.web.site import INTAKE, Site, site_of

URL = "/api/v1/alerts/alertmanager"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_of(World(folder=tmp_path)) as site:
        yield site


def a_webhook(count: int = 1, **changes: Any) -> dict[str, Any]:
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": "LatencyHigh", "n": str(n)},
            "startsAt": "2026-03-01T12:00:00Z",
            "fingerprint": f"{n:016x}",
        }
        for n in range(count)
    ]
    return {"version": "4", "alerts": alerts, **changes}


async def test_an_alert_is_taken_and_paged_and_its_replay_is_repeated(site: Site) -> None:
    async with site.asking(token=INTAKE) as client:
        first = await client.post(URL, json=a_webhook())
        assert (first.status_code, first.json()) == (202, {"news": 1, "repeated": 0})
        again = await client.post(URL, json=a_webhook())
        assert (again.status_code, again.json()) == (202, {"news": 0, "repeated": 1})
    await site.world.until_event(PageDelivered)


async def test_ten_thousand_alerts_are_taken_at_once(site: Site) -> None:
    async with site.asking(token=INTAKE) as client:
        answer = await client.post(URL, json=a_webhook(10_000))
    assert (answer.status_code, answer.json()["news"]) == (202, 10_000)


@pytest.mark.parametrize("token", ["", "wrong", "token-of-root", f"{INTAKE} x"])
async def test_only_a_token_of_the_intake_is_let_in(site: Site, token: str) -> None:
    async with site.asking(token=token) as client:
        answer = await client.post(URL, json=a_webhook())
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"version": "3", "alerts": []}',
        b'{"version": "4"}',
        b'{"version": "4", "alerts": []}',
        b'{"version": "4", "alerts": [{"status": "perhaps"}]}',
        b"[" * 100_000,
    ],
)
async def test_what_is_no_notification_is_refused_with_a_reason(site: Site, body: bytes) -> None:
    async with site.asking(token=INTAKE) as client:
        answer = await client.post(URL, content=body)
    assert answer.status_code == 400
    assert answer.json()["detail"]


async def test_too_much_is_refused_before_it_is_read(site: Site) -> None:
    async with site.asking(token=INTAKE) as client:
        answer = await client.post(URL, headers={"content-length": "64000001"}, content=b"{}")
    assert answer.status_code == 413


async def test_a_body_that_never_ends_is_refused_as_well(site: Site) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b" " * 1_000_000

    async with site.asking(token=INTAKE) as client:
        answer = await client.post(URL, content=endless())
    assert answer.status_code == 413


async def test_what_cannot_be_stored_is_asked_for_again(site: Site) -> None:
    await site.world.store.close()
    async with site.asking(token=INTAKE) as client:
        answer = await client.post(URL, json=a_webhook())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "closed" in answer.json()["detail"]
