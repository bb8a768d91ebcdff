"""Playcall kills itself (SIGKILL) at one chosen point of a command's life, once or twice over.

`python -m tests.drills.crash --points --rounds 200`. The engine, its SQLite file, bash and the
death are real; each life is a process of its own, forked from this one. The store and the runner
are wrapped, so that they die at the point. What the command does is counted on disk.
"""

import asyncio
import faulthandler
import json
import os
import random
import shlex
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from playcall.core.decide import decide
from playcall.core.effects import Moved
from playcall.core.events import CommandFinished, CommandInterrupted, RunApproved
from playcall.core.incident import Incident, RunStatus
from playcall.core.plan import EffectClass
from playcall.engine.loop import Engine
from playcall.engine.ports import Dossier, Exit, Output, Transaction, Views
from playcall.engine.running import Runner
from playcall.runner.local import Local
from playcall.storage import Database
from playcall.testing import SetClock, a_command, a_plan, a_play, an_opening, minutes
from tests.engine.world import World, of

T = TypeVar("T")
LIVES = 4  # after two deaths, one to the end, and one to spare


class Broken(AssertionError):
    """A promise was not kept."""


class Point(StrEnum):
    """Where it dies, in the order of a command's life."""

    DECIDED = "decided"  # the approval, or the opening, is committed
    STARTING = "starting"  # the start is written, and not committed
    STARTED = "started"  # it is committed, and nothing is spawned
    RUNNING = "running"  # the command has done its work, and goes on
    EXITED = "exited"  # it ended, and nobody was told
    ENDING = "ending"  # the end is written, and not committed
    ENDED = "ended"  # it is committed


# What one death leaves, and how often the command had worked by then.
UNSEEN = (Point.STARTED, Point.RUNNING, Point.EXITED, Point.ENDING)
WORKED = (Point.RUNNING, Point.EXITED, Point.ENDING)


@dataclass(frozen=True, slots=True)
class Case:
    """One command, and the deaths on its way."""

    folder: Path
    effect: EffectClass
    deaths: tuple[Point, ...]

    @property
    def work(self) -> Path:
        """A line for every time that the command did its work."""
        return self.folder / "work"

    def __str__(self) -> str:
        return f"{self.effect}, dead when {' and '.join(self.deaths)}"


@dataclass(frozen=True, slots=True)
class Found:
    """What is on record after a life that came to its end."""

    approvals: int
    statuses: list[str]  # of every run in the ledger, oldest first
    ends: list[str]  # how runs ended by the events
    replayed: bool


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the writer's thread is not the one that the kernel stops first


# --- Playcall, with a death in it ----------------------------------------------------------------


class Spying:
    """A transaction that remembers which point of a run it is about."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.begun = self.ended = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def begin_run(self, run: str, *rest: Any) -> bool:
        begun = self._tx.begin_run(run, *rest)
        self.begun = self.begun or begun
        return begun

    def restart_run(self, run: str, *rest: Any) -> None:
        self._tx.restart_run(run, *rest)
        self.begun = True

    def end_run(self, run: str, *rest: Any) -> None:
        self._tx.end_run(run, *rest)
        self.ended = True


@dataclass(slots=True)
class DoomedStore:
    """`ports.Store` that dies before or after the commit of a start or an end."""

    store: Database
    at: Point | None

    async def write(self, work: Callable[[Transaction], T]) -> T:
        seen: list[Spying] = []

        def spied(tx: Transaction) -> T:
            seen.append(Spying(tx))
            answer = work(seen[-1])
            self._die(seen[-1], Point.STARTING, Point.ENDING)
            return answer

        answer = await self.store.write(spied)
        self._die(seen[-1], Point.STARTED, Point.ENDED)
        return answer

    async def read(self, look: Callable[[Views], T]) -> T:
        return await self.store.read(look)

    async def close(self) -> None:
        await self.store.close()

    def _die(self, tx: Spying, begun: Point, ended: Point) -> None:
        if (tx.begun and self.at is begun) or (tx.ended and self.at is ended):
            die()


@dataclass(slots=True)
class DoomedRunner:
    """`ports.Runner` that dies while a command runs, or once it ended."""

    runner: Runner
    at: Point | None

    async def run(
        self, command: str, *, time_limit: timedelta, effect: EffectClass = EffectClass.OBSERVE
    ) -> AsyncGenerator[Output | Exit, None]:
        async for piece in self.runner.run(command, time_limit=time_limit, effect=effect):
            if self.at is (Point.EXITED if isinstance(piece, Exit) else Point.RUNNING):
                die()
            yield piece


class Doomed(World):
    """A world whose Playcall dies at a point."""

    at: Point | None = None

    async def _build(self) -> Engine:
        self.store = DoomedStore(self.store, self.at)  # type: ignore[assignment]
        return await super()._build()


def _world(case: Case, at: Point | None, life: int) -> Doomed:
    work = shlex.quote(str(case.work))
    command = a_command(
        "1.1", effect=case.effect, text=f"echo worked >> {work}; echo worked; sleep 0.05"
    )
    world = Doomed(
        folder=case.folder,
        plan=a_plan(a_play(commands=(command,), criteria=())),
        clock=SetClock(at=an_opening().at + minutes(life)),
        runner=DoomedRunner(Local({}), at),
    )
    world.at = at
    return world


# --- One life, in a process of its own -----------------------------------------------------------


async def _live(case: Case, at: Point | None, life: int) -> None:
    """Take up what is there, approve what waits, until the command was seen to succeed."""
    async with _world(case, at, life).working() as world:
        if await world.dossier() is None:
            await _open(world)
            if case.effect is EffectClass.OBSERVE and at is Point.DECIDED:
                die()
        while not _succeeded(found := await world.until(_settled, "settled")):
            run = found.incident.runs.get("1.1")
            again = run is not None
            await world.submit(
                RunApproved(at=world.clock.now(), by="ada", command="1.1", again=again)
            )
            if at is Point.DECIDED:
                die()
        if at is Point.ENDED:  # it was read before whoever wrote it heard that it is committed
            die()
    (case.folder / "found.json").write_text(json.dumps(_found(found)), "utf-8")


async def _open(world: World) -> None:
    intake = world.engine.intake
    opened = replace(an_opening(), plan=intake.plan)
    committer = world.engine.performer.committer

    def work(tx: Transaction) -> None:
        committer.apply(tx, replace(opened, incident=tx.next_incident()))

    await world.store.write(work)


def _settled(found: Dossier) -> bool:
    run = found.incident.runs.get("1.1")
    return run is None or not run.status.active


def _succeeded(found: Dossier) -> bool:
    run = found.incident.runs.get("1.1")
    return run is not None and run.status is RunStatus.SUCCEEDED


def _found(found: Dossier) -> dict[str, Any]:
    ends = [
        type(stored.event).__name__
        for stored in found.events
        if isinstance(stored.event, CommandFinished | CommandInterrupted)
    ]
    return {
        "approvals": len(of(found, RunApproved)),
        "statuses": [run.status.value for run in found.runs],
        "ends": ends,
        "replayed": _replay(found) == found.incident,
    }


def _replay(found: Dossier) -> Incident | None:
    state: Incident | None = None
    for stored in found.events:
        outcome = decide(state, stored.event, found.plan)
        assert isinstance(outcome, Moved), (stored, outcome)
        state = outcome.incident
    return state


def in_a_process(living: Coroutine[Any, Any, None], log: Path) -> int:
    """The exit code, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(start(living, log), 0)[1])


