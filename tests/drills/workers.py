"""Two servers, real processes, on one PostgreSQL: one approved change is run by one of them, and
not once more when that one is killed (SIGKILL) while it runs it.

`python -m tests.drills.workers URL FOLDER`. What the command does is counted on disk.
"""

import asyncio
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from playcall.core.events import RunApproved
from playcall.core.incident import RunStatus
from playcall.core.plan import EffectClass
from playcall.engine.ports import Dossier, Transaction
from playcall.runner.local import Local
from playcall.testing import NOON, SetClock, a_command, a_plan, a_play, an_opening, minutes
from tests.drills.points import Broken, Doomed, DoomedRunner, Point, in_a_process, start
from tests.engine.world import World

INCIDENTS = 12  # each with one change that both want
CHANGE = "1.1"


@dataclass(slots=True)
class SharedClock(SetClock):
    """A minute later, which outlives every lease, once a file is there."""

    later: Path = Path()

    def now(self) -> datetime:
        return NOON + minutes(1 if self.later.exists() else 0)


def _world(folder: Path, url: str, owner: str, at: Point | None = None) -> World:
    work = shlex.quote(str(folder / "work"))
    text = f"echo worked >> {work}; echo worked; sleep 0.05"
    command = a_command(CHANGE, effect=EffectClass.CHANGE, text=text)
    return Doomed(
        folder=folder,
        url=url,
        owner=owner,
        plan=a_plan(a_play(commands=(command,), criteria=())),
        clock=SharedClock(later=folder / "later"),
        runner=DoomedRunner(Local({}), at),
    )


async def _serve(folder: Path, url: str, owner: str, at: Point | None) -> None:
    async with _world(folder, url, owner, at).working():
        await asyncio.sleep(120)  # it is killed before


async def _approve(folder: Path, url: str, count: int) -> None:
    """Open incidents and approve the change of each, as a person does by a third server."""
    async with _world(folder, url, "person").stopped() as world:
        committer, intake = world.engine.performer.committer, world.engine.intake
        now = world.clock.now()

        def work(tx: Transaction) -> None:
            opened = replace(an_opening(at=now), plan=intake.plan, incident=tx.next_incident())
            committer.apply(tx, replace(opened, group=f"g{opened.incident}"))
            approved = RunApproved(at=now, by="ada", command=CHANGE)
            committer.apply(tx, approved, opened.incident)

        for _ in range(count):
            await world.store.write(work)


async def _ended(folder: Path, url: str, count: int) -> None:
    """Wait until every change has an end, and leave what became of them as a file."""
    async with _world(folder, url, "reader").stopped() as world:
        async with asyncio.timeout(40):
            found: list[Dossier | None] = []
            while sum(map(_over, found)) < count:
                await asyncio.sleep(0.05)
                found = [await world.dossier(number) for number in range(1, count + 1)]
        runs = [run for dossier in found if dossier for run in dossier.runs]
        (folder / "found").write_text("\n".join(run.status for run in runs), "utf-8")


def _over(found: Dossier | None) -> bool:
    run = found.incident.runs.get(CHANGE) if found else None
    return run is not None and not run.status.active


def _found(folder: Path, url: str, count: int) -> tuple[list[str], int]:
    """What is on record, and how often the command worked."""
    _must(in_a_process(_ended(folder, url, count), folder / "log"), folder)
    work = folder / "work"
    return (folder / "found").read_text("utf-8").split("\n"), len(work.read_text().splitlines())


def _must(code: int, folder: Path) -> None:
    if code:
        raise Broken(f"ended with {code}: {(folder / 'log').read_text('utf-8')[-3000:]}")


def both_want_one(folder: Path, url: str) -> None:
    """Raises Broken."""
    log = folder / "log"
    servers = [start(_serve(folder, url, owner, None), log) for owner in ("one", "two")]
    try:
        _must(in_a_process(_approve(folder, url, INCIDENTS), log), folder)
        statuses, worked = _found(folder, url, INCIDENTS)
    finally:
        _kill(servers)
    if statuses != [RunStatus.SUCCEEDED] * INCIDENTS or worked != INCIDENTS:
        raise Broken(f"{INCIDENTS} approvals, worked {worked} times, on record {statuses}")


def one_dies_at_work(folder: Path, url: str) -> None:
    """The one that runs it dies; the other takes over once the lease is over. Raises Broken."""
    log = folder / "log"
    doomed = start(_serve(folder, url, "one", Point.RUNNING), log)
    servers = []
    try:
        _must(in_a_process(_approve(folder, url, 1), log), folder)
        os.waitpid(doomed, 0)
        servers.append(start(_serve(folder, url, "two", None), log))
        time.sleep(1)  # it sees the lease, and leaves it alone
        (folder / "later").touch()
        statuses, worked = _found(folder, url, 1)
    finally:
        _kill(servers)
    if statuses != [RunStatus.UNKNOWN] or worked != 1:
        raise Broken(f"1 approval, worked {worked} times, on record {statuses}")


def _kill(servers: list[int]) -> None:
    for server in servers:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)


SCENES: dict[str, Callable[[Path, str], None]] = {
    "both-want-one": both_want_one,
    "one-dies-at-work": one_dies_at_work,
}

if __name__ == "__main__":
    scene, url, folder = sys.argv[1:]
    SCENES[scene](Path(folder), url)
