"""What the local runner adds to one command, beside `bash -c true` without it."""

import asyncio
import statistics
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from playcall.runner.local import Local

COUNT = 200


def measure() -> Iterator[dict[str, Any]]:
    bare = statistics.median(_bare() for _ in range(COUNT))
    ours = asyncio.run(_ours())
    yield {
        "bash_ms": round(bare * 1000, 2),
        "runner_ms": round(ours * 1000, 2),
        "overhead_ms": round((ours - bare) * 1000, 2),
        "ratio": round(ours / bare, 2),
    }


def _bare() -> float:
    started = time.perf_counter()
    subprocess.run(["bash", "-c", "true"], check=True, capture_output=True)
    return time.perf_counter() - started


async def _ours() -> float:
    runner = Local({})
    times = []
    for _ in range(COUNT):
        started = time.perf_counter()
        async for _piece in runner.run("true", time_limit=timedelta(seconds=10)):
            pass
        times.append(time.perf_counter() - started)
    return statistics.median(times)