def start(living: Coroutine[Any, Any, None], log: Path) -> int:
    """The number of the process. Forked before this one has any thread or loop."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with log.open("a") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            faulthandler.enable()
            asyncio.run(living)
            code = 0
        finally:
            if code:
                sys.excepthook(*sys.exc_info())
                sys.stderr.flush()
            os._exit(code)
    living.close()
    return child


# --- A case, and what must hold ------------------------------------------------------------------


def play(case: Case) -> int:
    """How often it died. Raises Broken."""
    case.folder.mkdir()
    log = case.folder / "log"
    deaths = 0
    for life in range(LIVES):
        at = case.deaths[life] if life < len(case.deaths) else None
        code = in_a_process(_live(case, at, life), log)
        if code == 0:
            _check(case, deaths)
            return deaths
        if code != -signal.SIGKILL:
            raise Broken(f"{case}: ended with {code}: {log.read_text('utf-8')[-3000:]}")
        deaths += 1
    raise Broken(f"{case}: no end after {deaths} deaths")


def _check(case: Case, deaths: int) -> None:
    found = Found(**json.loads((case.folder / "found.json").read_text("utf-8")))
    worked = len(case.work.read_text("utf-8").splitlines())
    told = f"{case}: worked {worked} times; on record {found}"
    statuses = Counter(found.statuses)
    if not deaths:
        raise Broken(f"{told}; it was to die")
    if not found.replayed or len(found.ends) != len(found.statuses):
        raise Broken(f"{told}; the record is not whole")
    if case.effect is EffectClass.OBSERVE:
        if found.statuses != ["succeeded"] or not 1 <= worked <= deaths + 1:
            raise Broken(f"{told}; what only looks is run again, and seen to its end")
        if deaths == 1 and worked != 1 + (case.deaths[0] in WORKED):
            raise Broken(f"{told}; it was run too often, or not again")
        return
    if worked > found.approvals or len(found.statuses) != found.approvals:
        raise Broken(f"{told}; one approval is worth one run, and each has its row")
    if worked < statuses["succeeded"] or statuses["succeeded"] != 1:
        raise Broken(f"{told}; what is on record as done was done")
    if deaths == 1:
        unseen = case.deaths[0] in UNSEEN
        expected = ["unknown"] * unseen + ["succeeded"]
        if found.statuses != expected or worked != 1 + (case.deaths[0] in WORKED):
            raise Broken(f"{told}; expected {expected}")


def cases(root: Path, seed: int) -> list[Case]:
    """Every point for what changes and for what looks; a second death, by the seed, in half."""
    chance = random.Random(seed)
    found = []
    for effect in (EffectClass.CHANGE, EffectClass.OBSERVE):
        for point in Point:
            second = (chance.choice(list(Point)),) if chance.random() < 0.5 and seed > 1 else ()
            name = f"{seed}-{effect}-{point}"
            found.append(Case(root / name, effect, (point, *second)))
    return found


def run_points(root: Path, seeds: list[int], say: Callable[[str], None]) -> int:
    """Deaths in all. Raises Broken at the first promise that was not kept."""
    deaths = 0
    for seed in seeds:
        found = [play(case) for case in cases(root, seed)]
        deaths += sum(found)
        say(f"seed {seed}: {len(found)} commands, {sum(found)} deaths")
    return deaths
