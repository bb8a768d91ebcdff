"""From alert in to message handed to the channel, a webhook: alone, in bursts of distinct groups,
and in a steady storm; beside Alertmanager's own notifications of the same alerts in the same run.

Alertmanager keeps what it gets in memory; Playcall has it on disk before it answers.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from bench.server import alerts, notification, playcall
from bench.sink import Sink, sink
from tests.servers import alertmanager

ALONE = 60
BURSTS = (1000, 10_000)
BATCH = 100  # alerts in a request of a burst
CONNECTIONS = 4
STEADY = (20, 10)  # alerts a second, seconds
PATIENCE = 600  # seconds


@dataclass(frozen=True)
class Side:
    """One of the two, and how it takes alerts."""

    name: str
    url: str
    headers: dict[str, str]
    sink: Sink

    def body(self, found: Sequence[dict[str, Any]]) -> bytes:
        if self.name == "playcall":
            return notification(list(found))
        kept = ("labels", "annotations", "startsAt", "generatorURL")
        return msgspec.json.encode([{key: alert[key] for key in kept} for alert in found])


def measure() -> Iterator[dict[str, Any]]:
    with sink() as ours, sink() as theirs:
        group_by = ("alertname", "group")
        with (
            playcall(webhook=ours.url) as served,
            alertmanager(theirs.url, group_by=group_by) as am,
        ):
            json = {"Content-Type": "application/json"}
            sides = (
                Side("playcall", served.webhook, served.headers, ours),
                Side("alertmanager", f"{am}/api/v2/alerts", json, theirs),
            )
            yield _beside("alone", [_alone(side) for side in sides])
            rate, seconds = STEADY
            steady = [asyncio.run(_steady(side, rate, seconds)) for side in sides]
            yield _beside(f"steady {rate}/s", steady)
            for count in BURSTS:
                yield _beside(f"burst {count}", [asyncio.run(_burst(s, count)) for s in sides])


def _beside(what: str, times: Sequence[list[float]]) -> dict[str, Any]:
    ours, theirs = ([_ms(t, 0.5), _ms(t, 0.99), _ms(t, 1)] for t in times)
    return {
        "what": what,
        "messages": len(times[0]),
        "playcall_p50_p99_max_ms": ours,
        "alertmanager_p50_p99_max_ms": theirs,
        "ratio_p50": round(ours[0] / theirs[0], 2),
        "ratio_p99": round(ours[1] / theirs[1], 2),
    }


def _ms(times: list[float], share: float) -> float:
    if share == 0.5:
        return round(statistics.median(times) * 1000, 1)
    return round(sorted(times)[min(int(len(times) * share), len(times) - 1)] * 1000, 1)


def _firing(names: Sequence[str]) -> list[dict[str, Any]]:
    found = alerts("Trouble", [{"group": name} for name in names])
    for name, alert in zip(names, found, strict=True):
        alert["annotations"]["summary"] = f"group<{name}> {'s' * 100}"
    return found


def _alone(side: Side) -> list[float]:
    times = []
    with httpx.Client(headers=side.headers) as client:
        for n in range(ALONE):
            name = f"alone-{n}"
            body = side.body(_firing([name]))
            started = time.monotonic()
            client.post(side.url, content=body).raise_for_status()
            side.sink.wait({name}, PATIENCE)
            times.append(side.sink.came_at[name] - started)
    return times


async def _burst(side: Side, count: int) -> list[float]:
    names = [f"burst-{count}-{n}" for n in range(count)]
    batches = [names[at : at + BATCH] for at in range(0, count, BATCH)]
    bodies = iter([side.body(_firing(batch)) for batch in batches])
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(limits=limits, headers=side.headers, timeout=PATIENCE) as client:

        async def post() -> None:
            for body in bodies:
                (await client.post(side.url, content=body)).raise_for_status()

        started = time.monotonic()
        await asyncio.gather(*(post() for _ in range(CONNECTIONS)))
    side.sink.wait(set(names), PATIENCE)
    return [side.sink.came_at[name] - started for name in names]


async def _steady(side: Side, rate: int, seconds: int) -> list[float]:
    names = [f"steady-{n}" for n in range(rate * seconds)]
    sent_at = {}
    async with httpx.AsyncClient(headers=side.headers, timeout=PATIENCE) as client:

        async def post(name: str) -> None:
            body = side.body(_firing([name]))
            sent_at[name] = time.monotonic()
            (await client.post(side.url, content=body)).raise_for_status()

        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(post(name))
                await asyncio.sleep(1 / rate)
    side.sink.wait(set(names), PATIENCE)
    return [side.sink.came_at[name] - sent_at[name] for name in names]
