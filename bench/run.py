"""What running commands costs: the runner and the whole ledger beside bare `bash -c`, a thousand
diagnostics of fifty incidents, and one that prints a gigabyte while others go on."""

import asyncio
import contextlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from playcall.core.plan import Plan
from playcall.engine.turns import Limits
from playcall.runner.local import Local
from playcall.testing import a_command, a_plan, a_play, an_alert
from tests.engine.world import World

COUNT = 200
INCIDENTS, DIAGNOSTICS, AT_ONCE = 50, 20, 16
FLOOD = 10**9  # bytes
LIMIT = timedelta(minutes=10)


def measure() -> Iterator[dict[str, Any]]:
    yield asyncio.run(_step())
    if shutil.which("ansible-playbook"):
        yield _ansible()
    yield asyncio.run(_many())
    yield asyncio.run(_flood())


async def _step() -> dict[str, Any]:
    """The three take turns, so that whatever else the machine does burdens them alike."""
    runner = Local(_env())
    bare, ours, whole = [], [], []
    async with _world(a_plan(a_play(commands=[a_command("1.1", text="true")]))) as world:
        for n in range(COUNT):
            bare.append(_bare())
            ours.append(await _run(runner, "true"))
            started = time.perf_counter()
            await _open(world, n)
            await _over(world, n + 1)
            whole.append(time.perf_counter() - started)
    base = statistics.median(bare)
    return {
        "bash_ms": _ms(base),
        "runner_overhead_ms": _ms(statistics.median(ours) - base),
        "alert_to_kept_result_ms": _ms(statistics.median(whole)),
        "ratio": round(statistics.median(ours) / base, 2),
    }


def _bare() -> float:
    started = time.perf_counter()
    subprocess.run(["bash", "-c", "true"], check=True, capture_output=True)
    return time.perf_counter() - started


async def _run(runner: Local, command: str) -> float:
    started = time.perf_counter()
    async for _ in runner.run(command, time_limit=LIMIT):
        pass
    return time.perf_counter() - started


def _ansible() -> dict[str, Any]:
    """What one more local task of Ansible takes, when it is installed: its start is left out."""
    times = {count: _playbook(count) for count in (1, 21)}
    return {"ansible_task_ms": _ms((times[21] - times[1]) / 20)}


def _playbook(tasks: int) -> float:
    text = "- hosts: localhost\n  connection: local\n  gather_facts: false\n"
    text += f"  vars: {{ansible_python_interpreter: {sys.executable}}}\n  tasks:\n"
    text += "    - shell: 'true'\n" * tasks
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        book = Path(folder, "book.yml")
        book.write_text(text, "utf-8")
        argv = ["ansible-playbook", "-i", "localhost,", str(book)]
        env = {**_env(), "HOME": folder, "LANG": "C.UTF-8"}
        started = time.perf_counter()
        subprocess.run(argv, check=True, capture_output=True, env=env)
        return time.perf_counter() - started


async def _many() -> dict[str, Any]:
    commands = [a_command(f"1.{n}", text="echo found; sleep 0.05") for n in range(DIAGNOSTICS)]
    limits = Limits(in_all=AT_ONCE, per_incident=AT_ONCE, per_target=AT_ONCE)
    async with _world(a_plan(a_play(commands=commands)), limits) as world:
        started = time.perf_counter()
        for n in range(INCIDENTS):
            await _open(world, n)
        first = [await _over(world, n + 1, at_least=1, pause=0.1) for n in range(INCIDENTS)]
        for n in range(INCIDENTS):
            await _over(world, n + 1, at_least=DIAGNOSTICS, pause=0.1)
        took = time.perf_counter() - started
    ran = INCIDENTS * DIAGNOSTICS
    return {
        "diagnostics": ran,
        "seconds": round(took, 2),
        "each_ms": _ms(took / ran),
        "floor_seconds": round(ran * 0.05 / AT_ONCE, 2),
        "every_incident_has_a_result_after_s": round(max(first) - started, 2),
    }


async def _flood() -> dict[str, Any]:
    """Another command's time while one prints, and what that takes of memory."""
    runner = Local(_env())
    quiet = [await _run(runner, "true") for _ in range(50)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    flood = asyncio.create_task(_run(runner, f"yes 'a line of output' | head -c {FLOOD}"))
    beside = []
    while not flood.done():
        beside.append(await _run(runner, "true"))
        await asyncio.sleep(0.1)
    took = time.perf_counter() - started
    await flood
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "printed_mb": FLOOD // 10**6,
        "mb_per_s": round(FLOOD / 10**6 / took, 1),
        "memory_grown_mb": round(grown / 1024, 1),
        "another_ms": _ms(statistics.median(quiet)),
        "another_meanwhile_ms": _ms(statistics.median(beside)),
        "another_meanwhile_worst_ms": _ms(max(beside)),
    }


@contextlib.asynccontextmanager
async def _world(plan: Plan, limits: Limits | None = None) -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        world = World(folder=Path(folder), plan=plan, runner=Local(_env()), group_by=("n",))
        async with world.stopped():
            world.engine.limits = limits or Limits()
            working = asyncio.create_task(world.engine.run())
            try:
                yield world
            finally:
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working


async def _open(world: World, n: int) -> None:
    await world.receive(an_alert(fingerprint=f"f{n}", n=str(n)))


async def _over(world: World, incident: int, at_least: int = 1, pause: float = 0.002) -> float:
    """When so many diagnostics of an incident were done."""
    while True:
        found = await world.store.read(lambda views: views.dossier(incident))
        runs = found.incident.runs.values() if found else ()
        if sum(not run.status.active for run in runs) >= at_least:
            return time.perf_counter()
        await asyncio.sleep(pause)


def _env() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
