"""From webhook in to page taken by the mail server: alone, and in a burst of distinct groups."""

import statistics
import time
from collections.abc import Iterator
from typing import Any

import httpx

from bench.server import Served, alerts, notification, playcall
from tests.servers import Mailbox, smtp

ALONE = 60
BURST = 200


def measure() -> Iterator[dict[str, Any]]:
    with smtp() as mailbox, playcall(mailbox.port) as served:
        times = sorted(_alone(served, mailbox, n) for n in range(ALONE))
        yield {
            "pages": ALONE,
            "p50_ms": round(statistics.median(times) * 1000, 1),
            "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 1),
        }
        seconds = _burst(served, mailbox)
        yield {"burst": BURST, "last_page_s": round(seconds, 2)}


def _alone(served: Served, mailbox: Mailbox, number: int) -> float:
    """Seconds from the request to the mail server's taking the page."""
    before = len(mailbox.messages)
    body = notification(alerts("Trouble", [{"group": f"alone-{number}"}]))
    started = time.perf_counter()
    httpx.post(served.webhook, content=body, headers=served.headers).raise_for_status()
    _wait(mailbox, before + 1)
    return time.perf_counter() - started


def _burst(served: Served, mailbox: Mailbox) -> float:
    before = len(mailbox.messages)
    body = notification(alerts("Trouble", [{"group": f"burst-{n}"} for n in range(BURST)]))
    started = time.perf_counter()
    httpx.post(served.webhook, content=body, headers=served.headers).raise_for_status()
    _wait(mailbox, before + BURST)
    return time.perf_counter() - started


def _wait(mailbox: Mailbox, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(mailbox.messages) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(mailbox.messages)} of {count} pages came")
        time.sleep(0.001)
