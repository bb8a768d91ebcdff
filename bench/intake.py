"""Alerts accepted in a second, in batches of 100 over HTTP, each on disk before its 2xx; beside
Alertmanager taking the same alerts into memory.

The alerts are heartbeats, so that taking them in is measured and not what follows from them.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from bench.server import alerts, notification, playcall
from tests.servers import alertmanager, smtp

REQUESTS = 200
BATCH = 100
CONNECTIONS = 8


def measure() -> Iterator[dict[str, Any]]:
    batches = [
        alerts("Watchdog", [{"n": str(r * BATCH + n)} for n in range(BATCH)])
        for r in range(REQUESTS)
    ]
    with smtp() as mailbox, playcall(mailbox.port) as served, alertmanager() as peer:
        ours = asyncio.run(
            _post(served.webhook, served.headers, [notification(batch) for batch in batches])
        )
        theirs = asyncio.run(
            _post(
                f"{peer}/api/v2/alerts",
                {"Content-Type": "application/json"},
                [_for_alertmanager(batch) for batch in batches],
            )
        )
    count = REQUESTS * BATCH
    yield {
        "alerts": count,
        "batch": BATCH,
        "playcall_alerts_per_s": round(count / ours),
        "alertmanager_alerts_per_s": round(count / theirs),
        "ratio": round(theirs / ours, 2),
    }


def _for_alertmanager(batch: list[dict[str, Any]]) -> bytes:
    kept = ("labels", "annotations", "startsAt", "generatorURL")
    return msgspec.json.encode([{key: alert[key] for key in kept} for alert in batch])


async def _post(url: str, headers: dict[str, str], bodies: list[bytes]) -> float:
    left = iter(bodies)
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(limits=limits, headers=headers, timeout=60) as client:

        async def work() -> None:
            for body in left:
                (await client.post(url, content=body)).raise_for_status()

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
        return time.perf_counter() - started
